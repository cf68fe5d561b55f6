/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROC_SCAN_H
#define PROXTOP_PROC_SCAN_H

/*
 * Finding QEMU processes and vhost kernel threads in /proc.
 *
 * A scan lists the directory and looks closer only at PIDs it does not know: what a
 * process is does not change once it has run for a while.  Used by the lookup's thread
 * only.
 */
#include "files.h"
#include "source.h"

struct process {
	pid_t pid;
	uint64_t starttime;
	bool incoming;
	struct vm_desc vm; /* what its command line says; uuid and name may be NULL */
};

struct vhost_thread {
	pid_t pid, owner; /* of vhost-OWNER */
};

struct proc_scan {
	struct process *qemu; /* in order of PIDs */
	unsigned n_qemu, room_qemu;
	struct vhost_thread *vhost;
	unsigned n_vhost, room_vhost;
	struct other *others; /* PIDs known to be something else, sorted */
	unsigned n_others;
	unsigned rounds;
};

/* verify: look at the start times of known QEMUs too; a PID that is used again within a
 * few rounds is not seen without it, but the cycle, which holds the process' files, notices
 * that the old one ended.  text: room for one command line, QEMU_CMDLINE_MAX + 1 bytes or more. */
void proc_scan(struct proc_scan *s, const struct files *f, bool verify, char *text, size_t size);
void proc_scan_fini(struct proc_scan *s);

/* The next scan looks closer at all processes. */
void proc_scan_forget(struct proc_scan *s);

/* The start time of a process as it is now, ABSENT when it is gone. */
uint64_t process_starttime(const struct files *f, pid_t pid);

#endif
