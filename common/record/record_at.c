/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state at a time: of each host the newest frame until then and the one before it.
 *
 * Blocks are looked at from that time backwards, and only those that can have something
 * better than what was found: whose frames they hold is known without reading them.
 */
#include "record_reader.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MS        UINT64_C(1000000)
#define REACH_NS  (600 * UINT64_C(1000000000)) /* a host that was silent for so long is gone */
#define INTERVALS 3u                           /* and for so many of its intervals */

struct found {
	struct record_entry e;
	uint32_t block;
	struct frame *frame; /* NULL: not made yet, or not there */
	bool is;
};

struct state {
	struct found now, before;
	bool old, gone; /* a frame that is too old was seen; it is the newest one */
};

struct at {
	struct record_reader *r;
	uint64_t wall_ns;
	struct state *state; /* by host */
	size_t bytes;        /* of the frames that are held */
	uint32_t left_out;   /* frames, beyond the bound */
};

static uint64_t reach(uint32_t interval_ms)
{
	uint64_t ns = (uint64_t)INTERVALS * interval_ms * MS;

	return ns > REACH_NS ? ns : REACH_NS;
}

static void forget(struct at *q, struct found *f)
{
	if (f->frame)
		q->bytes -= f->frame->size;
	frame_unref(f->frame);
	*f = (struct found){.is = false};
}

/* ---- one frame ---- */

static bool is_newer(const struct record_entry *a, const struct record_entry *b)
{
	if (a->wall_ns != b->wall_ns)
		return a->wall_ns > b->wall_ns;
	return a->epoch != b->epoch ? a->epoch > b->epoch : a->sequence > b->sequence;
}

static bool goes_before(const struct record_entry *a, const struct record_entry *b)
{
	return a->epoch == b->epoch && a->sequence < b->sequence;
}

static void consider(struct at *q, const struct record_entry *e, uint32_t block)
{
	struct state *s = &q->state[e->host];
	uint64_t wall_ns = q->wall_ns;
	struct found it = {.e = *e, .block = block, .is = true};

	if (e->wall_ns > wall_ns || s->gone)
		return;
	if (!s->now.is && wall_ns - e->wall_ns > reach(e->interval_ms)) {
		s->old = true;
	} else if (!s->now.is) {
		s->now = it;
	} else if (is_newer(e, &s->now.e)) {
		forget(q, &s->before);
		if (goes_before(&s->now.e, e))
			s->before = s->now;
		else
			forget(q, &s->now);
		s->now = it;
	} else if (goes_before(e, &s->now.e) &&
		   (!s->before.is || e->sequence > s->before.e.sequence)) {
		forget(q, &s->before);
		s->before = it;
	}
}

/* ---- one block ---- */

/* Could a frame of this block be better than what s has?  near: its newest is within reach. */
static bool may_add(const struct state *s, const struct record_block *b, uint64_t wall_ns,
		    bool near)
{
	uint64_t to = b->to_wall_ns < wall_ns ? b->to_wall_ns : wall_ns;

	if (s->gone)
		return false;
	if (!s->now.is || to > s->now.e.wall_ns)
		return near;
	if (!s->before.is)
		return s->now.e.sequence > 1;
	return s->before.e.sequence + 1 != s->now.e.sequence && to > s->before.e.wall_ns;
}

static bool is_wanted(const struct at *q, const struct record_block *b)
{
	const struct record_set *set = &q->r->index.set[b->set];
	uint64_t most = reach(b->longest_ms);
	uint64_t age = b->to_wall_ns < q->wall_ns ? q->wall_ns - b->to_wall_ns : 0;

	/* The frame before one within reach is so much older at most. */
	if (b->from_wall_ns > q->wall_ns || age / 2 > most)
		return false;
	for (uint32_t i = 0; i < set->n; i++)
		if (may_add(&q->state[set->host[i]], b, q->wall_ns, age <= most))
			return true;
	return false;
}

static void make_frame(struct at *q, const struct record_loaded *l, struct found *f)
{
	if (!f->is || f->frame || f->block != l->block)
		return;
	if (q->bytes + f->e.size > q->r->at_bytes) {
		q->left_out++;
		return;
	}
	f->frame = record_entry_frame(l, &f->e);
	q->bytes += f->frame ? f->frame->size : 0;
}

static void look_into(struct at *q, uint32_t block)
{
	const struct record_loaded *l = record_load(q->r, block);
	const struct record_set *set = &q->r->index.set[q->r->index.block[block].set];

	if (!l)
		return;
	/* Twice: what is passed over before the newest one is seen may be the one before it. */
	for (uint32_t k = 0; k < 2 * l->n; k++) {
		uint32_t i = k % l->n;

		consider(q, &l->entry[i], block);
	}
	for (uint32_t i = 0; i < set->n; i++) {
		struct state *s = &q->state[set->host[i]];

		make_frame(q, l, &s->now);
		make_frame(q, l, &s->before);
		/* What is in older blocks is older still. */
		s->gone = s->old && !s->now.is;
	}
}

