/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_BENCH_FAKEVM_H
#define PROXTOP_BENCH_FAKEVM_H

/*
 * One make-believe VM of the generator (fakevms.c): a real process with real threads
 * and a real monitor socket, which looks in /proc and below its root directory like a
 * QEMU that Proxmox VE has started.  It runs no guest.
 *
 * The generator forks, fills in a struct fakevm and executes itself again with the
 * command line of a QEMU; the struct travels in the environment, as text.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FAKEVM_FIRST_ID 100u

/* What its monitor does with whoever connects. */
enum fakevm_monitor {
	MONITOR_ANSWERS,
	MONITOR_CLOSED, /* never accepts: what a QEMU with a hung main loop does */
	MONITOR_DUMB,   /* accepts and says nothing, not even the greeting */
	MONITOR_GREETS, /* greets, then never answers */
};

struct fakevm {
	unsigned id; /* VMID */
	unsigned vcpus;
	unsigned others; /* threads that are not vCPUs, the main thread included; at least 1 */
	unsigned busy;   /* percent of the time that each vCPU thread runs; 0: a few us a wake-up */
	unsigned sleep_min_ms, sleep_max_ms; /* between two wake-ups of a thread */
	unsigned disks;
	enum fakevm_monitor monitor;
	bool tap;                      /* hold the interface tap<id>i0 */
	unsigned long long started_ms; /* CLOCK_MONOTONIC; the counters grow from here */
};

/* What a VM's monitor was asked, in DIR/counters, one entry per VM from the first ID on.
 * Only the VM's main thread writes its entry. */
struct fakevm_counters {
	uint64_t sessions; /* accepted connections */
	uint64_t requests;
	uint64_t bytes_in, bytes_out;
};

/* ---- fakevm_files.c: the directory, the configuration and the command line ---- */

/* Makes DIR/run/qemu-server, DIR/var/run and DIR/etc/pve/qemu-server. 0 or negative errno. */
int fakevm_make_root(const char *dir);
/* Removes what make_root() made, as far as it is empty. */
void fakevm_remove_root(const char *dir);

/* DIR/etc/pve/qemu-server/ID.conf. 0 or negative errno. */
int fakevm_write_config(const char *dir, const struct fakevm *vm);
/* DIR/run/qemu-server/ID.pid. 0 or negative errno. */
int fakevm_write_pid(const char *dir, unsigned id, pid_t pid);
/* Removes the VM's configuration, pid file and sockets. */
void fakevm_remove_files(const char *dir, unsigned id);

/* The command line of a QEMU of Proxmox VE, NULL-terminated; for execve, never freed. */
char **fakevm_argv(const struct fakevm *vm);

/* NAME=VALUE for execve, never freed; and back (0 or -EINVAL). */
char *fakevm_to_env(const struct fakevm *vm);
int fakevm_from_env(struct fakevm *ret);

/* ---- fakevm_process.c: the process after execve ---- */

/* Starts the threads, opens the monitor socket and writes one byte to ready_fd; returns
 * only on failure (an exit code, said on stderr). */
int fakevm_run(const char *dir, const struct fakevm *vm, int ready_fd);

/* ---- fakevm_qmp.c: the monitor ---- */

struct qmp_server {
	const struct fakevm *vm;
	struct fakevm_counters *counters;
	int listen_fd;
	unsigned timeout_ms;         /* after so long without a request idle() has its turn ... */
	unsigned (*idle)(void *arg); /* ... and says how long the next wait may be */
	void *arg;
};

/* Serves one client after the other, as QEMU does. */
_Noreturn void qmp_serve(struct qmp_server *s);

/* ---- fakevm_answer.c: what the monitor says ---- */

/* Writes the answer to request (one JSON object) to out, less than size bytes; returns its
 * length.  *negotiated knows whether qmp_capabilities was given. */
size_t qmp_answer(const struct fakevm *vm, const char *request, size_t length, bool *negotiated,
		  char *out, size_t size);

#endif
