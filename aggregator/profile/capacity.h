/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CAPACITY_H
#define PROXTOP_CAPACITY_H

/*
 * What a profile says about size: how much of the time a value was how great, and for how long.
 *
 * Time is counted in states: one is buffersize ticks long.  A share is of the states that were
 * come to from another one (or stayed in), so the first one after each gap is not in it: counts
 * are all that is asked, and they may be those of a leaf of the period tree (periods.h) or of a
 * phase, too.  Within a state values are taken as spread evenly, between the least and the greatest
 * average that the profile has seen.
 */
#include "markov.h"

/* share: `states` numbers that add up to 1.  False: nothing is counted; all are 0. */
bool capacity_shares(const struct markov_counts *c, const struct markov_settings *s, double *share);

/* Where the values of a state are; within all that was seen, unless the state is outside of
 * it.  Finite, *low <= *high. */
void capacity_bounds(const struct markov *m, const struct markov_settings *s, unsigned state,
		     double *low, double *high);

/* Share of the time at `level` or above; NAN: nothing is counted. */
double capacity_above(const struct markov *m, const struct markov_settings *s, const double *share,
		      double level);

/* Below which a part q (0 .. 1) of the time is; NAN: nothing is counted. */
double capacity_quantile(const struct markov *m, const struct markov_settings *s,
			 const double *share, double q);

/* Mean of what share says; NAN: nothing is counted. */
double capacity_mean(const struct markov *m, const struct markov_settings *s, const double *share);

/*
 * How many states a stay in `state` or above it lasts, from the one it is come to from below on:
 * e (I - Q)^-1 1, Q being the transitions among those states and e where it was come to from
 * below (Kemeny and Snell, Finite Markov Chains, 1960: the fundamental matrix).  Contexts of one
 * state.  NAN: it was never come to from below.  INFINITY: it was, and by the counts there is a
 * part that was never left.  A state that nothing has followed yet counts as one tick long.
 */
double capacity_spell(const struct markov_counts *c, const struct markov_settings *s,
		      unsigned state);

/*
 * How much of `size` (vCPUs, bytes) was never used: size * (1 - greatest / whole), where `whole` is
 * the value that means all of it (100 for %).  single: by the greatest single value; else by
 * the greatest average of a buffer.  It is of the profile's whole life, so never more than of its
 * last days.  NAN: the metric has had fewer than `ticks` values (N days of them), or none.
 */
double capacity_unused(const struct markov *m, double whole, double size, uint64_t ticks,
		       bool single);

#endif
