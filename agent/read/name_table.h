/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_NAME_TABLE_H
#define PROXTOP_NAME_TABLE_H

/*
 * Rows of numbers by a short name, refilled each cycle without allocation: the lines
 * of net/dev and diskstats.
 */
#include "sample.h"

#define NAME_SIZE 32u

struct named_row {
	char name[NAME_SIZE];
	uint64_t column[16];
};

struct name_table {
	struct named_row *rows;
	uint32_t n, room;
	uint32_t *slot; /* hash to row + 1; 0 empty; a power of two of slots */
	uint32_t slots;
};

void name_table_clear(struct name_table *t);
void name_table_free(struct name_table *t);

/* A new row, or the one that has the name already; NULL beyond 65,536 rows. */
struct named_row *name_table_add(struct name_table *t, const char *name);
const struct named_row *name_table_find(const struct name_table *t, const char *name);

#endif
