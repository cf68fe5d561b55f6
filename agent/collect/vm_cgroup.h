/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_CGROUP_H
#define PROXTOP_VM_CGROUP_H

/*
 * A VM's own cgroups from cycle to cycle: pressure, and what a CPU limit holds back.
 */
#include "cycle.h"

#define PSI_FILES 3

struct vm_cgroup {
	char *psi_dir;
	struct held psi[PSI_FILES];
	struct held *limits;
	char **limit_paths;
	unsigned n_limits;
	/* see vm_cgroup_limit() */
	uint64_t *last_throttled; /* of each limit */
	uint64_t last_wait, pending, limited, read_ns;
};

void vm_cgroup_init(struct vm_cgroup *g);
void vm_cgroup_fini(struct vm_cgroup *g, struct files *f);

/* Opens and closes files as the inventory has them now. */
void vm_cgroup_follow(struct vm_cgroup *g, struct cycle *c, const struct vm *vm);

/* Sets the VM's pressure; returns the CPU's "some" total, ABSENT when there is none. */
uint64_t vm_cgroup_pressure(struct vm_cgroup *g, struct cycle *c, uint32_t row);

/* Sets how much of the vCPUs' waiting (ns since they were first seen) a limit caused. */
void vm_cgroup_limit(struct vm_cgroup *g, struct cycle *c, uint32_t row, const struct vm *vm,
		     uint64_t wait);

#endif
