/* SPDX-License-Identifier: Apache-2.0 */
#include "view_sum.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>

struct view_sum {
	struct view *all;   /* every row */
	struct view *rated; /* rows with rates: what formulas are made of */
};

static const enum scope scopes[] = {SCOPE_HOST, SCOPE_VM};
#define N_SCOPES (sizeof(scopes) / sizeof(*scopes))

static bool is_in(enum metric_id m, enum scope s)
{
	return metrics[m].scopes & (1u << s);
}

static bool is_ratio(enum metric_id m)
{
	return metrics[m].unit == U_PERCENT || metrics[m].unit == U_MS;
}

static bool adds_up(enum metric_id m)
{
	switch (metrics[m].unit) {
	case U_ID:
	case U_TEXT:
	case U_PERCENT:
	case U_CENTIPERCENT:
	case U_MHZ:
		return false;
	case U_SECOND:
	case U_MS:
		return metrics[m].kind == COUNTER;
	default:
		return metrics[m].show != CLUSTER && !(metrics[m].flags & NO_SUM);
	}
}

/* The estimate of a VM's share of a device is made per device: of sums it says nothing. */
static bool has_formula(enum metric_id m)
{
	return metrics[m].kind == DERIVED && is_ratio(m) && metrics[m].family != F_PRESSURE &&
	       m != M_VD_UTIL;
}

static struct view *one_row(void)
{
	struct view *v = view_new();

	for (size_t i = 0; i < N_SCOPES; i++) {
		struct view_table *t = &v->table[scopes[i]];

		t->rows = t->room = 1;
		for (int m = 0; m < METRICS; m++)
			if (is_in(m, scopes[i]))
				t->col[m] = xcalloc(1, sizeof(double));
	}
	return v;
}

static void clear(struct view *v)
{
	for (size_t i = 0; i < N_SCOPES; i++)
		for (int m = 0; m < METRICS; m++)
			if (v->table[scopes[i]].col[m])
				v->table[scopes[i]].col[m][0] = NAN;
}

struct view_sum *view_sum_new(void)
{
	struct view_sum *t = xcalloc(1, sizeof(*t));

	t->all = one_row();
	t->rated = one_row();
	view_sum_clear(t);
	return t;
}

void view_sum_free(struct view_sum *t)
{
	if (!t)
		return;
	view_free(t->all);
	view_free(t->rated);
	free(t);
}

void view_sum_clear(struct view_sum *t)
{
	clear(t->all);
	clear(t->rated);
}

static void add(double *to, double v)
{
	*to = isnan(*to) ? v : *to + v;
}

static void add_column(struct view_sum *t, const struct view *v, enum scope s, enum metric_id m)
{
	const struct view_table *from = &v->table[s];
	double *all = t->all->table[s].col[m], *rated = t->rated->table[s].col[m];

	if (!from->col[m])
		return;
	for (uint32_t r = 0; r < from->rows; r++) {
		double x = from->col[m][r];

		if (isnan(x))
			continue;
		add(all, x);
		if (isfinite(v->interval) && from->before[r] != NO_ROW)
			add(rated, x);
	}
}

void view_sum_add(struct view_sum *t, const struct view *v)
{
	for (size_t i = 0; i < N_SCOPES; i++)
		for (int m = 0; m < METRICS; m++)
			if (is_in(m, scopes[i]) && metrics[m].kind != INFO && adds_up(m))
				add_column(t, v, scopes[i], m);
}

void view_sum_finish(struct view_sum *t)
{
	for (size_t i = 0; i < N_SCOPES; i++) {
		enum scope s = scopes[i];

		view_formulas(t->rated, s);
		for (int m = 0; m < METRICS; m++)
			if (is_in(m, s) && has_formula(m))
				t->all->table[s].col[m][0] = t->rated->table[s].col[m][0];
	}
}

double view_sum_get(const struct view_sum *t, enum scope s, enum metric_id m)
{
	if (metrics[m].family == F_PRESSURE)
		return NAN;
	return view_get(t->all, s, 0, m);
}
