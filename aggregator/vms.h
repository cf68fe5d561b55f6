/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VMS_H
#define PROXTOP_VMS_H

/*
 * Which host each VM is on, by its UUID: one that appears on another host has moved and
 * stays one VM, with its old and new host; one that runs on two hosts for more than three
 * of their intervals is a duplicate UUID, and is said.
 *
 * While a VM migrates both hosts have it; it has moved when the old one has it no more, or
 * has stopped it.  Rates are each host's own and cross nothing.
 *
 * Any thread; one lock inside.  Bounded: VMS_MAX, beyond which further ones are not
 * followed (and that is said); a VM that nobody has is forgotten after an hour.
 */
#include "buf.h"
#include "sample.h"

#define VMS_MAX (1u << 20)

struct vms;

struct vms *vms_new(unsigned max_hosts);
void vms_free(struct vms *v); /* NULL is fine */

struct vms_host {
	uint32_t number; /* below max_hosts */
	const char *id, *name;
	uint64_t interval_ns, silent_ns; /* silent for longer: it has none of its VMs any more */
};
/* A host's newest sample; not one that is old when it arrives. */
void vms_report(struct vms *v, const struct vms_host *h, const struct sample *s, uint64_t now_ns);

/* About once a second. */
void vms_tick(struct vms *v, uint64_t now_ns);
/* The number may be used for another host then. */
void vms_forget(struct vms *v, uint32_t number);

/* Adds to a host's sample, before it is printed, what that host cannot know: where its VMs
 * came from, and which UUIDs others have too. */
void vms_annotate(struct vms *v, const char *host_id, struct sample *s);

struct vms_stats {
	uint64_t known, moves, duplicates; /* duplicates: now */
};
void vms_stats(struct vms *v, struct vms_stats *ret);

struct vms_one {
	const char *uuid, *name;
	const char *host_id, *host_name;   /* where it is */
	const char *other_id, *other_name; /* where it came from, or where it runs too */
	bool duplicate;
	uint64_t since_ns; /* how long ago it moved, or was found to be one */
};
/* Those that have moved, and the duplicates; under the lock. */
void vms_each(struct vms *v, uint64_t now_ns, void (*each)(void *arg, const struct vms_one *vm),
	      void *arg);

#endif
