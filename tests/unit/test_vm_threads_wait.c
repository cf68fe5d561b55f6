/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that starves: its waiting is seen before the kernel counts it, and paid back. */
#include "vm_threads_kit.h"

static void starving_waits_and_pays_back(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	in_state(w, 4012, 'R', 0);
	for (unsigned i = 1; i <= 8; i++) {
		cycle(w, 100);
		if (vcpu(w, 2)->wait != i * 100 * MS)
			fail_msg("after %u00 ms of starving: %llu ns of waiting", i,
				 (unsigned long long)vcpu(w, 2)->wait);
	}
	assert_int_equal(vcpu(w, 2)->run, 0);
	assert_int_equal(vcpu(w, 10)->wait, 0); /* asleep */
	/* It ran: the kernel now says 850 ms at once, of which 800 are known. */
	sched(w, 4012, 8030 * MS, 1050 * MS, 2);
	cycle(w, 100);
	assert_int_equal(vcpu(w, 2)->wait, 850 * MS);
	assert_int_equal(vcpu(w, 2)->run, 30 * MS);
	/* Afterwards all is as usual. */
	sched(w, 4012, 8080 * MS, 1060 * MS, 3);
	cycle(w, 100);
	assert_int_equal(vcpu(w, 2)->wait, 860 * MS);
	assert_int_equal(vcpu(w, 2)->run, 80 * MS);
}

/* Taken for starving, but it was not (a wake-up just then): paid back by later waits. */
static void a_debt_is_paid_from_later_waits(void **state)
{
	struct world *w = *state;
	uint64_t wait = 200 * MS, shown;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	in_state(w, 4012, 'R', 0);
	cycle(w, 100); /* 100 ms owed, but it began to wait at the very end */
	assert_int_equal(vcpu(w, 2)->wait, 100 * MS);
	in_state(w, 4012, 'S', 0);
	for (unsigned i = 0; i < 4; i++) {
		wait += 30 * MS;
		sched(w, 4012, 8000 * MS + (i + 1) * MS, wait, 2 + i);
		cycle(w, 100);
	}
	/* 120 ms in truth, 100 shown ahead */
	shown = vcpu(w, 2)->wait;
	assert_int_equal(shown, 120 * MS);
}

/* A jump that was not seen coming: no interval shows more than itself, nothing is lost. */
static void a_late_jump_is_spread(void **state)
{
	struct world *w = *state;
	uint64_t last = 0;

	two_vcpus_and_overhead(w);
	w->cycle.may_starve = false;
	cycle(w, 0);
	in_state(w, 4012, 'R', 0);
	for (unsigned i = 0; i < 5; i++)
		cycle(w, 100);
	assert_int_equal(vcpu(w, 2)->wait, 0);
	sched(w, 4012, 8020 * MS, 680 * MS, 2); /* 20 ms run, 480 ms waited */
	for (unsigned i = 0; i < 12; i++) {
		cycle(w, 100);
		if (vcpu(w, 2)->wait - last > 105 * MS - (i ? 0 : 20 * MS))
			fail_msg("interval %u shows %llu ms of waiting in 100 ms", i,
				 (unsigned long long)((vcpu(w, 2)->wait - last) / MS));
		last = vcpu(w, 2)->wait;
	}
	assert_int_equal(last, 480 * MS);
}

/* Pressure that did not grow says that nobody waited: the state is not asked for. */
static void pressure_says_that_nobody_waits(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	w->cycle.may_starve = false;
	cycle(w, 0);
	in_state(w, 4012, 'R', 0);
	in_state(w, 4004, 'R', 0);
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 2)->wait, 0);
	assert_int_equal(overhead(w).wait, 0);
	/* Others than vCPUs are looked at only with the VM's own pressure. */
	w->cycle.may_starve = true;
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 2)->wait, 1000 * MS);
	assert_int_equal(overhead(w).wait, 0);
	w->vm.psi_dir = (char *)"/sys/fs/cgroup/x";
	cycle(w, 1000);
	assert_int_equal(overhead(w).wait, 1000 * MS);
	w->vm.psi_dir = NULL;
}

