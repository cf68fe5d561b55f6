/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_THREAD_H
#define PROXTOP_THREAD_H

/*
 * One thread of a VM: what it did since it was last read.  The private side of
 * vm_threads.h, where the traps of schedstat are.
 */
#include "vm_threads.h"

/* A thread that did next to nothing so many times in a row is calm: it is not worth
 * reading in every cycle. */
#define CALM_READINGS 8u

enum role { VCPU_THREAD, IO_THREAD, VHOST_THREAD, OTHER_THREAD };

struct thread {
	pid_t tid;
	uint8_t role;
	bool foreign; /* a kernel thread, not in the process' own total */
	bool seen;    /* by the latest scan */
	bool fresh;   /* has not been read yet */
	bool dead;    /* reading said that it ended; another may have its number by now */
	bool named;   /* its name was read again, see vm_threads.c */
	bool newborn; /* began after the cycle before: all it used counts */
	unsigned vcpu;
	struct held schedstat, stat;
	struct schedstat now, last; /* now: of this cycle, when peeked */
	bool peeked;
	int error;        /* of peeking */
	uint8_t calm;     /* readings in a row in which it did next to nothing */
	uint64_t read_ns; /* when last was read */
	uint64_t stat_ns; /* when its stat was; 0: never */
	uint64_t owed;    /* ns of wait counted ahead while it starved */
	uint64_t late;    /* ns of wait that came late and could not have been in its interval */
};

/* In one interval: ns, ns, count; the CPU is ABSENT when it was not read. */
struct step {
	uint64_t run, wait, slices, last_cpu;
};

/* Its role, from its comm. */
void thread_name(struct thread *th, const char *comm);

/* Reads the counters, for thread_read() to judge: reading many threads in a row is
 * cheaper than what is done about each of them in between. */
void thread_peek(struct thread *th);

static inline bool thread_is_calm(const struct thread *th)
{
	return th->calm >= CALM_READINGS;
}

/* 0, or negative errno: -ESRCH or -ENOENT (sets dead) when it is gone, else nothing is
 * known of this interval.  pid: of the process it belongs to. */
int thread_read(struct thread *th, pid_t pid, const struct vm_threads_cycle *c, struct step *ret);

#endif
