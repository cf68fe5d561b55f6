/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: single rules first, then thousands of random schedules in which outputs fill,
 * die and recover, the receiver forgets everything, and messages are lost, late and doubled.
 */
#include "delivery.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S         UINT64_C(1000000000)
#define WALL      (UINT64_C(1790000000) * S)
#define QUEUE_MAX 64u

static struct frame *frame_of(uint64_t sequence)
{
	struct frame_head head = {.host_id = "h",
				  .host_name = "h",
				  .epoch = 7,
				  .sequence = sequence,
				  .boot_ns = sequence * S,
				  .wall_ns = WALL + sequence * S,
				  .interval_ns = S};

	return frame_new(&head, "x", 1);
}

/* ---- a target that remembers ---- */

struct fake {
	struct delivery *d;
	unsigned number, capacity, n;
	bool said_no, dead;
	uint64_t now[QUEUE_MAX], before[QUEUE_MAX]; /* sequences that wait; before 0: none */
	uint64_t last_before;
	uint64_t *got; /* how often, by sequence */
	uint64_t last; /* delivered in this run of the receiver */
	uint64_t last_seen;
	char wrong[256];
};

static bool fake_put(void *arg, const struct delivery_item *item)
{
	struct fake *f = arg;

	assert_int_equal(item->host, 0);
	if (f->n >= f->capacity) {
		f->said_no = true;
		return false;
	}
	f->now[f->n] = item->now->sequence;
	f->before[f->n++] = item->before ? item->before->sequence : 0;
	return true;
}

static void fake_add(struct fake *f, struct delivery *d, uint64_t interval_ns, bool required)
{
	struct delivery_target t = {
		.interval_ns = interval_ns, .required = required, .put = fake_put, .arg = f};

	f->d = d;
	f->number = (unsigned)delivery_add(d, &t);
	if (!f->capacity)
		f->capacity = QUEUE_MAX;
}

/* Takes the oldest one that waits; returns its sequence or 0. */
static uint64_t fake_step(struct fake *f)
{
	uint64_t sequence;

	if (!f->n)
		return 0;
	sequence = f->now[0];
	f->last_before = f->before[0];
	f->n--;
	memmove(f->now, f->now + 1, f->n * sizeof(*f->now));
	memmove(f->before, f->before + 1, f->n * sizeof(*f->before));
	if (f->said_no && f->n <= f->capacity / 2) {
		f->said_no = false;
		delivery_room(f->d, f->number);
	}
	return sequence;
}

/* Everything that waits is done. */
static uint64_t fake_finish(struct fake *f, struct delivery_stream *st)
{
	uint64_t sequence, last = 0;

	while ((sequence = fake_step(f)))
		last = sequence;
	if (last)
		delivery_done(st, f->number, last);
	return last;
}

static bool take(struct delivery *d, struct delivery_stream *st, uint64_t sequence)
{
	struct frame *f = frame_of(sequence);
	bool fresh;

	if (delivery_take(d, st, f, &fresh) != (sequence <= delivery_top(st)))
		fail_msg("%lu is taken although it is too far on, or is not", sequence);
	frame_unref(f);
	return fresh;
}

static void takes(struct delivery *d, struct delivery_stream *st, uint64_t from, uint64_t to)
{
	for (uint64_t s = from; s <= to; s++)
		take(d, st, s);
}

static struct delivery_sender has(uint64_t oldest, uint64_t newest, uint64_t committed)
{
	return (struct delivery_sender){.oldest = oldest, .newest = newest, .committed = committed};
}

/* ---- single rules ---- */

static void without_targets_all_is_committed(void **state)
{
	struct delivery *d = delivery_new();
	struct delivery_stream *st = delivery_stream_new(d, 0, 0);
	struct delivery_sender s = has(1, 3, 0);

	(void)state;
	assert_int_equal(delivery_sender_has(st, &s), 0);
	assert_int_equal(delivery_next(d, st, &s), 1);
	assert_true(delivery_wants(d, st, 1));
	assert_false(delivery_wants(d, st, 2));
	assert_true(take(d, st, 1));
	assert_false(take(d, st, 1));
	assert_false(take(d, st, 3));
	assert_int_equal(delivery_top(st), 1);
	assert_true(take(d, st, 2));
	assert_int_equal(delivery_committed(d, st), 2);
	assert_int_equal(delivery_next(d, st, &s), 3);
	delivery_stream_free(st);
	delivery_free(d);
}

