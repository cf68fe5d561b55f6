/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_threads.h"

#include "scan.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 65536u
#define TICK_NS     10000000u /* USER_HZ is 100 on Linux */
#define VCPU_MAX    4096u
#define LAST_CPU_NS 5000000000u /* how old the CPU a vCPU last ran on may be */

enum role { VCPU_THREAD, IO_THREAD, VHOST_THREAD, OTHER_THREAD };

struct thread {
	pid_t tid;
	uint8_t role;
	bool foreign; /* a kernel thread, not in the process' own total */
	bool seen;    /* by the latest scan */
	bool fresh;   /* has not been read yet */
	bool newborn; /* began after the cycle before: all it used counts */
	unsigned vcpu;
	struct held schedstat, stat;
	struct schedstat last;
	uint64_t read_ns; /* when last was read */
	uint64_t stat_ns; /* when its stat was; 0: never */
	uint64_t owed;    /* ns of wait counted ahead while it starved */
	uint64_t late;    /* ns of wait that came late and could not have been in its interval */
};

struct vm_threads {
	pid_t pid;
	struct thread *threads; /* by tid */
	unsigned n, room;
	struct vm_vcpu *vcpus; /* by number */
	unsigned n_vcpus;
	struct vm_overhead sum;
	uint64_t n_listed; /* threads the process had when they were listed */
	bool listed;       /* ever */
	bool rescan;
	pid_t *vhost;
	unsigned n_vhost;
	/* The process' total run time against what its threads showed. */
	uint64_t own_run;    /* ns all threads of the process added */
	uint64_t total_base; /* own ticks in ns when own_run was 0 */
};

/* ---- which threads ---- */

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

