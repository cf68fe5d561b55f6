/* SPDX-License-Identifier: Apache-2.0 */
/* The VMs' rows: identity, process, cgroup, and what the source said of the guest. */
#include "cycle.h"
#include "log.h"
#include "proc_text.h"
#include "vm_cgroup.h"
#include "vm_guest.h"
#include "vm_threads.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RAN_NS         1000000u /* a kick of a paused vCPU takes less */
#define UNNAMED_CYCLES 3        /* a QEMU that starts or ends has unnamed threads for a moment */

/* What is kept of one VM from cycle to cycle. */
struct vm_state_kept {
	uint64_t id;
	pid_t pid;
	/* This cycle's: */
	bool used;
	bool gone; /* the process is not, or is another one */
	uint32_t row;
	struct pid_stat now;
	struct vm_threads_cycle tc;
	uint64_t some_cpu; /* pressure's total */
	uint64_t ran;      /* by its vCPUs, ns */
	/* Kept: */
	struct held stat, io;
	struct vm_cgroup cgroup;
	struct vm_threads *threads;
	uint64_t last_some_cpu;      /* as above at the cycle before */
	unsigned unnamed;            /* cycles in which no thread had a name of a vCPU */
	uint64_t io_bytes, io_calls; /* what collect_io() saw in the cycle before */
	uint64_t ran_ns;             /* when its vCPUs were last seen running; 0: never */
};

struct vm_states {
	struct vm_state_kept **kept;
	unsigned n, room;
	struct vm_state_kept **order; /* as in the inventory; this cycle's */
	unsigned order_room;
	uint64_t before_ns; /* the cycle before */
};

void cycle_complain(const char *key, const char *path, long error, const char *remedy)
{
	log_once(LOG_WARNING, key, "%s: %s%s%s", path, strerror((int)-error), *remedy ? ": " : "",
		 remedy);
}

struct vm_states *vm_states_new(void)
{
	return xcalloc(1, sizeof(struct vm_states));
}

static void kept_free(struct vm_state_kept *k, struct files *f)
{
	held_close(f, &k->stat);
	held_close(f, &k->io);
	vm_cgroup_fini(&k->cgroup, f);
	vm_threads_free(k->threads, f);
	free(k);
}

void vm_states_free(struct vm_states *s, struct files *f)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		kept_free(s->kept[i], f);
	free(s->order);
	free(s->kept);
	free(s);
}

static struct vm_state_kept *kept_of(struct vm_states *s, struct cycle *c, const struct vm *vm,
				     unsigned guess)
{
	struct vm_state_kept *k;

	if (guess < s->n && s->kept[guess]->id == vm->id && !s->kept[guess]->used)
		return s->kept[guess];
	for (unsigned i = 0; i < s->n; i++)
		if (s->kept[i]->id == vm->id && !s->kept[i]->used)
			return s->kept[i];
	k = xcalloc(1, sizeof(*k));
	k->id = vm->id;
	k->pid = vm->pid;
	k->io = k->stat = HELD_NONE;
	vm_cgroup_init(&k->cgroup);
	k->last_some_cpu = ABSENT;
	if (vm->pid) {
		held_open(c->files, &k->stat, "%s/%d/stat", c->files->procfs, (int)vm->pid);
		k->threads = vm_threads_new(vm->pid, vm);
	}
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 16;
		s->kept = xrealloc(s->kept, s->room, sizeof(*s->kept));
	}
	s->kept[s->n++] = k;
	return k;
}

/* ---- process ---- */

static void set_memory(struct cycle *c, uint32_t row, const struct vm *vm,
		       const struct pid_stat *stat)
{
	struct sample *s = c->sample;

	sample_set(s, SCOPE_VM, row, M_RAM_TOTAL, vm->memory_kib);
	if (!vm->pid)
		return;
	sample_set(s, SCOPE_VM, row, M_RAM_VSIZE, stat->vsize);
	if (stat->rss_pages < UINT64_MAX / 65536)
		sample_set(s, SCOPE_VM, row, M_RAM_RSS,
			   stat->rss_pages * (uint64_t)sysconf(_SC_PAGESIZE));
	sample_set(s, SCOPE_VM, row, M_RAM_MINFLT, stat->minflt);
	sample_set(s, SCOPE_VM, row, M_RAM_MAJFLT, stat->majflt);
	sample_set(s, SCOPE_VM, row, M_RAM_CMINFLT, stat->cminflt);
	sample_set(s, SCOPE_VM, row, M_RAM_CMAJFLT, stat->cmajflt);
}