static void an_unknown_stream_starts_at_its_base(void **state)
{
	static const struct {
		struct delivery_sender s;
		uint64_t next, lost;
	} cases[] = {
		{{.oldest = 1, .newest = 0, .committed = 0}, 1, 0},
		{{.oldest = 1, .newest = 9, .committed = 0}, 1, 0},
		{{.oldest = 5, .newest = 9, .committed = 5}, 5, 0},
		{{.oldest = 3, .newest = 9, .committed = 5}, 5, 0},
		{{.oldest = 6, .newest = 9, .committed = 5}, 6, 0},
		{{.oldest = 8, .newest = 9, .committed = 5}, 8, 2},
		{{.oldest = 4, .newest = 9, .committed = 0}, 4, 3},
		{{.oldest = 10, .newest = 9, .committed = 9}, 10, 0},
		{{.oldest = 9, .newest = 9, .committed = 9}, 9, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct delivery *d = delivery_new();
		struct delivery_stream *st;
		uint64_t next, lost, again;

		fake_add(&(struct fake){0}, d, 0, true);
		st = delivery_stream_new(d, 0, 0);
		next = delivery_peek_next(NULL, &cases[i].s);
		if (next != cases[i].next)
			fail_msg("case %zu: peek says %lu, not %lu", i, next, cases[i].next);
		lost = delivery_sender_has(st, &cases[i].s);
		again = delivery_sender_has(st, &cases[i].s);
		if (lost != cases[i].lost || again)
			fail_msg("case %zu: %lu lost, then %lu; not %lu, 0", i, lost, again,
				 cases[i].lost);
		next = delivery_next(d, st, &cases[i].s);
		if (next != cases[i].next)
			fail_msg("case %zu: next is %lu, not %lu", i, next, cases[i].next);
		if (delivery_committed(d, st) < cases[i].s.committed)
			fail_msg("case %zu: committed goes back", i);
		delivery_stream_free(st);
		delivery_free(d);
	}
}

static void the_base_is_not_delivered_again(void **state)
{
	struct delivery *d = delivery_new();
	struct fake f = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(5, 7, 5);

	(void)state;
	fake_add(&f, d, 0, true);
	st = delivery_stream_new(d, 3, 0);
	delivery_sender_has(st, &s);
	assert_true(delivery_wants(d, st, 5));
	assert_true(take(d, st, 5));
	assert_int_equal(f.n, 0);
	takes(d, st, 6, 7);
	assert_int_equal(fake_step(&f), 6);
	assert_int_equal(f.last_before, 5);
	assert_int_equal(fake_step(&f), 7);
	assert_int_equal(f.last_before, 6);
	assert_int_equal(delivery_committed(d, st), 5);
	assert_true(delivery_busy(st));
	delivery_done(st, f.number, 7);
	assert_int_equal(delivery_committed(d, st), 7);
	assert_false(delivery_busy(st));
	delivery_stream_free(st);
	delivery_free(d);
}

static void a_full_target_holds_nobody(void **state)
{
	struct delivery *d = delivery_new();
	struct fake slow = {.capacity = 2}, quick = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 6, 0);

	(void)state;
	fake_add(&slow, d, 0, true);
	fake_add(&quick, d, 0, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	takes(d, st, 1, 6);
	assert_int_equal(quick.n, 6);
	assert_int_equal(slow.n, 2);
	assert_int_equal(delivery_next(d, st, &s), 7);
	assert_int_equal(fake_finish(&quick, st), 6);
	assert_int_equal(delivery_committed(d, st), 0);
	assert_int_equal(fake_finish(&slow, st), 2);
	assert_int_equal(delivery_committed(d, st), 2);
	/* It has room again: back, and who is ahead ignores it. */
	assert_int_equal(delivery_next(d, st, &s), 3);
	assert_true(delivery_wants(d, st, 3));
	assert_false(delivery_wants(d, st, 4));
	assert_false(take(d, st, 3));
	assert_int_equal(quick.n, 0);
	assert_int_equal(fake_step(&slow), 3);
	assert_int_equal(slow.last_before, 2);
	/* With something new to be had, live and behind take turns. */
	s.newest = 9;
	for (int i = 0, live = 0; i < 6; i++) {
		live += delivery_next(d, st, &s) == 7;
		if (i == 5)
			assert_int_equal(live, 3);
	}
	delivery_stream_free(st);
	delivery_free(d);
}

static void room_that_is_said_early_is_not_overlooked(void **state)
{
	struct delivery *d = delivery_new();
	struct fake f = {.capacity = 1};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 9, 0);

	(void)state;
	fake_add(&f, d, 0, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	takes(d, st, 1, 9);
	for (uint64_t want = 1; want < 9; want++) {
		assert_int_equal(fake_step(&f), want);
		/* A second word does no harm. */
		delivery_room(d, f.number);
		assert_int_equal(delivery_next(d, st, &s), want + 1);
		takes(d, st, want + 1, 9);
		assert_int_equal(delivery_next(d, st, &s), 10);
	}
	delivery_stream_free(st);
	delivery_free(d);
}

static void an_interval_thins(void **state)
{
	struct delivery *d = delivery_new();
	struct fake f = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 60, 0);
	uint64_t want = 1;

	(void)state;
	fake_add(&f, d, 10 * S, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	takes(d, st, 1, 9);
	/* What is thinned is committed only with what was before it. */
	assert_int_equal(delivery_committed(d, st), 0);
	assert_int_equal(fake_step(&f), 1);
	delivery_done(st, 0, 1);
	assert_int_equal(delivery_committed(d, st), 9);
	takes(d, st, 10, 35);
	assert_int_equal(delivery_committed(d, st), 9);
	for (uint64_t sequence; (sequence = fake_step(&f)); want = sequence) {
		assert_int_equal(sequence, want / 10 * 10 + 10);
		assert_int_equal(f.last_before, want);
	}
	assert_int_equal(want, 30);
	delivery_done(st, 0, 20);
	assert_int_equal(delivery_committed(d, st), 20);
	delivery_done(st, 0, 30);
	assert_int_equal(delivery_committed(d, st), 35);
	delivery_stream_free(st);
	delivery_free(d);
}

static void who_is_left_out_holds_nothing(void **state)
{
	struct delivery *d = delivery_new();
	struct fake dead = {0}, optional = {0}, alive = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 20, 0);

	(void)state;
	fake_add(&dead, d, 0, true);
	fake_add(&optional, d, 0, false);
	fake_add(&alive, d, 0, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	takes(d, st, 1, 10);
	fake_finish(&alive, st);
	assert_int_equal(delivery_committed(d, st), 0);
	assert_false(delivery_left_out(d, dead.number));
	assert_true(delivery_left_out(d, optional.number));
	delivery_leave_out(d, dead.number, true);
	assert_int_equal(delivery_committed(d, st), 10);
	/* Back again: committed does not go back, and waits for it from now on. */
	delivery_leave_out(d, dead.number, false);
	takes(d, st, 11, 12);
	fake_finish(&alive, st);
	assert_int_equal(delivery_committed(d, st), 10);
	fake_finish(&dead, st);
	assert_int_equal(delivery_committed(d, st), 12);
	delivery_stream_free(st);
	delivery_free(d);
}

static void what_nobody_has_is_counted_and_passed_over(void **state)
{
	struct delivery *d = delivery_new();
	struct fake slow = {.capacity = 2}, quick = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 10, 0);

	(void)state;
	fake_add(&slow, d, 0, true);
	fake_add(&quick, d, 0, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	takes(d, st, 1, 10);
	fake_finish(&quick, st);
	/* The spool dropped 3 to 6, which only the slow one lacks, then 11 to 14. */
	s = has(7, 10, 0);
	assert_int_equal(delivery_sender_has(st, &s), 0);
	assert_int_equal(delivery_missed(st, slow.number), 4);
	assert_int_equal(delivery_missed(st, quick.number), 0);
	fake_finish(&slow, st);
	assert_int_equal(delivery_committed(d, st), 6);
	assert_int_equal(delivery_next(d, st, &s), 7);
	takes(d, st, 7, 8);
	s = has(15, 20, 0);
	assert_int_equal(delivery_sender_has(st, &s), 4);
	assert_int_equal(delivery_missed(st, slow.number), 4 + 6);
	assert_int_equal(delivery_missed(st, quick.number), 4);
	fake_finish(&slow, st);
	assert_int_equal(delivery_committed(d, st), 14);
	take(d, st, 15);
	assert_int_equal(fake_step(&quick), 15);
	assert_int_equal(quick.last_before, 10);
	assert_int_equal(fake_step(&slow), 15);
	assert_int_equal(slow.last_before, 8);
	/* A frame that is damaged. */
	delivery_pass_over(st, 16);
	assert_int_equal(delivery_top(st), 16);
	assert_int_equal(delivery_missed(st, quick.number), 5);
	delivery_done(st, slow.number, 15);
	delivery_done(st, quick.number, 15);
	assert_int_equal(delivery_committed(d, st), 16);
	/* All together, also when the stream is forgotten. */
	assert_int_equal(delivery_missed_all(d, slow.number), 11);
	delivery_stream_free(st);
	assert_int_equal(delivery_missed_all(d, slow.number), 11);
	assert_int_equal(delivery_missed_all(d, quick.number), 5);
	delivery_free(d);
}

static void another_receiver_has_committed_more(void **state)
{
	struct delivery *d = delivery_new();
	struct fake f = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 10, 0);

	(void)state;
	fake_add(&f, d, 0, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	takes(d, st, 1, 10);
	/* It went elsewhere and came back; 11 to 30 were committed there. */
	s = has(30, 40, 30);
	assert_int_equal(delivery_peek_next(st, &s), 30);
	assert_int_equal(delivery_sender_has(st, &s), 0);
	assert_int_equal(delivery_next(d, st, &s), 30);
	assert_int_equal(delivery_missed(st, f.number), 0);
	takes(d, st, 30, 32);
	assert_int_equal(delivery_committed(d, st), 30);
	for (uint64_t want = 1; want <= 10; want++)
		assert_int_equal(fake_step(&f), want);
	assert_int_equal(fake_step(&f), 31);
	delivery_done(st, f.number, 31);
	assert_int_equal(delivery_committed(d, st), 31);
	delivery_stream_free(st);
	delivery_free(d);
}

static void nonsense_from_a_target_does_no_harm(void **state)
{
	struct delivery *d = delivery_new();
	struct fake f = {0};
	struct delivery_stream *st;
	struct delivery_sender s = has(1, 10, 0);

	(void)state;
	fake_add(&f, d, 0, true);
	st = delivery_stream_new(d, 0, 0);
	delivery_sender_has(st, &s);
	delivery_done(st, 0, 5);
	assert_int_equal(delivery_committed(d, st), 0);
	takes(d, st, 1, 3);
	delivery_done(st, 0, UINT64_MAX);
	assert_int_equal(delivery_committed(d, st), 3);
	delivery_done(st, 0, 1);
	assert_int_equal(delivery_committed(d, st), 3);
	takes(d, st, 4, 4);
	assert_int_equal(delivery_committed(d, st), 3);
	for (unsigned i = 1; i < DELIVERY_TARGETS_MAX; i++)
		fake_add(&(struct fake){0}, d, 0, true);
	assert_int_equal(delivery_add(d, &(struct delivery_target){0}), -ENOSPC);
	delivery_stream_free(st);
	delivery_free(d);
}

/* ---- random schedules ---- */

#define TARGETS   3u
#define SENT_MAX  400u
#define STEPS     600u
#define SCHEDULES 3000u
#define IN_FLIGHT 4u

struct request {
	bool used;
	unsigned instance;
	struct delivery_sender s;
	uint64_t first, n;
};

struct world {
	uint64_t random;
	unsigned schedule, step;
	/* the sender */
	uint64_t oldest, newest, committed, next;
	unsigned instance_known;
	/* the receiver, and what is under way to it */
	unsigned instance;
	struct delivery *d;
	struct delivery_stream *st;
	struct request late[IN_FLIGHT];
	/* targets */
	struct fake fake[TARGETS];
	uint64_t got[TARGETS][SENT_MAX + 1];
	uint64_t unsaid[TARGETS]; /* done, but not yet reported */
	uint64_t ack;
	uint64_t gaps; /* that the third target has seen of this receiver */
};

static unsigned roll(struct world *w, unsigned sides)
{
	/* xorshift64, Marsaglia 2003 */
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)((w->random >> 11) % sides);
}

