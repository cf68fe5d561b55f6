/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DIFF_BASE_TABLE_H
#define PROXTOP_DIFF_BASE_TABLE_H

/* What a base is: the private side of diff_base.h.  It is made by diff_base_make.c, and asked
 * by diff_base.c. */
#include "diff_base.h"

struct by_id {
	uint64_t id;
	uint32_t row;
	bool second; /* others have it before this one */
};

struct base_table {
	uint32_t n, room;
	uint32_t *host;   /* by row: its host, a row of the hosts' table */
	uint64_t *id;     /* by row */
	struct by_id *by; /* sorted */
	double *value[METRICS];
	uint32_t *text[METRICS]; /* offsets, 0: absent */
};

struct diff_base {
	uint64_t wall_ns;
	struct base_table of[2]; /* hosts, VMs */
	bool *readable, *stale;  /* by host */
	uint32_t *name;          /* by host: offset */
	uint64_t *own;           /* by VM, while it is made: what its host knows it by */
	char *texts;             /* offset 0 is not used */
	uint32_t used, text_room;
};

static inline const struct base_table *base_table(const struct diff_base *b, enum scope s)
{
	return &b->of[s == SCOPE_VM];
}

#endif