struct cell {
	struct sample *sample;
	uint32_t row;
};

static void set_cell(void *arg, enum metric_id m, uint64_t v)
{
	struct cell *at = arg;

	sample_set(at->sample, SCOPE_VM, at->row, m, v);
}

/* More than what a QEMU reads and writes anyway: its own wake-ups, 8 bytes each. */
#define IO_NOISE (64u << 10)

/* Did the process do I/O that may have been a disk's?  By what reached storage, or by what
 * was read and written at all, which the page cache may have served. */
static void tell_io(struct vm_state_kept *k, struct cycle *c, uint32_t row, const struct vm *vm)
{
	uint64_t bytes = sample_get(c->sample, SCOPE_VM, row, M_IO_READ) +
			 sample_get(c->sample, SCOPE_VM, row, M_IO_WRITE);
	uint64_t calls = sample_get(c->sample, SCOPE_VM, row, M_IO_RCHAR) +
			 sample_get(c->sample, SCOPE_VM, row, M_IO_WCHAR);

	hub_set_io_moved(c->hub, vm->key, bytes != k->io_bytes || calls - k->io_calls > IO_NOISE);
	k->io_bytes = bytes;
	k->io_calls = calls;
}

static void collect_io(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	struct cell at = {c->sample, k->row};
	uint32_t row = k->row;
	long n = 0;

	if (!vm->pid)
		return;
	if (!held_is_open(&k->io))
		n = held_open(c->files, &k->io, "%s/%d/io", c->files->procfs, (int)k->pid);
	if (n == 0)
		n = held_read(&k->io, c->buf, c->buf_size);
	if (n > 0)
		parse_pid_io(c->buf, set_cell, &at);
	if (n > 0 && vm->key && sample_get(c->sample, SCOPE_VM, row, M_IO_WRITE) != ABSENT)
		tell_io(k, c, row, vm);
	else if (vm->key)
		hub_set_io_moved(c->hub, vm->key, true); /* for all that is known */
	c->failures += n < 0 && n != -ESRCH && n != -ENOENT;
	if (n == -EACCES || n == -EPERM)
		cycle_complain("pid-io", "/proc/PID/io of the VMs", n,
			       "the I/O metrics need root (sudo proxtop --io), in a container the "
			       "capabilities SYS_PTRACE and DAC_READ_SEARCH");
}

/* ---- CPU ---- */

/* Returns how long the vCPUs waited since they were first seen, ns. */
static uint64_t collect_vcpus(struct vm_state_kept *k, struct cycle *c, uint32_t row)
{
	unsigned n;
	const struct vm_vcpu *v = vm_threads_vcpus(k->threads, &n);
	uint64_t wait = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t id = id_hash_u64(id_hash_u64(k->id, v[i].number), (uint64_t)v[i].tid);
		uint32_t at = sample_row(c->sample, SCOPE_VCPU, row, id);

		sample_set(c->sample, SCOPE_VCPU, at, M_VCPU, v[i].number);
		wait += v[i].wait;
		if (!v[i].read)
			continue;
		sample_set(c->sample, SCOPE_VCPU, at, M_RUN, v[i].run);
		sample_set(c->sample, SCOPE_VCPU, at, M_WAIT, v[i].wait);
		sample_set(c->sample, SCOPE_VCPU, at, M_SLICES, v[i].slices);
		sample_set(c->sample, SCOPE_VCPU, at, M_CPU_LAST, v[i].last_cpu);
	}
	return wait;
}