static void start_receiver(struct world *w)
{
	w->instance++;
	w->gaps = 0;
	w->ack = 0; /* what it had answered may never have been heard */
	w->d = delivery_new();
	for (unsigned i = 0; i < TARGETS; i++) {
		struct fake *f = &w->fake[i];

		*f = (struct fake){.capacity = 1 + roll(w, 12)};
		w->unsaid[i] = 0;
		/* Thinned: the second one in a third of the runs; the third is not required. */
		fake_add(f, w->d, i == 1 && w->schedule % 3 == 0 ? 5 * S : 0, i != 2);
	}
	w->st = NULL;
}

static void stop_receiver(struct world *w)
{
	delivery_stream_free(w->st);
	delivery_free(w->d);
	w->st = NULL;
}

static bool is_thinned_target(const struct world *w, unsigned i)
{
	return i == 1 && w->schedule % 3 == 0;
}

/* Everything up to sequence is at target i. */
static bool has_all(const struct world *w, unsigned i, uint64_t sequence)
{
	for (uint64_t s = 1; s <= sequence; s++)
		if (!w->got[i][s])
			return false;
	return true;
}

/* For each wall-clock bucket that begins up to sequence, something of it is there. */
static bool has_thinned(const struct world *w, unsigned i, uint64_t sequence)
{
	for (uint64_t bucket = 0; bucket * 5 <= sequence; bucket++) {
		bool some = false;

		for (uint64_t s = bucket * 5; s < bucket * 5 + 5 && s <= SENT_MAX; s++)
			some = some || (s && w->got[i][s]);
		if (!some && bucket * 5 + 4 <= sequence)
			return false;
	}
	return true;
}

