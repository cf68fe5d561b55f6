/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that makes a feed's moments.
 *
 * A live moment is made every interval, as soon as the frames of that time are there; when
 * none come it is made anyhow, a little later, so that ages go on.  For another time the feed
 * is asked, again and again until it answers or something else is wanted.
 */
#include "clock.h"
#include "feed_past.h"
#include "feed_source.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS           1000000000ull
#define EMPTY_NS     (NS / 4) /* without an answer so long there is a moment without hosts */
#define SETTLE_NS    (NS / 5) /* for the other hosts' frames of the same time */
#define GRACE_NS     (NS / 2) /* for frames that are late */
#define EARLY        20u      /* part of the interval by which frames may be early */
#define RETRY_NS     (NS / 2)
#define SERIES_BYTES ((size_t)64 << 20)

struct maker {
	struct feed *f;
	struct desk_question q;
	/* Live. */
	uint64_t last_ns; /* the last moment; 0: none yet */
	/* There was nothing new in it, or it was made at any time: the next frames show when
	 * theirs is. */
	bool idle;
	bool begun;         /* it had the bases of the first rates */
	uint64_t settle_ns; /* when the frames of this time began to come; 0: they have not */
	uint64_t series_ns; /* when the followed host's past is asked for (again); 0: it is there */
	/* Past. */
	uint64_t retry_ns; /* when the question is asked (again); 0: it is answered */
	enum source_where where;
	uint64_t wall_ns;
};

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- the past ---- */

static bool still_wanted(void *arg)
{
	struct maker *k = arg;

	return !desk_replaced(&k->f->desk, &k->q);
}

/* What is asked with, as the hosts are now; known: their ids. */
static struct feed_past past_of(struct maker *k, struct host_table *known, uint64_t *ret_newest)
{
	struct feed *f = k->f;
	struct feed_past p = {
		.client = f->past, .timeout_ms = ASK_MS, .wanted = still_wanted, .arg = k};

	pthread_mutex_lock(&f->desk.lock);
	p.interval_ns = feed_interval(f);
	p.oldest_wall_ns = f->oldest_wall_ns;
	*ret_newest = f->newest_wall_ns;
	for (uint32_t i = 0; known && i < f->hosts.n; i++)
		host_table_get(known, f->hosts.list[i].about.host_id);
	pthread_mutex_unlock(&f->desk.lock);
	return p;
}

/* Hosts that measure at one instant are a step: within this they are taken together. */
static uint64_t step_ns(const struct feed_past *p, const struct host_table *known)
{
	return known->n > 1 ? (p->interval_ns ? p->interval_ns : NS) / 4 : 0;
}

/* At which time is what is asked for? */
static int find_time(struct maker *k, struct feed_past *p, const struct host_table *known,
		     uint64_t newest, uint64_t *ret)
{
	uint64_t step = step_ns(p, known), next;
	int r;

	*ret = k->wall_ns;
	if (k->where == SOURCE_BEFORE)
		*ret = k->wall_ns > step ? k->wall_ns - step - 1 : 0;
	if (k->where == SOURCE_NEXT) {
		r = feed_past_next(p, k->wall_ns, newest, &next);
		if (r < 0)
			return r;
		*ret = next ? next + step : newest;
	}
	*ret = min_u64(*ret, newest);
	if (!*ret)
		*ret = 1; /* 0 is any time */
	return 0;
}

static int ask_at(struct feed_past *p, uint64_t wall_ns, const struct host_table *known,
		  struct host_table *into)
{
	int r = feed_past_at(p, wall_ns, known, into);

	/* Before all that is kept: its oldest end. */
	if (!r && !into->n && p->oldest_wall_ns)
		r = feed_past_at(p, p->oldest_wall_ns + step_ns(p, known), known, into);
	return r;
}

static int ask_series(struct maker *k, struct feed_past *p, uint64_t wall_ns, uint64_t interval_ns,
		      struct frame_ring *into)
{
	frame_ring_init(into, 0, SERIES_BYTES, k->q.follow_n);
	return feed_past_series(p, k->q.follow, interval_ns, wall_ns, into);
}

