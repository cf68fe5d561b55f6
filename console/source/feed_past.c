/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_past.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS       1000000000ull
#define ROUNDS   4u /* the last one is all that is kept */
#define WIDER    8u
#define WIDER_AT 4u /* where the next frame is looked for */

typedef void take_fn(void *arg, const struct frame_head *head, struct message_bytes bytes);

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t interval_of(const struct feed_past *p)
{
	return p->interval_ns ? p->interval_ns : NS;
}

/* Two frames of each host, and some room for one that came late. */
static uint64_t pair_span(const struct feed_past *p)
{
	return interval_of(p) * 9 / 4;
}

/* One question and its answer's frames. */
static int ask_once(struct feed_past *p, struct feed_request *q, take_fn *take, void *arg,
		    uint32_t *ret_n)
{
	struct feed_reply reply;
	bool restarted;
	int r;

	*ret_n = 0;
	if (p->wanted && !p->wanted(p->arg))
		return -ECANCELED;
	r = feed_client_ask(p->client, q, &reply, &restarted, p->timeout_ms);
	if (r < 0)
		return r;
	p->oldest_wall_ns = reply.oldest_wall_ns;
	for (uint32_t i = 0; i < reply.n_frames; i++) {
		struct frame_head head;

		if (frame_head_decode(&head, reply.frames[i].p, reply.frames[i].n) == 0)
			take(arg, &head, reply.frames[i]);
	}
	q->cursor = reply.cursor;
	*ret_n = reply.n_frames;
	return 0;
}

/* All frames of the range, in as many answers as it takes. */
static int ask_range(struct feed_past *p, struct feed_request *q, take_fn *take, void *arg)
{
	uint32_t n;
	int r;

	q->cursor = 0;
	do
		r = ask_once(p, q, take, arg, &n);
	while (!r && n && q->cursor && !(p->until_cursor && q->cursor >= p->until_cursor));
	return r;
}

/* ---- at ---- */

static void put(void *arg, const struct frame_head *head, struct message_bytes bytes)
{
	struct frame *f = frame_new(head, bytes.p, bytes.n);

	host_table_put(arg, head, f);
	frame_unref(f);
}

/* Ids of known hosts that were not found yet; of those without a frame before, only while
 * that is near.  Returns how many; their ids in list, which has room for all. */
static uint32_t list_missing(const struct host_table *known, const struct host_table *found,
			     bool with_before, char (*list)[HOST_ID_MAX + 1])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < known->n; i++) {
		const char *id = known->list[i].about.host_id;
		const struct host_entry *e = host_table_find(found, id);

		if (!e || !e->now || (with_before && !e->before))
			memcpy(list[n++], id, sizeof(*list));
	}
	return n;
}

int feed_past_since(struct feed_past *p, uint64_t wall_ns, struct host_table *into)
{
	struct feed_request q = {.from_wall_ns = minus(wall_ns, pair_span(p)),
				 .to_wall_ns = UINT64_MAX};

	return ask_range(p, &q, put, into);
}

int feed_past_at(struct feed_past *p, uint64_t wall_ns, const struct host_table *known,
		 struct host_table *into)
{
	uint64_t span = pair_span(p);
	struct feed_request q = {.from_wall_ns = minus(wall_ns, span), .to_wall_ns = wall_ns};
	int r = ask_range(p, &q, put, into);

	q.hosts = xcalloc(known->n ? known->n : 1, sizeof(*q.hosts));
	for (unsigned round = 1; !r && round < ROUNDS && q.from_wall_ns; round++) {
		q.n_hosts = list_missing(known, into, round == 1, q.hosts);
		if (!q.n_hosts)
			break;
		span *= WIDER;
		q.to_wall_ns = q.from_wall_ns - 1;
		q.from_wall_ns = round + 1 < ROUNDS ? minus(wall_ns, span) : 0;
		if (q.to_wall_ns < p->oldest_wall_ns)
			break;
		r = ask_range(p, &q, put, into);
	}
	free(q.hosts);
	return r;
}

/* ---- next ---- */

static void earliest(void *arg, const struct frame_head *head, struct message_bytes bytes)
{
	uint64_t *wall_ns = arg;

	(void)bytes;
	if (!*wall_ns || head->wall_ns < *wall_ns)
		*wall_ns = head->wall_ns;
}

int feed_past_next(struct feed_past *p, uint64_t wall_ns, uint64_t newest_wall_ns, uint64_t *ret)
{
	uint64_t span = 2 * interval_of(p), from = plus(wall_ns, 1);
	uint32_t n;
	int r = 0;

	*ret = 0;
	while (!r && !*ret && from <= newest_wall_ns) {
		/* One frame is given in any case, and is enough: the first that arrived. */
		struct feed_request q = {
			.from_wall_ns = from, .to_wall_ns = plus(from, span), .max_bytes = 1};

		r = ask_once(p, &q, earliest, ret, &n);
		from = plus(q.to_wall_ns, 1);
		span = plus(span, span * (WIDER_AT - 1));
		/* What is no longer kept needs no search. */
		if (from < p->oldest_wall_ns)
			from = p->oldest_wall_ns;
	}
	return r;
}

/* ---- series ---- */

static void append(void *arg, const struct frame_head *head, struct message_bytes bytes)
{
	struct frame *f = frame_new(head, bytes.p, bytes.n);

	frame_ring_add(arg, f);
	frame_unref(f);
}

int feed_past_series(struct feed_past *p, const char *host_id, uint64_t interval_ns,
		     uint64_t wall_ns, struct frame_ring *into)
{
	uint64_t each = interval_ns ? interval_ns : interval_of(p);
	uint64_t span = each > UINT64_MAX / FRAME_RING_MAX ? UINT64_MAX : each * into->keep_n;
	char host[1][HOST_ID_MAX + 1] = {""};
	struct feed_request q = {.from_wall_ns = minus(wall_ns, plus(span, span / 4)),
				 .to_wall_ns = wall_ns,
				 .hosts = host,
				 .n_hosts = 1};

	strncpy(host[0], host_id, HOST_ID_MAX);
	return ask_range(p, &q, append, into);
}
