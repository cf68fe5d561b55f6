/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of threads and processes that are used again, and files that cannot be read for a while.
 */
#include "vm_threads_kit.h"

/* A process that waits to be killed; its schedstat stands for a thread's. */
static pid_t stand_in(void)
{
	pid_t child = fork();

	if (child == 0) {
		for (;;)
			pause();
	}
	assert_true(child > 0);
	return child;
}

static void kill_stand_in(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void link_schedstat(struct world *w, pid_t tid, pid_t child)
{
	char name[64], target[64];

	snprintf(name, sizeof(name), "%d/task/%d/schedstat", PID, (int)tid);
	snprintf(target, sizeof(target), "/proc/%d/schedstat", (int)child);
	fake_link(&w->dir, target, name);
}

static void as_many_but_another(void **state)
{
	struct world *w = *state;
	pid_t child = stand_in();
	uint64_t before;

	two_vcpus_and_overhead(w);
	thread(w, 4020, "worker", 0, 0);
	link_schedstat(w, 4020, child);
	cycle(w, 0);
	cycle(w, 1000);
	before = overhead(w).run;
	/* one ends, one begins: their number is the same */
	kill_stand_in(child);
	thread_ends(w, 4020);
	thread(w, 4021, "worker", 70 * MS, 4 * MS);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run - before, 70 * MS);
	sched(w, 4021, 75 * MS, 4 * MS, 9);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run - before, 75 * MS);
}

static void a_number_that_is_used_again(void **state)
{
	struct world *w = *state;
	pid_t child = stand_in();
	uint64_t before;

	two_vcpus_and_overhead(w);
	thread(w, 4020, "worker", 0, 0);
	link_schedstat(w, 4020, child);
	cycle(w, 0);
	cycle(w, 1000);
	before = overhead(w).run;
	kill_stand_in(child);
	/* The same number, now an iothread; it used more than the old one ever did. */
	thread_ends(w, 4020);
	fake_remove(&w->dir, "%d/task/4020", PID);
	thread(w, 4020, "IO iothread7", 600 * MS, 4 * MS);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run - before, 600 * MS);
	assert_int_equal(overhead(w).iothread_run, 600 * MS);
	sched(w, 4020, 605 * MS, 4 * MS, 9);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run - before, 605 * MS);
}

static void a_vcpu_number_that_is_used_again(void **state)
{
	struct world *w = *state;
	pid_t child = stand_in();

	two_vcpus_and_overhead(w);
	thread(w, 4020, "CPU 11/KVM", 0, 0);
	link_schedstat(w, 4020, child);
	cycle(w, 0);
	assert_non_null(vcpu(w, 11));
	kill_stand_in(child);
	thread_ends(w, 4020);
	thread(w, 4020, "worker", 20 * MS, 0);
	cycle(w, 1000);
	assert_null(vcpu(w, 11)); /* its thread is a worker now */
	assert_int_equal(overhead(w).run, 20 * MS);
}

/* Not readable for once is not the end: nothing is lost, and nothing counts twice. */
static void unreadable_for_a_while(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	w->stat.utime = 1800;
	cycle(w, 0);
	fake_put(&w->dir, "", "%d/task/4012/schedstat", PID);
	fake_put(&w->dir, "12 3\n", "%d/task/4004/schedstat", PID);
	w->stat.utime += 80; /* nor did somebody unseen use it */
	cycle(w, 1000);
	assert_non_null(vcpu(w, 2));
	assert_int_equal(vcpu(w, 2)->run, 0);
	sched(w, 4012, 9600 * MS, 200 * MS, 9);
	sched(w, 4004, 70 * MS, 6 * MS, 9);
	w->stat.utime += 81;
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 2)->run, 1600 * MS);
	assert_int_equal(overhead(w).run, 10 * MS);
}

/* Without descriptors to hold, a thread is known by its path: its counters go back. */
static void used_again_without_descriptors(void **state)
{
	struct world *w = *state;

	w->files.most = 0;
	two_vcpus_and_overhead(w);
	cycle(w, 0);
	assert_int_equal(w->files.held, 0);
	in_state(w, 4012, 'R', 0);
	sched(w, 4012, 3 * MS, 0, 1);
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 2)->run, 0);
	/* it ran: that the counters seem to stand still does not mean that it starves */
	assert_int_equal(vcpu(w, 2)->wait, 0);
	sched(w, 4012, 103 * MS, 7 * MS, 2);
	sched(w, 4004, 65 * MS, 6 * MS, 2);
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 2)->run, 100 * MS);
	assert_int_equal(vcpu(w, 2)->wait, 7 * MS);
	assert_int_equal(overhead(w).run, 5 * MS);
	thread_ends(w, 4004);
	w->n++; /* one more came that we do not see: the number is the same */
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 5 * MS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(as_many_but_another),
		TEST(a_number_that_is_used_again),
		TEST(a_vcpu_number_that_is_used_again),
		TEST(unreadable_for_a_while),
		TEST(used_again_without_descriptors),
	};

	vm_threads_free(NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
