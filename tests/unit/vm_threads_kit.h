/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_VM_THREADS_KIT_H
#define PROXTOP_TEST_VM_THREADS_KIT_H

/* What the tests of a VM's threads share: a process of files, and what was measured of it. */
/*
 * A VM's threads in a /proc of our own.  Files are rewritten in place, so that held
 * descriptors see them; a thread that ends is one whose descriptor gives ESRCH, for which
 * its file is a link into the /proc of a real process.
 */
#include "fakedir.h"
#include "thread.h"
#include "xalloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline void sched(struct world *w, pid_t tid, uint64_t run, uint64_t wait, uint64_t slices)
{
	char text[100];

	snprintf(text, sizeof(text), "%llu %llu %llu\n", (unsigned long long)run,
		 (unsigned long long)wait, (unsigned long long)slices);
	fake_put(&w->dir, text, "%d/task/%d/schedstat", PID, (int)tid);
}

static inline void in_state(struct world *w, pid_t tid, char state, unsigned cpu)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "%d (a name) %c 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 9 0 343517 1 1 1 1 1 1 1 1 0 0 "
		 "0 0 0 0 0 17 %u 0 0 0 0 0 1 1 1 1 1 1 1 0\n",
		 (int)tid, state, cpu);
	fake_put(&w->dir, text, "%d/task/%d/stat", PID, (int)tid);
}

static inline void thread(struct world *w, pid_t tid, const char *comm, uint64_t run, uint64_t wait)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n", comm);
	fake_put(&w->dir, text, "%d/task/%d/comm", PID, (int)tid);
	in_state(w, tid, 'S', 0);
	sched(w, tid, run, wait, 1);
	w->n++;
}

static inline void thread_ends(struct world *w, pid_t tid)
{
	fake_remove(&w->dir, "%d/task/%d", PID, (int)tid);
	w->n--;
}

/* One cycle, ms later. */
static inline int cycle_r(struct world *w, uint64_t ms)
{
	w->cycle.before_ns = w->cycle.now_ns;
	w->now += ms * MS;
	w->cycle.now_ns = w->now;
	w->stat.threads = w->n;
	return vm_threads_collect(w->threads, &w->cycle);
}

static inline void cycle(struct world *w, uint64_t ms)
{
	assert_int_equal(cycle_r(w, ms), 0);
}

static inline struct vm_overhead overhead(struct world *w)
{
	struct vm_overhead o;

	vm_threads_overhead(w->threads, &o);
	return o;
}

static inline const struct vm_vcpu *vcpu(struct world *w, unsigned number)
{
	unsigned n;
	const struct vm_vcpu *v = vm_threads_vcpus(w->threads, &n);

	for (unsigned i = 0; i < n; i++)
		if (v[i].number == number)
			return &v[i];
	return NULL;
}

static inline unsigned n_vcpus(struct world *w)
{
	unsigned n;

	vm_threads_vcpus(w->threads, &n);
	return n;
}

/* ---- sums ---- */

static inline void two_vcpus_and_overhead(struct world *w)
{
	thread(w, PID, "kvm", 500 * MS, 30 * MS);
	thread(w, 4001, "IO mon_iothread", 5 * MS, 1 * MS);
	thread(w, 4010, "CPU 10/KVM", 9000 * MS, 100 * MS);
	thread(w, 4012, "CPU 2/KVM", 8000 * MS, 200 * MS);
	thread(w, 4003, "IO iothread0", 700 * MS, 7 * MS);
	thread(w, 4004, "worker", 60 * MS, 6 * MS);
}

/* ---- threads that nobody saw ---- */

static inline void total(struct world *w, uint64_t utime, uint64_t stime)
{
	w->stat.utime = utime;
	w->stat.stime = stime;
}

#endif
