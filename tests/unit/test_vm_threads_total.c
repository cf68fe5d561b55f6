/* SPDX-License-Identifier: Apache-2.0 */
/* The process' own total: short-lived threads are in it; calm threads are read in turns. */
#include "vm_threads_kit.h"

/* ---- threads that nobody saw ---- */

static void short_lived_threads_are_in_the_total(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	total(w, 1700, 126);
	cycle(w, 0);
	/* 300 ms are seen, the process used 800: 500 by threads that came and went */
	sched(w, 4012, 8300 * MS, 200 * MS, 5);
	total(w, 1760, 146);
	thread_ends(w, 4004); /* one more sign that threads come and go */
	cycle(w, 1000);
	/* a few ticks may be lost at the borders, nothing may be made up */
	assert_in_range(overhead(w).run, 450 * MS, 500 * MS);
	assert_int_equal(vcpu(w, 2)->run, 300 * MS);
	/* What is counted once does not count again. */
	sched(w, 4012, 8800 * MS, 200 * MS, 9);
	total(w, 1800, 156);
	cycle(w, 1000);
	assert_in_range(overhead(w).run, 450 * MS, 500 * MS);
}

static void rounding_is_not_overhead(void **state)
{
	struct world *w = *state;
	uint64_t run = 0;

	two_vcpus_and_overhead(w);
	total(w, 1700, 126);
	cycle(w, 0);
	for (unsigned i = 1; i <= 300; i++) {
		/* 13.7 ms each cycle, in ticks of 10 ms, both nearly full at the beginning;
		 * read a little before the threads */
		run += 13700000;
		sched(w, 4012, 8000 * MS + run, 200 * MS, 1 + i);
		total(w, 1700 + (run * 2 / 3 + 9900000) / (10 * MS),
		      126 + (run / 3 + 9900000) / (10 * MS));
		cycle(w, 100);
	}
	assert_int_equal(overhead(w).run, 0);
}

static void a_total_that_goes_back(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	total(w, 1700, 126);
	cycle(w, 0);
	total(w, 100, 20);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 0);
	total(w, ABSENT, ABSENT);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 0);
	total(w, 100, 21);
	cycle(w, 1000);
	assert_true(overhead(w).run <= 10 * MS);
}

/* What the process used before it was first seen does not count, however late it is read. */
static void a_total_that_comes_late(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	total(w, ABSENT, 126);
	cycle(w, 0);
	total(w, 170000, 12600);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 0);
	total(w, 170100, 12600);
	cycle(w, 1000);
	assert_in_range(overhead(w).run, 950 * MS, 1000 * MS);
}

/* ---- calm threads ---- */

/* A vCPU that works and ten others that do next to nothing, long enough to be known for it. */
static void calm_down(struct world *w, unsigned cycles)
{
	static const pid_t first = 4100;

	for (unsigned i = 0; i < cycles; i++) {
		sched(w, 4001, (w->now + SEC) / 2, 0, w->now / SEC);
		for (pid_t t = first; t < first + 10; t++)
			sched(w, t, 1000 * MS + (w->now + SEC) / 1000, 1000, w->now / SEC);
		/* what the vCPU and the ten use: 510 ms a cycle, as the kernel counts it */
		w->stat.utime = (w->now + SEC) * 51 / 100 / (10 * MS);
		cycle(w, 1000);
	}
}

static void add_calm(struct world *w)
{
	thread(w, 4001, "CPU 0/KVM", w->now / 2, 0);
	for (pid_t t = 4100; t < 4110; t++)
		thread(w, t, "worker", 1000 * MS + w->now / 1000, 1000);
	w->stat.utime = w->now * 51 / 100 / (10 * MS);
	cycle(w, 0);
}

/* They are read in turns, and what they used is in the sum sooner or later. */
static void calm_threads_take_turns(void **state)
{
	struct world *w = *state;
	uint64_t before, after;
	bool uneven = false;

	add_calm(w);
	calm_down(w, 7);
	assert_int_equal(overhead(w).run, 70 * MS);
	calm_down(w, 5);
	/* ten ms a cycle is what they use; less was read, but not less than two ticks */
	for (unsigned i = 0; i < 8; i++) {
		before = overhead(w).run;
		calm_down(w, 1);
		after = overhead(w).run;
		uneven = uneven || after - before != 10 * MS;
		if (after - before >= 50 * MS)
			fail_msg("cycle %u: %llu ms at once", i,
				 (unsigned long long)((after - before) / MS));
		if (after > (13 + i) * 10 * MS || after + 30 * MS < (13 + i) * 10 * MS)
			fail_msg("cycle %u: %llu ms in all", i, (unsigned long long)(after / MS));
	}
	assert_true(uneven); /* it was not all of them each time */
}

/* One that wakes up is read at once: the process' total tells. */
static void calm_threads_wake_up(void **state)
{
	struct world *w = *state;
	uint64_t before;

	add_calm(w);
	calm_down(w, 12);
	for (pid_t t = 4100; t < 4104; t++) {
		before = overhead(w).run;
		sched(w, 4001, (w->now + SEC) / 2, 0, w->now / SEC);
		sched(w, t, 1000 * MS + w->now / 1000 + 400 * MS, 1000, w->now / SEC);
		w->stat.utime += (500 + 400) / 10;
		cycle(w, 1000);
		if (overhead(w).run - before < 400 * MS)
			fail_msg("thread %d: %llu ms of 400", (int)t,
				 (unsigned long long)((overhead(w).run - before) / MS));
	}
}

/* Nothing tells of one that starves, but no cycle shows more than itself, and all of it. */
static void calm_threads_wait(void **state)
{
	struct world *w = *state;
	uint64_t before = 0, most = 0;

	add_calm(w);
	calm_down(w, 12);
	for (unsigned i = 0; i < 12; i++) {
		before = overhead(w).wait;
		if (i == 0) /* it had to wait for 3 s, in a cycle in which nobody looked */
			sched(w, 4100, 1000 * MS + w->now / 1000, 3 * SEC, w->now / SEC + 1);
		sched(w, 4001, (w->now + SEC) / 2, 0, w->now / SEC);
		w->stat.utime += 50;
		cycle(w, 1000);
		if (overhead(w).wait - before > most)
			most = overhead(w).wait - before;
	}
	assert_true(most <= 1030 * MS);
	assert_int_equal(overhead(w).wait, 3 * SEC - 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(short_lived_threads_are_in_the_total),
		TEST(rounding_is_not_overhead),
		TEST(a_total_that_goes_back),
		TEST(a_total_that_comes_late),
		TEST(calm_threads_take_turns),
		TEST(calm_threads_wake_up),
		TEST(calm_threads_wait),
	};

	vm_threads_free(NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
