/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_CONFIG_H
#define PROXTOP_PVE_CONFIG_H

/*
 * What /etc/pve/qemu-server/VMID.conf says of the VM as it runs: the part before the
 * first [section], which are snapshots, [PENDING] changes and [special:...] ones.
 *
 * Any bytes are taken: lines that are not understood are passed over, as Proxmox VE
 * does it; values are bounded.  An absent value is NULL or 0.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PVE_CONFIG_MAX (1u << 20) /* bytes that are looked at */
#define PVE_DISKS_MAX  64u
#define PVE_NICS_MAX   32u
#define PVE_VALUE_MAX  4096u /* bytes of one text; longer ones are cut */
#define PVE_MEMORY_MIB 512u  /* what a VM has without a memory line */

struct pve_disk {
	char *name;    /* scsi0, efidisk0 */
	char *volume;  /* local-lvm:vm-100-disk-0, or a path */
	uint64_t size; /* bytes; 0: not told */
};

struct pve_nic {
	unsigned index; /* of netN: the tap is tap<VMID>i<N> */
	char *mac;      /* lower case; NULL: not told */
	char *bridge;   /* NULL: none, then there is no tap either */
};

struct pve_config {
	char *name, *tags, *lock, *ostype;
	char *uuid; /* of smbios1, lower case; NULL: none or malformed */
	unsigned sockets, cores, vcpus;
	uint64_t memory_kib;
	bool no_balloon;                      /* balloon: 0, the VM has no such device */
	struct pve_disk disks[PVE_DISKS_MAX]; /* no CD-ROMs */
	struct pve_nic nics[PVE_NICS_MAX];
	unsigned n_disks, n_nics;
};

/* text need not be NUL-terminated. */
void pve_config_parse(const char *text, size_t n, struct pve_config *ret);
void pve_config_fini(struct pve_config *c);

/* vCPUs as Proxmox VE counts them: vcpus, otherwise sockets times cores. */
unsigned pve_config_vcpus(const struct pve_config *c);

/* cluster_name of corosync.conf's totem section; the caller's, NULL when there is none. */
char *pve_cluster_name(const char *text, size_t n);

#endif
