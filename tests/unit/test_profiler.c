/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profiles of all VMs: what counts, once each, and where; single rules first, then random
 * histories of hosts, moves, agents that send again and aggregators that start anew.
 */
#include "profiler.h"
#include "xalloc.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S    UINT64_C(1000000000)
#define WALL (UINT64_C(1790000000) * S)
#define UUID "11111111-2222-4333-8444-555555555555"

static const struct profile_settings settings = {
	.markov = {.states = 4, .history = 1, .buffersize = 2},
	.n_metrics = 2,
	.metric = {{.name = "a"}, {.name = "b"}},
};

static struct profiler *new_of(unsigned max_vms, uint64_t max_bytes)
{
	const struct profiler_options o = {
		.settings = &settings, .max_vms = max_vms, .max_hosts = 16, .max_bytes = max_bytes};

	return profiler_new(&o);
}

static struct profiler *new_one(void)
{
	return new_of(PROFILER_VMS_MAX, UINT64_MAX);
}

static struct profiler_sample at(const char *host, uint64_t epoch, uint64_t sequence)
{
	return (struct profiler_sample){.host_id = host,
					.host_name = host,
					.epoch = epoch,
					.sequence = sequence,
					.boot_ns = sequence * S,
					.wall_ns = WALL + sequence * S,
					.interval_ns = S};
}

static enum profiler_verdict count_of(struct profiler *p, const struct profiler_sample *s,
				      const char *uuid, bool running)
{
	double values[] = {(double)(s->sequence % 7), NAN};
	struct profiler_vm vm = {.uuid = uuid, .name = "vm", .running = running, .values = values};

	return profiler_count(p, s, &vm);
}

static enum profiler_verdict count(struct profiler *p, const char *host, uint64_t epoch,
				   uint64_t sequence)
{
	struct profiler_sample s = at(host, epoch, sequence);
	enum profiler_verdict v = count_of(p, &s, UUID, true);

	profiler_host(p, &s);
	return v;
}

struct seen {
	uint64_t ticks, values, states;
	char name[64];
};

static void look(void *arg, const struct profiler_one *vm)
{
	struct seen *s = arg;

	s->ticks = vm->profile->ticks;
	s->values = vm->profile->metric[0].stats.count;
	s->states = vm->profile->metric[0].states_seen;
	assert_int_equal(vm->profile->metric[1].stats.count, 0);
	snprintf(s->name, sizeof(s->name), "%s", vm->name);
}

static struct seen seen_of(struct profiler *p, const char *uuid)
{
	struct seen s = {0};

	assert_true(profiler_find(p, uuid, look, &s));
	return s;
}

static void each_sample_counts_once(void **state)
{
	struct profiler *p = new_one();
	struct profiler_stats st;

	(void)state;
	for (uint64_t i = 1; i <= 10; i++)
		assert_int_equal(count(p, "one", 7, i), PROFILER_COUNTED);
	for (uint64_t i = 1; i <= 10; i++)
		assert_int_equal(count(p, "one", 7, i), PROFILER_KNOWN);
	assert_int_equal(seen_of(p, UUID).values, 10);
	assert_int_equal(seen_of(p, UUID).ticks, 10);
	/* The agent's next run begins at 1 again; its rest of before comes later. */
	assert_int_equal(count(p, "one", 9, 1), PROFILER_COUNTED);
	assert_int_equal(count(p, "one", 7, 11), PROFILER_COUNTED);
	assert_int_equal(count(p, "one", 9, 1), PROFILER_KNOWN);
	assert_int_equal(count(p, "one", 7, 11), PROFILER_KNOWN);
	assert_int_equal(seen_of(p, UUID).values, 12);
	profiler_stats(p, &st);
	assert_int_equal(st.vms, 1);
	assert_int_equal(st.verdict[PROFILER_COUNTED], 12);
	assert_int_equal(st.verdict[PROFILER_KNOWN], 12);
	assert_false(profiler_find(p, "another", look, NULL));
	profiler_free(p);
}

