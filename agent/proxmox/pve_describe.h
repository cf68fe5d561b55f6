/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_DESCRIBE_H
#define PROXTOP_PVE_DESCRIBE_H

/*
 * A running VM of Proxmox VE, put together from its QEMU's command line and its
 * configuration: the description for the lookup, and what the QMP client has to know.
 */
#include "pve_config.h"
#include "qemu_cmdline.h"
#include "source.h"

#include <stdbool.h>

enum pve_hands_off {
	PVE_MAY_ASK,
	PVE_LOCKED,       /* a task of Proxmox VE is at work and needs the QMP socket */
	PVE_MIGRATING_IN, /* so is the migration, on this side */
};

struct pve_target {
	uint64_t key;
	uint32_t vmid;
	enum pve_hands_off hands_off;
	bool no_balloon;
	char *name; /* for messages */
	char *lock; /* what for, NULL none */
	unsigned n_disks;
	char (*disks)[GUEST_DISK_NAME]; /* the names that are disks of the VM */
};

/* Both NULL are fine. */
void pve_target_free(struct pve_target *t);
struct pve_target *pve_target_copy(const struct pve_target *t);

/* conf NULL: the VM has none on this node; conf_expected: but should have one, the
 * directory is there.  cluster NULL: none.  Fills in d (zeroed) and returns the target,
 * the caller's. */
struct pve_target *pve_describe(struct vm_desc *d, uint32_t vmid, pid_t pid, uint64_t start_time,
				const struct qemu_cmdline *cmd, const struct pve_config *conf,
				bool conf_expected, const char *cluster);

void pve_desc_copy(struct vm_desc *to, const struct vm_desc *from);

/* A hash of everything in it: equal descriptions need not be published again. */
uint64_t pve_desc_hash(const struct vm_desc *d);

#endif
