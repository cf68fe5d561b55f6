/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording as a source.  Its thread has the reader, and is interrupted in what it does by
 * a newer question.  At the end of a file that somebody writes it looks for more.
 */
#include "clock.h"
#include "replay_answer.h"
#include "source_ops.h"
#include "thread_start.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND  UINT64_C(1000000000)
#define LOOK_NS SECOND /* blocks are written seconds apart */

struct replay {
	struct console_source base;
	struct desk desk;
	struct source_status status; /* under the desk's lock */
	pthread_t thread;
	bool started;

	struct replay_reader reader; /* the thread's, but for record_interrupt() */
};

static struct replay *replay_of(struct console_source *s)
{
	return (struct replay *)s;
}

/* ---- the thread ---- */

static void note_status(struct replay *p)
{
	bool grows = record_grows(p->reader.record);
	const char *damage = grows && !record_is_damaged(p->reader.record)
				     ? NULL
				     : record_damage(p->reader.record);
	struct record_span span;

	record_span(p->reader.record, &span);
	pthread_mutex_lock(&p->desk.lock);
	p->status.oldest_wall_ns = span.from_wall_ns;
	p->status.newest_wall_ns = span.to_wall_ns;
	p->status.grows = grows;
	snprintf(p->status.error, sizeof(p->status.error), "%s", damage ? damage : "");
	pthread_mutex_unlock(&p->desk.lock);
}

static void answer(struct replay *p, const struct desk_question *q)
{
	struct moment *m;

	do {
		/* What came until now is looked at below, what comes later interrupts. */
		record_interrupt(p->reader.record, false);
		if (desk_replaced(&p->desk, q))
			return;
		m = replay_answer(&p->reader, q);
	} while (!m);
	note_status(p);
	desk_answer(&p->desk, q, m);
}

/* Nothing was asked: is there more at the end? */
static void look(struct replay *p, const struct desk_question *q)
{
	if (record_grow(p->reader.record))
		answer(p, q);
	else
		note_status(p); /* it may have been closed */
}

static void *run(void *arg)
{
	struct replay *p = arg;
	struct desk_question q = {0}, old = {0};

	for (;;) {
		bool at_end =
			old.number && old.where == SOURCE_LIVE && record_grows(p->reader.record);

		desk_wait(&p->desk, &q, at_end ? clock_monotonic_ns() + LOOK_NS : UINT64_MAX);
		if (q.stop)
			return NULL;
		/* With another series, what is shown is given again. */
		if (q.number && (q.number != old.number || q.follow_number != old.follow_number))
			answer(p, &q);
		else if (at_end)
			look(p, &q);
		old = q;
	}
}

/* ---- what the console calls ---- */

static void replay_go(struct console_source *s, enum source_where where, uint64_t wall_ns)
{
	struct replay *p = replay_of(s);

	desk_go(&p->desk, where, wall_ns);
	if (!p->started)
		p->started = !thread_start(&p->thread, NULL, run, p);
	else
		record_interrupt(p->reader.record, true);
}

static void replay_follow(struct console_source *s, const char *host_id, uint32_t n)
{
	struct desk *d = &replay_of(s)->desk;
	bool same;

	pthread_mutex_lock(&d->lock);
	if (n > SOURCE_FOLLOW_MAX)
		n = SOURCE_FOLLOW_MAX;
	same = d->q.follow_n == (host_id ? n : 0) && !strcmp(d->q.follow, host_id ? host_id : "");
	pthread_mutex_unlock(&d->lock);
	if (!same)
		desk_follow(d, host_id, n);
}

static struct moment *replay_take(struct console_source *s)
{
	return desk_take(&replay_of(s)->desk);
}

static int replay_fd(const struct console_source *s)
{
	return ((const struct replay *)s)->desk.fd;
}

/* A recording's moments are where they are. */
static void replay_set_interval(struct console_source *s, uint64_t interval_ns)
{
	(void)s;
	(void)interval_ns;
}

/* Nothing arrives here: who prints or copies a recording reads it himself (loop_replay.c). */
static void replay_on_frame(struct console_source *s, void (*each)(void *arg, struct frame *f),
			    void *arg)
{
	(void)s;
	(void)each;
	(void)arg;
}

static void replay_status(struct console_source *s, struct source_status *ret)
{
	struct replay *p = replay_of(s);

	pthread_mutex_lock(&p->desk.lock);
	*ret = p->status;
	pthread_mutex_unlock(&p->desk.lock);
}

/* ---- its life ---- */

static void replay_close(struct console_source *s)
{
	struct replay *p = replay_of(s);

	desk_stop(&p->desk);
	record_interrupt(p->reader.record, true);
	if (p->started)
		pthread_join(p->thread, NULL);
	replay_series_fini(&p->reader.series);
	record_reader_close(p->reader.record);
	desk_fini(&p->desk);
	free(p);
}

static const struct source_ops replay_ops = {
	.close = replay_close,
	.fd = replay_fd,
	.take = replay_take,
	.go = replay_go,
	.follow = replay_follow,
	.set_interval = replay_set_interval,
	.on_frame = replay_on_frame,
	.status = replay_status,
};

int source_open_replay(struct console_source **ret, const struct source_replay_options *o,
		       char *why, size_t why_size)
{
	struct record_reader *record;
	struct replay *p;
	int r = record_open_until(&record, o->path, o->stop, o->stop_arg, why, why_size);

	if (r < 0)
		return r;
	p = xcalloc(1, sizeof(*p));
	r = desk_init(&p->desk, SECOND);
	if (r < 0) {
		snprintf(why, why_size, "%s: no eventfd: %s", o->path, strerrordesc_np(-r));
		record_reader_close(record);
		free(p);
		return r;
	}
	p->base.ops = &replay_ops;
	p->reader = (struct replay_reader){.record = record, .step_ns = SECOND / 2};
	p->status.replay = true;
	snprintf(p->status.name, sizeof(p->status.name), "%s", o->path);
	note_status(p);
	*ret = &p->base;
	return 0;
}