static void one_that_does_not_run_does_not_count(void **state)
{
	struct profiler *p = new_one();
	struct profiler_sample s = at("one", 7, 1);

	(void)state;
	assert_int_equal(count_of(p, &s, UUID, false), PROFILER_IDLE);
	assert_false(profiler_find(p, UUID, look, NULL));
	profiler_free(p);
}

static void missing_samples_are_a_gap(void **state)
{
	struct profiler *p = new_one();
	struct profiler_sample s;

	(void)state;
	count(p, "one", 7, 1);
	count(p, "one", 7, 2);
	assert_int_equal(seen_of(p, UUID).states, 1);
	/* 3 and 4 never came; what is a little late is not two. */
	s = at("one", 7, 5);
	s.boot_ns += S / 2;
	count_of(p, &s, UUID, true);
	assert_int_equal(seen_of(p, UUID).ticks, 5);
	count(p, "one", 7, 6);
	assert_int_equal(seen_of(p, UUID).ticks, 6);
	assert_int_equal(seen_of(p, UUID).values, 4);
	/* A clock that was set back makes no gap, one of another run goes by the wall. */
	s = at("one", 8, 1);
	s.wall_ns = WALL;
	count_of(p, &s, UUID, true);
	assert_int_equal(seen_of(p, UUID).ticks, 7);
	s = at("one", 9, 1);
	s.wall_ns = WALL + 11 * S;
	count_of(p, &s, UUID, true);
	assert_int_equal(seen_of(p, UUID).ticks, 18);
	profiler_free(p);
}

/* While it migrates both have it. */
static void only_where_it_is(void **state)
{
	struct profiler *p = new_one();
	struct profiler_sample without;

	(void)state;
	for (uint64_t i = 1; i <= 5; i++) {
		assert_int_equal(count(p, "old", 7, i), PROFILER_COUNTED);
		if (i > 2)
			assert_int_equal(count(p, "new", 8, i), PROFILER_ELSEWHERE);
	}
	assert_int_equal(count(p, "new", 8, 6), PROFILER_ELSEWHERE);
	without = at("old", 7, 6);
	profiler_host(p, &without);
	assert_int_equal(count(p, "new", 8, 6), PROFILER_KNOWN);
	assert_int_equal(count(p, "new", 8, 7), PROFILER_COUNTED);
	/* An old sample of the first host that comes now: it is not there any more. */
	assert_int_equal(count(p, "old", 7, 7), PROFILER_ELSEWHERE);
	assert_int_equal(seen_of(p, UUID).values, 6);
	assert_int_equal(seen_of(p, UUID).ticks, 7); /* 6 was counted nowhere */
	profiler_free(p);
}

static void a_silent_host_has_nothing(void **state)
{
	struct profiler *p = new_one();

	(void)state;
	count(p, "old", 7, 1);
	assert_int_equal(count(p, "new", 8, 6), PROFILER_ELSEWHERE);
	assert_int_equal(count(p, "new", 8, 7), PROFILER_COUNTED);
	profiler_free(p);
}

/* More runs than are remembered. */
static void what_is_forgotten_is_not_counted_again(void **state)
{
	struct profiler *p = new_one();
	unsigned again = 0;

	(void)state;
	for (uint64_t i = 1; i <= 40; i++)
		assert_int_equal(count(p, "one", i, i), PROFILER_COUNTED);
	for (uint64_t i = 1; i <= 40; i++)
		again += count(p, "one", i, i) != PROFILER_KNOWN;
	assert_int_equal(again, 0);
	assert_int_equal(count(p, "one", 41, 41), PROFILER_COUNTED);
	assert_int_equal(seen_of(p, UUID).values, 41);
	profiler_free(p);
}

