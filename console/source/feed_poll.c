/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that waits at the feed: from the newest of every host on, for ever.
 *
 * When the connection is lost it goes on at its cursor, and what came meanwhile is given, as
 * far as the feed kept it.  Another instance of the server knows nothing of the cursor: it
 * gives the newest of every host, or, where somebody wants every frame, all that it has; what
 * is known already is passed over.
 */
#include "clock.h"
#include "feed_past.h"
#include "feed_source.h"

#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS       1000000000ull
#define WAIT_MS  2000u /* how long the feed may have nothing new; a dead one is seen then */
#define LOST_MS  1000  /* for an answer while it is not reachable */
#define PAUSE_NS (NS / 4)
/* An answer of so many may be not all. */
#define MORE_FRAMES 1000u
#define MORE_BYTES  (3u << 20)
#define UNLISTED    3u /* answers without a stale host, until it is gone */

struct poll {
	struct feed *f;
	struct feed_request q;
	bool reached;
	bool more;           /* the answer was as large as they get: the next one is there */
	struct frame **news; /* to be handed over; room for an answer's */
	uint32_t n_news, room;
};

void feed_say_error(const struct feed *f, int error, char *to, size_t size)
{
	switch (error) {
	case -ETIMEDOUT:
		snprintf(to, size, "not reachable, or no answer; trying again");
		break;
	case -ECONNRESET:
		snprintf(to, size, "the connection was lost; trying again");
		break;
	case -EKEYREJECTED:
		snprintf(to, size, "%s",
			 f->keys ? "it has another key than --key-file, or none"
				 : "it wants a key: give its --key-file");
		break;
	case -EBADMSG:
	case -EPROTO:
		snprintf(to, size, "what answers there is no feed, or one of another version");
		break;
	default:
		snprintf(to, size, "%s; trying again", strerror(-error));
	}
}

uint64_t feed_interval(const struct feed *f)
{
	uint64_t shortest = 0;

	for (uint32_t i = 0; i < f->hosts.n; i++) {
		uint64_t own = f->hosts.list[i].about.interval_ns;

		if (own && (!shortest || own < shortest))
			shortest = own;
	}
	return shortest;
}

/* ---- what came (under the lock) ---- */

static void note_news(struct poll *p, struct frame *frame)
{
	if (!p->f->each)
		return;
	if (p->n_news == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->news = xrealloc(p->news, p->room, sizeof(struct frame *));
	}
	p->news[p->n_news++] = frame_ref(frame);
}

static void take_frame(struct poll *p, struct message_bytes bytes)
{
	struct feed *f = p->f;
	struct frame_head head;
	struct frame *frame;

	if (frame_head_decode(&head, bytes.p, bytes.n) < 0) {
		f->skipped++;
		return;
	}
	frame = frame_new(&head, bytes.p, bytes.n);
	switch (host_table_put(&f->hosts, &head, frame)) {
	case PUT_NEWEST:
		if (f->begun)
			note_news(p, frame);
		if (frame->wall_ns > f->newest_wall_ns)
			f->newest_wall_ns = frame->wall_ns;
		if (!strcmp(head.host_id, f->series_host))
			frame_ring_add(&f->series, frame);
		break;
	case PUT_FULL:
		f->skipped++;
		snprintf(f->error, sizeof(f->error),
			 "more than %u hosts or %zu MiB of samples at once: some are not shown",
			 HOST_TABLE_HOSTS, HOST_TABLE_BYTES >> 20);
		break;
	default:
		break;
	}
	frame_unref(frame);
}

struct unlisted {
	uint64_t now;
	bool all_are_told;
};

static bool is_gone(void *arg, struct host_entry *e)
{
	const struct unlisted *u = arg;

	if (e->told_ns == u->now)
		return false;
	e->unlisted = u->all_are_told || e->about.stale ? e->unlisted + 1 : 0;
	return e->unlisted >= UNLISTED;
}

/* A feed tells of stale hosts in every answer, and of all when it has no frames: who is left
 * out there is known there no more.  (One whose frames come with the next answer may be left
 * out once.) */
static void forget_unlisted(struct feed *f, const struct feed_reply *reply, uint64_t now)
{
	struct unlisted u = {now, !reply->n_frames};

	host_table_remove(&f->hosts, is_gone, &u);
}

static void take(struct poll *p, const struct feed_reply *reply)
{
	struct feed *f = p->f;
	uint64_t now = clock_monotonic_ns();

	pthread_mutex_lock(&f->desk.lock);
	*f->error = '\0';
	f->oldest_wall_ns = reply->oldest_wall_ns;
	f->skipped += reply->skipped;
	for (uint32_t i = 0; i < reply->n_hosts; i++)
		host_table_tell(&f->hosts, &reply->hosts[i], now);
	for (uint32_t i = 0; i < reply->n_frames; i++)
		take_frame(p, reply->frames[i]);
	forget_unlisted(f, reply, now);
	if (reply->n_frames)
		f->arrived_ns = now;
	pthread_mutex_unlock(&f->desk.lock);
	p->reached = true;
}

