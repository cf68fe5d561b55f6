/* SPDX-License-Identifier: Apache-2.0 */
#include "thread.h"

#include "sample.h"
#include "scan.h"

#include <errno.h>
#include <string.h>

#define VCPU_MAX    4096u
#define LAST_CPU_NS 10000000000u /* how old the CPU a vCPU last ran on may be */

/* CPU 3/KVM */
static bool is_vcpu(const char *comm, unsigned *ret)
{
	const char *p = comm;
	uint64_t n;

	if (!scan_word(&p, "CPU ") || !scan_u64(&p, &n) || n >= VCPU_MAX)
		return false;
	*ret = (unsigned)n;
	return !strcmp(p, "/KVM") || !strcmp(p, "/TCG");
}

void thread_name(struct thread *th, const char *comm)
{
	th->role = OTHER_THREAD;
	if (is_vcpu(comm, &th->vcpu))
		th->role = VCPU_THREAD;
	else if (!strncmp(comm, "vhost-", 6))
		th->role = VHOST_THREAD;
	else if (!strncmp(comm, "IO ", 3) && strcmp(comm, "IO mon_iothread"))
		th->role = IO_THREAD;
}

/* State and last CPU of a thread; false when it cannot be read. */
static bool read_stat(struct thread *th, pid_t pid, const struct vm_threads_cycle *c,
		      struct pid_stat *stat)
{
	struct files *f = c->files;
	char text[1024];

	th->stat_ns = c->now_ns;
	if (!held_is_open(&th->stat)) {
		if (th->foreign)
			held_open(f, &th->stat, "%s/%d/stat", f->procfs, (int)th->tid);
		else
			held_open(f, &th->stat, "%s/%d/task/%d/stat", f->procfs, (int)pid,
				  (int)th->tid);
	}
	return held_read(&th->stat, text, sizeof(text)) > 0 && parse_pid_stat(text, stat);
}

/* A stat costs as much as a schedstat; the CPU a vCPU last ran on is worth it only every
 * few seconds, and not for all vCPUs in the same cycle. */
static bool wants_last_cpu(const struct thread *th, const struct vm_threads_cycle *c)
{
	uint64_t spread = (uint64_t)th->tid % 8 * (LAST_CPU_NS / 8);

	return c->want_last_cpu && (!th->stat_ns || (c->now_ns + spread) / LAST_CPU_NS !=
							    (th->stat_ns + spread) / LAST_CPU_NS);
}

/* vCPUs are what people look at, and what kernel threads used is in no total that would
 * tell when they wake up. */
static void judge_calm(struct thread *th, uint64_t interval, const struct step *s)
{
	bool idle = s->run <= interval / 128 && s->wait <= interval / 128;

	if (th->role == VCPU_THREAD || th->foreign || !interval || !idle || th->owed || th->late)
		th->calm = 0;
	else if (th->calm < CALM_READINGS)
		th->calm++;
}

/*
 * How long did it wait in this interval?  The kernel adds a wait when it is over
 * (sched_info_arrive), so while a thread starves the counter stands still, and then
 * jumps by more than the interval.  Hence:
 *  - runnable, but neither run time, wait nor slices moved: it waited all the time; that
 *    much is counted now and owed;
 *  - what the counter adds later pays the debt first;
 *  - what is then still more than fits beside its run time into the interval belongs to
 *    earlier ones; it is spread over the next intervals as they have room, so that
 *    nothing is lost and no interval shows more than itself.
 */
static uint64_t waited(struct thread *th, uint64_t interval, uint64_t run, uint64_t wait)
{
	/* Threads are not read at the same point of each cycle. */
	uint64_t whole = interval + (interval / 50 > 5000000 ? interval / 50 : 5000000);
	uint64_t room = whole > run ? whole - run : 0;
	uint64_t paid = wait < th->owed ? wait : th->owed;
	uint64_t due;

	th->owed -= paid;
	due = wait - paid + th->late;
	th->late = due > room ? due - room : 0;
	return due - th->late;
}

void thread_peek(struct thread *th)
{
	char text[128];
	long n = held_read(&th->schedstat, text, sizeof(text));

	th->peeked = true;
	th->error = n > 0 ? 0 : (int)n;
	if (n > 0 && !parse_schedstat(text, &th->now))
		th->error = -EINVAL;
}

int thread_read(struct thread *th, pid_t pid, const struct vm_threads_cycle *c, struct step *ret)
{
	struct schedstat now;
	struct pid_stat stat;
	bool first = th->fresh, again = false, still, have_stat = false;
	uint64_t interval, from;

	*ret = (struct step){0, 0, 0, ABSENT};
	if (!th->peeked)
		thread_peek(th);
	th->peeked = false;
	th->dead = th->error == -ESRCH || th->error == -ENOENT;
	if (th->error)
		return th->error;
	now = th->now;
	/* A calm one was perhaps left out before; no cycle shows more than itself. */
	from = thread_is_calm(th) && c->before_ns > th->read_ns ? c->before_ns : th->read_ns;
	interval = c->now_ns > from ? c->now_ns - from : 0;
	if (first && !th->newborn) {
		th->last = now;
		interval = 0;
	}
	/* A TID that is used again: the counters start again. */
	if (now.run < th->last.run || now.wait < th->last.wait || now.slices < th->last.slices) {
		th->last = now;
		th->owed = th->late = 0;
		again = true;
	}
	ret->run = now.run - th->last.run;
	ret->slices = now.slices - th->last.slices;
	/* On the CPU without a break: if it seemed to starve before, only its clock stood still
	 * (nohz_full CPUs update it about once a second). */
	if (ret->run && !ret->slices && now.wait == th->last.wait)
		th->owed = 0;
	still = !again && !ret->run && !ret->slices && now.wait == th->last.wait;
	/* Others than vCPUs are many and mostly asleep: their state is worth a look only
	 * where the VM's own pressure says that somebody waits. */
	if (th->role == VCPU_THREAD ? (still ? c->may_starve : wants_last_cpu(th, c))
				    : still && c->may_starve && c->vm->psi_dir)
		have_stat = read_stat(th, pid, c, &stat);
	if (have_stat)
		ret->last_cpu = stat.processor;
	if (first && th->newborn) {
		ret->wait = now.wait;
	} else if (!first) {
		if (still && have_stat && stat.state == 'R' && !th->late) {
			ret->wait = interval;
			th->owed += interval;
		} else {
			ret->wait = waited(th, interval, ret->run, now.wait - th->last.wait);
		}
	}
	judge_calm(th, first ? 0 : interval, ret);
	th->fresh = false;
	th->last = now;
	th->read_ns = c->now_ns;
	return 0;
}