static void check_committed(struct world *w, uint64_t committed)
{
	if (committed < w->ack)
		fail_msg("schedule %u step %u: committed goes back from %lu to %lu", w->schedule,
			 w->step, w->ack, committed);
	w->ack = committed;
	for (unsigned i = 0; i < 2; i++) {
		bool ok = is_thinned_target(w, i) ? has_thinned(w, i, committed)
						  : has_all(w, i, committed);

		if (!ok)
			fail_msg("schedule %u step %u: %lu is committed, target %u has not all",
				 w->schedule, w->step, committed, i);
	}
}

/* The receiver's side of one request; the reply may be lost. */
static void receive(struct world *w, const struct request *r, bool reply_arrives)
{
	uint64_t next, committed;

	if (r->instance != w->instance) {
		next = delivery_peek_next(w->st, &r->s);
		committed = r->s.committed;
	} else {
		if (!w->st)
			w->st = delivery_stream_new(w->d, 1, 0);
		if (delivery_sender_has(w->st, &r->s))
			fail_msg("schedule %u step %u: something is lost", w->schedule, w->step);
		for (uint64_t i = 0; i < r->n; i++)
			if (delivery_wants(w->d, w->st, r->first + i))
				take(w->d, w->st, r->first + i);
		next = delivery_next(w->d, w->st, &r->s);
		committed = delivery_committed(w->d, w->st);
		check_committed(w, committed);
	}
	if (!reply_arrives)
		return;
	w->instance_known = w->instance;
	w->next = next;
	if (committed > w->committed)
		w->committed = committed;
	/* The last committed one stays, the base. */
	if (w->committed > w->oldest)
		w->oldest = w->committed;
}

