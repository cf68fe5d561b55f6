/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_DECODER_H
#define PROXTOP_FRAME_DECODER_H

/* What the parts of frame_decode() share. */
#include "sample.h"
#include "wire_column.h"

struct decoder {
	struct wire_cursor c;
	struct sample *s;
	uint64_t cells;  /* values that s has memory for; 0: not counted yet */
	bool full;       /* more than FRAME_CELLS_MAX */
	unsigned tables; /* bits 1 << enum scope: seen */
	uint64_t gained[SCOPES][COLUMN_WORDS]; /* previous values that are still differences */
};

/* The table's rows, if there may be so many. */
bool decoder_rows(struct decoder *d, enum scope scope, uint32_t n);

/* The maps "columns" and "gained" of a table. */
void decoder_columns(struct decoder *d, enum scope scope);
void decoder_gained(struct decoder *d, enum scope scope);

#endif
