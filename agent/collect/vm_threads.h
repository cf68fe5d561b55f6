/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_THREADS_H
#define PROXTOP_VM_THREADS_H

/*
 * CPU time of a VM's threads, as counters that only grow.
 *
 * vCPUs are known by their names (CPU n/KVM, CPU n/TCG); everything else is overhead:
 * main loop, iothreads (IO ...), vhost workers (vhost-...; threads of QEMU since Linux
 * 6.4, kernel threads before), pool workers that come and go.  What a thread had used
 * when it was first seen counts only when it was born since the last cycle.
 *
 * Overhead threads that have done next to nothing for a while are read in every fourth
 * cycle, unless the process as a whole used more than the others show.
 *
 * Two traps of schedstat are handled here (how: thread.c, vm_threads.c):
 *  - a thread that starves shows nothing until it runs, and then everything at once;
 *  - threads that lived and died between two cycles are seen in the process' total only.
 */
#include "files.h"
#include "inventory.h"
#include "proc_text.h"

struct vm_vcpu {
	unsigned number;
	pid_t tid;
	uint64_t run, wait, slices; /* ns, ns, count since it was first seen */
	bool read; /* in this cycle; otherwise the counters stand still for no good reason */
	uint64_t last_cpu; /* ABSENT when not read */
};

struct vm_threads;

struct vm_threads *vm_threads_new(pid_t pid, const struct vm *vm);
void vm_threads_free(struct vm_threads *t, struct files *f);

struct vm_threads_cycle {
	struct files *files;
	const struct vm *vm;
	const struct pid_stat *stat; /* of the process, read just before */
	uint64_t now_ns, before_ns;  /* this cycle and the one before; 0: there was none */
	bool want_last_cpu;
	bool may_starve; /* false: PSI says that no thread of the VM waited for a CPU */
};

/* Lists the threads where there may be others than those known, and reads them; judged
 * they are by vm_threads_collect().  Who has many VMs reads all before judging one. */
void vm_threads_read(struct vm_threads *t, const struct vm_threads_cycle *c);

/* What the threads did since the last collect.  Reads those that have not been read.  0, or
 * -ESRCH when the process has ended. */
int vm_threads_collect(struct vm_threads *t, const struct vm_threads_cycle *c);

/* Results of the last collect; valid until the next. */
const struct vm_vcpu *vm_threads_vcpus(const struct vm_threads *t, unsigned *ret_n);

struct vm_overhead {
	uint64_t run, wait, vhost_run, iothread_run; /* ns */
	bool unread;   /* a thread that is there could not be read in this cycle */
	bool any_vcpu; /* false: no thread has a vCPU's name, so overhead is not known either */
	uint64_t vcpus_ran; /* ns that vCPUs ran since the cycle before */
};
void vm_threads_overhead(const struct vm_threads *t, struct vm_overhead *ret);

#endif
