/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SIMULATE_H
#define PROXTOP_SIMULATE_H

/*
 * Makes up a series as the chain would: the same one for the same seed, on every machine (its
 * states exactly, its values but for rounding).
 *
 * Only what was seen comes: the next state is drawn by the counts of the longest context that has
 * any, at last by those of all states.  It starts in the context that the profile is in.  A value
 * is drawn evenly from its state (capacity.h).
 *
 * Random numbers: xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64; integers without
 * bias by rejection.
 */
#include "markov.h"

struct simulate {
	uint64_t x[4];
	uint8_t tail[MARKOV_HISTORY_MAX];
	uint8_t length;
};

/* False: nothing is counted, there is nothing to go by. */
bool simulate_init(struct simulate *sim, const struct markov *m, const struct markov_settings *s,
		   uint64_t seed);

/* The next state; *value (NULL: of no interest): a value in it.  m is as it was at simulate_init().
 */
unsigned simulate_next(struct simulate *sim, const struct markov *m,
		       const struct markov_settings *s, double *value);

#endif
