/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_VM_H
#define PROXTOP_PVE_VM_H

/*
 * One pid file of Proxmox VE: is its QEMU running, and what is it?
 *
 * What was found is kept, and read again only when stat(2) tells of a change.
 */
#include "pve_describe.h"
#include "pve_list.h"

#include <sys/stat.h>

/* What stat(2) tells of a file's contents. */
struct file_stamp {
	struct timespec mtime, ctime;
	off_t size;
	ino_t ino;
	bool racy; /* changed so lately that another change might leave the stamp as it is */
};

struct file_stamp file_stamp_make(const struct stat *st);

/* Are the contents for sure as they were at `before`? */
bool file_stamp_same(const struct file_stamp *before, const struct file_stamp *now);

/* One byte more than is looked at, so that a file that is cut is known to be, and a NUL. */
#define PVE_SCRATCH (PVE_CONFIG_MAX + 2)

/* Where a round looks, and what it counts. */
struct pve_place {
	char *procfs, *rootfs;
	char *run_dir, *config_dir, *cluster;
	bool moved; /* what all descriptions depend on changed in this round */
	struct pve_counts counts;
	char *scratch; /* PVE_SCRATCH */
};

struct pve_vm {
	uint32_t vmid;
	bool seen, alive, had_config, stale_said;
	pid_t pid;
	uint64_t start_time;
	struct file_stamp conf;
	int conf_error; /* 0: there is a configuration; negative errno */
	uint64_t conf_hash;
	struct vm_desc desc;       /* when alive */
	struct pve_target *target; /* when alive */
	uint64_t desc_hash;
};

/* full: trusts no stamp; look: reads the pid file of a running VM too. */
void pve_vm_round(struct pve_place *p, struct pve_vm *v, bool full, bool look,
		  struct pve_round *news);

/* Its pid file is gone. */
void pve_vm_gone(struct pve_vm *v, struct pve_round *news);
void pve_vm_fini(struct pve_vm *v);

#endif
