/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>

struct target {
	struct delivery_target t;
	unsigned rooms;    /* __atomic: how often it was said that there is room */
	unsigned full_at;  /* __atomic: rooms + 1 when it was last found full; 0: never */
	unsigned left_out; /* __atomic: boolean */
};

struct delivery {
	unsigned n;
	uint64_t *missed; /* __atomic; by target, of all streams there ever were */
	struct target target[DELIVERY_TARGETS_MAX];
};

/* Sequences: put <= queued, done <= queued; what lies between put and queued was thinned
 * or passed over. */
struct position {
	uint64_t queued; /* nothing up to here is wanted any more */
	uint64_t put;    /* the last one handed over */
	uint64_t acked;  /* the last one of those that was done */
	uint64_t done;   /* everything up to here is done */
	uint64_t missed;
	struct frame *base; /* the last one taken */
};

struct delivery_stream {
	uint32_t number, host;
	bool begun; /* it is known where it starts */
	bool behind_turn;
	uint64_t top, committed;
	uint64_t *missed_all; /* delivery.missed */
	unsigned n;
	struct position at[];
};

struct delivery *delivery_new(void)
{
	struct delivery *d = xcalloc(1, sizeof(*d));

	d->missed = xcalloc(DELIVERY_TARGETS_MAX, sizeof(*d->missed));
	return d;
}

void delivery_free(struct delivery *d)
{
	if (d)
		free(d->missed);
	free(d);
}

int delivery_add(struct delivery *d, const struct delivery_target *t)
{
	if (d->n == DELIVERY_TARGETS_MAX)
		return -ENOSPC;
	d->target[d->n].t = *t;
	return (int)d->n++;
}

void delivery_room(struct delivery *d, unsigned target)
{
	__atomic_add_fetch(&d->target[target].rooms, 1, __ATOMIC_SEQ_CST);
}

void delivery_leave_out(struct delivery *d, unsigned target, bool out)
{
	__atomic_store_n(&d->target[target].left_out, out, __ATOMIC_RELAXED);
}

bool delivery_left_out(const struct delivery *d, unsigned target)
{
	const struct target *t = &d->target[target];

	return !t->t.required || __atomic_load_n(&t->left_out, __ATOMIC_RELAXED);
}

/* Room that is said while put() answers "full" must not be overlooked: what counts is
 * whether it was said since before that put(). */
static bool is_full(const struct target *t)
{
	return __atomic_load_n(&t->full_at, __ATOMIC_SEQ_CST) ==
	       __atomic_load_n(&t->rooms, __ATOMIC_SEQ_CST) + 1;
}

static bool put(struct target *t, const struct delivery_item *item)
{
	unsigned rooms = __atomic_load_n(&t->rooms, __ATOMIC_SEQ_CST);

	if (is_full(t))
		return false;
	if (t->t.put(t->t.arg, item))
		return true;
	__atomic_store_n(&t->full_at, rooms + 1, __ATOMIC_SEQ_CST);
	return false;
}

struct delivery_stream *delivery_stream_new(const struct delivery *d, uint32_t number,
					    uint32_t host)
{
	struct delivery_stream *st = xcalloc(1, sizeof(*st) + d->n * sizeof(st->at[0]));

	st->number = number;
	st->host = host;
	st->n = d->n;
	st->missed_all = d->missed;
	return st;
}

void delivery_stream_free(struct delivery_stream *st)
{
	if (!st)
		return;
	for (unsigned i = 0; i < st->n; i++)
		frame_unref(st->at[i].base);
	free(st);
}

static void settle(struct position *p)
{
	if (p->acked >= p->put)
		p->done = p->queued;
}

static void set_base(struct position *p, struct frame *f)
{
	frame_unref(p->base);
	p->base = frame_ref(f);
}

/* Everything up to sequence counts as delivered: what another receiver has committed. */
static void pass(struct delivery_stream *st, uint64_t sequence)
{
	for (unsigned i = 0; i < st->n; i++) {
		struct position *p = &st->at[i];

		if (p->queued >= sequence)
			continue;
		p->queued = sequence;
		settle(p);
	}
	if (st->top < sequence)
		st->top = sequence;
}

/* Where an unknown stream starts: at the base, if the sender still has it. */
static uint64_t start_of(const struct delivery_sender *s)
{
	if (s->committed && s->oldest <= s->committed)
		return s->committed;
	return s->oldest > s->committed ? s->oldest : s->committed + 1;
}

static void add_missed(struct delivery_stream *st, unsigned target, uint64_t n)
{
	st->at[target].missed += n;
	__atomic_add_fetch(&st->missed_all[target], n, __ATOMIC_RELAXED);
}

/* The targets that have not come as far as the sender's oldest frame miss what is gone. */
static void miss(struct delivery_stream *st, uint64_t oldest)
{
	for (unsigned i = 0; i < st->n; i++) {
		struct position *p = &st->at[i];

		if (p->queued + 1 >= oldest)
			continue;
		add_missed(st, i, oldest - 1 - p->queued);
		p->queued = oldest - 1;
		settle(p);
	}
}

