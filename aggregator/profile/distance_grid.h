/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DISTANCE_GRID_H
#define PROXTOP_DISTANCE_GRID_H

/*
 * For the files of distance.h only: the states of two profiles of one metric on one axis.
 *
 * The grid has an interval between any two borders of states of either, next to each other.  A
 * state's share of the time is spread evenly over its intervals.
 */
#include "distance.h"

#define GRID_INTERVALS_MAX (2 * MARKOV_STATES_MAX + 1)

struct distance_axis {
	long double low, high;
	bool known;
};

struct distance_grid {
	unsigned n;
	long double edge[GRID_INTERVALS_MAX + 1];
	/* Of each of the two and each interval: its state (-1: none), and the part of the state
	 * that is in the interval. */
	int state[2][GRID_INTERVALS_MAX];
	double part[2][GRID_INTERVALS_MAX];
};

struct distance_side {
	const struct markov *m;
	const struct markov_settings *s;
};

/* Makes the axis long enough for one more; nothing when it has no transition. */
void distance_axis_add(struct distance_axis *axis, const struct distance_side *of);

void distance_grid_make(struct distance_grid *g, const struct distance_side side[2]);

/* See distance.h; both have transitions. */
double distance_levels(const struct distance_grid *g, const struct distance_side side[2],
		       const struct distance_axis *axis);
double distance_moves(const struct distance_grid *g, const struct distance_side side[2]);

#endif
