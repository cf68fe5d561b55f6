/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TROUBLE_H
#define PROXTOP_TROUBLE_H

/*
 * Who suffers, from what, and who causes it.
 *
 * The trouble of a VM is the worst of its metrics and of those of its vCPUs, disks and NICs,
 * each against its own threshold (levels.def): 0 nothing, 1 at the warning level, 2 at the bad
 * one, one more for each doubling beyond; the metric says what it suffers from, and where.
 * Never a sum of unlike things.  A host's trouble is its own and that of its disks and NICs,
 * not that of its VMs.
 *
 * The cause is looked for on the same host only: for waiting vCPUs (ready) the VM that burnt
 * most on the cores these vCPUs last ran on, or, where that is not known, most on the host;
 * its own other vCPUs count too (itself), and where no VM burns anything worth mentioning
 * there, it is the host.  For its own CPU limit it is the VM itself; for a slow disk the VM
 * with most requests on the same backing device, possibly itself.  It is a likelihood, not a
 * proof, and the help says so.
 */
#include "level.h"
#include "world.h"

struct trouble {
	double score;          /* 0: none */
	enum metric_id metric; /* METRICS: none */
	double value;
	struct thing at; /* whose metric it is: its own, or of what is below it */
};
/* Of a host and all its VMs.  vm: one for each row of its VMs.  None of what a stale host has:
 * that is of a time that is over. */
void trouble_of_host(const struct world *w, uint32_t host, struct trouble *ret,
		     struct trouble *ret_vm);

/* level_of() with all that the world knows: also of values that are a share of another one,
 * and none of what a stale host has. */
enum level trouble_level(const struct world *w, struct thing t, enum metric_id m);

enum cause_kind { CAUSE_NONE, CAUSE_VM, CAUSE_OWN_LIMIT, CAUSE_ITSELF, CAUSE_HOST };
struct cause {
	enum cause_kind kind;
	struct thing vm; /* CAUSE_VM */
	int cpu;         /* the host CPU they share, -1: not that kind, or not known */
};
/* Of a VM with that trouble.  It looks through all of its host's vCPUs or disks: nothing for
 * every VM there is, once a second. */
struct cause cause_of(const struct world *w, struct thing vm, const struct trouble *t);

#endif