static void bounds_hold(void **state)
{
	struct profiler *p = new_of(3, UINT64_MAX);
	struct profiler_sample s = at("one", 7, 1);
	struct profiler_stats st;
	char uuid[16];

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(uuid, sizeof(uuid), "vm-%d", i);
		assert_int_equal(count_of(p, &s, uuid, true),
				 i < 3 ? PROFILER_COUNTED : PROFILER_FULL);
	}
	profiler_stats(p, &st);
	assert_int_equal(st.vms, 3);
	profiler_free(p);
	p = new_of(1000, 10000);
	for (int i = 0; i < 1000; i++) {
		snprintf(uuid, sizeof(uuid), "vm-%d", i);
		count_of(p, &s, uuid, true);
	}
	profiler_stats(p, &st);
	assert_in_range(st.bytes, 10000, 12000);
	assert_in_range(st.vms, 3, 30);
	profiler_free(p);
}

/* 4 states, history 1, five values, a UUID: at most 2 KiB a VM, by our own count. */
static void a_vm_takes_little(void **state)
{
	static const struct profile_settings five = {
		.markov = {.states = 4, .history = 1, .buffersize = 1},
		.n_metrics = 5,
		.metric =
			{{.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}, {.name = "e"}},
	};
	const struct profiler_options o = {
		.settings = &five, .max_vms = 1000, .max_hosts = 4, .max_bytes = UINT64_MAX};
	struct profiler *p = profiler_new(&o);
	struct profiler_stats st;
	bool changed;
	struct buf b;

	(void)state;
	for (uint64_t i = 1; i <= 20; i++)
		for (unsigned v = 0; v < 500; v++) {
			struct profiler_sample s = at("one", 7, i);
			double values[5] = {(double)i, (double)(i * v), 7, NAN, 1e9 / (double)i};
			char uuid[40];
			struct profiler_vm vm = {
				.uuid = uuid, .name = "a name", .running = true, .values = values};

			snprintf(uuid, sizeof(uuid), "%08x-2222-4333-8444-555555555555", v);
			profiler_count(p, &s, &vm);
		}
	buf_init(&b, 1 << 24);
	for (unsigned i = 0; i < PROFILER_SHARDS; i++)
		profiler_pack(p, i, &b, &changed);
	profiler_stats(p, &st);
	assert_int_equal(st.vms, 500);
	printf("%lu bytes in memory, %zu on disk a VM\n", st.bytes / 500, b.used / 500);
	assert_true(st.bytes / 500 <= 2048);
	assert_true(b.used / 500 <= 2048);
	buf_fini(&b);
	profiler_free(p);
}

/* ---- all of them ---- */

#define MANY 5000u

struct tally {
	unsigned char times[MANY];
	unsigned n;
};

static void tick_off(void *arg, const struct profiler_one *vm)
{
	struct tally *t = arg;

	t->times[atoi(vm->uuid + 3)]++;
	t->n++;
}

static void add_many(struct profiler *p, unsigned from, unsigned to)
{
	struct profiler_sample s = at("one", 7, 1);
	char uuid[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(uuid, sizeof(uuid), "vm-%u", i);
		assert_int_equal(count_of(p, &s, uuid, true), PROFILER_COUNTED);
	}
}

static void all_are_walked_though_more_come(void **state)
{
	struct profiler *p = new_one();
	struct tally t = {.n = 0};
	uint64_t cursor = 0;

	(void)state;
	add_many(p, 0, MANY / 5);
	for (unsigned i = 0; profiler_walk(p, &cursor, tick_off, &t); i++)
		if (i == MANY / 20)
			add_many(p, MANY / 5, MANY);
	for (unsigned i = 0; i < MANY / 5; i++)
		assert_in_range(t.times[i], 1, 2);
	t = (struct tally){.n = 0};
	for (cursor = 0; profiler_walk(p, &cursor, tick_off, &t);)
		;
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(t.times[i], 1);
	assert_false(profiler_walk(p, &cursor, tick_off, &t));
	profiler_free(p);
}

static void who_is_gone_for_long_is_forgotten(void **state)
{
	struct profiler *p = new_one();
	struct profiler_stats st;

	(void)state;
	add_many(p, 0, 100);
	count(p, "one", 7, 50);
	assert_int_equal(profiler_forget(p, WALL + S), 0);
	assert_int_equal(profiler_forget(p, WALL + 2 * S), 100);
	profiler_stats(p, &st);
	assert_int_equal(st.vms, 1);
	assert_int_equal(seen_of(p, UUID).values, 1);
	assert_int_equal(profiler_forget(p, UINT64_MAX), 1);
	profiler_stats(p, &st);
	assert_int_equal(st.vms, 0);
	assert_int_equal(st.bytes, 0);
	profiler_free(p);
}