/* ---- all of them ---- */

static void collect_all(struct at *q)
{
	for (uint32_t i = q->r->index.n_blocks; i; i--) {
		uint32_t block = q->r->order[i - 1];

		if (is_wanted(q, &q->r->index.block[block]))
			look_into(q, block);
	}
}

/* Once each: the next moment of the same file has hardly less. */
static void say_left_out(struct at *q, uint32_t hosts)
{
	struct record_reader *r = q->r;

	if (q->left_out && !r->said_large)
		record_note(r, "more than %zu MiB of samples at one time: %" PRIu32 " are left out",
			    r->at_bytes >> 20, q->left_out);
	if (hosts && !r->said_many)
		record_note(r, "more than %" PRIu32 " hosts at one time: %" PRIu32 " are left out",
			    r->at_hosts, hosts);
	r->said_large |= q->left_out > 0;
	r->said_many |= hosts > 0;
}

int record_at(struct record_reader *r, uint64_t wall_ns,
	      void (*each)(void *arg, struct frame *now, struct frame *before), void *arg)
{
	struct at q = {.r = r, .wall_ns = wall_ns};
	uint32_t found = 0;

	record_begin(r);
	q.state = xcalloc(r->index.hosts.n + 1, sizeof(*q.state));
	collect_all(&q);
	for (uint32_t i = 0; i < r->index.hosts.n; i++) {
		struct state *s = &q.state[i];

		if (s->now.frame && !record_is_interrupted(r) && found++ < r->at_hosts)
			each(arg, s->now.frame, s->before.frame);
		forget(&q, &s->now);
		forget(&q, &s->before);
	}
	say_left_out(&q, found > r->at_hosts ? found - r->at_hosts : 0);
	free(q.state);
	return record_is_interrupted(r) ? -ECANCELED : 0;
}

/* ---- one host's last frames ---- */

struct series {
	struct found *item; /* newest first */
	uint32_t n, room;
	bool full; /* with as many bytes as there may be */
};

static int newest_first(const void *a, const void *b)
{
	const struct record_entry *x = &((const struct found *)a)->e;
	const struct record_entry *y = &((const struct found *)b)->e;

	return is_newer(x, y) ? -1 : is_newer(y, x);
}

static void add(struct series *s, const struct record_loaded *l, const struct record_entry *e)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->item = xrealloc(s->item, s->room, sizeof(*s->item));
	}
	s->item[s->n++] = (struct found){.e = *e, .frame = record_entry_frame(l, e)};
}

/* In order, each once, at most so many. */
static void tidy(struct series *s, uint32_t most, size_t most_bytes)
{
	uint32_t kept = 0;
	size_t bytes = 0;

	if (s->n)
		qsort(s->item, s->n, sizeof(*s->item), newest_first);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct found *last = kept ? &s->item[kept - 1] : NULL;

		bytes += s->item[i].e.size;
		s->full |= bytes > most_bytes;
		if (kept == most || bytes > most_bytes ||
		    (last && last->e.epoch == s->item[i].e.epoch &&
		     last->e.sequence == s->item[i].e.sequence))
			frame_unref(s->item[i].frame);
		else
			s->item[kept++] = s->item[i];
	}
	s->n = kept;
}

static void collect(struct record_reader *r, uint32_t host, uint64_t wall_ns, uint32_t most,
		    struct series *s)
{
	for (uint32_t i = r->index.n_blocks; i; i--) {
		uint32_t block = r->order[i - 1];
		const struct record_block *b = &r->index.block[block];
		const struct record_loaded *l;

		if (b->from_wall_ns > wall_ns || !record_set_has(&r->index.set[b->set], host))
			continue;
		if (s->n && (s->n == most || s->full) &&
		    b->to_wall_ns < s->item[s->n - 1].e.wall_ns)
			break;
		l = record_load(r, block);
		for (uint32_t k = 0; l && k < l->n; k++)
			if (l->entry[k].host == host && l->entry[k].wall_ns <= wall_ns)
				add(s, l, &l->entry[k]);
		tidy(s, most, r->series_bytes);
	}
}

uint32_t record_series(struct record_reader *r, const char *host_id, uint64_t wall_ns,
		       struct frame **frames, uint32_t n)
{
	struct series s = {0};
	uint32_t host;

	record_begin(r);
	host = record_hosts_find(&r->index.hosts, host_id, strlen(host_id));
	if (host != RECORD_NO_HOST && n)
		collect(r, host, wall_ns, n, &s);
	for (uint32_t i = 0; i < s.n; i++)
		frames[i] = s.item[s.n - 1 - i].frame;
	free(s.item);
	return s.n;
}
