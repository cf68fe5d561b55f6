/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DISTANCE_H
#define PROXTOP_DISTANCE_H

/*
 * How different two profiles are: 0 (the same) to 1, symmetric.  Metrics are matched by name.
 * States and bounds may differ: each state is taken as spread evenly from where it begins to
 * where it ends, and both profiles are laid on one axis of values.
 *
 * levels: where the values are.  1-D Wasserstein distance of the two distributions of states:
 *   the area between their distribution functions, divided by the length of the axis.  How far
 *   values would have to be moved, as a share of the axis.  (Vallender 1974.)
 * moves: how it goes on from the same value.  Square root of the Jensen-Shannon divergence of what
 *   follows, in bits, each context weighted by how often the two are in it:
 *     sum over x, y of  1/2 p(x,y) log2(p(y|x) / m(y|x)) + 1/2 q(x,y) log2(q(y|x) / m(y|x)),
 *     m(y|x) = (p(x,y) + q(x,y)) / (p(x) + q(x)).
 *   The sum is what the next value, once the last one is known, says of which of the two it came
 *   from: one bit at most.  Where one of them never is, nothing is compared.  (Lin 1991; the root:
 *   Endres and Schindelin 2003.)
 * A metric's distance is levels + moves - levels * moves: 0 when both are, 1 when one is.  The
 * total is the mean over the metrics that both have.
 *
 * The axis: fixed bounds as they are; growing ones from the least to the greatest state that was
 * seen, and to 0; of both profiles.  Contexts of one state only, whatever the history.
 * Little data is noise: two profiles of the same chain of s states, N transitions each, have moves
 * of about sqrt(s * (s - 1) / (4 ln 2 * N)).
 */
#include "profile.h"

struct distance_metric {
	unsigned a, b; /* which metric it is in each */
	double levels, moves, distance;
	/* Where each is, mean of its states: for telling which is higher. */
	double mean_a, mean_b;
};

struct distance {
	struct distance_metric metric[PROFILE_METRICS_MAX];
	unsigned n;                  /* both have, with one transition at least */
	unsigned unmatched;          /* only one has, or one has no transition of */
	double levels, moves, total; /* means of the metrics; NAN: n is 0 */
};

void distance_between(struct distance *ret, const struct profile *a,
		      const struct profile_settings *sa, const struct profile *b,
		      const struct profile_settings *sb);

/* ---- the nearest of known ones ---- */

struct distance_known {
	const char *name;
	const struct profile *profile;
	const struct profile_settings *settings;
};

struct distance_rank {
	unsigned known; /* its index */
	struct distance distance;
};

/* The nearest first; of the same distance, as they were; those without a common metric last.  One
 * axis for all, or their distances could not be compared.  ret has room for n. */
void distance_nearest(const struct profile *p, const struct profile_settings *s,
		      const struct distance_known *known, unsigned n, struct distance_rank *ret);

#endif
