/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_threads.h"

#include "sample.h"
#include "scan.h"
#include "thread.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALM_CYCLES 4u /* calm threads are read in one of so many */
#define THREADS_MAX 65536u
#define TICK_NS     10000000u /* USER_HZ is 100 on Linux */

struct vm_threads {
	pid_t pid;
	struct thread *threads; /* by tid */
	unsigned n, room;
	struct vm_vcpu *vcpus; /* by number */
	unsigned n_vcpus;
	struct vm_overhead sum;
	uint64_t n_listed; /* threads the process had when they were listed */
	bool listed;       /* ever */
	bool followed;     /* for this cycle: vm_threads_read() did */
	bool collected;    /* ever */
	unsigned cycle;
	bool rescan;
	bool missed; /* a thread could not be opened while they were listed */
	bool unread; /* a thread could not be read in this cycle, but it is there */
	pid_t *vhost;
	unsigned n_vhost;
	/* The process' total run time against what its threads showed. */
	uint64_t own_run;    /* ns all threads of the process added */
	uint64_t total_base; /* own ticks in ns when own_run was 0; ABSENT: not read yet */
};

/* ---- which threads ---- */

static struct thread *find_thread(struct vm_threads *t, pid_t tid)
{
	unsigned low = 0, high = t->n;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (t->threads[mid].tid < tid)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n && t->threads[low].tid == tid ? &t->threads[low] : NULL;
}

static int compare_thread(const void *a, const void *b)
{
	pid_t x = ((const struct thread *)a)->tid, y = ((const struct thread *)b)->tid;

	return x < y ? -1 : x > y;
}

/* dir: /proc/PID/task/TID or /proc/TID */
static void add_thread(struct vm_threads *t, struct files *f, const char *dir, pid_t tid,
		       bool foreign)
{
	struct thread *new;
	char comm[32];

	if (t->n >= THREADS_MAX)
		return;
	if (file_read(comm, sizeof(comm), "%s/comm", dir) <= 0) {
		t->missed = true;
		return;
	}
	comm[strcspn(comm, "\n")] = '\0';
	if (t->n == t->room) {
		t->room = t->room ? t->room * 2 : 16;
		t->threads = xrealloc(t->threads, t->room, sizeof(*t->threads));
	}
	new = memset(&t->threads[t->n], 0, sizeof(*new));
	new->tid = tid;
	new->foreign = foreign;
	new->seen = new->fresh = true;
	new->newborn = t->listed && !foreign;
	new->stat = HELD_NONE;
	thread_name(new, comm);
	/* The number of a kernel thread that ended may be anybody's. */
	if (foreign && new->role != VHOST_THREAD)
		return;
	if (held_open(f, &new->schedstat, "%s/schedstat", dir)) {
		t->missed = true;
		return;
	}
	t->n++;
}

static void drop_unseen(struct vm_threads *t, struct files *f)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->n; i++) {
		if (t->threads[i].seen) {
			t->threads[kept++] = t->threads[i];
			continue;
		}
		held_close(f, &t->threads[i].schedstat);
		held_close(f, &t->threads[i].stat);
	}
	t->n = kept;
}

static bool is_our_vhost(const struct vm_threads *t, pid_t tid)
{
	for (unsigned i = 0; i < t->n_vhost; i++)
		if (t->vhost[i] == tid)
			return true;
	return false;
}

/* Threads are listed again only when their number changed or one is gone: a directory
 * costs as much as reading five of them. */
static int list_threads(struct vm_threads *t, struct files *f)
{
	unsigned old = t->n;
	char path[PATH_MAX_OURS], dir[PATH_MAX_OURS + 32];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%d/task", f->procfs, (int)t->pid);
	d = opendir(path);
	if (!d)
		return -errno;
	for (unsigned i = 0; i < old; i++)
		t->threads[i].seen = t->threads[i].foreign && !t->threads[i].dead &&
				     is_our_vhost(t, t->threads[i].tid);
	while ((e = readdir(d))) {
		const char *p = e->d_name;
		struct thread *known;
		uint64_t tid;

		if (!scan_u64(&p, &tid) || *p || tid > INT32_MAX)
			continue;
		/* Only the first, sorted part is searched: what is added stands behind it. */
		unsigned all = t->n;
		t->n = old;
		known = find_thread(t, (pid_t)tid);
		t->n = all;
		if (known && !known->dead) {
			known->seen = true;
			continue;
		}
		snprintf(dir, sizeof(dir), "%s/%u", path, (unsigned)tid);
		add_thread(t, f, dir, (pid_t)tid, false);
	}
	closedir(d);
	drop_unseen(t, f);
	for (unsigned i = 0; i < t->n_vhost; i++) {
		bool have = false;

		for (unsigned j = 0; j < t->n && !have; j++)
			have = t->threads[j].foreign && t->threads[j].tid == t->vhost[i];
		snprintf(dir, sizeof(dir), "%s/%d", f->procfs, (int)t->vhost[i]);
		if (!have)
			add_thread(t, f, dir, t->vhost[i], true);
	}
	qsort(t->threads, t->n, sizeof(*t->threads), compare_thread);
	t->listed = true;
	t->rescan = t->missed;
	t->missed = false;
	return 0;
}

