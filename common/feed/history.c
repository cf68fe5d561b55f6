/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring in the order of arrival, and each host's newest beside it.  What is evicted from
 * the ring while it is still its host's newest lives on there, with its number.
 */
#include "history.h"

#include "message.h"
#include "xalloc.h"

#include <pthread.h>
#include <stdlib.h>

struct kept {
	struct frame *frame; /* NULL: its host was forgotten */
	uint64_t arrived_ns;
	uint32_t host;
};

struct newest {
	struct frame *frame;
	uint64_t arrival;
};

struct history {
	pthread_mutex_t *lock; /* apart: readers hold the history const */
	struct history_options o;
	struct kept *ring;
	size_t first, used, room; /* room is a power of two */
	uint64_t arrived;         /* number of the last one */
	size_t bytes;             /* in the ring, without the newest of hosts */
	struct newest *newest;
	uint32_t n_hosts;
};

#define FIRST_ROOM 16u

struct history *history_new(const struct history_options *o)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->lock = xcalloc(1, sizeof(*h->lock));
	pthread_mutex_init(h->lock, NULL);
	h->o = *o;
	h->room = FIRST_ROOM;
	h->ring = xcalloc(h->room, sizeof(*h->ring));
	return h;
}

static struct kept *at(const struct history *h, size_t i)
{
	return &h->ring[(h->first + i) & (h->room - 1)];
}

static uint64_t number_of(const struct history *h, size_t i)
{
	return h->arrived - h->used + 1 + i;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->used; i++)
		frame_unref(at(h, i)->frame);
	for (uint32_t i = 0; i < h->n_hosts; i++)
		frame_unref(h->newest[i].frame);
	pthread_mutex_destroy(h->lock);
	free(h->lock);
	free(h->ring);
	free(h->newest);
	free(h);
}

static void set_room(struct history *h, size_t room)
{
	struct kept *ring = xcalloc(room, sizeof(*ring));

	for (size_t i = 0; i < h->used; i++)
		ring[i] = *at(h, i);
	free(h->ring);
	h->ring = ring;
	h->room = room;
	h->first = 0;
}

static bool is_newest(const struct history *h, size_t i)
{
	return h->newest[at(h, i)->host].arrival == number_of(h, i);
}

static void pop(struct history *h)
{
	struct kept *k = at(h, 0);

	if (k->frame && !is_newest(h, 0))
		h->bytes -= k->frame->size;
	frame_unref(k->frame);
	k->frame = NULL;
	h->first = (h->first + 1) & (h->room - 1);
	h->used--;
}

static void evict(struct history *h, uint64_t now_ns)
{
	while (h->used && (!at(h, 0)->frame || h->bytes > h->o.keep_bytes ||
			   now_ns - at(h, 0)->arrived_ns >= h->o.keep_ns))
		pop(h);
	/* The last memory of a burst goes back. */
	if (h->room > FIRST_ROOM && h->used < h->room / 8)
		set_room(h, h->room / 4);
}

static struct newest *newest_of(struct history *h, uint32_t host)
{
	uint32_t n = h->n_hosts ? h->n_hosts : 1;

	if (host < h->n_hosts)
		return &h->newest[host];
	while (n <= host)
		n *= 2;
	h->newest = xrealloc(h->newest, n, sizeof(*h->newest));
	for (uint32_t i = h->n_hosts; i < n; i++)
		h->newest[i] = (struct newest){0};
	h->n_hosts = n;
	return &h->newest[host];
}

void history_add(struct history *h, uint32_t host, struct frame *f, uint64_t now_ns)
{
	struct newest *n;

	if (host >= HISTORY_HOSTS_MAX)
		return;
	pthread_mutex_lock(h->lock);
	n = newest_of(h, host);
	/* The one that was newest counts from now on, if it is in the ring. */
	if (n->frame && n->arrival > h->arrived - h->used)
		h->bytes += n->frame->size;
	frame_unref(n->frame);
	if (h->used == h->room)
		set_room(h, h->room * 2);
	h->arrived++;
	h->used++;
	*at(h, h->used - 1) = (struct kept){frame_ref(f), now_ns, host};
	*n = (struct newest){frame_ref(f), h->arrived};
	evict(h, now_ns);
	pthread_mutex_unlock(h->lock);
}

void history_forget(struct history *h, uint32_t host)
{
	pthread_mutex_lock(h->lock);
	for (size_t i = 0; host < h->n_hosts && i < h->used; i++) {
		struct kept *k = at(h, i);

		if (!k->frame || k->host != host)
			continue;
		if (!is_newest(h, i))
			h->bytes -= k->frame->size;
		frame_unref(k->frame);
		k->frame = NULL;
	}
	if (host < h->n_hosts) {
		frame_unref(h->newest[host].frame);
		h->newest[host] = (struct newest){0};
	}
	pthread_mutex_unlock(h->lock);
}

struct frame *history_newest(const struct history *h, uint32_t host)
{
	struct frame *f = NULL;

	pthread_mutex_lock(h->lock);
	if (host < h->n_hosts && h->newest[host].frame)
		f = frame_ref(h->newest[host].frame);
	pthread_mutex_unlock(h->lock);
	return f;
}