static void send_request(struct world *w)
{
	struct request r = {.used = true,
			    .instance = w->instance_known,
			    .s = has(w->oldest, w->newest, w->committed)};
	unsigned how = roll(w, 12);

	r.first = w->next < w->oldest ? w->oldest : w->next;
	if (r.first && r.first <= w->newest) {
		uint64_t most = 1 + roll(w, 20), there = w->newest - r.first + 1;

		r.n = there < most ? there : most;
	}
	if (how == 0)
		return; /* lost */
	if (how == 1) {
		w->late[roll(w, IN_FLIGHT)] = r;
		return;
	}
	receive(w, &r, how != 2);
	if (how == 3)
		w->late[roll(w, IN_FLIGHT)] = r; /* comes again later */
}

static void deliver_late(struct world *w)
{
	struct request *r = &w->late[roll(w, IN_FLIGHT)];

	if (r->used)
		receive(w, r, false);
	r->used = false;
}

static void target_step(struct world *w, unsigned i)
{
	struct fake *f = &w->fake[i];
	uint64_t sequence = fake_step(f);

	if (!sequence)
		return;
	if (f->last && sequence <= f->last)
		fail_msg("schedule %u step %u: target %u gets %lu after %lu", w->schedule, w->step,
			 i, sequence, f->last);
	if (i == 2 && f->last)
		w->gaps += sequence - f->last - 1; /* not required: what is committed may be gone */
	else if (f->last && !is_thinned_target(w, i) && sequence != f->last + 1)
		fail_msg("schedule %u step %u: target %u: gap from %lu to %lu", w->schedule,
			 w->step, i, f->last, sequence);
	if (f->last && f->last_before != f->last)
		fail_msg("schedule %u step %u: target %u: base of %lu is %lu, not %lu", w->schedule,
			 w->step, i, sequence, f->last_before, f->last);
	f->last = sequence;
	w->got[i][sequence]++;
	w->unsaid[i] = sequence;
}

