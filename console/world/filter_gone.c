/* SPDX-License-Identifier: Apache-2.0 */
/* A filter and what is in no world any more: filter_match.c's words, asked of a diff's base. */
#include "filter_term.h"

static bool is_named(const struct term *t, const struct diff_base *b, enum scope s, uint32_t row)
{
	return term_has(t, s == SCOPE_HOST ? diff_base_host(b, s, row)
					   : diff_base_text(b, s, row, M_NAME));
}

static bool has_text(const struct term *t, const struct diff_base *b, enum scope s, uint32_t row)
{
	return is_named(t, b, s, row) || term_has(t, diff_base_host(b, s, row)) ||
	       term_has(t, diff_base_text(b, s, row, M_UUID)) ||
	       term_has(t, diff_base_text(b, s, row, M_TAGS)) ||
	       (t->digits && term_has_number(t, diff_base_value(b, s, row, M_VMID)));
}

static bool matches(const struct filter *f, const struct term *t, const struct diff_base *b,
		    enum scope s, uint32_t row)
{
	const struct term_metric *at = &t->at[s];
	enum metric_id m = (enum metric_id)at->metric;
	bool known = at->metric < METRICS && at->scope == s;
	const char *text = known ? diff_base_text(b, s, row, m) : NULL;
	double value = known ? diff_base_value(b, s, row, m) : __builtin_nan("");
	int r;

	switch (t->kind) {
	case TERM_TEXT:
		return has_text(t, b, s, row) != t->not ;
	case TERM_NAME:
		return is_named(t, b, s, row) != t->not ;
	case TERM_HOST:
		return term_has(t, diff_base_host(b, s, row)) != t->not ;
	case TERM_FIELD:
		return (term_has(t, text) || term_has_number(t, value)) != t->not ;
	default:
		r = known ? term_compares(f, t, at, text, value) : -1;
		return r >= 0 && (r > 0) != t->not ;
	}
}

bool filter_wants_gone(const struct filter *f, const struct diff_base *b, enum scope s,
		       uint32_t row)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!matches(f, &f->term[i], b, s, row))
			return false;
	return true;
}