static void add_series(struct moment *m, const char *host, const struct frame_ring *ring,
		       uint32_t most)
{
	uint32_t n = (uint32_t)min_u64(ring->n, most);
	struct frame **list = xcalloc(n ? n : 1, sizeof(struct frame *));

	for (uint32_t i = 0; i < n; i++)
		list[i] = frame_ring_get(ring, ring->n - n + i);
	moment_series(m, host, list, n);
	free(list);
}

static int answer_past(struct maker *k)
{
	struct host_table known = {0}, found = {0};
	struct frame_ring series = {0};
	uint64_t newest, at = 0;
	struct feed_past p = past_of(k, &known, &newest);
	const struct host_entry *e = NULL;
	struct moment *m;
	/* Before anything has come there is no time to go to. */
	int r = newest ? find_time(k, &p, &known, newest, &at) : -EAGAIN;

	if (!r)
		r = ask_at(&p, at, &known, &found);
	if (!r && k->q.follow_n)
		e = host_table_find(&found, k->q.follow);
	if (e)
		r = ask_series(k, &p, at, e->about.interval_ns, &series);
	if (!r) {
		m = moment_new();
		host_table_moment(&found, m, 0, at);
		moment_sort(m);
		if (k->q.follow_n)
			add_series(m, k->q.follow, &series, series.n);
		/* Another host's series is added at this same time. */
		k->where = SOURCE_AT;
		k->wall_ns = m->n ? at : k->wall_ns;
		desk_answer(&k->f->desk, &k->q, m);
	}
	frame_ring_fini(&series);
	host_table_clear(&found);
	host_table_clear(&known);
	return r;
}

static void try_past(struct maker *k)
{
	struct feed *f = k->f;
	int r = answer_past(k);

	if (r == -ECANCELED)
		return;
	pthread_mutex_lock(&f->desk.lock);
	*f->past_error = '\0';
	if (r < 0 && r != -EAGAIN)
		feed_say_error(f, r, f->past_error, sizeof(f->past_error));
	pthread_mutex_unlock(&f->desk.lock);
	k->retry_ns = r < 0 ? clock_monotonic_ns() + RETRY_NS : 0;
}

/* ---- the followed host, live ---- */

/* From now on its frames are kept; those up to now are asked for. */
static void follow(struct maker *k)
{
	struct feed *f = k->f;

	pthread_mutex_lock(&f->desk.lock);
	frame_ring_fini(&f->series);
	frame_ring_init(&f->series, 0, SERIES_BYTES, k->q.follow_n);
	memcpy(f->series_host, k->q.follow, sizeof(f->series_host));
	pthread_mutex_unlock(&f->desk.lock);
	k->series_ns = k->q.follow_n ? 1 : 0;
}

/* Under the lock; false while it cannot be asked for. */
static bool followed_now(const struct feed *f, uint64_t *ret_wall, uint64_t *ret_interval)
{
	const struct host_entry *e = host_table_find(&f->hosts, f->series_host);

	if (!f->begun || *f->error || !e || !e->now)
		return false;
	*ret_wall = e->now->wall_ns;
	*ret_interval = e->about.interval_ns;
	return true;
}

static void ask_followed(struct maker *k)
{
	struct feed *f = k->f;
	struct frame_ring series = {0};
	uint64_t wall, interval, newest;
	struct feed_past p = past_of(k, NULL, &newest);
	bool there;

	pthread_mutex_lock(&f->desk.lock);
	there = followed_now(f, &wall, &interval);
	pthread_mutex_unlock(&f->desk.lock);
	there = there && !ask_series(k, &p, wall, interval, &series);
	k->series_ns = there ? 0 : clock_monotonic_ns() + RETRY_NS;
	if (there) {
		pthread_mutex_lock(&f->desk.lock);
		/* What came meanwhile goes behind. */
		for (uint32_t i = 0; i < f->series.n; i++)
			frame_ring_add(&series, frame_ring_get(&f->series, i));
		frame_ring_fini(&f->series);
		f->series = series;
		pthread_mutex_unlock(&f->desk.lock);
	} else {
		frame_ring_fini(&series);
	}
}

