/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that writes a spool's directory: frames as they come, the position at most
 * once a second, and the end of segments nobody needs.  It holds the lock only between
 * its writes.
 */
#include "clock.h"
#include "log.h"
#include "spool_internal.h"
#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS           1000000000ull
#define POSITION_NS  NS
#define RETRY_NS     NS
#define POSITION_MAX (1u << 20)

struct writer {
	struct spool *s;
	struct segment_name open; /* the segment it appends to */
	uint64_t last;            /* sequence in it; 0: none is open */
	uint64_t size;            /* of its file */
	uint64_t position_ns;     /* when the position was last written */
	uint64_t pushed_ns;
	uint64_t retry_ns; /* not before, after a failure */
	bool gap;          /* what was skipped must be in the position first */
};

struct job {
	struct frame *frame;
	struct segment_name segment;
	uint32_t offset; /* 0: begin the file */
};

static uint64_t segment_size(const struct spool *s)
{
	uint64_t n = s->size / SEGMENT_PARTS;

	return n < SEGMENT_LEAST ? SEGMENT_LEAST : n > SEGMENT_MOST ? SEGMENT_MOST : n;
}

static struct segment *find_segment(const struct spool *s, const struct segment_name *name)
{
	for (unsigned i = s->n_epochs; i; i--) {
		const struct epoch *e = s->epochs[i - 1];

		for (unsigned k = e->n_segments; e->number == name->epoch && k; k--)
			if (e->segments[k - 1].first == name->first)
				return &e->segments[k - 1];
	}
	return NULL;
}

/* ---- frames ---- */

/* The first frame that is not on disk, with the lock held. */
static bool next_job(struct writer *w, struct job *ret)
{
	struct spool *s = w->s;

	for (unsigned i = 0; i < s->n_epochs; i++) {
		struct epoch *e = s->epochs[i];
		uint64_t oldest = epoch_oldest(e), next = e->written + 1;
		bool fresh;

		if (next < oldest)
			next = oldest;
		if (!e->memory || next > e->newest)
			continue;
		ret->frame = frame_ref(epoch_entry(e, next)->frame);
		fresh = !w->last || w->open.epoch != e->number || w->last + 1 != next ||
			w->size >= segment_size(s) || !find_segment(s, &w->open);
		w->gap = fresh && e->written && next != e->written + 1;
		if (fresh) {
			w->open = (struct segment_name){e->number, next};
			epoch_add_segment(e, next, 0);
		}
		ret->segment = w->open;
		ret->offset = fresh ? 0 : 1;
		return true;
	}
	return false;
}

static struct epoch *piece_with(const struct spool *s, uint64_t number, uint64_t sequence)
{
	for (unsigned i = 0; i < s->n_epochs; i++) {
		struct epoch *e = s->epochs[i];

		if (e->number == number && e->used && sequence >= epoch_oldest(e) &&
		    sequence <= e->newest)
			return e;
	}
	return NULL;
}

/* A segment that never came to be. */
static void forget_segment(struct spool *s, const struct segment_name *name)
{
	for (unsigned i = 0; i < s->n_epochs; i++) {
		struct epoch *e = s->epochs[i];

		if (e->number == name->epoch && e->n_segments &&
		    e->segments[e->n_segments - 1].first == name->first &&
		    !e->segments[e->n_segments - 1].bytes)
			e->n_segments--;
	}
}

static void failed(struct writer *w, const char *what, int r)
{
	w->s->failing = r;
	w->retry_ns = clock_monotonic_ns() + RETRY_NS;
	log_once(LOG_WARNING, "spool-dir",
		 "%s: %s cannot be written: %s; samples are kept in memory only until it can",
		 w->s->path, what, strerror(-r));
}

static void worked(struct writer *w)
{
	if (!w->s->failing)
		return;
	w->s->failing = 0;
	log_over("spool-dir", "%s: can be written again", w->s->path);
}

static void write_one(struct writer *w, struct job *j)
{
	struct spool *s = w->s;
	struct frame *f = j->frame;
	bool fresh = !j->offset;
	struct segment *segment;
	struct epoch *e;
	uint32_t end = 0;
	int r;

	pthread_mutex_unlock(&s->lock);
	r = spool_dir_append(s->dir, &j->segment, f->bytes, f->size, &j->offset, &end);
	pthread_mutex_lock(&s->lock);
	if (r < 0) {
		if (fresh)
			forget_segment(s, &j->segment);
		if (fresh || r == -EIO)
			w->last = 0;
		failed(w, "it", r);
		frame_unref(f);
		return;
	}
	worked(w);
	segment = find_segment(s, &j->segment);
	e = piece_with(s, f->epoch, f->sequence);
	w->last = segment ? f->sequence : 0;
	w->size = end;
	if (segment) {
		s->file_bytes += end - segment->bytes;
		segment->bytes = end;
	}
	/* Meanwhile the frame may have gone, or, of a full spool, its file. */
	if (segment && e) {
		epoch_on_disk(e, f->sequence, j->offset);
		epoch_uncache(e, CACHE_BYTES);
		e->written = f->sequence;
	}
	frame_unref(f);
}

