/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DEMAND_H
#define PROXTOP_DEMAND_H

/*
 * What several VMs want together.
 *
 * struct demand: as if they did not depend on each other, from their profiles alone: the
 * convolution of their distributions on a grid.  VMs that are busy at the same time want more at
 * times than this says.
 *
 * struct demand_seen: together as it was: a histogram of the total of each tick, for which
 * somebody adds up the values of a tick.  Cells are 2^k wide; k is such that the greatest total
 * is in the upper half of them, so it follows from the greatest alone and merging is exact.
 */
#include "markov.h"

#define DEMAND_POINTS 513u
#define DEMAND_CELLS  64u

struct demand {
	double step;                 /* between points; the first is 0 */
	double share[DEMAND_POINTS]; /* of the time; what is more than the last is there, too */
	unsigned vms;
};

/* highest: what all of them together can want at most, above 0: it is the last point.  False:
 * it is no such number. */
bool demand_init(struct demand *d, double highest);

/* One more VM.  scale: from the metric's unit to that of the grid (vCPUs / 100 for %).  Below 0 is
 * 0.  False: nothing is counted of it, or scale is no number; d is as before. */
bool demand_add(struct demand *d, const struct markov *m, const struct markov_settings *s,
		const struct markov_counts *c, double scale);

double demand_mean(const struct demand *d);
double demand_above(const struct demand *d, double level); /* share of the time, level included */
/* The least point that is not exceeded for a part q (0 .. 1) of the time.  NAN: q is outside. */
double demand_quantile(const struct demand *d, double q);

struct demand_seen {
	double greatest, mean;
	uint64_t ticks;
	uint64_t cell[DEMAND_CELLS];
	int32_t k; /* of no meaning before a total above 0 */
};

/* One tick.  Below 0 is 0; no number: no tick. */
void demand_seen_put(struct demand_seen *d, double total);
void demand_seen_merge(struct demand_seen *d, const struct demand_seen *after);
/* NAN: there was no tick.  Evenly spread within a cell. */
double demand_seen_above(const struct demand_seen *d, double level);
double demand_seen_quantile(const struct demand_seen *d, double q);

#endif
