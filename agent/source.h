/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SOURCE_H
#define PROXTOP_SOURCE_H

/*
 * What a connector (libvirt, Proxmox VE) is, and how it hands over what it knows.
 *
 * A source runs threads of its own and may be as slow as its hypervisor.  It gives
 *  - the list of VMs, as immutable descriptions: hub_publish(), each time it changed;
 *  - readings of one VM: hub_memory(), hub_disks(), hub_state(), each with its time.
 * Both go into the hub, which keeps the latest and the previous reading, and from
 * which the lookup (list) and the collect cycle (readings) take copies.  All hub
 * calls are short, thread-safe and never block on anything but the hub's lock.
 *
 * A VM is known to the hub by its key: any number that the source gives to one run
 * of one VM (a restarted VM gets a new one: counters start again).
 */
#include "metric.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hub;

enum vm_state {
	VM_UNKNOWN,
	VM_RUNNING,
	VM_PAUSED,
	VM_MIGRATING_IN,
	VM_BLOCKED, /* stopped by an I/O error */
	VM_CRASHED,
	VM_SHUTDOWN,  /* being shut down */
	VM_SUSPENDED, /* guest's own suspend to RAM */
};
extern const char *const vm_state_names[]; /* "running", NULL for unknown */

#define VM_DISKS_MAX 64u /* per VM; more are left out and said */
#define VM_NICS_MAX  64u
#define VM_LIST_MAX  4096u

struct disk_desc {
	char *name;   /* scsi0, vda */
	char *device; /* path of the backing file or device, or an URL like rbd:...; NULL unknown */
	uint64_t capacity; /* bytes, as the guest sees the disk; 0: unknown */
};

struct nic_desc {
	char *tap;    /* interface on the host, NULL when there is none (user, vfio) */
	char *mac;    /* lower case, NULL unknown */
	char *bridge; /* NULL none */
};

/* One VM as its connector describes it.  Strings are the description's own. */
struct vm_desc {
	uint64_t key;        /* where its readings go in the hub */
	char *uuid;          /* lower case; never NULL */
	char *name;          /* never NULL */
	char *tags;          /* as the source writes them, NULL none */
	uint32_t vmid;       /* 0: none */
	enum vm_state state; /* as of the list; hub_state() is newer */
	pid_t pid;           /* 0: to be found by the lookup, by an exact -uuid or guest= */
	unsigned cores;      /* 0: unknown, then as many as vCPU threads */
	uint64_t memory_kib; /* the most the guest may have; 0 unknown */
	struct disk_desc *disks;
	unsigned n_disks;
	struct nic_desc *nics;
	unsigned n_nics;
};

struct vm_list {
	struct vm_desc *vms;
	unsigned n, room;
};

struct vm_list *vm_list_new(void);
void vm_list_free(struct vm_list *l); /* NULL is fine */
/* A new zeroed entry to be filled in; NULL beyond VM_LIST_MAX. */
struct vm_desc *vm_list_add(struct vm_list *l);
void vm_desc_fini(struct vm_desc *d);              /* frees strings and arrays inside */
struct disk_desc *vm_desc_disk(struct vm_desc *d); /* one more, zeroed; NULL beyond the bound */
struct nic_desc *vm_desc_nic(struct vm_desc *d);

/* ---- readings ---- */

#define GUEST_VALUES_MAX 16u
#define GUEST_DISK_NAME  32u

struct guest_value {
	uint16_t metric; /* enum metric_id: an OWN_TIME row of scope VM or VM_DISK */
	uint64_t value;
};

struct guest_values {
	unsigned n;
	struct guest_value v[GUEST_VALUES_MAX];
};

static inline void guest_add(struct guest_values *g, enum metric_id m, uint64_t value)
{
	if (g->n < GUEST_VALUES_MAX)
		g->v[g->n++] = (struct guest_value){(uint16_t)m, value};
}

struct guest_disk {
	char name[GUEST_DISK_NAME]; /* as in disk_desc; a disk not described is added */
	struct guest_values values;
};

/*
 * Asking costs the guest's QEMU CPU time.  A VM whose disks did nothing between two
 * readings (the same hash) is quiet: up to so many of the questions that follow are left
 * out, one more after each reading that finds it quiet still, as long as its process does
 * no I/O either (hub_io_moved).  What is left out counts as read and found the same
 * (hub_disks_same), so that the next rate is not spread over the quiet time.
 */
#define GUEST_QUIET_MAX 3u
uint64_t guest_disks_hash(const struct guest_disk *disks, unsigned n);

/* list: taken over by the hub, which gives it to the lookup. */
void hub_publish(struct hub *h, struct vm_list *list);

/* taken_ns: CLOCK_BOOTTIME when the answer came.  valid_ns: how long after taken_ns the
 * values may be shown; then they are absent. */
void hub_memory(struct hub *h, uint64_t key, uint64_t taken_ns, uint64_t valid_ns,
		const struct guest_values *values);
void hub_disks(struct hub *h, uint64_t key, uint64_t taken_ns, uint64_t valid_ns,
	       const struct guest_disk *disks, unsigned n);
void hub_state(struct hub *h, uint64_t key, enum vm_state state);

/* The last question failed: what this VM's source said is absent until the next answer. */
void hub_failed(struct hub *h, uint64_t key);

/* Has any vCPU of the VM run since the last call?  Set by the collect cycle, so that a
 * source asks for the state only when it may have changed. -1: not known. */
int hub_vcpus_ran(struct hub *h, uint64_t key);

/* Has the VM's process done I/O since the last call?  As hub_vcpus_ran(). */
int hub_io_moved(struct hub *h, uint64_t key);

/* The disks are as they were read last, says taken_ns. */
void hub_disks_same(struct hub *h, uint64_t key, uint64_t taken_ns);

/* Wakes the lookup (an event said that something changed). */
void hub_poke(struct hub *h);

/* What asking takes: so many questions more, so many failures, so long in real time. */
struct hub_work {
	uint64_t questions, failures, ns;
};
void hub_count(struct hub *h, const struct hub_work *more);

/* ---- the connector ---- */

struct source_options {
	const char *procfs, *rootfs;   /* never NULL */
	const char *connection;        /* libvirt */
	double interval;               /* seconds between two questions to one VM */
	unsigned families;             /* bits 1 << enum family: do not ask for what nobody wants */
	bool synchronous;              /* tests: no threads, source_step() does one round */
	uint64_t (*now_ns)(void *arg); /* CLOCK_BOOTTIME, or the tests' clock */
	void *now_arg;
};

struct source; /* private to each connector */

struct source_ops {
	const char *name; /* "libvirt", "proxmox": value of the metric hypervisor */
	/* Starts threads. 0 or negative errno; not being reachable is not an error, the
	 * source says it once (log_once) and goes on trying. */
	int (*open)(struct source **ret, const struct source_options *o, struct hub *h);
	/* synchronous only: lists, publishes, asks every VM once. */
	void (*step)(struct source *s);
	/* Stops; returns within 2 s even when the hypervisor hangs.  A thread that is left
	 * behind then uses neither the hub nor now_ns any more. */
	void (*close)(struct source *s);
	/* --check: says through say() in one line each what is reachable; returns faults. */
	int (*check)(const struct source_options *o, void (*say)(void *arg, const char *line),
		     void *arg);
};

extern const struct source_ops source_libvirt, source_proxmox;

#endif