static void follow_vhost(struct vm_threads *t, const struct vm *vm)
{
	if (t->n_vhost == vm->n_vhost &&
	    (!t->n_vhost || !memcmp(t->vhost, vm->vhost, t->n_vhost * sizeof(*t->vhost))))
		return;
	free(t->vhost);
	t->n_vhost = vm->n_vhost;
	t->vhost = xcalloc(t->n_vhost + 1, sizeof(*t->vhost));
	if (t->n_vhost)
		memcpy(t->vhost, vm->vhost, t->n_vhost * sizeof(*t->vhost));
	t->rescan = true;
}

/* ---- the VM ---- */

static struct vm_vcpu *vcpu_of(struct vm_threads *t, const struct thread *th)
{
	unsigned at = 0;

	while (at < t->n_vcpus && t->vcpus[at].number < th->vcpu)
		at++;
	if (at < t->n_vcpus && t->vcpus[at].number == th->vcpu) {
		if (t->vcpus[at].tid != th->tid)
			t->vcpus[at] = (struct vm_vcpu){
				.number = th->vcpu, .tid = th->tid, .last_cpu = ABSENT};
		return &t->vcpus[at];
	}
	t->vcpus = xrealloc(t->vcpus, t->n_vcpus + 1, sizeof(*t->vcpus));
	memmove(&t->vcpus[at + 1], &t->vcpus[at], (t->n_vcpus - at) * sizeof(*t->vcpus));
	t->n_vcpus++;
	t->vcpus[at] = (struct vm_vcpu){.number = th->vcpu, .tid = th->tid, .last_cpu = ABSENT};
	return &t->vcpus[at];
}

static void drop_dead_vcpus(struct vm_threads *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->n_vcpus; i++) {
		const struct thread *th = find_thread(t, t->vcpus[i].tid);

		if (th && th->role == VCPU_THREAD && th->vcpu == t->vcpus[i].number)
			t->vcpus[kept++] = t->vcpus[i];
	}
	t->n_vcpus = kept;
}

static void account(struct vm_threads *t, struct thread *th, const struct step *s)
{
	struct vm_vcpu *v;

	if (!th->foreign)
		t->own_run += s->run;
	if (th->role == VCPU_THREAD) {
		v = vcpu_of(t, th);
		v->read = true;
		v->run += s->run;
		v->wait += s->wait;
		v->slices += s->slices;
		if (s->last_cpu != ABSENT)
			v->last_cpu = s->last_cpu;
		t->sum.any_vcpu = true;
		t->sum.vcpus_ran += s->run;
		return;
	}
	t->sum.run += s->run;
	t->sum.wait += s->wait;
	if (th->role == VHOST_THREAD)
		t->sum.vhost_run += s->run;
	else if (th->role == IO_THREAD)
		t->sum.iothread_run += s->run;
}

/*
 * utime + stime of the process contain the threads that have ended (and are made of the
 * same clock, cputime_adjust() in kernel/sched/cputime.c); both are cut to ticks, and
 * they were read before the threads, so the process can only seem to have used less.
 * What it used more, threads used that nobody saw.
 */
static void find_unseen(struct vm_threads *t, const struct pid_stat *stat)
{
	uint64_t total = (stat->utime + stat->stime) * TICK_NS, own;

	if (stat->utime == ABSENT || stat->stime == ABSENT)
		return;
	if (total < t->total_base) {
		t->own_run = 0;
		t->total_base = total;
		return;
	}
	own = total - t->total_base;
	/* The base itself was cut by up to two ticks. */
	if (own > t->own_run + 2 * TICK_NS) {
		t->sum.run += own - t->own_run - 2 * TICK_NS;
		t->own_run = own - 2 * TICK_NS;
	}
}

