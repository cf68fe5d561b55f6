/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This host, measured by a thread of its own.  The first sample is taken soon, so that there
 * is something to see, and a second one shortly after, so that there are rates; where the
 * hypervisors' first answers take longer, samples go on coming quickly until they are there.
 *
 * Each sample becomes a frame at once: what is kept, recorded and shown is the same bytes.
 */
#include "clock.h"
#include "desk.h"
#include "frame_maker.h"
#include "frame_ring.h"
#include "log.h"
#include "schedule.h"
#include "source_ops.h"
#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS       1000000000ull
#define FIRST_MS 150      /* how long the first sample waits for what is looked for */
#define QUICK_NS (NS / 5) /* between the first samples */
#define PAIR     2u       /* samples that rates need */
#define LOOK_MS  20
#define LOOK_NS  (2 * NS) /* how long it may take to find all */

struct local {
	struct console_source base;
	struct desk desk;
	struct measure *measure;
	pthread_t thread;
	bool started;
	void (*each)(void *arg, struct frame *f);
	void *each_arg;

	/* The thread's own, but for oldest and newest, which the desk's lock guards. */
	struct frame_maker maker;
	struct sample *sample;
	struct frame_ring ring;
	uint64_t oldest_wall_ns, newest_wall_ns;
	uint64_t at_wall_ns; /* of the last answer that was not live */
};

/* ---- moments ---- */

/* The one whose newest frame is the ring's (n - 1)th. */
static struct moment *make_moment(struct local *l, const struct desk_question *q, uint32_t n,
				  bool live)
{
	struct frame *now = n ? frame_ring_get(&l->ring, n - 1) : NULL;
	struct moment *m = moment_new();

	m->live = live;
	if (now)
		moment_add(m, NULL, now, n > 1 ? frame_ring_get(&l->ring, n - 2) : NULL,
			   live ? clock_wall_ns() : now->wall_ns);
	if (now && q->follow_n && !strcmp(m->hosts[0].about.host_id, q->follow)) {
		uint32_t have = n < q->follow_n ? n : q->follow_n;
		struct frame **list = xcalloc(have, sizeof(struct frame *));

		for (uint32_t i = 0; i < have; i++)
			list[i] = frame_ring_get(&l->ring, n - have + i);
		moment_series(m, q->follow, list, have);
		free(list);
	}
	return m;
}

/* How many frames there are up to where the question goes; the ring's ends bound it. */
static uint32_t find(const struct local *l, enum source_where where, uint64_t wall_ns)
{
	uint32_t n;

	switch (where) {
	case SOURCE_AT:
		n = frame_ring_count(&l->ring, wall_ns);
		break;
	case SOURCE_NEXT:
		n = frame_ring_count(&l->ring, wall_ns) + 1;
		break;
	case SOURCE_BEFORE:
		n = wall_ns ? frame_ring_count(&l->ring, wall_ns - 1) : 0;
		break;
	default:
		n = l->ring.n;
	}
	if (!n)
		n = 1;
	return n < l->ring.n ? n : l->ring.n;
}

static void answer_past(struct local *l, const struct desk_question *q, enum source_where where,
			uint64_t wall_ns)
{
	struct moment *m = make_moment(l, q, find(l, where, wall_ns), false);

	l->at_wall_ns = m->wall_ns;
	desk_answer(&l->desk, q, m);
}

static void answer_live(struct local *l, const struct desk_question *q)
{
	desk_answer(&l->desk, q, make_moment(l, q, l->ring.n, true));
}

/* ---- samples ---- */

static void take(struct local *l, const struct desk_question *q)
{
	struct frame *f;

	measure_sample(l->measure, l->sample);
	l->maker.head.interval_ns = q->interval_ns;
	f = frame_maker_make(&l->maker, l->sample);
	if (!f)
		return;
	frame_ring_add(&l->ring, f);
	pthread_mutex_lock(&l->desk.lock);
	l->oldest_wall_ns = frame_ring_get(&l->ring, 0)->wall_ns;
	l->newest_wall_ns = f->wall_ns;
	pthread_mutex_unlock(&l->desk.lock);
	if (l->each)
		l->each(l->each_arg, f);
	frame_unref(f);
}

/* Has all been found by then? */
static bool ready_within(struct local *l, int ms)
{
	uint64_t began = clock_monotonic_ns();

	measure_ready(l->measure, ms);
	return clock_monotonic_ns() - began < (uint64_t)ms * (NS / 1000);
}

struct pace {
	uint64_t look_until;
	bool looking;        /* not everything has been found yet */
	unsigned quick_left; /* samples that come quickly once it has */
	uint64_t first, last, due;
};

static void set_due(struct pace *p, uint64_t interval_ns)
{
	if (p->looking || p->quick_left)
		p->due = p->last + QUICK_NS;
	else
		p->due = schedule_next(p->first, interval_ns, p->last);
}

