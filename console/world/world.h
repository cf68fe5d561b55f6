/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_WORLD_H
#define PROXTOP_WORLD_H

/*
 * A moment, decoded and derived: everything the screen asks for a number.
 *
 * Of each host the newer sample and the view of both; hosts keep their place in memory
 * between moments, and a host whose frames have not changed is not decoded again.  Pure: no
 * clock, no file, no terminal.  The world owns all of it; pointers are valid until the next
 * world_set().
 *
 * A thing is a row of any scope: a VM, a disk, a vCPU, a host.  It is named by host and row
 * while a world stands (struct thing), and by id across worlds (world_id).  Each host is one
 * thing of its scope (row 0), also when its frame could not be read: it then has no values.
 *
 * What one host's sample cannot say the world finds out from the moments it was set to: where
 * a VM was before it moved (M_HOST_FROM), and that a UUID runs on two hosts at once for
 * longer than a migration's end takes (M_UUID_DUPLICATE).  Both come with world_text() and
 * world_value() as if the sample had them.
 */
#include "derive.h"
#include "moment.h"

struct world_host {
	struct feed_host about;
	bool told;   /* moment_host.told */
	uint64_t id; /* hash of about.host_id */
	uint64_t wall_ns;
	struct sample *now;
	struct view *view;
	bool readable; /* false: its frame could not be decoded; it has no rows then */
	uint64_t cpus; /* of the host; 0: not known */
};

struct world {
	uint64_t wall_ns;
	bool live;
	uint32_t n_hosts;
	struct world_host **hosts; /* in the moment's order */
	uint32_t n_vms;            /* of all hosts */
	struct moment *moment;     /* a reference */
	struct world_cache *cache; /* its own business */
};

struct world *world_new(void);
void world_free(struct world *w);                  /* NULL is fine */
void world_set(struct world *w, struct moment *m); /* m stays the caller's */

struct thing {
	uint32_t host; /* index into hosts[] */
	uint32_t row;
	uint8_t scope;
};
#define NO_THING ((struct thing){.host = UINT32_MAX, .row = NO_ROW})

static inline bool thing_is(struct thing t)
{
	return t.host != UINT32_MAX;
}

/* Stays the same across moments, and for a VM across hosts and restarts (by its UUID, or where
 * it has none, by what the sample knows it by); of what is below it by its own name (of a NIC
 * its MAC address).  No two things of a scope have the same one: of VMs that share a UUID the
 * first one that runs, on a host that is not stale, has the id of that UUID.  0: no such thing. */
uint64_t world_id(const struct world *w, struct thing t);

/* In the metric's own unit as view_get() has it (U_CENTIPERCENT: hundredths); a counter with
 * AS_TOTAL as it is.  NAN: absent.  Of a host that is stale what it is stays (LASTING);
 * what was measured is absent: nobody knows how it is now. */
double world_value(const struct world *w, struct thing t, enum metric_id m);
const char *world_text(const struct world *w, struct thing t, enum metric_id m); /* NULL: absent */
struct thing world_parent(const struct world *w, struct thing t); /* a VM's is its host */

/* Has any VM that was seen moved, or run twice?  Else nobody needs to be asked for it. */
bool world_has_moves(const struct world *w);

/* All rows of a scope, hosts in order.  The list is filled anew and grown as needed; it begins
 * as {0}, and the caller frees its items. */
struct thing_list {
	struct thing *item;
	uint32_t n, room;
};
void world_list(const struct world *w, enum scope s, struct thing_list *list);
/* Those below a thing: vCPUs, disks, NICs of a VM; VMs, disks, NICs of a host. */
void world_below(const struct world *w, struct thing parent, enum scope s, struct thing_list *list);
struct thing world_find(const struct world *w, enum scope s, uint64_t id); /* NO_THING: gone */

#endif
