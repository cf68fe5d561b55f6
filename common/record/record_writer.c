/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: a queue, and the thread that makes blocks of what is in it.  Only the thread
 * has to do with the file and with the index.
 */
#include "clock.h"
#include "log.h"
#include "record.h"
#include "record_file.h"
#include "record_pack.h"
#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS             UINT64_C(1000000000)
#define FLUSH_NS       (30 * NS)
#define FIRST_FLUSH    NS /* a block of the beginning; later ones an eighth of what was recorded */
#define FLUSH_PARTS    8u
#define BLOCK_BYTES    (4u << 20)
#define QUEUE_BYTES    (64u << 20)
#define QUEUE_FRAMES   65536u
#define WRITING_FAILS  "record-write"
#define DISK_IS_SLOW   "record-queue"
#define TOO_MANY_HOSTS "record-hosts"
#define NO_SAMPLE      "record-sample"

struct queue {
	struct frame **frame;
	uint32_t n, room;
};

struct record_writer {
	char *path;
	uint64_t flush_ns, began_ns;
	size_t block_bytes;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t work;
	struct queue queue;
	size_t queued_bytes; /* of the queue, and of what the thread has taken but not packed */
	uint64_t left_out;   /* frames that found the queue full, since it was said last */
	struct record_stats stats;
	bool stop;

	/* the thread's */
	int fd;
	uint64_t end; /* of the file, behind the last whole block */
	struct record_index index;
	struct record_pack pack;
	uint64_t due_ns; /* when the block that is collected is closed; 0: there is none */
	uint32_t number;
};

/* ---- the queue ---- */

static void enqueue(struct queue *q, struct frame *f)
{
	if (q->n == q->room) {
		q->room = q->room ? 2 * q->room : 64;
		q->frame = xrealloc(q->frame, q->room, sizeof(*q->frame));
	}
	q->frame[q->n++] = frame_ref(f);
}

