/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DIFF_H
#define PROXTOP_DIFF_H

/*
 * What changed most between two moments, for all VMs and hosts, ranked.
 *
 * One row per thing and metric (those that are always shown, numbers only).  The rank is the
 * change measured by what matters of that metric: by its thresholds where it has some, else by
 * how many times more or less it is, damped for values too small to mean anything.  A VM that
 * came or went is a row of its own, first.
 */
#include "world.h"

struct diff_row {
	struct thing now;  /* in the newer world; NO_THING: it is gone */
	struct thing then; /* in the older; NO_THING: it is new */
	uint16_t metric;   /* METRICS: it came or went */
	double was, is;    /* NAN: absent */
	double rank;
};
struct diff {
	uint32_t n, room;
	struct diff_row *row; /* by rank, the greatest first */
};

/* max: how many rows are kept. d is cleared first. */
void diff_make(struct diff *d, const struct world *then, const struct world *now, uint32_t max);
void diff_fini(struct diff *d);

#endif