/* ---- what is unusual ---- */

#define QUIET 400u /* ticks that are learnt; 200 must be */

static const struct profile_settings at_once = {
	.markov = {.states = 4, .history = 1, .buffersize = 1},
	.n_metrics = 2,
	.metric = {{.name = "a"}, {.name = "b"}},
};

struct crowd {
	struct profiler *p;
	unsigned seed, learning, alarms;
	struct profiler_opinion last;
};

/* VMs 0..11 on host one, 12..19 on host two; b of the first `wild` ones is far from usual. */
static void crowd_tick(struct crowd *c, uint64_t i, unsigned wild)
{
	c->learning = c->alarms = 0;
	for (unsigned v = 0; v < 20; v++) {
		struct profiler_sample s = at(v < 12 ? "one" : "two", 7, i);
		double values[] = {rand_r(&c->seed) % 1000 / 1000.0,
				   rand_r(&c->seed) % 1000 / 1000.0};
		struct profiler_vm vm = {
			.running = true, .values = values, .name = "vm", .opinion = &c->last};
		char uuid[16];

		snprintf(uuid, sizeof(uuid), "vm-%u", v);
		vm.uuid = uuid;
		if (v < wild)
			values[1] += 50;
		assert_int_equal(profiler_count(c->p, &s, &vm), PROFILER_COUNTED);
		c->learning += c->last.learning;
		c->alarms += c->last.alarm;
		assert_true(!c->last.alarm || *c->last.why);
		if (c->last.alarm)
			profiler_storage(c->p, uuid, v % 12 < 9 ? "/mnt/pve/nfs" : "/dev/pve");
	}
}

static void one_alarm(void *arg, const struct profiler_alarm *vm)
{
	unsigned *n = arg;

	assert_string_equal(vm->name, "vm");
	assert_non_null(strstr(vm->opinion->why, "b from 0.."));
	assert_true(vm->opinion->percent >= 100);
	++*n;
}

static void what_many_share_is_found(void **state)
{
	const struct profiler_options o = {.settings = &at_once,
					   .max_vms = 100,
					   .max_hosts = 4,
					   .max_bytes = UINT64_MAX,
					   .alarms_a_day = 1000};
	struct crowd c = {.p = profiler_new(&o), .seed = 1};
	struct profiler_opinion opinion;
	struct profiler_unusual u;
	unsigned n = 0, of_quiet = 0;
	uint64_t i;

	(void)state;
	crowd_tick(&c, 1, 0);
	assert_int_equal(c.learning, 20);
	profiler_unusual(c.p, 0, &u);
	assert_int_equal(u.learning, 20);
	assert_int_equal(u.alarms, 0);
	for (i = 2; i <= QUIET; i++) {
		crowd_tick(&c, i, 0);
		of_quiet += c.alarms;
	}
	assert_int_equal(c.learning, 0);
	assert_in_range(of_quiet, 0, 200); /* of 4,000: 1,000 a day are allowed of each */
	for (; i <= QUIET + 3; i++)
		crowd_tick(&c, i, 14);
	assert_in_range(c.alarms, 14, 16);
	profiler_unusual(c.p, WALL, &u);
	assert_int_equal(u.learning, 0);
	assert_int_equal(u.alarms, c.alarms);
	assert_string_equal(u.host.name, "one");
	assert_int_equal(u.host.vms, 12);
	assert_string_equal(u.storage.name, "/mnt/pve/nfs");
	assert_in_range(u.storage.vms, 11, 13);
	assert_string_equal(u.value.name, "b");
	assert_in_range(u.value.vms, 14, 16);
	profiler_alarms(c.p, 5, one_alarm, &n);
	assert_int_equal(n, 5);
	assert_true(profiler_opinion(c.p, "one", "vm-0", 0, &opinion));
	assert_true(opinion.alarm);
	assert_int_equal(opinion.metric, 1);
	/* It is not on the other host, and who is nowhere is nobody. */
	assert_false(profiler_opinion(c.p, "two", "vm-0", 0, &opinion));
	assert_false(profiler_opinion(c.p, "one", "vm-x", 0, &opinion));
	/* Long ago: it says nothing of now. */
	assert_false(profiler_opinion(c.p, "one", "vm-0", UINT64_MAX, &opinion));
	/* Who was stopped is not unusual any more. */
	profiler_unusual(c.p, WALL + (QUIET + 4) * S, &u);
	assert_int_equal(u.alarms, 0);
	assert_int_equal(u.host.vms, 0);
	profiler_free(c.p);
}