void record_add(struct record_writer *w, struct frame *f)
{
	bool full;

	pthread_mutex_lock(&w->lock);
	full = w->queue.n &&
	       (w->queue.n == QUEUE_FRAMES || w->queued_bytes + f->size > QUEUE_BYTES);
	if (full) {
		w->stats.dropped++;
		w->left_out++;
	} else {
		enqueue(&w->queue, f);
		w->queued_bytes += f->size;
		w->stats.frames++;
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	if (full)
		log_once(LOG_WARNING, DISK_IS_SLOW,
			 "%s: more arrives than can be written: samples are left out", w->path);
}

void record_stats(struct record_writer *w, struct record_stats *ret)
{
	pthread_mutex_lock(&w->lock);
	*ret = w->stats;
	ret->waiting = w->queued_bytes;
	pthread_mutex_unlock(&w->lock);
}

/* ---- blocks, in the thread ---- */

/* n frames that were counted as written are not. */
static void lose(struct record_writer *w, uint32_t n, int error)
{
	pthread_mutex_lock(&w->lock);
	w->stats.frames -= n;
	w->stats.dropped += n;
	if (error)
		w->stats.error = error;
	pthread_mutex_unlock(&w->lock);
}

static void failed(struct record_writer *w, uint32_t frames, int r)
{
	lose(w, frames, r);
	log_once(LOG_WARNING, WRITING_FAILS, "%s: cannot be written: %s; samples are left out",
		 w->path, strerrordesc_np(-r));
}

/* At the end that is known: what a failed write left behind it is overwritten. */
static int append(struct record_writer *w, const struct buf *b)
{
	int r = record_file_write(w->fd, b->data, b->used, w->end);

	if (r < 0)
		return r;
	w->end += b->used;
	pthread_mutex_lock(&w->lock);
	w->stats.bytes = w->end;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

static void close_block(struct record_writer *w)
{
	struct record_pack *p = &w->pack;
	uint64_t offset = w->end;
	int r;

	if (!p->block.frames)
		return;
	r = record_pack_finish(p, &w->index.hosts, w->number);
	if (r == 0)
		r = append(w, &p->out);
	if (r == 0) {
		p->block.offset = offset;
		record_index_add(&w->index, &p->block, p->host, p->block.hosts);
		w->number++;
		log_over(WRITING_FAILS, "%s: can be written again", w->path);
	} else {
		failed(w, p->block.frames, r);
	}
	record_pack_clear(p);
	w->due_ns = 0;
}

/* Blocks pack better when they are long, and a crash costs the one that is collected.  So a
 * recording that has just begun has short ones. */
static uint64_t patience(const struct record_writer *w, uint64_t now)
{
	uint64_t ns = (now - w->began_ns) / FLUSH_PARTS;

	if (ns < FIRST_FLUSH)
		ns = FIRST_FLUSH;
	return ns < w->flush_ns ? ns : w->flush_ns;
}

/* No fault of the file. */
static void refuse(struct record_writer *w, int r)
{
	lose(w, 1, 0);
	if (r == -ENOSPC)
		log_once(LOG_WARNING, TOO_MANY_HOSTS,
			 "%s: has %u hosts already: samples of others are left out", w->path,
			 RECORD_HOSTS_MAX);
	else
		log_once(LOG_WARNING, NO_SAMPLE, "%s: a sample that is unreadable is left out",
			 w->path);
}

static void pack(struct record_writer *w, const struct frame *f)
{
	int r = record_pack_add(&w->pack, &w->index.hosts, f);

	if (r < 0)
		refuse(w, r);
	else if (record_pack_is_full(&w->pack, w->block_bytes))
		close_block(w);
	else if (!w->due_ns) {
		uint64_t now = clock_monotonic_ns();

		w->due_ns = now + patience(w, now);
	}
}

static void pack_all(struct record_writer *w, struct queue *q)
{
	for (uint32_t i = 0; i < q->n; i++) {
		uint32_t size = q->frame[i]->size;

		pack(w, q->frame[i]);
		frame_unref(q->frame[i]);
		pthread_mutex_lock(&w->lock);
		w->queued_bytes -= size;
		pthread_mutex_unlock(&w->lock);
	}
	q->n = 0;
}

/* All that waited is looked at: does it keep up again? */
static void say_lull(struct record_writer *w)
{
	uint64_t left_out = 0;

	pthread_mutex_lock(&w->lock);
	if (!w->queue.n) {
		left_out = w->left_out;
		w->left_out = 0;
	}
	pthread_mutex_unlock(&w->lock);
	if (left_out)
		log_over(DISK_IS_SLOW,
			 "%s: can be written fast enough again; %" PRIu64 " samples are left out",
			 w->path, left_out);
}

/* ---- the end ---- */

static int write_index(struct record_writer *w)
{
	struct record_index_head head = {.offset = w->end};
	uint8_t bytes[RECORD_INDEX_HEAD] = {0}, trailer[RECORD_TRAILER];
	struct buf raw, out;
	int r;

	buf_init(&raw, RECORD_RAW_MAX);
	buf_init(&out, 3 * (size_t)RECORD_RAW_MAX);
	buf_put(&out, bytes, sizeof(bytes));
	r = record_index_put(&w->index, &raw);
	if (r == 0)
		r = record_pack_compress(w->pack.zstd, &out, &raw);
	if (r == 0) {
		head.data_bytes = (uint32_t)(out.used - sizeof(bytes));
		head.raw_bytes = (uint32_t)raw.used;
		record_index_head_put(bytes, &head);
		memcpy(out.data, bytes, sizeof(bytes));
		record_trailer_put(trailer, w->end, w->end + out.used + sizeof(trailer));
		buf_put(&out, trailer, sizeof(trailer));
		r = out.error ? out.error : append(w, &out);
	} else if (r == -EMSGSIZE) {
		r = 0; /* so many blocks have no index: who reads walks their heads */
	}
	buf_fini(&raw);
	buf_fini(&out);
	return r;
}

static void finish(struct record_writer *w)
{
	int r, cut;

	close_block(w);
	/* Without an index, which a full disk has no room for, it is a recording too. */
	r = write_index(w);
	cut = record_file_finish(w->fd, w->end);
	if (r < 0 || cut < 0)
		failed(w, 0, r < 0 ? r : cut);
	record_index_fini(&w->index);
}

/* ---- the thread ---- */

/* With the lock held: until there is something to do. */
static void wait_for_work(struct record_writer *w)
{
	struct timespec t = {(time_t)(w->due_ns / NS), (long)(w->due_ns % NS)};

	while (!w->queue.n && !w->stop) {
		if (!w->due_ns)
			pthread_cond_wait(&w->work, &w->lock);
		else if (pthread_cond_timedwait(&w->work, &w->lock, &t) == ETIMEDOUT)
			break;
	}
}

static void *run(void *arg)
{
	struct record_writer *w = arg;
	struct queue mine = {0};
	bool stop = false;

	while (!stop) {
		struct queue taken;

		pthread_mutex_lock(&w->lock);
		wait_for_work(w);
		stop = w->stop;
		taken = w->queue;
		w->queue = mine;
		mine = taken;
		pthread_mutex_unlock(&w->lock);
		pack_all(w, &mine);
		if (w->due_ns && clock_monotonic_ns() >= w->due_ns)
			close_block(w);
		say_lull(w);
	}
	free(mine.frame);
	finish(w);
	return NULL;
}

/* ---- its life ---- */

static int start(struct record_writer *w)
{
	pthread_condattr_t a;

	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, &a);
	pthread_condattr_destroy(&a);
	return thread_start(&w->thread, NULL, run, w);
}

static void drop(struct record_writer *w)
{
	for (uint32_t i = 0; i < w->queue.n; i++)
		frame_unref(w->queue.frame[i]);
	free(w->queue.frame);
	record_pack_fini(&w->pack);
	record_index_fini(&w->index);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	record_file_close(w->fd);
	free(w->path);
	free(w);
}

int record_create(struct record_writer **ret, const char *path,
		  const struct record_writer_options *o, char *why, size_t why_size)
{
	uint64_t flush = o->flush_ns ? o->flush_ns : FLUSH_NS;
	size_t bytes = o->block_bytes ? o->block_bytes : BLOCK_BYTES;
	struct record_writer *w;
	int fd = record_file_create(path, clock_wall_ns(), o->version ? o->version : "", why,
				    why_size);
	int r;

	if (fd < 0)
		return fd;
	w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(path);
	w->flush_ns = flush;
	w->block_bytes = bytes < RECORD_BLOCK_LIMIT ? bytes : RECORD_BLOCK_LIMIT;
	w->began_ns = clock_monotonic_ns();
	w->fd = fd;
	w->end = w->stats.bytes = RECORD_FILE_HEAD;
	record_pack_init(&w->pack);
	r = start(w);
	if (r < 0) {
		snprintf(why, why_size, "%s: no thread to write it: %s", path, strerrordesc_np(-r));
		drop(w);
		return r;
	}
	*ret = w;
	return 0;
}

int record_close(struct record_writer *w)
{
	int r;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	r = w->stats.error;
	if (w->stats.dropped) {
		if (!r)
			r = -ENOBUFS;
		log_warning("%s: %" PRIu64 " samples could not be recorded", w->path,
			    w->stats.dropped);
	}
	drop(w);
	return r;
}
