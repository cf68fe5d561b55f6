/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's threads: what each is for, and what they used, until they end. */
#include "vm_threads_kit.h"

/* ---- names ---- */

static void roles(void **state)
{
	static const struct {
		const char *comm;
		enum role role;
		unsigned vcpu;
	} cases[] = {
		{"CPU 0/KVM", VCPU_THREAD, 0},
		{"CPU 17/KVM", VCPU_THREAD, 17},
		{"CPU 3/TCG", VCPU_THREAD, 3},
		{"CPU 4095/KVM", VCPU_THREAD, 4095},
		{"CPU 4096/KVM", OTHER_THREAD, 0},
		{"CPU 99999999999999999999/KVM", OTHER_THREAD, 0},
		{"CPU 3/KV", OTHER_THREAD, 0}, /* cut */
		{"CPU 3/KVMX", OTHER_THREAD, 0},
		{"CPU 3", OTHER_THREAD, 0},
		{"CPU x/KVM", OTHER_THREAD, 0},
		{"CPU /KVM", OTHER_THREAD, 0},
		{"CPU -1/KVM", OTHER_THREAD, 0},
		{"cpu 0/KVM", OTHER_THREAD, 0},
		{"xCPU 0/KVM", OTHER_THREAD, 0},
		{"vhost-4000", VHOST_THREAD, 0},
		{"vhost", OTHER_THREAD, 0},
		{"IO iothread0", IO_THREAD, 0},
		{"IO mon_iothread", OTHER_THREAD, 0},
		{"IOthread", OTHER_THREAD, 0},
		{"worker", OTHER_THREAD, 0},
		{"kvm", OTHER_THREAD, 0},
		{"", OTHER_THREAD, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct thread th = {0};

		thread_name(&th, cases[i].comm);
		if (th.role != cases[i].role ||
		    (th.role == VCPU_THREAD && th.vcpu != cases[i].vcpu))
			fail_msg("'%s': role %d, vCPU %u", cases[i].comm, th.role, th.vcpu);
	}
}

/* ---- sums ---- */

static void what_was_before_does_not_count(void **state)
{
	struct world *w = *state;
	struct vm_overhead o;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	o = overhead(w);
	assert_true(o.any_vcpu);
	assert_false(o.vcpus_ran);
	assert_int_equal(o.run, 0);
	assert_int_equal(o.wait, 0);
	assert_int_equal(n_vcpus(w), 2);
	assert_int_equal(vcpu(w, 2)->run, 0);
	assert_int_equal(vcpu(w, 2)->wait, 0);
	assert_int_equal(vcpu(w, 10)->slices, 0);
	assert_int_equal(vcpu(w, 10)->tid, 4010);
}

static void steps_are_summed(void **state)
{
	struct world *w = *state;
	const struct vm_vcpu *v;
	struct vm_overhead o;
	unsigned n;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	sched(w, PID, 530 * MS, 32 * MS, 9);
	sched(w, 4001, 6 * MS, 1 * MS, 9);
	sched(w, 4010, 9300 * MS, 150 * MS, 9);
	sched(w, 4012, 8500 * MS, 260 * MS, 5);
	sched(w, 4003, 720 * MS, 8 * MS, 9);
	sched(w, 4004, 64 * MS, 11 * MS, 9);
	cycle(w, 1000);
	v = vm_threads_vcpus(w->threads, &n);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].number, 2); /* by number, not by TID */
	assert_int_equal(v[0].run, 500 * MS);
	assert_int_equal(v[0].wait, 60 * MS);
	assert_int_equal(v[0].slices, 4);
	assert_int_equal(v[1].number, 10);
	assert_int_equal(v[1].run, 300 * MS);
	assert_int_equal(v[1].wait, 50 * MS);
	o = overhead(w);
	assert_true(o.any_vcpu && o.vcpus_ran);
	assert_int_equal(o.run, (30 + 1 + 20 + 4) * MS);
	assert_int_equal(o.wait, (2 + 0 + 1 + 5) * MS);
	assert_int_equal(o.iothread_run, 20 * MS); /* the monitor's is none */
	assert_int_equal(o.vhost_run, 0);
	cycle(w, 1000);
	o = overhead(w);
	assert_false(o.vcpus_ran);
	assert_int_equal(o.run, 55 * MS);
	assert_int_equal(vcpu(w, 10)->run, 300 * MS);
}

static void threads_without_names(void **state)
{
	struct world *w = *state;

	for (pid_t t = 0; t < 5; t++)
		thread(w, PID + t, "qemu-system-x86", 5 * MS, 0);
	cycle(w, 0);
	sched(w, PID + 3, 500 * MS, 0, 5);
	cycle(w, 1000);
	assert_false(overhead(w).any_vcpu);
	assert_int_equal(n_vcpus(w), 0);
}

