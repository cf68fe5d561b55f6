/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MARKOV_COUNTS_H
#define PROXTOP_MARKOV_COUNTS_H

/* Counts by themselves: a profile has them once per node of its period tree and per phase, all
 * with the states of the same struct markov. */
#include "markov.h"

void markov_counts_init(struct markov_counts *c, const struct markov_settings *s);
void markov_counts_fini(struct markov_counts *c);

/* The last of `length` states followed those before it.  Counts nothing when length < 2. */
void markov_counts_step(struct markov_counts *c, const struct markov_settings *s,
			const uint8_t *run, unsigned length);

/* The same, for contexts of shortest to history states only. */
void markov_counts_step_from(struct markov_counts *c, const struct markov_settings *s,
			     const uint8_t *run, unsigned length, unsigned shortest);

void markov_counts_add(struct markov_counts *c, const struct markov_counts *other,
		       const struct markov_settings *s);

/* map: the new number of each old state. */
void markov_counts_remap(struct markov_counts *c, const struct markov_settings *s,
			 const uint8_t *map);

/* ---- where growing states are ---- */

/* The range that least and greatest make. */
struct markov_range markov_range_of(double least, double greatest, unsigned states);

bool markov_range_same(const struct markov_range *a, const struct markov_range *b);

/* The map from one range to one that has grown from it. */
void markov_range_map(const struct markov_range *old, const struct markov_range *grown,
		      unsigned states, uint8_t *map);

/* ---- merging ---- */

/* What markov_merge() will return. */
int markov_merge_wrong(const struct markov *m, const struct markov *after,
		       const struct markov_settings *s);

/* Where the states of both are. */
struct markov_range markov_merge_range(const struct markov *m, const struct markov *after,
				       const struct markov_settings *s);

#endif