/* ---- random histories ---- */

#define HOSTS 3u
#define VMS   8u
#define STEPS 400u

struct history {
	struct profiler *p;
	unsigned seed;
	unsigned place[VMS]; /* the host each VM is on; VM 0 never moves */
	uint64_t epoch[HOSTS], sequence[HOSTS];
	/* All samples ever: of whom, and which VMs they have. */
	struct {
		struct profiler_sample s;
		unsigned has; /* bits of VMs */
	} sample[STEPS * HOSTS];
	unsigned n, kept; /* samples; those that the last saved state has */
	uint64_t counted[VMS];
	struct buf saved[PROFILER_SHARDS];
	uint64_t saved_counted[VMS];
};

static const char *const names[HOSTS] = {"a", "b", "c"};

static unsigned dice(struct history *h, unsigned sides)
{
	return (unsigned)rand_r(&h->seed) / 7 % sides;
}

static void bring(struct history *h, unsigned i)
{
	char uuid[16];

	for (unsigned v = 0; v < VMS; v++) {
		if (!(h->sample[i].has & 1u << v))
			continue;
		snprintf(uuid, sizeof(uuid), "vm-%u", v);
		h->counted[v] += count_of(h->p, &h->sample[i].s, uuid, true) == PROFILER_COUNTED;
	}
	profiler_host(h->p, &h->sample[i].s);
}

static void make_samples(struct history *h, unsigned step)
{
	for (unsigned host = 0; host < HOSTS; host++) {
		unsigned i = h->n++;

		h->sample[i].s = at(names[host], h->epoch[host], ++h->sequence[host]);
		h->sample[i].s.boot_ns = h->sample[i].s.wall_ns = WALL + step * S;
		h->sample[i].has = 0;
		for (unsigned v = 0; v < VMS; v++)
			if (h->place[v] == host)
				h->sample[i].has |= 1u << v;
		bring(h, i);
	}
}

static void save(struct history *h)
{
	bool changed;

	for (unsigned i = 0; i < PROFILER_SHARDS; i++) {
		struct buf b;

		buf_init(&b, 1 << 20);
		profiler_pack(h->p, i, &b, &changed);
		if (changed) {
			buf_fini(&h->saved[i]);
			h->saved[i] = b;
		} else {
			assert_int_equal(b.used, 0);
			buf_fini(&b);
		}
	}
	h->kept = h->n;
	memcpy(h->saved_counted, h->counted, sizeof(h->counted));
}

/* A new aggregator: what was saved, and all that agents may think is not committed. */
static void start_anew(struct history *h)
{
	unsigned from = h->kept > 60 ? h->kept - dice(h, 60) : 0;

	profiler_free(h->p);
	h->p = new_one();
	for (unsigned i = 0; i < PROFILER_SHARDS; i++)
		assert_int_equal(profiler_unpack(h->p, i, h->saved[i].data, h->saved[i].used), 0);
	memcpy(h->counted, h->saved_counted, sizeof(h->counted));
	for (unsigned i = from; i < h->n; i++)
		bring(h, i);
}