static void more_than_a_thousand(void **state)
{
	struct world *w = *state;

	thread(w, PID, "kvm", 0, 0);
	for (unsigned i = 0; i < 300; i++) {
		char comm[16];

		snprintf(comm, sizeof(comm), "CPU %u/KVM", i);
		thread(w, (pid_t)(9000 - 3 * i), comm, i * MS, 0);
	}
	for (unsigned i = 0; i < 1200; i++)
		thread(w, (pid_t)(10000 + i), "worker", MS, MS);
	cycle(w, 0);
	assert_int_equal(n_vcpus(w), 300);
	for (unsigned i = 0; i < 300; i++)
		sched(w, (pid_t)(9000 - 3 * i), 2 * i * MS, i, 5);
	for (unsigned i = 0; i < 1200; i++)
		sched(w, (pid_t)(10000 + i), 2 * MS, MS + 1000, 5);
	/* more come in between those that are known */
	for (unsigned i = 0; i < 100; i++)
		thread(w, (pid_t)(9001 - 3 * i), "worker", 3 * MS, 0);
	cycle(w, 1000);
	for (unsigned i = 0; i < 300; i++) {
		unsigned n;
		const struct vm_vcpu *v = vm_threads_vcpus(w->threads, &n);

		if (n != 300 || v[i].number != i || v[i].run != i * MS || v[i].wait != i)
			fail_msg("vCPU %u", i);
	}
	assert_int_equal(overhead(w).run, (1200 + 300) * MS);
	assert_int_equal(overhead(w).wait, 1200 * 1000);
}

/* ---- threads that come and go ---- */

static void newborn_threads_count_fully(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	thread(w, 4020, "worker", 80 * MS, 9 * MS);
	thread(w, 4021, "CPU 11/KVM", 40 * MS, 3 * MS);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 80 * MS);
	assert_int_equal(overhead(w).wait, 9 * MS);
	assert_int_equal(vcpu(w, 11)->run, 40 * MS);
	assert_int_equal(vcpu(w, 11)->wait, 3 * MS);
	assert_true(overhead(w).vcpus_ran);
	sched(w, 4020, 90 * MS, 9 * MS, 7);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 90 * MS);
}

static void what_ended_threads_used_stays(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	sched(w, 4004, 100 * MS, 16 * MS, 5);
	sched(w, 4010, 9100 * MS, 100 * MS, 5);
	cycle(w, 1000);
	thread_ends(w, 4004);
	thread_ends(w, 4010);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 40 * MS);
	assert_int_equal(overhead(w).wait, 10 * MS);
	assert_int_equal(n_vcpus(w), 1);
	assert_null(vcpu(w, 10));
	assert_true(overhead(w).any_vcpu);
	/* plugged again: another thread, counted from its beginning */
	thread(w, 4050, "CPU 10/KVM", 5 * MS, 0);
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 10)->run, 5 * MS);
	assert_int_equal(vcpu(w, 10)->tid, 4050);
}

static void thread_comes_without_a_schedstat(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	fake_put(&w->dir, "worker\n", "%d/task/4030/comm", PID);
	fake_put(&w->dir, "", "%d/task/4031/comm", PID);
	fake_put(&w->dir, "1 2 3\n", "%d/task/4031/schedstat", PID);
	fake_put(&w->dir, "worker\n", "%d/task/not-a-number/comm", PID);
	fake_put(&w->dir, "worker\n", "%d/task/99999999999/comm", PID);
	w->n += 2;
	cycle(w, 0);
	cycle(w, 1000);
	assert_int_equal(overhead(w).run, 0);
	assert_int_equal(n_vcpus(w), 2);
}

static void a_process_that_ended(void **state)
{
	struct world *w = *state;

	assert_int_equal(cycle_r(w, 0), -ESRCH); /* never there */
	two_vcpus_and_overhead(w);
	cycle(w, 1000);
	fake_remove(&w->dir, "%d", PID);
	w->n--; /* or anything else that makes it look again */
	assert_int_equal(cycle_r(w, 1000), -ESRCH);
}

/* QEMU names its threads a moment after they began. */
static void named_after_birth(void **state)
{
	struct world *w = *state;

	two_vcpus_and_overhead(w);
	cycle(w, 0);
	thread(w, 4021, "kvm", 1 * MS, 0);
	cycle(w, 1000);
	assert_null(vcpu(w, 11));
	fake_put(&w->dir, "CPU 11/KVM\n", "%d/task/4021/comm", PID);
	sched(w, 4021, 301 * MS, 0, 5);
	cycle(w, 1000);
	assert_non_null(vcpu(w, 11));
	assert_int_equal(vcpu(w, 11)->run, 300 * MS);
	assert_int_equal(overhead(w).run, 1 * MS);
}

/* ---- the CPU it last ran on ---- */

static void last_cpu(void **state)
{
	struct world *w = *state;
	uint64_t run = 8000 * MS;
	unsigned changed = 0;

	two_vcpus_and_overhead(w);
	in_state(w, 4012, 'S', 5);
	w->cycle.may_starve = false;
	cycle(w, 0);
	assert_true(vcpu(w, 2)->last_cpu == ABSENT); /* nobody wanted it */
	w->cycle.want_last_cpu = true;
	run += 10 * MS;
	sched(w, 4012, run, 200 * MS, 2);
	cycle(w, 1000);
	assert_int_equal(vcpu(w, 2)->last_cpu, 5);
	in_state(w, 4012, 'S', 6);
	/* at most five seconds old */
	for (unsigned i = 0; i < 6; i++) {
		run += 10 * MS;
		sched(w, 4012, run, 200 * MS, 3 + i);
		cycle(w, 1000);
		changed += vcpu(w, 2)->last_cpu == 6;
	}
	assert_true(changed >= 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles),
		TEST(what_was_before_does_not_count),
		TEST(steps_are_summed),
		TEST(threads_without_names),
		TEST(more_than_a_thousand),
		TEST(newborn_threads_count_fully),
		TEST(what_ended_threads_used_stays),
		TEST(thread_comes_without_a_schedstat),
		TEST(a_process_that_ended),
		TEST(named_after_birth),
		TEST(last_cpu),
	};

	vm_threads_free(NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
