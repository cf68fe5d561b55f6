/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_DERIVE_KIT_H
#define PROXTOP_TEST_DERIVE_KIT_H

/* What the tests of rates and formulas share: two samples, and the view of both. */
/*
 * Rates, sums and formulas.  Expected numbers are worked out by hand in the comments,
 * not by the code's own expressions.
 */
#include "derive.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

struct pair {
	struct sample *before, *now;
	struct view *view;
};

static inline int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->before = sample_new();
	p->now = sample_new();
	p->view = view_new();
	p->before->boot_ns = 100 * S;
	p->now->boot_ns = 102 * S; /* two seconds later */
	*state = p;
	return 0;
}

static inline int teardown(void **state)
{
	struct pair *p = *state;

	sample_free(p->before);
	sample_free(p->now);
	view_free(p->view);
	free(p);
	return 0;
}

static inline void derive(struct pair *p)
{
	view_derive(p->view, p->before, p->now);
}

static inline const char *id_of(int m)
{
	static const char *const ids[] = {
#define METRIC(id, ...) #id,
#include "metrics.def"
#undef METRIC
	};

	return ids[m];
}

/* NAN wants absent. */
static inline void check(const struct pair *p, const char *what, enum scope s, uint32_t row,
			 enum metric_id m, double want)
{
	double got = view_get(p->view, s, row, m);

	if (isnan(want) ? !isnan(got) : !(fabs(got - want) <= 1e-9 * fabs(want) + 1e-12))
		fail_msg("%s: %s row %u %s is %.12g, not %.12g", what, scope_names[s], row,
			 id_of(m), got, want);
}

/* A row of the same thing in both samples. */
static inline uint32_t both(struct pair *p, enum scope s, uint32_t parent, uint64_t id)
{
	sample_row(p->before, s, parent, id);
	return sample_row(p->now, s, parent, id);
}

/* A counter that grew. */
static inline void grew(struct pair *p, enum scope s, uint32_t row, enum metric_id m, uint64_t by)
{
	uint64_t from = 1000 + (uint64_t)m * 17;

	sample_set(p->before, s, row, m, from);
	sample_set(p->now, s, row, m, from + by);
}

#endif
