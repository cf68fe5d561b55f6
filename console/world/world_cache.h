/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_WORLD_CACHE_H
#define PROXTOP_WORLD_CACHE_H

/* What a world keeps for itself: the private side of world.h. */
#include "world.h"

/* Samples that a new frame is decoded into, one for each size (by powers of two): the host
 * gets it and leaves its old one.  So samples change hands only among hosts of like size,
 * and one large host does not make all of them large. */
#define SCRATCH_SIZES 33

struct host_slot {
	struct world_host host; /* first: what hosts[] points to */
	struct frame *now, *before, *notes;
};

/* The ids of all rows of a scope, and where each is. */
struct id_slot {
	uint64_t id;
	struct thing thing; /* NO_THING: empty */
};
struct id_table {
	bool made;      /* of this moment */
	uint32_t *from; /* by host: its first row in id[] */
	uint64_t *id;
	struct id_slot *slot;
	uint32_t from_room, id_room, slots, slot_room; /* slots: a power of two, 0: no rows */
};

struct world_cache {
	struct sample *scratch[SCRATCH_SIZES], *before, *notes;
	struct world_host **old; /* hosts[] of the moment before */
	uint32_t room, old_room;
	struct id_table ids[SCOPES];
	struct moves *moves;
};

/* ---- world_ids.c ---- */

void ids_forget(struct world_cache *c); /* a new moment */
void ids_fini(struct world_cache *c);
/* Of a VM: a hash of its UUID, upper and lower case alike; 0: it has none. */
uint64_t ids_uuid(const struct sample *s, uint32_t row);
/* The row of that id in a sample that is in no world; host: world_host.id.  NO_ROW: none. */
uint32_t ids_row(const struct sample *s, enum scope scope, uint64_t host, uint64_t id);
/* Does it run, as far as anybody knows? */
bool vm_runs(const struct sample *s, uint32_t row);
/* Of things that share an id the first such one has it. */
bool ids_is_first(const struct world_host *h, enum scope s, uint32_t row);
/* The others' id; own: table.id of the row. */
uint64_t ids_second(uint64_t first, uint64_t host, uint64_t own);

/* ---- world_list.c ---- */

/* Is that absent because the host is silent? */
bool is_over(const struct world_host *h, enum metric_id m);
/* world_value() of any sample and its view. */
double value_in(const struct sample *s, const struct view *v, enum scope scope, uint32_t row,
		enum metric_id m);

/* ---- world_moves.c: which host VMs were on before, and which are there twice ---- */

struct moves *moves_new(void);
void moves_free(struct moves *m); /* NULL is fine */
/* After the ids were forgotten. */
void moves_see(struct world *w);
/* The host's name, NULL: it has not moved. */
const char *moves_from(const struct world *w, struct thing vm);
bool moves_twice(const struct world *w, struct thing vm);

#endif