static void set_cpu(struct vm_state_kept *k, struct cycle *c, uint32_t row, const struct vm *vm)
{
	struct vm_overhead o;
	unsigned n;

	vm_threads_vcpus(k->threads, &n);
	vm_threads_overhead(k->threads, &o);
	/* What runs is the truth: a hot-plugged vCPU has its thread at once. */
	if (vm->cores || n)
		sample_set(c->sample, SCOPE_VM, row, M_CPU_CORES, n ? n : vm->cores);
	k->unnamed = o.any_vcpu ? 0 : k->unnamed + 1;
	if (k->unnamed == UNNAMED_CYCLES)
		log_once(LOG_NOTICE, "unnamed-threads",
			 "the threads of %s (PID %d) have no names that tell vCPUs from others "
			 "(QEMU's option -name ...,debug-threads=on): its CPU values are absent",
			 vm->name, (int)vm->pid);
	if (!o.any_vcpu)
		return;
	vm_cgroup_limit(&k->cgroup, c, row, vm, collect_vcpus(k, c, row));
	sample_set(c->sample, SCOPE_VM, row, M_OTHER_RUN, o.run);
	sample_set(c->sample, SCOPE_VM, row, M_OTHER_WAIT, o.wait);
	sample_set(c->sample, SCOPE_VM, row, M_VHOST_RUN, o.vhost_run);
	sample_set(c->sample, SCOPE_VM, row, M_IOTHREAD_RUN, o.iothread_run);
}

/* ---- identity ---- */

/* A VM that nobody speaks for counts as running for so long after a vCPU ran: an idle guest
 * still has its timers. */
#define IDLE_NS 10000000000u

/* vCPUs that run prove a VM running, whatever its source said some time ago. */
static const char *state_text(struct cycle *c, const struct vm *vm, const struct vm_state_kept *k,
			      bool ran)
{
	enum vm_state state = vm->key ? hub_get_state(c->hub, vm->key) : VM_UNKNOWN;

	if (ran && (state == VM_UNKNOWN || state == VM_PAUSED || state == VM_MIGRATING_IN))
		state = VM_RUNNING;
	if (state == VM_UNKNOWN && k->ran_ns && c->now_ns - k->ran_ns < IDLE_NS)
		state = VM_RUNNING;
	if (state == VM_UNKNOWN && vm->incoming && !k->ran_ns)
		state = VM_MIGRATING_IN;
	return vm_state_names[state];
}

static void set_identity(struct cycle *c, uint32_t row, const struct vm *vm)
{
	struct sample *s = c->sample;

	sample_set_text(s, SCOPE_VM, row, M_UUID, vm->uuid);
	sample_set_text(s, SCOPE_VM, row, M_NAME, vm->name);
	sample_set_text(s, SCOPE_VM, row, M_TAGS, vm->tags);
	sample_set_text(s, SCOPE_VM, row, M_HYPERVISOR, vm->hypervisor);
	if (vm->vmid)
		sample_set(s, SCOPE_VM, row, M_VMID, vm->vmid);
	if (cycle_wants(c, F_HOST))
		sample_set_text(s, SCOPE_VM, row, M_HOST_NAME, c->host_name);
	if (vm->pid) {
		uint64_t started = vm->starttime / 100, now = c->now_ns / 1000000000u;

		sample_set(s, SCOPE_VM, row, M_PID, (uint64_t)vm->pid);
		if (now >= started)
			sample_set(s, SCOPE_VM, row, M_UPTIME, now - started);
	}
}

/* ---- */

/* Is the process still the one that was found? */
static bool read_process(struct vm_state_kept *k, struct cycle *c, const struct vm *vm,
			 struct pid_stat *stat)
{
	return held_read(&k->stat, c->buf, c->buf_size) > 0 && parse_pid_stat(c->buf, stat) &&
	       stat->starttime == vm->starttime && stat->state != 'Z' && stat->state != 'X';
}

/* ---- kind by kind ---- */

static void collect_identity(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	set_identity(c, k->row, vm);
	vm_cgroup_follow(&k->cgroup, c, vm);
}

static void collect_pressure(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	k->some_cpu = ABSENT;
	if (cycle_wants(c, F_PRESSURE) || (vm->psi_dir && cycle_wants(c, F_CPU)))
		k->some_cpu = vm_cgroup_pressure(&k->cgroup, c, k->row);
}

static void collect_threads(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	struct vm_overhead o;

	/* Pressure counts each moment in which a thread of the VM waited for a CPU, starving
	 * ones too. */
	if (k->some_cpu != ABSENT && k->some_cpu == k->last_some_cpu)
		k->tc.may_starve = false;
	k->last_some_cpu = k->some_cpu;
	if (vm_threads_collect(k->threads, &k->tc))
		c->poke = true;
	vm_threads_overhead(k->threads, &o);
	c->failures += o.unread;
	if (o.vcpus_ran >= RAN_NS)
		k->ran_ns = c->now_ns;
	if (vm->key)
		hub_set_vcpus_ran(c->hub, vm->key, o.vcpus_ran > 0);
	k->ran = o.vcpus_ran;
}