static void hand_over(struct poll *p)
{
	for (uint32_t i = 0; i < p->n_news; i++) {
		p->f->each(p->f->each_arg, p->news[i]);
		frame_unref(p->news[i]);
	}
	p->n_news = 0;
}

/* ---- the beginning ---- */

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Around when most hosts' newest frames were taken: one clock that is wrong changes nothing. */
static uint64_t median_wall(const struct host_table *t)
{
	uint64_t *list = xcalloc(t->n ? t->n : 1, sizeof(*list)), median;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (t->list[i].now)
			list[n++] = t->list[i].now->wall_ns;
	qsort(list, n, sizeof(*list), compare_u64);
	median = n ? list[n / 2] : 0;
	free(list);
	return median;
}

/* One that came before the first; newer ones come again, in their order. */
static void put_older(struct feed *f, struct frame *frame)
{
	struct frame_head head;
	const struct host_entry *e;

	if (!frame || frame_head_decode(&head, frame->bytes, frame->size) < 0)
		return;
	e = host_table_find(&f->hosts, head.host_id);
	if (e && e->now && frame_is_later(e->now, frame))
		host_table_put(&f->hosts, &head, frame);
}

/* The frames before the first ones, so that there are rates at once.  Without them (a feed
 * without a history) they come with the next frames. */
static void begin(struct poll *p)
{
	struct feed *f = p->f;
	/* What arrived since the first answer comes by itself: of a busy feed there is always more.
	 */
	struct feed_past past = {
		.client = f->live, .timeout_ms = ASK_MS, .until_cursor = p->q.cursor};
	struct host_table base = {0};
	uint64_t wall;

	pthread_mutex_lock(&f->desk.lock);
	past.interval_ns = feed_interval(f);
	wall = median_wall(&f->hosts);
	pthread_mutex_unlock(&f->desk.lock);
	if (wall)
		feed_past_since(&past, wall, &base);

	pthread_mutex_lock(&f->desk.lock);
	for (uint32_t i = 0; i < base.n; i++) {
		put_older(f, base.list[i].now);
		put_older(f, base.list[i].before);
	}
	for (uint32_t i = 0; i < f->hosts.n; i++) {
		if (f->hosts.list[i].before)
			note_news(p, f->hosts.list[i].before);
		if (f->hosts.list[i].now)
			note_news(p, f->hosts.list[i].now);
	}
	f->begun = true;
	pthread_mutex_unlock(&f->desk.lock);
	host_table_clear(&base);
}

/* ---- the thread ---- */

static bool stopped(struct feed *f)
{
	bool stop;

	pthread_mutex_lock(&f->desk.lock);
	stop = f->desk.q.stop;
	pthread_mutex_unlock(&f->desk.lock);
	return stop;
}

static void lost(struct poll *p, int error)
{
	struct feed *f = p->f;
	struct timespec until;
	uint64_t until_ns = clock_monotonic_ns() + PAUSE_NS;

	p->reached = false;
	until = (struct timespec){(time_t)(until_ns / NS), (long)(until_ns % NS)};
	pthread_mutex_lock(&f->desk.lock);
	feed_say_error(f, error, f->error, sizeof(f->error));
	while (!f->desk.q.stop && clock_monotonic_ns() < until_ns)
		pthread_cond_timedwait(&f->desk.wake, &f->desk.lock, &until);
	pthread_mutex_unlock(&f->desk.lock);
}

static size_t bytes_of(const struct feed_reply *reply)
{
	size_t n = 0;

	for (uint32_t i = 0; i < reply->n_frames; i++)
		n += reply->frames[i].n;
	return n;
}

/* One question; true when it was answered. */
static bool step(struct poll *p)
{
	struct feed *f = p->f;
	struct feed_reply reply;
	bool restarted;
	int r;

	p->q.wait_ms = f->begun ? WAIT_MS : 0;
	if (!p->reached)
		p->q.wait_ms = 0;
	r = feed_client_ask(f->live, &p->q, &reply, &restarted, p->reached ? ASK_MS : LOST_MS);
	if (r < 0) {
		lost(p, r);
		return false;
	}
	if (restarted && f->each && p->q.cursor) {
		p->q.cursor = 0; /* all that it has: nothing of it is to be missed */
		return true;
	}
	take(p, &reply);
	p->more = reply.n_frames >= MORE_FRAMES || bytes_of(&reply) >= MORE_BYTES;
	/* Who only looks need not go through all that came while it was not there. */
	p->q.latest_only = !f->each && reply.skipped + reply.n_frames > 2u * f->hosts.n + 64;
	p->q.cursor = reply.cursor;
	return true;
}

void *feed_poll(void *arg)
{
	struct feed *f = arg;
	struct poll p = {.f = f, .q = {.cursor = FEED_LIVE}};

	while (!stopped(f)) {
		if (!step(&p))
			continue;
		if (!f->begun && p.more)
			continue;
		if (!f->begun)
			begin(&p);
		hand_over(&p);
		desk_poke(&f->desk);
	}
	free(p.news);
	return NULL;
}
