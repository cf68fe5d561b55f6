/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FILTER_TERM_H
#define PROXTOP_FILTER_TERM_H

/* A word of a filter, read (filter.c) and matched (filter_match.c). */
#include "filter.h"

enum term_kind { TERM_TEXT, TERM_NAME, TERM_HOST, TERM_FIELD, TERM_COMPARE };
enum term_op { OP_GREATER, OP_LESS, OP_NOT_LESS, OP_NOT_GREATER, OP_EQUAL, OP_UNEQUAL };

/* The metric that is meant when a thing of some scope is looked at: its own, or one of what it
 * belongs to. */
struct term_metric {
	uint16_t metric; /* or a column, METRICS or more; FILTER_NONE: none */
	uint8_t scope;
	double value; /* what is compared with, in the metric's own unit; NAN: no number */
};

struct term {
	uint8_t kind, op;
	bool not, digits;
	const char *text; /* lower case; of the filter */
	size_t n;
	struct term_metric at[SCOPES];
};

struct filter {
	char *text; /* lower case, words are cut out of it */
	struct term *term;
	unsigned n, room;
	struct filter_columns columns; /* find NULL: none */
};

/* Of a metric or a column. */
static inline bool filter_is_text(const struct filter *f, uint16_t id)
{
	return id < METRICS ? metrics[id].kind == INFO : f->columns.is_text(id);
}
static inline enum unit filter_unit(const struct filter *f, uint16_t id)
{
	return id < METRICS ? (enum unit)metrics[id].unit : f->columns.unit(id);
}

/* ---- filter_match.c ---- */
bool term_matches(const struct filter *f, const struct term *t, const struct world *w,
		  struct thing thing);
bool term_has(const struct term *t, const char *text); /* NULL is fine */
bool term_has_number(const struct term *t, double value);
/* 1, 0, or -1: there is nothing to compare. text or value, by the metric's kind. */
int term_compares(const struct filter *f, const struct term *t, const struct term_metric *at,
		  const char *text, double value);

#endif
