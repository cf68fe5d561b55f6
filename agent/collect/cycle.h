/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CYCLE_H
#define PROXTOP_CYCLE_H

/*
 * One collect cycle: what all collectors get, and the collectors.
 *
 * A collector reads one kind of source into its columns of the sample.  It never waits
 * for anything but the kernel's own files, walks no directory but a VM's threads when
 * their number changed, and leaves absent what it could not read.  Its state keeps
 * descriptors open from cycle to cycle.  To add one: a file with its state and its
 * *_collect(), and a call in measure.c with its turn before it.
 */
#include "files.h"
#include "hub.h"
#include "inventory.h"
#include "sample.h"
#include "self.h"

struct cycle {
	struct files *files;
	struct hub *hub;
	const struct inventory *inventory;
	struct sample *sample;
	char *buf; /* for one file at a time */
	size_t buf_size;
	uint64_t now_ns; /* CLOCK_BOOTTIME at the start */
	unsigned families;
	bool verbose;
	bool poke;         /* set when the lookup should look again */
	unsigned failures; /* files that should be there and could not be read */
	struct disk_table *disks;
	struct net_tables *nets;
	struct guest_disks *guest; /* scratch: too large for a stack */
	struct self *self;         /* whose time it is */
	const char *host_name;
};

static inline bool cycle_wants(const struct cycle *c, enum family f)
{
	return c->families & (1u << f);
}

/* What is done from here on is done for that collector, if it is on. */
static inline void cycle_turn(struct cycle *c, enum family f)
{
	self_turn(c->self, cycle_wants(c, f) ? f : F_IDENT, c->failures);
}

/* ---- the host (host_*.c) ---- */

struct host_state;
struct host_state *host_new(struct files *f, const char *host_name, const char *host_id);
void host_free(struct host_state *h, struct files *f);
void host_collect(struct host_state *h, struct cycle *c, uint32_t row);
const char *host_state_name(const struct host_state *h);
const char *host_state_id(const struct host_state *h); /* NULL: not known */

/* /proc/diskstats, once per cycle; the host's disk rows */
struct disk_table *disk_table_new(struct files *f);
void disk_table_free(struct disk_table *t, struct files *f);
void disk_table_collect(struct disk_table *t, struct cycle *c, uint32_t host_row);
/* Fields 1 to 11 of the device, NULL when it is not there. */
const uint64_t *disk_table_find(const struct disk_table *t, const char *name);

/* net/dev, once per cycle and network namespace; the host's NIC rows */
struct net_tables *net_tables_new(void);
void net_tables_free(struct net_tables *t, struct files *f);
void net_tables_collect(struct net_tables *t, struct cycle *c, uint32_t host_row);
/* The 16 columns of the interface in the VM's namespace, NULL when it is not there. */
const uint64_t *net_tables_find(struct net_tables *t, struct cycle *c, const struct vm *vm,
				const char *name);

/* ---- VMs (vm_*.c) ---- */

struct vm_states;
struct vm_states *vm_states_new(void);
void vm_states_free(struct vm_states *s, struct files *f);
void vm_states_collect(struct vm_states *s, struct cycle *c);

/* Says once per key what cannot be read, and what helps. */
void cycle_complain(const char *key, const char *path, long error, const char *remedy);

#endif
