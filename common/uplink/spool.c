/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include "log.h"
#include "spool_internal.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WRITE_WAIT_NS 100000000 /* how long a sample waits for the disk */

int spool_open(struct spool **ret, const struct spool_options *o, char *why, size_t why_size)
{
	struct spool *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t monotonic;
	int r = 0;

	s->refs = 1;
	s->size = o->size;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->work, &monotonic);
	pthread_cond_init(&s->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (o->dir) {
		s->path = xstrdup(o->dir);
		r = spool_dir_open(&s->dir, o->dir, why, why_size);
		if (!r)
			r = spool_load(s, why, why_size);
		if (!r && (r = spool_writer_start(s)) < 0)
			snprintf(why, why_size, "%s: no thread: %s", o->dir, strerror(-r));
		if (r < 0) {
			spool_dir_close(s->dir);
			s->dir = NULL;
			spool_close(s);
			return r;
		}
	}
	*ret = s;
	return 0;
}

struct spool *spool_ref(struct spool *s)
{
	__atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void spool_close(struct spool *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	if (s->dir)
		spool_writer_stop(s);
	spool_dir_close(s->dir);
	for (unsigned i = 0; i < s->n_epochs; i++)
		epoch_free(s->epochs[i]);
	free(s->epochs);
	free(s->dead);
	free(s->path);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->done);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

uint64_t spool_new_epoch(struct spool *s, uint64_t wall_ns)
{
	uint64_t epoch = wall_ns / 1000;

	pthread_mutex_lock(&s->lock);
	if (epoch <= s->last_epoch)
		epoch = s->last_epoch + 1;
	s->last_epoch = epoch;
	s->position_dirty = true;
	pthread_mutex_unlock(&s->lock);
	return epoch;
}

/* The thread has it on disk, or has said why not, or is too slow. */
static void wait_written(struct spool *s, uint64_t number, uint64_t sequence)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WRITE_WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	for (;;) {
		const struct epoch *e = spool_last_piece(s, number);

		if (!e || e->written >= sequence || s->failing)
			return;
		if (pthread_cond_timedwait(&s->done, &s->lock, &until))
			return;
	}
}

void spool_add(struct spool *s, struct frame *f)
{
	struct frame_head head;
	struct epoch *e;

	pthread_mutex_lock(&s->lock);
	e = spool_last_piece(s, f->epoch);
	if (e && f->sequence <= e->newest) {
		log_once(LOG_ERROR, "spool-order", "a sample that came twice is left out");
		frame_unref(f);
		pthread_mutex_unlock(&s->lock);
		return;
	}
	if (!e || f->sequence != e->newest + 1)
		e = spool_add_piece(s, f->epoch);
	if (!e->head.sequence && frame_head_decode(&head, f->bytes, f->size) == 0)
		e->head = head;
	epoch_push(e, f->sequence, f, f->size, NOT_ON_DISK);
	spool_make_room(s);
	if (s->dir) {
		pthread_cond_signal(&s->work);
		wait_written(s, f->epoch, f->sequence);
	}
	pthread_mutex_unlock(&s->lock);
}

unsigned spool_states(struct spool *s, struct spool_state *ret, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_epochs; i++) {
		if (i && s->epochs[i - 1]->number == s->epochs[i]->number)
			continue;
		if (n < max)
			spool_fill_state(s, &ret[n], s->epochs[i]);
		n++;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void spool_stats(struct spool *s, struct spool_stats *ret)
{
	*ret = (struct spool_stats){0};
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_epochs; i++) {
		const struct epoch *e = s->epochs[i];
		uint64_t base = epoch_oldest(e) <= e->committed;

		ret->frames += e->used;
		ret->bytes += e->bytes;
		ret->uncommitted += e->used - (e->used ? base : 0);
	}
	ret->committed = s->committed;
	ret->lost = spool_lost(s);
	ret->lost_epochs = s->lost_epochs;
	ret->failing = s->failing != 0;
	pthread_mutex_unlock(&s->lock);
}

/* True when the piece is gone, and the next one's turn has come. */
static bool commit_piece(struct spool *s, struct epoch *e, uint64_t sequence)
{
	uint64_t oldest = epoch_oldest(e), before = e->committed;

	if (sequence > e->newest)
		sequence = e->newest;
	if (sequence > before) {
		/* What had been dropped before is not. */
		if (before + 1 < oldest)
			before = oldest - 1;
		s->committed += sequence > before ? sequence - before : 0;
		e->committed = sequence;
		s->position_dirty = true;
	}
	while (e->used > 1 && epoch_oldest(e) < e->committed)
		epoch_pop(e);
	spool_free_segments(s, e);
	if (!e->ended || e->committed < e->newest)
		return false;
	spool_remove_piece(s, e);
	return true;
}

static void say_empty(struct spool *s)
{
	if (!s->full_said || s->n_epochs > 1 || (s->n_epochs && s->epochs[0]->used > 1))
		return;
	s->full_said = false;
	log_over("spool-full", "the spool is empty again; %llu samples were dropped in all",
		 (unsigned long long)spool_lost(s));
}

void spool_commit(struct spool *s, uint64_t epoch, uint64_t sequence)
{
	struct epoch *e;

	pthread_mutex_lock(&s->lock);
	do
		e = spool_first_piece(s, epoch);
	while (e && commit_piece(s, e, sequence));
	if (s->dir)
		pthread_cond_signal(&s->work);
	say_empty(s);
	pthread_mutex_unlock(&s->lock);
}
