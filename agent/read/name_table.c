/* SPDX-License-Identifier: Apache-2.0 */
#include "name_table.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 65536u

void name_table_clear(struct name_table *t)
{
	t->n = 0;
	if (t->slots)
		memset(t->slot, 0, t->slots * sizeof(*t->slot));
}

void name_table_free(struct name_table *t)
{
	free(t->rows);
	free(t->slot);
	memset(t, 0, sizeof(*t));
}

static uint32_t *slot_of(const struct name_table *t, const char *name)
{
	uint32_t at = (uint32_t)id_hash(0, name) & (t->slots - 1);

	while (t->slot[at] && strcmp(t->rows[t->slot[at] - 1].name, name))
		at = (at + 1) & (t->slots - 1);
	return &t->slot[at];
}

static void grow(struct name_table *t)
{
	t->room = t->room ? t->room * 2 : 64;
	t->rows = xrealloc(t->rows, t->room, sizeof(*t->rows));
	free(t->slot);
	t->slots = t->room * 2;
	t->slot = xcalloc(t->slots, sizeof(*t->slot));
	for (uint32_t r = 0; r < t->n; r++)
		*slot_of(t, t->rows[r].name) = r + 1;
}

struct named_row *name_table_add(struct name_table *t, const char *name)
{
	uint32_t *slot;

	if (t->n == t->room && t->n < ROWS_MAX)
		grow(t);
	slot = slot_of(t, name);
	if (!*slot) {
		struct named_row *row = &t->rows[t->n];

		if (t->n == t->room)
			return NULL;
		strncpy(row->name, name, sizeof(row->name) - 1);
		row->name[sizeof(row->name) - 1] = '\0';
		*slot = ++t->n;
	}
	return &t->rows[*slot - 1];
}

const struct named_row *name_table_find(const struct name_table *t, const char *name)
{
	uint32_t slot = t->slots ? *slot_of(t, name) : 0;

	return slot ? &t->rows[slot - 1] : NULL;
}