/* ---- live ---- */

static void answer_live(struct maker *k, bool now)
{
	struct feed *f = k->f;
	struct moment *m = moment_new();

	m->live = true;
	pthread_mutex_lock(&f->desk.lock);
	k->idle = now || !f->hosts.fresh || !k->begun;
	k->begun = f->begun;
	host_table_moment(&f->hosts, m, clock_monotonic_ns(), clock_wall_ns());
	if (k->q.follow_n)
		add_series(m, f->series_host, &f->series, k->q.follow_n);
	f->silent = 0;
	for (uint32_t i = 0; i < m->n; i++)
		f->silent += m->hosts[i].about.stale;
	pthread_mutex_unlock(&f->desk.lock);
	moment_sort(m);
	k->last_ns = clock_monotonic_ns();
	k->settle_ns = 0;
	desk_answer(&f->desk, &k->q, m);
}

/* When the next live moment is made, as things are now. */
static uint64_t live_due(struct maker *k)
{
	struct feed *f = k->f;
	uint64_t interval = k->q.interval_ns, due, late;
	uint64_t settle = min_u64(SETTLE_NS, interval / 4);

	pthread_mutex_lock(&f->desk.lock);
	if (f->begun && !k->begun) {
		due = 0;
	} else if (!k->last_ns) {
		due = f->opened_ns + EMPTY_NS;
	} else {
		due = k->idle ? k->last_ns : k->last_ns + interval - interval / EARLY;
		late = k->last_ns + interval + min_u64(GRACE_NS, interval / 2);
		if (!f->begun || !f->hosts.fresh || f->arrived_ns + settle < due) {
			due = late;
		} else {
			if (!k->settle_ns)
				k->settle_ns = f->arrived_ns;
			/* All that are expected are there: no need to wait for more. */
			if (f->hosts.fresh + f->silent < f->hosts.n)
				due = due > k->settle_ns + settle ? due : k->settle_ns + settle;
			due = min_u64(due, late);
		}
	}
	pthread_mutex_unlock(&f->desk.lock);
	return due;
}

static void live(struct maker *k, bool now)
{
	if (k->series_ns && clock_monotonic_ns() >= k->series_ns)
		ask_followed(k);
	if (now ? k->last_ns != 0 : clock_monotonic_ns() >= live_due(k))
		answer_live(k, now);
}

/* ---- the thread ---- */

static void changed(struct maker *k, const struct desk_question *old)
{
	bool went = k->q.number != old->number, other = k->q.follow_number != old->follow_number;

	if (went && k->q.where != SOURCE_LIVE) {
		k->where = k->q.where;
		k->wall_ns = k->q.wall_ns;
	}
	if (other)
		follow(k);
	if (k->q.where == SOURCE_LIVE)
		live(k, went || other);
	else if (went || other)
		k->retry_ns = 1;
}

static uint64_t next_due(struct maker *k)
{
	uint64_t due;

	if (k->q.where != SOURCE_LIVE)
		return k->retry_ns ? k->retry_ns : UINT64_MAX;
	due = live_due(k);
	return k->series_ns ? min_u64(due, k->series_ns) : due;
}

void *feed_make(void *arg)
{
	struct feed *f = arg;
	struct maker k = {.f = f};
	struct desk_question old;

	while (!k.q.stop) {
		old = k.q;
		if (desk_wait(&f->desk, &k.q, old.number ? next_due(&k) : UINT64_MAX))
			changed(&k, &old);
		else if (k.q.where == SOURCE_LIVE)
			live(&k, false);
		if (k.q.where != SOURCE_LIVE && k.retry_ns && clock_monotonic_ns() >= k.retry_ns)
			try_past(&k);
	}
	return NULL;
}