static void only_runnable_ones_starve(void **state)
{
	static const char states[] = "SDTtIZXPW";
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	for (const char *s = states; *s; s++) {
		in_state(w, 4012, *s, 0);
		cycle(w, 100);
		if (vcpu(w, 2)->wait)
			fail_msg("state %c counts as waiting", *s);
	}
	fake_put(&w->dir, "garbage", "%d/task/4012/stat", PID);
	cycle(w, 100);
	assert_int_equal(vcpu(w, 2)->wait, 0);
}

/* A newborn thread that has not run yet, and one seen for the first time. */
static void starving_from_the_beginning(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	in_state(w, 4012, 'R', 0);
	cycle(w, 0);
	assert_int_equal(vcpu(w, 2)->wait, 0); /* the interval is not known */
	thread(w, 4021, "CPU 11/KVM", 0, 0);
	sched(w, 4021, 0, 0, 0);
	in_state(w, 4021, 'R', 0);
	cycle(w, 100);
	if (vcpu(w, 11)->wait > 105 * MS)
		fail_msg("%llu ns in the first 100 ms", (unsigned long long)vcpu(w, 11)->wait);
	cycle(w, 100);
	if (vcpu(w, 11)->wait > 210 * MS)
		fail_msg("%llu ns in 200 ms", (unsigned long long)vcpu(w, 11)->wait);
	assert_int_equal(vcpu(w, 2)->wait, 200 * MS);
}

/*
 * Years of a thread in short: what is shown is what the kernel counts in the end, and no
 * interval shows more than itself.  The thread runs, sleeps and waits at random; a wait
 * is in the kernel's counter only once it is over.
 */
static void waiting_is_conserved(void **state)
{
	struct world *w = *state;
	uint64_t run = 0, wait = 0, pending = 0, last = 0; /* ms, beyond the start */
	unsigned slices = 1, seed = 42;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	for (unsigned i = 0; i < 1500; i++) {
		uint64_t interval = i % 7 == 3 ? 50 + (uint64_t)(rand_r(&seed) % 300) : 100;
		uint64_t used = 0, most, shown;
		unsigned what = i < 1400 ? (unsigned)rand_r(&seed) % 4 : 2; /* comes to rest */
		char s = 'S';

		w->cycle.may_starve = i % 11 != 0;
		if (what <= 1) { /* waits from now on, or still */
			pending += interval;
			s = 'R';
		} else if (pending) { /* its turn at last, 10 ms before the interval ends */
			wait += pending + interval - 10;
			pending = 0;
			used = 10;
			slices++;
		} else if (what == 3) { /* a bit of each */
			used = (uint64_t)rand_r(&seed) % (interval / 2);
			wait += (uint64_t)rand_r(&seed) % (interval / 2);
			slices += 5;
		}
		run += used;
		sched(w, 4012, (8000 + run) * MS, (200 + wait) * MS, slices);
		in_state(w, 4012, s, 0);
		cycle(w, interval);
		most = interval + (interval / 50 > 5 ? interval / 50 : 5);
		shown = vcpu(w, 2)->wait / MS - last;
		if (shown + used > most)
			fail_msg("cycle %u: %llu ms of waiting and %llu of running in %llu", i,
				 (unsigned long long)shown, (unsigned long long)used,
				 (unsigned long long)interval);
		last = vcpu(w, 2)->wait / MS;
	}
	if (vcpu(w, 2)->wait != wait * MS)
		fail_msg("%llu ms shown, the kernel counted %llu",
			 (unsigned long long)(vcpu(w, 2)->wait / MS), (unsigned long long)wait);
	assert_int_equal(vcpu(w, 2)->run, run * MS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(starving_waits_and_pays_back), TEST(a_debt_is_paid_from_later_waits),
		TEST(a_late_jump_is_spread),        TEST(pressure_says_that_nobody_waits),
		TEST(only_runnable_ones_starve),    TEST(starving_from_the_beginning),
		TEST(waiting_is_conserved),
	};

	vm_threads_free(NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
