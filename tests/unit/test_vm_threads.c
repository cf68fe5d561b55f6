/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM's threads in a /proc of our own.  Files are rewritten in place, so that held
 * descriptors see them; a thread that ends is one whose descriptor gives ESRCH, for which
 * its file is a link into the /proc of a real process.
 */
#include "thread.h"

#include "fakedir.h"
#include "xalloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

#define MS  UINT64_C(1000000)
#define SEC UINT64_C(1000000000)
#define PID 4000

struct world {
	struct fakedir dir;
	struct files files;
	struct vm vm;
	struct vm_threads *threads;
	struct vm_threads_cycle cycle;
	struct pid_stat stat;
	uint64_t now;
	unsigned n; /* threads of the process, as its stat says */
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	fake_new(&w->dir);
	files_init(&w->files, w->dir.path, NULL, NULL);
	w->vm.pid = PID;
	w->now = 1000 * SEC;
	w->cycle = (struct vm_threads_cycle){
		.files = &w->files, .vm = &w->vm, .stat = &w->stat, .may_starve = true};
	/* What the leader says of itself must not be taken for the process. */
	fake_put(&w->dir, "999999999999 999999999999 99999\n", "%d/schedstat", PID);
	w->threads = vm_threads_new(PID, &w->vm);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	unsigned held;

	vm_threads_free(w->threads, &w->files);
	held = w->files.held;
	files_fini(&w->files);
	fake_free(&w->dir);
	free(w->vm.vhost);
	free(w);
	if (held)
		fprintf(stderr, "%u descriptors are left open\n", held);
	return held ? -1 : 0;
}

static void sched(struct world *w, pid_t tid, uint64_t run, uint64_t wait, uint64_t slices)
{
	char text[100];

	snprintf(text, sizeof(text), "%llu %llu %llu\n", (unsigned long long)run,
		 (unsigned long long)wait, (unsigned long long)slices);
	fake_put(&w->dir, text, "%d/task/%d/schedstat", PID, (int)tid);
}

static void in_state(struct world *w, pid_t tid, char state, unsigned cpu)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "%d (a name) %c 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 9 0 343517 1 1 1 1 1 1 1 1 0 0 "
		 "0 0 0 0 0 17 %u 0 0 0 0 0 1 1 1 1 1 1 1 0\n",
		 (int)tid, state, cpu);
	fake_put(&w->dir, text, "%d/task/%d/stat", PID, (int)tid);
}

static void thread(struct world *w, pid_t tid, const char *comm, uint64_t run, uint64_t wait)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n", comm);
	fake_put(&w->dir, text, "%d/task/%d/comm", PID, (int)tid);
	in_state(w, tid, 'S', 0);
	sched(w, tid, run, wait, 1);
	w->n++;
}

static void thread_ends(struct world *w, pid_t tid)
{
	fake_remove(&w->dir, "%d/task/%d", PID, (int)tid);
	w->n--;
}

/* One cycle, ms later. */
static int cycle_r(struct world *w, uint64_t ms)
{
	w->cycle.before_ns = w->cycle.now_ns;
	w->now += ms * MS;
	w->cycle.now_ns = w->now;
	w->stat.threads = w->n;
	return vm_threads_collect(w->threads, &w->cycle);
}

static void cycle(struct world *w, uint64_t ms)
{
	assert_int_equal(cycle_r(w, ms), 0);
}

static struct vm_overhead overhead(struct world *w)
{
	struct vm_overhead o;

	vm_threads_overhead(w->threads, &o);
	return o;
}

static const struct vm_vcpu *vcpu(struct world *w, unsigned number)
{
	unsigned n;
	const struct vm_vcpu *v = vm_threads_vcpus(w->threads, &n);

	for (unsigned i = 0; i < n; i++)
		if (v[i].number == number)
			return &v[i];
	return NULL;
}

static unsigned n_vcpus(struct world *w)
{
	unsigned n;

	vm_threads_vcpus(w->threads, &n);
	return n;
}

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

static void two_vcpus_and_overhead(struct world *w)
{
	thread(w, PID, "kvm", 500 * MS, 30 * MS);
	thread(w, 4001, "IO mon_iothread", 5 * MS, 1 * MS);
	thread(w, 4010, "CPU 10/KVM", 9000 * MS, 100 * MS);
	thread(w, 4012, "CPU 2/KVM", 8000 * MS, 200 * MS);
	thread(w, 4003, "IO iothread0", 700 * MS, 7 * MS);
	thread(w, 4004, "worker", 60 * MS, 6 * MS);
}

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

/* ---- threads whose descriptor says that they ended ---- */

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

/* ---- starving ---- */

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

/* ---- threads that nobody saw ---- */

static void total(struct world *w, uint64_t utime, uint64_t stime)
{
	w->stat.utime = utime;
	w->stat.stime = stime;
}

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

/* ---- vhost ---- */

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
		TEST(as_many_but_another),
		TEST(a_number_that_is_used_again),
		TEST(a_vcpu_number_that_is_used_again),
		TEST(unreadable_for_a_while),
		TEST(used_again_without_descriptors),
		TEST(starving_waits_and_pays_back),
		TEST(a_debt_is_paid_from_later_waits),
		TEST(a_late_jump_is_spread),
		TEST(pressure_says_that_nobody_waits),
		TEST(only_runnable_ones_starve),
		TEST(starving_from_the_beginning),
		TEST(waiting_is_conserved),
		TEST(short_lived_threads_are_in_the_total),
		TEST(rounding_is_not_overhead),
		TEST(a_total_that_goes_back),
		TEST(a_total_that_comes_late),
		TEST(calm_threads_take_turns),
		TEST(calm_threads_wake_up),
		TEST(calm_threads_wait),
		TEST(vhost_kernel_threads),
		TEST(vhost_is_not_in_the_total),
		TEST(vhost_threads_of_qemu),
		TEST(another_kernel_thread_by_now),
		TEST(last_cpu),
	};

	vm_threads_free(NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
