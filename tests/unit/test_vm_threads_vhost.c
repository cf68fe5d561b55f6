/* SPDX-License-Identifier: Apache-2.0 */
/* vhost: threads of the kernel that work for a VM. */
#include "vm_threads_kit.h"

static void kernel_thread(struct world *w, pid_t tid, const char *comm, uint64_t run)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n", comm);
	fake_put(&w->dir, text, "%d/comm", (int)tid);
	snprintf(text, sizeof(text), "%llu 1000 5\n", (unsigned long long)run);
	fake_put(&w->dir, text, "%d/schedstat", (int)tid);
	fake_put(&w->dir, "77 (vhost-4000) S 2 0 0 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n",
		 "%d/stat", (int)tid);
}

static void vhosts(struct world *w, unsigned n, pid_t a, pid_t b)
{
	free(w->vm.vhost);
	w->vm.vhost = xcalloc(2, sizeof(pid_t));
	w->vm.vhost[0] = a;
	w->vm.vhost[1] = b;
	w->vm.n_vhost = n;
}

static void vhost_kernel_threads(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	total(w, 1700, 126);
	kernel_thread(w, 70, "vhost-4000", 5000 * MS);
	kernel_thread(w, 71, "vhost-4000", 6000 * MS);
	vhosts(w, 1, 70, 0);
	cycle(w, 0);
	assert_int_equal(overhead(w).vhost_run, 0); /* of before */
	kernel_thread(w, 70, "vhost-4000", 5300 * MS);
	/* not a part of the process' own total */
	total(w, 1700, 126);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 300 * MS);
	assert_int_equal(overhead(w).run, 300 * MS);
	/* the lookup finds a second one: it may be old */
	vhosts(w, 2, 70, 71);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 300 * MS);
	kernel_thread(w, 71, "vhost-4000", 6050 * MS);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 350 * MS);
	vhosts(w, 1, 71, 0);
	kernel_thread(w, 71, "vhost-4000", 6060 * MS);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 360 * MS);
	vhosts(w, 0, 0, 0);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 360 * MS);
	assert_int_equal(n_vcpus(w), 2);
}

/* A kernel thread's time does not hide that of threads that came and went. */
static void vhost_is_not_in_the_total(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	total(w, 1700, 126);
	kernel_thread(w, 70, "vhost-4000", 5000 * MS);
	vhosts(w, 1, 70, 0);
	cycle(w, 0);
	kernel_thread(w, 70, "vhost-4000", 5600 * MS);
	thread_ends(w, 4004);
	total(w, 1750, 126);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 600 * MS);
	assert_in_range(overhead(w).run, 1050 * MS, 1100 * MS);
}

/* Since Linux 6.4 they are threads of QEMU. */
static void vhost_threads_of_qemu(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	thread(w, 4030, "vhost-4000", 5000 * MS, 0);
	cycle(w, 0);
	sched(w, 4030, 5040 * MS, 0, 5);
	cycle(w, 1000);
	assert_int_equal(overhead(w).vhost_run, 40 * MS);
	assert_int_equal(overhead(w).run, 40 * MS);
}

static void another_kernel_thread_by_now(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	kernel_thread(w, 70, "kworker/0:1", 5000 * MS);
	vhosts(w, 2, 70, 75); /* 75 is not there */
	cycle(w, 0);
	kernel_thread(w, 70, "kworker/0:1", 9000 * MS);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 0);
	assert_int_equal(overhead(w).vhost_run, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(vhost_kernel_threads),
		TEST(vhost_is_not_in_the_total),
		TEST(vhost_threads_of_qemu),
		TEST(another_kernel_thread_by_now),
	};

	vm_threads_free(NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