/* ---- position ---- */

static void position_text(const struct spool *s, struct buf *to)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "proxtop-spool 1\nlast %" PRIu64 "\nlost-epochs %" PRIu64 "\nlost %" PRIu64 "\n",
		 s->last_epoch, s->lost_epochs, s->lost_gone);
	buf_text(to, line);
	for (unsigned i = 0; i < s->n_epochs; i++) {
		const struct epoch *e = s->epochs[i];

		snprintf(line, sizeof(line),
			 "epoch %" PRIu64 " oldest %" PRIu64 " newest %" PRIu64
			 " committed %" PRIu64 " lost %" PRIu64 "\n",
			 e->number, epoch_oldest(e), e->newest, e->committed, e->lost);
		buf_text(to, line);
	}
}

/* The position first: what a file that is gone held must be known as committed or lost.
 * Only a full disk turns that round: the file's end is what makes room. */
static void write_position(struct writer *w)
{
	struct spool *s = w->s;
	struct segment_name *dead = s->dead;
	unsigned n_dead = s->n_dead;
	struct buf text;
	int r;

	s->dead = NULL;
	s->n_dead = 0;
	s->position_dirty = s->position_now = false;
	buf_init(&text, POSITION_MAX);
	position_text(s, &text);
	pthread_mutex_unlock(&s->lock);
	r = spool_dir_write_position(s->dir, &text);
	buf_fini(&text);
	for (unsigned i = 0; i < n_dead; i++)
		spool_dir_unlink(s->dir, &dead[i]);
	free(dead);
	pthread_mutex_lock(&s->lock);
	w->position_ns = clock_monotonic_ns();
	s->positions++;
	if (r < 0) {
		failed(w, "its position", r);
		s->position_dirty = true;
	}
	pthread_cond_broadcast(&s->done);
}

/* ---- the thread ---- */

static void wait_for_work(struct writer *w, bool pending)
{
	struct spool *s = w->s;
	uint64_t until = UINT64_MAX;

	if (s->position_dirty && w->position_ns + POSITION_NS < until)
		until = w->position_ns + POSITION_NS;
	if (pending && w->retry_ns < until)
		until = w->retry_ns;
	if (until == UINT64_MAX) {
		pthread_cond_wait(&s->work, &s->lock);
	} else {
		struct timespec t = {(time_t)(until / NS), (long)(until % NS)};

		pthread_cond_timedwait(&s->work, &s->lock, &t);
	}
}

static bool has_pending(const struct spool *s)
{
	for (unsigned i = 0; i < s->n_epochs; i++)
		if (s->epochs[i]->memory)
			return true;
	return false;
}

/* All that can be written now; how much that was. */
static unsigned write_pending(struct writer *w)
{
	struct spool *s = w->s;
	struct job j;
	unsigned n = 0;

	while (next_job(w, &j)) {
		if (w->gap)
			write_position(w);
		write_one(w, &j);
		pthread_cond_broadcast(&s->done);
		if (s->failing)
			break;
		n++;
	}
	return n;
}

static void push_out(struct writer *w)
{
	uint64_t now = clock_monotonic_ns();

	if (now - w->pushed_ns < NS)
		return;
	w->pushed_ns = now;
	pthread_mutex_unlock(&w->s->lock);
	spool_dir_push_out(w->s->dir);
	pthread_mutex_lock(&w->s->lock);
}

static void *run(void *arg)
{
	struct writer w = {.s = arg};
	struct spool *s = arg;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		bool may = !s->failing || clock_monotonic_ns() >= w.retry_ns || s->stop,
		     stop = s->stop;

		if (may && write_pending(&w)) {
			push_out(&w); /* lets go of the lock: look again */
			continue;
		}
		if (s->n_dead || s->position_now ||
		    (s->position_dirty &&
		     (stop || clock_monotonic_ns() - w.position_ns >= POSITION_NS))) {
			write_position(&w);
			if (!stop || !s->failing)
				continue;
		}
		if (stop)
			break;
		wait_for_work(&w, s->failing && has_pending(s));
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int spool_writer_start(struct spool *s)
{
	return thread_start(&s->thread, NULL, run, s);
}

void spool_writer_stop(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}

void spool_sync(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->dir) {
		uint64_t want = s->positions + 1;

		s->position_now = true;
		pthread_cond_signal(&s->work);
		while (s->positions < want)
			pthread_cond_wait(&s->done, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}
