/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DERIVE_H
#define PROXTOP_DERIVE_H

/*
 * Two samples of one host in, what people and databases see out.
 *
 * A view has, per scope, one column of doubles per metric: of a counter its rate per
 * second, of a gauge its value, of a DERIVED metric its formula (formulas.def).
 * Absent is NAN; a column in which nothing else would be may have no memory (view_get()).  A
 * counter that went backwards, a row that the earlier sample does not have, and a time that
 * did not move give NAN, never a huge number.
 *
 * Columns of a scope above are sums of the children's rates; children that came or
 * went between the samples take no part.  The view borrows the newer sample for
 * texts and totals: use it before that sample is cleared.
 */
#include "sample.h"

struct view_table {
	uint32_t rows, room;
	double *col[METRICS];
	uint32_t *before; /* row of the same thing in the earlier sample, or NO_ROW */
};

struct view {
	const struct sample *now;
	double interval; /* seconds between the two samples; NAN without an earlier one */
	struct view_table table[SCOPES];
};

struct view *view_new(void);
void view_free(struct view *v); /* NULL is fine */

/* before may be NULL: then counters and what is made of them are absent, except those
 * that bring their own previous reading. */
void view_derive(struct view *v, const struct sample *before, const struct sample *now);

/* Only the DERIVED columns of a scope, from those that are there: after they were summed. */
void view_formulas(struct view *v, enum scope s);

static inline double view_get(const struct view *v, enum scope s, uint32_t row, enum metric_id m)
{
	const struct view_table *t = &v->table[s];

	return row < t->rows && t->col[m] ? t->col[m][row] : __builtin_nan("");
}

#endif
