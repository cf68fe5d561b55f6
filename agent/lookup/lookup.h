/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LOOKUP_H
#define PROXTOP_LOOKUP_H

/*
 * The lookup: which VMs, processes, disks and interfaces there are.
 *
 * It runs in a thread of its own beside the collect cycle, when poked (the source has
 * a new list, a VM died, its threads changed) and every few seconds, and swaps a new
 * inventory in.  What is slow to find about a VM is looked at again only now and then.
 */
#include "files.h"
#include "hub.h"
#include "inventory.h"

struct lookup;

struct lookup_options {
	const struct files *files; /* borrowed for the lookup's life */
	struct hub *hub;           /* likewise */
	const char *source;        /* static name for metric hypervisor; NULL: no source */
	const char *netdev, *storedev;
	uint64_t boot;    /* hash of the boot id: part of a VM's instance */
	bool synchronous; /* no thread: lookup_run() by the caller */
};

struct lookup *lookup_new(const struct lookup_options *o);
/* Ends the thread and frees.  False when the thread hangs in a file system that does not
 * answer: it and all it uses (files, hub) are left behind.  NULL is fine. */
bool lookup_free(struct lookup *l);

/* One round now. */
void lookup_run(struct lookup *l);

/* The latest inventory, to be given back; never NULL. */
const struct inventory *lookup_get(struct lookup *l);
void lookup_put(struct lookup *l, const struct inventory *i);

/* Rounds finished so far. */
unsigned lookup_rounds(struct lookup *l);

#endif