/* A sample was taken. */
static void went_on(struct local *l, struct pace *p, uint64_t interval_ns)
{
	p->last = clock_monotonic_ns();
	/* The interval's samples count from the last quick one. */
	if (p->looking || p->quick_left)
		p->first = p->last;
	if (p->looking) {
		p->looking = p->last < p->look_until && !ready_within(l, LOOK_MS);
		p->quick_left = p->looking ? 0 : PAIR;
	} else if (p->quick_left) {
		p->quick_left--;
	}
	set_due(p, interval_ns);
}

static void begin(struct local *l, struct pace *p)
{
	bool ready = ready_within(l, FIRST_MS);
	uint64_t now = clock_monotonic_ns();

	*p = (struct pace){.look_until = now + LOOK_NS,
			   .looking = !ready,
			   .quick_left = ready ? PAIR : 0,
			   .first = now,
			   .last = now,
			   .due = now};
}

static void changed(struct local *l, struct pace *p, const struct desk_question *q,
		    const struct desk_question *old)
{
	if (q->interval_ns != old->interval_ns) {
		p->first = p->last;
		set_due(p, q->interval_ns);
	}
	if (q->number == old->number && q->follow_number == old->follow_number)
		return;
	if (q->where == SOURCE_LIVE)
		answer_live(l, q);
	else if (q->number != old->number)
		answer_past(l, q, q->where, q->wall_ns);
	else
		answer_past(l, q, SOURCE_AT, l->at_wall_ns);
}

static void *run(void *arg)
{
	struct local *l = arg;
	struct desk_question q = {0}, old;
	struct pace pace;

	desk_wait(&l->desk, &q, 0);
	begin(l, &pace);
	while (!q.stop) {
		if (clock_monotonic_ns() >= pace.due) {
			take(l, &q);
			if (q.where == SOURCE_LIVE)
				answer_live(l, &q);
			went_on(l, &pace, q.interval_ns);
		}
		old = q;
		if (desk_wait(&l->desk, &q, pace.due))
			changed(l, &pace, &q, &old);
	}
	return NULL;
}

/* ---- the console's side ---- */

static struct local *local_of(struct console_source *s)
{
	return (struct local *)s;
}

static int local_fd(const struct console_source *s)
{
	return ((const struct local *)s)->desk.fd;
}

static struct moment *local_take(struct console_source *s)
{
	return desk_take(&local_of(s)->desk);
}

static void local_go(struct console_source *s, enum source_where where, uint64_t wall_ns)
{
	struct local *l = local_of(s);

	desk_go(&l->desk, where, wall_ns);
	if (l->started)
		return;
	l->started = !thread_start(&l->thread, NULL, run, l);
	if (!l->started)
		log_error("no thread to measure with");
}

static void local_follow(struct console_source *s, const char *host_id, uint32_t n)
{
	desk_follow(&local_of(s)->desk, host_id, n);
}

static void local_set_interval(struct console_source *s, uint64_t interval_ns)
{
	desk_set_interval(&local_of(s)->desk, interval_ns);
}

static void local_on_frame(struct console_source *s, void (*each)(void *arg, struct frame *f),
			   void *arg)
{
	local_of(s)->each = each;
	local_of(s)->each_arg = arg;
}

static void local_status(struct console_source *s, struct source_status *ret)
{
	struct local *l = local_of(s);

	snprintf(ret->name, sizeof(ret->name), "this host");
	pthread_mutex_lock(&l->desk.lock);
	ret->oldest_wall_ns = l->oldest_wall_ns;
	ret->newest_wall_ns = l->newest_wall_ns;
	pthread_mutex_unlock(&l->desk.lock);
}

static void local_close(struct console_source *s)
{
	struct local *l = local_of(s);

	if (l->started) {
		desk_stop(&l->desk);
		pthread_join(l->thread, NULL);
	}
	measure_close(l->measure);
	frame_maker_fini(&l->maker);
	frame_ring_fini(&l->ring);
	sample_free(l->sample);
	desk_fini(&l->desk);
	free(l);
}

static const struct source_ops ops = {
	.close = local_close,
	.fd = local_fd,
	.take = local_take,
	.go = local_go,
	.follow = local_follow,
	.set_interval = local_set_interval,
	.on_frame = local_on_frame,
	.status = local_status,
};

int source_open_local(struct console_source **ret, const struct source_local_options *o, char *why,
		      size_t why_size)
{
	struct measure_options m = o->measure;
	struct local *l = xcalloc(1, sizeof(*l));
	int r = desk_init(&l->desk, o->interval_ns);

	if (r < 0) {
		snprintf(why, why_size, "no descriptor: %s", strerror(-r));
		free(l);
		return r;
	}
	m.verbose = true; /* what is not read now cannot be shown later */
	r = measure_open(&l->measure, &m);
	if (r < 0) {
		snprintf(why, why_size, "this host cannot be measured: %s", strerror(-r));
		desk_fini(&l->desk);
		free(l);
		return r;
	}
	l->base.ops = &ops;
	frame_maker_init(&l->maker, l->measure, o->interval_ns);
	frame_ring_init(&l->ring, o->keep_ns ? o->keep_ns : 1, o->keep_bytes, FRAME_RING_MAX);
	l->sample = sample_new();
	*ret = &l->base;
	return 0;
}
