/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MEASURE_H
#define PROXTOP_MEASURE_H

/*
 * The agent's library in one header: measure this host.
 *
 *   measure_open -> measure_ready -> measure_sample, again and again -> measure_close
 *
 * measure_sample() runs in the caller's thread and only reads /proc, /sys and
 * cgroups; it never waits for a hypervisor.  Which VMs there are, and what libvirt
 * and QMP say of them, is found by threads of the library and swapped in.
 */
#include "sample.h"

struct measure;

enum connector { CONNECT_AUTO, CONNECT_LIBVIRT, CONNECT_PROXMOX };

struct measure_options {
	const char *procfs, *sysfs, *rootfs; /* NULL: /proc, /sys, / */
	const char *connection;              /* libvirt URI, NULL: qemu:///system */
	enum connector connector;
	unsigned families;  /* bits 1 << enum family; 0: all */
	bool verbose;       /* read also what only --verbose shows */
	const char *netdev; /* names, comma separated: the host's sum; NULL: physical ones */
	const char *storedev;
	double qmp_interval;             /* seconds between two questions to one VM; 0: 5 */
	const char *host_name, *host_id; /* NULL: found out */
	/* Tests: a clock that stands still, and everything done inside measure_sample(). */
	void (*clock)(void *arg, uint64_t *ret_boot_ns, uint64_t *ret_wall_ns);
	void *clock_arg;
	bool synchronous;
};

/* 0 or negative errno (said in the log). Strings are copied. */
int measure_open(struct measure **ret, const struct measure_options *o);

/* Waits until the first lookup and the first answers are there, at most timeout_ms. */
void measure_ready(struct measure *m, int timeout_ms);

/* Fills s (cleared first) with the host as it is now. */
void measure_sample(struct measure *m, struct sample *s);

/* Who this host is, whatever families are on; valid until it is closed.  The id is NULL
 * when none was given and there is no machine-id. */
const char *measure_host_name(const struct measure *m);
const char *measure_host_id(const struct measure *m);

void measure_close(struct measure *m); /* NULL is fine */

/* Says which of the places of the host's files is not there, and how a container gets it.  0, or
 * negative errno: without procfs there is nothing to measure; the others are only missed. */
int measure_look_at_paths(const struct measure_options *o);

/* --check: one line per source, permission and VM through say(); returns how many
 * things are wrong. */
int measure_check(const struct measure_options *o, void (*say)(void *arg, const char *line),
		  void *arg);

#endif