static void report(struct world *w, unsigned i)
{
	if (w->unsaid[i] && w->st)
		delivery_done(w->st, w->fake[i].number, w->unsaid[i]);
	w->unsaid[i] = 0;
}

static void random_step(struct world *w)
{
	unsigned i = roll(w, TARGETS);

	switch (roll(w, 10)) {
	case 0:
	case 1:
		if (w->newest < SENT_MAX)
			w->newest++;
		break;
	case 2:
	case 3:
	case 4:
		send_request(w);
		break;
	case 5:
	case 6:
		if (!w->fake[i].dead)
			target_step(w, i);
		break;
	case 7:
		report(w, i);
		break;
	case 8:
		w->fake[i].dead = roll(w, 4) == 0;
		deliver_late(w);
		break;
	default:
		if (roll(w, 15) == 0) {
			stop_receiver(w);
			start_receiver(w);
		}
	}
}

/* Everybody is well again: all arrives, and all is committed. */
static void settle(struct world *w)
{
	for (unsigned i = 0; i < TARGETS; i++)
		w->fake[i].dead = false;
	for (w->step = 0; w->step < 20000; w->step++) {
		bool done = w->committed == w->newest;

		send_request(w);
		for (unsigned i = 0; i < TARGETS; i++) {
			target_step(w, i);
			report(w, i);
			/* Not required: only what it was not too late for. */
			done = done && !w->fake[i].n;
		}
		if (done)
			return;
	}
	fail_msg("schedule %u: %lu of %lu are committed at the end", w->schedule, w->committed,
		 w->newest);
}

static void whatever_happens_nothing_is_lost(void **state)
{
	(void)state;
	for (unsigned schedule = 0; schedule < SCHEDULES; schedule++) {
		struct world *w = calloc(1, sizeof(*w));

		w->random = 88172645463325252u + schedule * 7919u;
		w->schedule = schedule;
		w->oldest = 1;
		start_receiver(w);
		for (w->step = 0; w->step < STEPS; w->step++)
			random_step(w);
		settle(w);
		/* What it has not seen is counted; what it missed at the end is no gap. */
		if (w->fake[2].last && delivery_missed(w->st, 2) < w->gaps)
			fail_msg("schedule %u: %lu missed of %lu gaps", schedule,
				 delivery_missed(w->st, 2), w->gaps);
		for (unsigned i = 0; i < 2; i++)
			if (!is_thinned_target(w, i) && !has_all(w, i, w->newest))
				fail_msg("schedule %u: target %u has not all at the end", schedule,
					 i);
		stop_receiver(w);
		free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_targets_all_is_committed),
		cmocka_unit_test(an_unknown_stream_starts_at_its_base),
		cmocka_unit_test(the_base_is_not_delivered_again),
		cmocka_unit_test(a_full_target_holds_nobody),
		cmocka_unit_test(room_that_is_said_early_is_not_overlooked),
		cmocka_unit_test(an_interval_thins),
		cmocka_unit_test(who_is_left_out_holds_nothing),
		cmocka_unit_test(what_nobody_has_is_counted_and_passed_over),
		cmocka_unit_test(another_receiver_has_committed_more),
		cmocka_unit_test(nonsense_from_a_target_does_no_harm),
		cmocka_unit_test(whatever_happens_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