/* QEMU names a thread only after it has begun: who looks too early sees the process' name. */
static void name_again(struct vm_threads *t, struct thread *th, struct files *f)
{
	char comm[32];

	if (th->named || th->foreign)
		return;
	th->named = true;
	if (th->role != OTHER_THREAD || file_read(comm, sizeof(comm), "%s/%d/task/%d/comm",
						  f->procfs, (int)t->pid, (int)th->tid) <= 0)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	thread_name(th, comm);
}

/* Reads those that have not been read in this cycle; true when one is gone. */
static bool read_threads(struct vm_threads *t, const struct vm_threads_cycle *c, bool only_fresh)
{
	bool gone = false;

	for (unsigned i = 0; i < t->n; i++) {
		struct step step;

		if (only_fresh ? !t->threads[i].fresh : !t->threads[i].peeked)
			continue;
		if (!t->threads[i].fresh)
			name_again(t, &t->threads[i], c->files);
		if (!thread_read(&t->threads[i], t->pid, c, &step)) {
			account(t, &t->threads[i], &step);
			continue;
		}
		gone = true;
		t->unread = t->unread || !t->threads[i].dead;
	}
	return gone;
}

static int follow_threads(struct vm_threads *t, const struct vm_threads_cycle *c)
{
	follow_vhost(t, c->vm);
	if ((!t->listed || t->rescan || c->stat->threads != t->n_listed) &&
	    list_threads(t, c->files))
		return -ESRCH;
	t->n_listed = c->stat->threads;
	return 0;
}

/* Has the process used more than those of its threads that were peeked at? */
static bool used_more(const struct vm_threads *t, const struct pid_stat *stat)
{
	uint64_t shown = t->own_run, total = (stat->utime + stat->stime) * TICK_NS;

	if (t->total_base == ABSENT || stat->utime == ABSENT || stat->stime == ABSENT)
		return true;
	for (unsigned i = 0; i < t->n; i++) {
		const struct thread *th = &t->threads[i];

		if (th->peeked && !th->error && !th->foreign && th->now.run > th->last.run)
			shown += th->now.run - th->last.run;
	}
	return total > t->total_base && total - t->total_base > shown + 2 * TICK_NS;
}

/* Reads those that were not; true when none is left out. */
static bool peek(struct vm_threads *t, bool calm_too)
{
	bool all = true;

	for (unsigned i = 0; i < t->n; i++) {
		struct thread *th = &t->threads[i];

		if (th->peeked)
			continue;
		if (calm_too || !thread_is_calm(th) ||
		    (t->cycle + (unsigned)th->tid) % CALM_CYCLES == 0)
			thread_peek(th);
		else
			all = false;
	}
	return all;
}

void vm_threads_read(struct vm_threads *t, const struct vm_threads_cycle *c)
{
	t->followed = !follow_threads(t, c);
	t->cycle++;
	if (t->followed && !peek(t, false) && used_more(t, c->stat))
		peek(t, true);
}

int vm_threads_collect(struct vm_threads *t, const struct vm_threads_cycle *c)
{
	bool first = !t->collected;

	if (!t->followed)
		vm_threads_read(t, c);
	if (!t->followed)
		return -ESRCH;
	t->followed = false;
	t->collected = true;
	t->sum.any_vcpu = t->unread = false;
	t->sum.vcpus_ran = 0;
	for (unsigned i = 0; i < t->n_vcpus; i++)
		t->vcpus[i].read = false;
	/* Another may have taken the place of one that is gone: their number is the same. */
	if (read_threads(t, c, false)) {
		if (list_threads(t, c->files))
			return -ESRCH;
		read_threads(t, c, true);
	}
	drop_dead_vcpus(t);
	/* What it used comes when it can be read again; until then it is not unseen. */
	if (!t->unread || first)
		find_unseen(t, c->stat);
	return 0;
}

const struct vm_vcpu *vm_threads_vcpus(const struct vm_threads *t, unsigned *ret_n)
{
	*ret_n = t->n_vcpus;
	return t->vcpus;
}

void vm_threads_overhead(const struct vm_threads *t, struct vm_overhead *ret)
{
	*ret = t->sum;
	ret->unread = t->unread;
}

struct vm_threads *vm_threads_new(pid_t pid, const struct vm *vm)
{
	struct vm_threads *t = xcalloc(1, sizeof(*t));

	t->pid = pid;
	t->total_base = ABSENT;
	follow_vhost(t, vm);
	return t;
}

void vm_threads_free(struct vm_threads *t, struct files *f)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++)
		t->threads[i].seen = false;
	drop_unseen(t, f);
	free(t->threads);
	free(t->vcpus);
	free(t->vhost);
	free(t);
}
