/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_WIRE_COLUMN_H
#define PROXTOP_WIRE_COLUMN_H

/*
 * A column of a table as msgpack: one entry per row, in one of three forms.
 *
 *   one value    the same in all rows
 *   bin          packed: one byte w (1 to 8), then w bytes per row, little endian;
 *                all bits set is absent
 *   array        one entry per row, nil is absent
 *
 * The writer takes the smallest form; bin where it costs little more than an array, as it
 * is read several times faster.
 */
#include "sample.h"
#include "wire_cursor.h"
#include "wire_pack.h"

/* ---- writing ---- */

/* v of n > 0 rows.  differences: numbers modulo 2^64, small negative ones are small. */
void column_pack(msgpack_packer *pk, const uint64_t *v, uint32_t n, bool differences);

/* The INFO column m of scope s. */
void column_pack_text(msgpack_packer *pk, const struct sample *s, enum scope scope,
		      enum metric_id m);

/* ---- reading ---- */

struct column {
	enum { COLUMN_SAME, COLUMN_PACKED, COLUMN_LIST } form;
	struct wire_item item; /* COLUMN_SAME: the value */
	unsigned width;        /* COLUMN_PACKED */
	const uint8_t *p;      /* COLUMN_PACKED: the row that is read next */
};

/* The next item as a column of that many rows.  One that has another number of rows, or an
 * impossible width, makes the cursor bad, and false.  A value of a type that no column has
 * is skipped and means absent in all rows. */
bool column_open(struct wire_cursor *c, uint32_t rows, struct column *ret);

/* The next n rows as numbers; other types are absent, negative numbers too unless they are
 * differences.  All rows of a COLUMN_LIST must be read, in order. */
void column_read(struct wire_cursor *c, struct column *col, uint32_t n, uint64_t *to,
		 bool differences);

/* All rows as texts kept by s; other types are absent. */
void column_read_text(struct wire_cursor *c, const struct column *col, uint32_t rows,
		      struct sample *s, uint64_t *to);

#endif