static void step(struct history *h, unsigned i)
{
	unsigned v = 1 + dice(h, VMS - 1), host = dice(h, HOSTS);

	if (!dice(h, 5))
		h->place[v] = host;
	if (!dice(h, 40)) {
		h->epoch[host] += 10;
		h->sequence[host] = 0;
	}
	make_samples(h, i + 1);
	if (!dice(h, 10))
		save(h);
	if (!dice(h, 20))
		start_anew(h);
	if (!dice(h, 5) && h->n > 20)
		bring(h, h->n - 1 - dice(h, 20));
}

static void check(struct history *h, unsigned seed)
{
	char uuid[16];

	for (unsigned v = 0; v < VMS; v++) {
		struct seen s;

		snprintf(uuid, sizeof(uuid), "vm-%u", v);
		s = seen_of(h->p, uuid);
		if (s.values != h->counted[v] || s.values > STEPS || s.ticks > STEPS)
			fail_msg("seed %u: VM %u has %lu values and %lu ticks of %lu counted", seed,
				 v, s.values, s.ticks, h->counted[v]);
		/* One that never moved has each sample; who moved lost one a move at most. */
		if (!v && (s.values != STEPS || s.ticks != STEPS))
			fail_msg("seed %u: %lu values and %lu ticks of %u samples", seed, s.values,
				 s.ticks, STEPS);
		if (s.values < STEPS / 2)
			fail_msg("seed %u: VM %u has only %lu values", seed, v, s.values);
	}
}

static void any_history_counts_each_sample_once(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		struct history *h = xcalloc(1, sizeof(*h));

		h->seed = seed;
		h->p = new_one();
		for (unsigned i = 0; i < HOSTS; i++)
			h->epoch[i] = 100 + i;
		for (unsigned i = 0; i < STEPS; i++)
			step(h, i);
		check(h, seed);
		profiler_free(h->p);
		for (unsigned i = 0; i < PROFILER_SHARDS; i++)
			buf_fini(&h->saved[i]);
		free(h);
	}
}

/* Every shorter one, and any byte changed: refused, or another profile, but never worse. */
static void damaged_records_are_refused(void **state)
{
	struct profiler *p = new_one(), *q;
	unsigned shard = 0;
	bool changed;
	struct buf b;

	(void)state;
	for (uint64_t i = 1; i <= 10; i++)
		count(p, "one", 7, i);
	buf_init(&b, 1 << 20);
	while (!b.used && shard < PROFILER_SHARDS)
		profiler_pack(p, shard++, &b, &changed);
	assert_true(b.used > 100);
	q = new_one();
	assert_int_equal(profiler_unpack(q, shard - 1, b.data, b.used), 0);
	assert_int_equal(seen_of(q, UUID).values, 10);
	assert_int_equal(profiler_unpack(q, shard - 1, b.data, b.used), -EBADMSG); /* twice */
	assert_int_equal(profiler_unpack(q, shard % PROFILER_SHARDS, b.data, b.used), -EBADMSG);
	for (size_t n = 1; n < b.used; n++)
		if (profiler_unpack(q, shard - 1, b.data, n) != -EBADMSG)
			fail_msg("%zu of %zu bytes are taken", n, b.used);
	for (size_t i = 0; i < b.used; i++)
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] ^= (char)(1 << bit);
			profiler_unpack(q, shard - 1, b.data, b.used);
			profiler_forget(q, UINT64_MAX);
			b.data[i] ^= (char)(1 << bit);
		}
	profiler_free(q);
	profiler_free(p);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sample_counts_once),
		cmocka_unit_test(one_that_does_not_run_does_not_count),
		cmocka_unit_test(missing_samples_are_a_gap),
		cmocka_unit_test(only_where_it_is),
		cmocka_unit_test(a_silent_host_has_nothing),
		cmocka_unit_test(what_is_forgotten_is_not_counted_again),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(a_vm_takes_little),
		cmocka_unit_test(all_are_walked_though_more_come),
		cmocka_unit_test(who_is_gone_for_long_is_forgotten),
		cmocka_unit_test(what_many_share_is_found),
		cmocka_unit_test(any_history_counts_each_sample_once),
		cmocka_unit_test(damaged_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
