/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LIBVIRT_STATS_H
#define PROXTOP_LIBVIRT_STATS_H

/*
 * One domain's answer of libvirt's bulk statistics, as readings for the hub.
 *
 * Which fields come depends on the moment: with NOWAIT a domain that is busy (a
 * migration, a backup, a hung QEMU) gives its state, the names of its disks and the
 * size of its balloon, and no counters.  That is has_disks and has_memory.
 */
#include "source.h"

#include <libvirt/libvirt.h>

struct libvirt_stats {
	int state, reason;          /* as libvirt numbers them; -1 not said */
	bool has_disks;             /* QEMU has been asked for its block counters */
	bool has_memory;            /* QEMU has been asked for its balloon */
	uint64_t balloon_kib;       /* ABSENT when not said */
	uint64_t last_update;       /* guest's values: seconds since 1970; 0: never */
	struct guest_values guest;  /* what the guest's driver says of its memory */
	unsigned n_disks, left_out; /* left_out: beyond VM_DISKS_MAX */
	struct guest_disk disks[VM_DISKS_MAX];
};

/*
 * n parameters as libvirt gives them; unknown ones and those of another type are
 * ignored.  A disk is there once, whatever stands below it in its backing chain, and
 * only when it has counters; an empty CD-ROM drive is none.
 */
void libvirt_stats_parse(const virTypedParameter *params, int n, struct libvirt_stats *ret);

/* has_run: the domain has been seen running here before, so a pause for a migration
 * can only be one that leaves. */
enum vm_state libvirt_vm_state(int state, int reason, bool has_run);

/*
 * A guest that crashed or was suspended leaves its last numbers behind.  They are
 * stale when they have not changed for half a minute longer than the period in which
 * the guest is asked; at the first look the age is taken from the wall clock, which
 * only the host itself can be compared with.
 */
struct balloon_age {
	uint64_t last_update, seen_ns, age_ns; /* age_ns: as of seen_ns */
};

/* boot_ns: CLOCK_BOOTTIME now; wall_s: CLOCK_REALTIME now, 0 for another host's guests. */
bool balloon_is_fresh(struct balloon_age *age, uint64_t last_update, unsigned period,
		      uint64_t boot_ns, uint64_t wall_s);

#endif
