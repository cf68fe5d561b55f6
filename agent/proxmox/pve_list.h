/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_LIST_H
#define PROXTOP_PVE_LIST_H

/*
 * Which VMs of Proxmox VE run on this node: the pid files below /run/qemu-server whose
 * process lives and is the QEMU of that VM, with their configurations.
 *
 * A round looks at what changed by stat(2) and reads again only that; a full round
 * reads all configurations again and checks that each process is still the same one.
 * /etc/pve is a FUSE file system that can hang: use a thread that may hang too.
 */
#include "pve_describe.h"
#include "source.h"

struct pve_list;

struct pve_list *pve_list_new(const char *procfs, const char *rootfs);
void pve_list_free(struct pve_list *l);

struct pve_round {
	bool described; /* a description, or which VMs there are, changed since the last round */
	bool targets;   /* what the QMP client must know did */
};
struct pve_round pve_list_round(struct pve_list *l, bool full);

/* New copies, the caller's. */
struct vm_list *pve_list_descriptions(const struct pve_list *l);
struct pve_target **pve_list_targets(const struct pve_list *l, unsigned *ret_n);

/* Where the pid files and QMP sockets are; NULL: no such directory was found. */
const char *pve_list_run_dir(const struct pve_list *l);
const char *pve_list_config_dir(const struct pve_list *l);

/* For --check: what the last round saw. */
struct pve_counts {
	unsigned pid_files, running, stale, configured;
	unsigned denied, unreadable; /* pid files, configurations without permission */
	int run_error, config_error; /* negative errno of the directories, 0 fine */
};
struct pve_counts pve_list_counts(const struct pve_list *l);

#endif
