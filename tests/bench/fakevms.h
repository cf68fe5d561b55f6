/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_BENCH_FAKEVMS_H
#define PROXTOP_BENCH_FAKEVMS_H

/* The generator's options. */
#include "fakevm.h"

#include <limits.h>

#define VMS_MAX 4096u

struct generator {
	char dir[PATH_MAX];
	const char *cgroups; /* NULL: the VMs stay in the generator's cgroup */
	unsigned n, silent;
	struct fakevm model;
	pid_t *pids; /* 0: not running */
};

/* Fills in g; on a wrong option says so in one line and exits with 2. */
void fakevms_options(struct generator *g, int argc, char **argv);

#endif