static void name_thread(struct thread *t, const char *comm)
{
	t->role = OTHER_THREAD;
	if (is_vcpu(comm, &t->vcpu))
		t->role = VCPU_THREAD;
	else if (!strncmp(comm, "vhost-", 6))
		t->role = VHOST_THREAD;
	else if (!strncmp(comm, "IO ", 3) && strcmp(comm, "IO mon_iothread"))
		t->role = IO_THREAD;
}

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

	if (t->n >= THREADS_MAX || file_read(comm, sizeof(comm), "%s/comm", dir) <= 0)
		return;
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
	name_thread(new, comm);
	if (held_open(f, &new->schedstat, "%s/schedstat", dir))
		return;
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
		t->threads[i].seen = t->threads[i].foreign && is_our_vhost(t, t->threads[i].tid);
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
		if (known) {
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
	t->rescan = false;
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

/* ---- one thread ---- */

/* State and last CPU of a thread; false when it cannot be read. */
static bool read_stat(struct vm_threads *t, struct thread *th, const struct vm_threads_cycle *c,
		      struct pid_stat *stat)
{
	struct files *f = c->files;
	char text[1024];

	th->stat_ns = c->now_ns;
	if (!held_is_open(&th->stat)) {
		if (th->foreign)
			held_open(f, &th->stat, "%s/%d/stat", f->procfs, (int)th->tid);
		else
			held_open(f, &th->stat, "%s/%d/task/%d/stat", f->procfs, (int)t->pid,
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

struct step {
	uint64_t run, wait, slices, last_cpu;
};

/* What the thread did since it was last read. -ESRCH: it is gone. */
static int read_thread(struct vm_threads *t, struct thread *th, const struct vm_threads_cycle *c,
		       struct step *ret)
{
	struct schedstat now;
	struct pid_stat stat;
	char text[128];
	long n = held_read(&th->schedstat, text, sizeof(text));
	bool first = th->fresh, still, have_stat = false;
	uint64_t interval;

	*ret = (struct step){0, 0, 0, ABSENT};
	if (n <= 0 || !parse_schedstat(text, &now))
		return -ESRCH;
	interval = c->now_ns > th->read_ns ? c->now_ns - th->read_ns : 0;
	if (first && !th->newborn) {
		th->last = now;
		interval = 0;
	}
	/* A TID that is used again: the counters start again. */
	if (now.run < th->last.run || now.wait < th->last.wait || now.slices < th->last.slices) {
		th->last = now;
		th->owed = th->late = 0;
	}
	ret->run = now.run - th->last.run;
	ret->slices = now.slices - th->last.slices;
	still = !ret->run && !ret->slices && now.wait == th->last.wait;
	/* Others than vCPUs are many and mostly asleep: their state is worth a look only
	 * where the VM's own pressure says that somebody waits. */
	if (th->role == VCPU_THREAD ? (still ? c->may_starve : wants_last_cpu(th, c))
				    : still && c->may_starve && c->vm->psi_dir)
		have_stat = read_stat(t, th, c, &stat);
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
	th->fresh = false;
	th->last = now;
	th->read_ns = c->now_ns;
	return 0;
}

/* ---- the VM ---- */

static struct vm_vcpu *vcpu_of(struct vm_threads *t, const struct thread *th)
{
	unsigned at = 0;

	while (at < t->n_vcpus && t->vcpus[at].number < th->vcpu)
		at++;
	if (at < t->n_vcpus && t->vcpus[at].number == th->vcpu) {
		if (t->vcpus[at].tid != th->tid)
			t->vcpus[at] = (struct vm_vcpu){th->vcpu, th->tid, 0, 0, 0, ABSENT};
		return &t->vcpus[at];
	}
	t->vcpus = xrealloc(t->vcpus, t->n_vcpus + 1, sizeof(*t->vcpus));
	memmove(&t->vcpus[at + 1], &t->vcpus[at], (t->n_vcpus - at) * sizeof(*t->vcpus));
	t->n_vcpus++;
	t->vcpus[at] = (struct vm_vcpu){th->vcpu, th->tid, 0, 0, 0, ABSENT};
	return &t->vcpus[at];
}

static void drop_dead_vcpus(struct vm_threads *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->n_vcpus; i++)
		if (find_thread(t, t->vcpus[i].tid))
			t->vcpus[kept++] = t->vcpus[i];
	t->n_vcpus = kept;
}

static void account(struct vm_threads *t, struct thread *th, const struct step *s)
{
	struct vm_vcpu *v;

	if (!th->foreign)
		t->own_run += s->run;
	if (th->role == VCPU_THREAD) {
		v = vcpu_of(t, th);
		v->run += s->run;
		v->wait += s->wait;
		v->slices += s->slices;
		if (s->last_cpu != ABSENT)
			v->last_cpu = s->last_cpu;
		t->sum.any_vcpu = true;
		t->sum.vcpus_ran = t->sum.vcpus_ran || s->run;
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
static void find_unseen(struct vm_threads *t, const struct pid_stat *stat, bool first)
{
	uint64_t total = (stat->utime + stat->stime) * TICK_NS, own;

	if (stat->utime == ABSENT || stat->stime == ABSENT)
		return;
	if (first || total < t->total_base) {
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

/* Reads those that have not been read in this cycle; true when one is gone. */
static bool read_threads(struct vm_threads *t, const struct vm_threads_cycle *c, bool only_fresh)
{
	bool gone = false;

	for (unsigned i = 0; i < t->n; i++) {
		struct step step;

		if (only_fresh && !t->threads[i].fresh)
			continue;
		if (read_thread(t, &t->threads[i], c, &step))
			gone = true;
		else
			account(t, &t->threads[i], &step);
	}
	return gone;
}

int vm_threads_collect(struct vm_threads *t, const struct vm_threads_cycle *c)
{
	bool first = !t->listed;

	follow_vhost(t, c->vm);
	if ((first || t->rescan || c->stat->threads != t->n_listed) && list_threads(t, c->files))
		return -ESRCH;
	t->n_listed = c->stat->threads;
	t->sum.any_vcpu = t->sum.vcpus_ran = false;
	/* Another may have taken the place of one that is gone: their number is the same. */
	if (read_threads(t, c, false)) {
		if (list_threads(t, c->files))
			return -ESRCH;
		read_threads(t, c, true);
	}
	drop_dead_vcpus(t);
	find_unseen(t, c->stat, first);
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
}

struct vm_threads *vm_threads_new(pid_t pid, const struct vm *vm)
{
	struct vm_threads *t = xcalloc(1, sizeof(*t));

	t->pid = pid;
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