void history_stats(const struct history *h, struct history_stats *ret)
{
	pthread_mutex_lock(h->lock);
	*ret = (struct history_stats){.arrived = h->arrived, .bytes = h->bytes};
	for (size_t i = 0; i < h->used; i++)
		ret->frames += at(h, i)->frame && !is_newest(h, i);
	for (uint32_t i = 0; i < h->n_hosts; i++) {
		if (!h->newest[i].frame)
			continue;
		ret->frames++;
		ret->bytes += h->newest[i].frame->size;
	}
	pthread_mutex_unlock(h->lock);
}

/* ---- reading ---- */

struct answer {
	const struct history_query *q;
	struct frame **frames;
	uint32_t *hosts;
	struct history_answer *ret;
	size_t bytes;
	bool full;
};

static bool wanted(const struct history_query *q, uint32_t host)
{
	return !q->wants || (host < q->n_wants && q->wants[host]);
}

static bool in_time(const struct history_query *q, const struct frame *f)
{
	return (!q->from_wall_ns && !q->to_wall_ns) ||
	       (f->wall_ns >= q->from_wall_ns && f->wall_ns <= q->to_wall_ns);
}

/* False when nothing more fits; the cursor then stays before this one. */
static bool give(struct answer *a, uint32_t host, struct frame *f, uint64_t arrival)
{
	struct history_answer *ret = a->ret;

	if (ret->n == a->q->max_frames || (ret->n && a->bytes + f->size > a->q->max_bytes)) {
		a->full = true;
		return false;
	}
	a->frames[ret->n] = frame_ref(f);
	if (a->hosts)
		a->hosts[ret->n] = host;
	ret->n++;
	a->bytes += f->size;
	ret->cursor = arrival;
	return true;
}

struct by_arrival {
	uint64_t arrival;
	uint32_t host;
};

static int compare_arrival(const void *a, const void *b)
{
	const struct by_arrival *x = a, *y = b;

	return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

/* The newest of the hosts where it arrived within (from, to], in that order. */
static bool give_newest(const struct history *h, struct answer *a, uint64_t from, uint64_t to)
{
	struct by_arrival *list = xcalloc(h->n_hosts ? h->n_hosts : 1, sizeof(*list));
	uint32_t n = 0;
	bool room = true;

	for (uint32_t i = 0; i < h->n_hosts; i++)
		if (h->newest[i].frame && h->newest[i].arrival > from &&
		    h->newest[i].arrival <= to && wanted(a->q, i) &&
		    in_time(a->q, h->newest[i].frame))
			list[n++] = (struct by_arrival){h->newest[i].arrival, i};
	qsort(list, n, sizeof(*list), compare_arrival);
	for (uint32_t i = 0; i < n && room; i++)
		room = give(a, list[i].host, h->newest[list[i].host].frame, list[i].arrival);
	free(list);
	return room;
}

/* Those in the ring, after `from`. */
static bool give_ring(const struct history *h, struct answer *a, uint64_t from)
{
	uint64_t before = h->arrived - h->used;

	for (size_t i = from > before ? (size_t)(from - before) : 0; i < h->used; i++) {
		const struct kept *k = at(h, i);

		if (k->frame && wanted(a->q, k->host) && in_time(a->q, k->frame) &&
		    !give(a, k->host, k->frame, number_of(h, i)))
			return false;
	}
	return true;
}

/* How many of (from, to] are gone, or are wanted and in the ring. */
static uint64_t count_passed(const struct history *h, const struct history_query *q, uint64_t from,
			     uint64_t to)
{
	uint64_t before = h->arrived - h->used, n = 0;

	if (from < before)
		n = (to < before ? to : before) - from;
	for (size_t i = from > before ? (size_t)(from - before) : 0;
	     i < h->used && number_of(h, i) <= to; i++) {
		const struct kept *k = at(h, i);

		n += k->frame && wanted(q, k->host) && in_time(q, k->frame);
	}
	return n;
}

static uint64_t oldest_wall(const struct history *h)
{
	uint64_t oldest = 0;

	for (size_t i = 0; i < h->used; i++)
		if (at(h, i)->frame)
			return at(h, i)->frame->wall_ns;
	for (uint32_t i = 0; i < h->n_hosts; i++)
		if (h->newest[i].frame && (!oldest || h->newest[i].frame->wall_ns < oldest))
			oldest = h->newest[i].frame->wall_ns;
	return oldest;
}

void history_get(const struct history *h, const struct history_query *q, struct frame **frames,
		 uint32_t *hosts, struct history_answer *ret)
{
	struct answer a = {.q = q, .frames = frames, .hosts = hosts, .ret = ret};
	bool live = q->cursor == FEED_LIVE;
	uint64_t from = live ? 0 : q->cursor, before;

	*ret = (struct history_answer){0};
	pthread_mutex_lock(h->lock);
	before = h->arrived - h->used;
	if (from > h->arrived)
		from = h->arrived; /* of another instance */
	ret->cursor = from;
	if (live || q->latest_only) {
		give_newest(h, &a, from, h->arrived);
	} else if (from >= before || give_newest(h, &a, from, before)) {
		give_ring(h, &a, from);
	}
	if (!a.full)
		ret->cursor = h->arrived;
	/* Who asks for all that is kept has missed nothing. */
	if (from) {
		uint64_t passed = count_passed(h, q, from, ret->cursor);

		ret->skipped = passed > ret->n ? passed - ret->n : 0;
	}
	ret->oldest_wall_ns = oldest_wall(h);
	pthread_mutex_unlock(h->lock);
}
