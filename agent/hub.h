/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HUB_H
#define PROXTOP_HUB_H

/*
 * The hub between a source's threads and the rest: the other side of source.h.
 *
 * Thread-safe; its lock is held for copies only.  A VM's entry lives as long as it is
 * in the latest published list.
 */
#include "source.h"

struct hub *hub_new(void);
void hub_free(struct hub *h);

/* The list published since the last call, now the caller's; NULL when there is none. */
struct vm_list *hub_take_list(struct hub *h);

/* Has a list ever been published, and have all VMs of it been asked twice (or failed)? */
bool hub_is_settled(struct hub *h);

/* Waits until poked or published, at most timeout_ms; true when it was. */
bool hub_wait(struct hub *h, int timeout_ms);

/* The latest reading and the one before, of one kind. times ABSENT when there is none,
 * or when it is too old to be shown or the source failed since. */
struct guest_memory {
	uint64_t read_ns, prev_ns;
	struct guest_values now, prev;
};
struct guest_disks {
	uint64_t read_ns, prev_ns;
	unsigned n, n_prev;
	struct guest_disk now[VM_DISKS_MAX], prev[VM_DISKS_MAX];
};

/* Copies; false when the hub does not know the VM. */
bool hub_get_memory(struct hub *h, uint64_t key, uint64_t now_ns, struct guest_memory *ret);
bool hub_get_disks(struct hub *h, uint64_t key, uint64_t now_ns, struct guest_disks *ret);
enum vm_state hub_get_state(struct hub *h, uint64_t key); /* VM_UNKNOWN: nobody said */

/* The collect cycle's answer to hub_vcpus_ran(). */
void hub_set_vcpus_ran(struct hub *h, uint64_t key, bool ran);
/* And to hub_io_moved(); not called where it is not known. */
void hub_set_io_moved(struct hub *h, uint64_t key, bool moved);

/* What hub_count() was told, all together. */
void hub_get_work(struct hub *h, struct hub_work *ret);

#endif
