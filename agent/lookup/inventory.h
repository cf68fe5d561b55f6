/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_INVENTORY_H
#define PROXTOP_INVENTORY_H

/*
 * What there is to measure on this host, as the lookup last found it.
 *
 * An inventory never changes once it is made; the lookup makes a new one and swaps it
 * in, and whoever looks at one holds a reference.  The collect cycle works from it and
 * never walks directories itself.
 */
#include "source.h"

#include <pthread.h>

#define BACKING_NAME 32u

struct vm_disk {
	char *name, *device;        /* as in disk_desc */
	char backing[BACKING_NAME]; /* /proc/diskstats name of the device that holds it; "" unknown
				     */
	uint64_t capacity, allocation, physical; /* bytes; ABSENT */
};

struct vm {
	uint64_t id;  /* hash of UUID and instance (boot, PID, start time) */
	uint64_t key; /* in the hub; 0: no source describes it */
	char *uuid, *name, *tags;
	const char *hypervisor; /* static: "libvirt", "proxmox", "proc" */
	uint32_t vmid;
	bool incoming; /* started to take over a migrating VM */
	pid_t pid;     /* 0: not found below procfs */
	uint64_t starttime;
	unsigned cores;      /* 0: as many as vCPU threads */
	uint64_t memory_kib; /* ABSENT unknown */
	struct vm_disk *disks;
	unsigned n_disks;
	struct nic_desc *nics;
	unsigned n_nics;
	uint64_t netns;  /* inode of its network namespace; 0: as the host's */
	uint64_t cgroup; /* hash of /proc/PID/cgroup; 0: not read */
	bool shared;     /* that cgroup is not its own alone */
	char *psi_dir;   /* directory of its own cgroup v2; NULL: none */
	char **limits;   /* cpu.stat files of its cgroups that have a CPU limit */
	unsigned n_limits;
	bool limits_known; /* limits are all there are; otherwise there may be others */
	pid_t *vhost;      /* kernel threads named vhost-PID (Linux before 6.4) */
	unsigned n_vhost;
};

enum disk_class { DISK_PHYSICAL, DISK_LVM, DISK_MULTIPATH, DISK_OTHER };
extern const char *const disk_class_names[];

struct host_disk {
	char name[BACKING_NAME]; /* as in /proc/diskstats */
	char *label;             /* what people call it: device mapper's name */
	enum disk_class class;
	bool shown, counted; /* in the host's arrays; in the host's sums */
};

struct host_nic {
	char name[32];
	uint64_t speed; /* Mbit/s, ABSENT when down or virtual */
	bool shown, counted;
};

struct inventory {
	unsigned references; /* guarded by the lookup's lock */
	struct vm *vms;
	unsigned n_vms, room_vms;
	struct host_disk *disks;
	unsigned n_disks;
	struct host_nic *nics;
	unsigned n_nics;
	uint64_t netns;                        /* of PID 1 */
	uint64_t freq_now, freq_min, freq_max; /* MHz, mean; ABSENT */
	char *host_uuid;                       /* NULL unknown */
};

struct inventory *inventory_new(void);
void inventory_free(struct inventory *i); /* NULL is fine */
struct vm *inventory_add_vm(struct inventory *i);
void vm_fini(struct vm *vm);
#endif