uint64_t delivery_sender_has(struct delivery_stream *st, const struct delivery_sender *s)
{
	uint64_t lost = 0;

	if (!s->newest)
		return 0;
	if (s->committed > st->top || !st->begun) {
		/* Its base is still to come, as the first frame: one before it is passed. */
		uint64_t start = start_of(s);

		if (start > s->committed + 1)
			lost = start - s->committed - 1;
		pass(st, s->committed);
		if (start == s->committed && st->top == start)
			st->top = start - 1;
		st->begun = true;
		if (s->committed > st->committed)
			st->committed = s->committed;
	}
	if (s->oldest > st->top + 1) {
		if (!lost)
			lost = s->oldest - st->top - 1;
		st->top = s->oldest - 1;
	}
	miss(st, s->oldest);
	return lost;
}

bool delivery_wants(const struct delivery *d, const struct delivery_stream *st, uint64_t sequence)
{
	if (sequence == st->top + 1)
		return true;
	for (unsigned i = 0; i < st->n; i++)
		if (sequence == st->at[i].queued + 1 && !is_full(&d->target[i]))
			return sequence <= st->top;
	return false;
}

static bool is_thinned(const struct target *t, const struct position *p, const struct frame *f)
{
	return t->t.interval_ns && p->base &&
	       p->base->wall_ns / t->t.interval_ns == f->wall_ns / t->t.interval_ns;
}

static void offer(struct target *t, struct delivery_stream *st, struct position *p, struct frame *f)
{
	struct delivery_item item = {
		.before = p->base, .now = f, .stream = st->number, .host = st->host};

	if (f->sequence != p->queued + 1)
		return;
	if (!is_thinned(t, p, f)) {
		if (!put(t, &item))
			return;
		p->put = f->sequence;
		set_base(p, f);
	}
	p->queued = f->sequence;
	settle(p);
}

bool delivery_take(struct delivery *d, struct delivery_stream *st, struct frame *f, bool *ret_fresh)
{
	*ret_fresh = false;
	if (f->sequence > st->top + 1)
		return false;
	if (f->sequence == st->top + 1) {
		st->top = f->sequence;
		*ret_fresh = true;
	}
	for (unsigned i = 0; i < st->n; i++) {
		struct position *p = &st->at[i];

		/* What is committed and was not delivered from here: the base of the next. */
		if (f->sequence <= st->committed && f->sequence == p->queued && !p->base)
			set_base(p, f);
		offer(&d->target[i], st, p, f);
	}
	return true;
}

void delivery_pass_over(struct delivery_stream *st, uint64_t sequence)
{
	for (unsigned i = 0; i < st->n; i++) {
		struct position *p = &st->at[i];

		if (p->queued + 1 != sequence)
			continue;
		add_missed(st, i, 1);
		p->queued = sequence;
		settle(p);
	}
	if (st->top + 1 == sequence)
		st->top = sequence;
}

void delivery_done(struct delivery_stream *st, unsigned target, uint64_t sequence)
{
	struct position *p = &st->at[target];

	if (sequence > p->put)
		sequence = p->put;
	if (sequence <= p->acked)
		return;
	p->acked = sequence;
	if (p->done < sequence)
		p->done = sequence;
	settle(p);
}

uint64_t delivery_top(const struct delivery_stream *st)
{
	return st->top;
}

uint64_t delivery_peek_next(const struct delivery_stream *st, const struct delivery_sender *s)
{
	if (!st || !st->begun || s->committed > st->top)
		return start_of(s);
	return s->oldest > st->top + 1 ? s->oldest : st->top + 1;
}

uint64_t delivery_next(const struct delivery *d, struct delivery_stream *st,
		       const struct delivery_sender *s)
{
	uint64_t live = st->top + 1, behind = live;

	if (!st->begun)
		return start_of(s);
	for (unsigned i = 0; i < st->n; i++)
		if (st->at[i].queued + 1 < behind && !is_full(&d->target[i]))
			behind = st->at[i].queued + 1;
	if (behind == live)
		return live;
	st->behind_turn = s->newest < live || !st->behind_turn;
	return st->behind_turn ? behind : live;
}

uint64_t delivery_committed(const struct delivery *d, struct delivery_stream *st)
{
	uint64_t least = st->top;

	for (unsigned i = 0; i < st->n; i++)
		if (!delivery_left_out(d, i) && st->at[i].done < least)
			least = st->at[i].done;
	if (st->begun && least > st->committed)
		st->committed = least;
	return st->committed;
}

bool delivery_busy(const struct delivery_stream *st)
{
	for (unsigned i = 0; i < st->n; i++)
		if (st->at[i].acked < st->at[i].put)
			return true;
	return false;
}

uint64_t delivery_missed(const struct delivery_stream *st, unsigned target)
{
	return st->at[target].missed;
}

uint64_t delivery_missed_all(const struct delivery *d, unsigned target)
{
	return __atomic_load_n(&d->missed[target], __ATOMIC_RELAXED);
}

uint64_t delivery_position(const struct delivery_stream *st, unsigned target)
{
	return st->at[target].done;
}