static void collect_cpu(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	const char *state;

	k->ran = 0;
	if (vm->pid) {
		collect_threads(k, c, vm);
		if (cycle_wants(c, F_CPU))
			set_cpu(k, c, k->row, vm);
	} else if (vm->cores) {
		sample_set(c->sample, SCOPE_VM, k->row, M_CPU_CORES, vm->cores);
	}
	state = state_text(c, vm, k, k->ran >= RAN_NS);
	sample_set_text(c->sample, SCOPE_VM, k->row, M_STATE, state);
}

static void collect_memory(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	if (!cycle_wants(c, F_MEM))
		return;
	set_memory(c, k->row, vm, &k->now);
	vm_guest_memory(c, k->row, vm);
}

static void collect_disks(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	if (!cycle_wants(c, F_DISK))
		return;
	if (vm->pid)
		sample_set(c->sample, SCOPE_VM, k->row, M_VD_DELAYBLKIO, k->now.blkio_ticks);
	vm_guest_disks(c, k->row, vm);
}

static void collect_nics(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	if (cycle_wants(c, F_NET))
		vm_guest_nics(c, k->row, vm);
}

static void read_threads(struct vm_state_kept *k, struct cycle *c, const struct vm *vm)
{
	(void)c;
	if (vm->pid)
		vm_threads_read(k->threads, &k->tc);
}

/* The VMs in the order of the inventory, those that are still there with their rows. */
static void begin_vms(struct vm_states *s, struct cycle *c)
{
	const struct inventory *inv = c->inventory;

	if (inv->n_vms > s->order_room) {
		s->order_room = inv->n_vms;
		s->order = xrealloc(s->order, s->order_room, sizeof(*s->order));
	}
	for (unsigned v = 0; v < inv->n_vms; v++) {
		const struct vm *vm = &inv->vms[v];
		struct vm_state_kept *k = s->order[v] = kept_of(s, c, vm, v);

		k->used = true;
		k->tc = (struct vm_threads_cycle){c->files,     vm,         &k->now, c->now_ns,
						  s->before_ns, c->verbose, true};
		k->gone = vm->pid && !read_process(k, c, vm, &k->now);
		if (k->gone)
			c->poke = true; /* it has ended: the VM is no more */
		k->row = k->gone ? NO_ROW : sample_row(c->sample, SCOPE_VM, 0, vm->id);
		k->gone = k->row == NO_ROW;
	}
}

/* One kind of all VMs that are still there. */
static void each(struct vm_states *s, struct cycle *c, enum family f,
		 void (*collect)(struct vm_state_kept *k, struct cycle *c, const struct vm *vm))
{
	cycle_turn(c, f);
	for (unsigned v = 0; v < c->inventory->n_vms; v++)
		if (!s->order[v]->gone)
			collect(s->order[v], c, &c->inventory->vms[v]);
}

/*
 * Kind by kind, not VM by VM: the same file of 300 VMs in a row costs a third less than
 * in turns with everything else.  What a process used in all is read before what its
 * threads did (vm_threads.c), and a VM's pressure before its threads are judged.
 */
static void collect_all(struct vm_states *s, struct cycle *c)
{
	begin_vms(s, c);
	each(s, c, F_CPU, read_threads);
	if (cycle_wants(c, F_IO))
		each(s, c, F_IO, collect_io);
	each(s, c, F_IDENT, collect_identity);
	each(s, c, cycle_wants(c, F_PRESSURE) ? F_PRESSURE : F_CPU, collect_pressure);
	each(s, c, F_CPU, collect_cpu);
	each(s, c, F_MEM, collect_memory);
	each(s, c, F_DISK, collect_disks);
	each(s, c, F_NET, collect_nics);
}

void vm_states_collect(struct vm_states *s, struct cycle *c)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->n; i++)
		s->kept[i]->used = false;
	collect_all(s, c);
	for (unsigned i = 0; i < s->n; i++) {
		if (s->kept[i]->used)
			s->kept[kept++] = s->kept[i];
		else
			kept_free(s->kept[i], c->files);
	}
	s->n = kept;
	s->before_ns = c->now_ns;
}
