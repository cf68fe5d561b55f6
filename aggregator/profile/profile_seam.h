/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_SEAM_H
#define PROXTOP_PROFILE_SEAM_H

/* One metric, where two parts of a profile meet: how each part's states are called in the merged
 * one, and the transitions that neither part could count. */
#include "markov_counts.h"

struct profile_seam {
	bool moved, after_moved; /* the maps change something */
	bool cut;                /* no context crosses it */
	uint8_t map[MARKOV_STATES_MAX], after_map[MARKOV_STATES_MAX];
	/* The last states of the first part and the first ones of the second, as merged. */
	uint8_t run[2 * MARKOV_HISTORY_MAX + 1];
	unsigned before, n; /* run: of the first part; of the second */
};

/* merged: the range of both.  m is as it was before. */
void profile_seam_make(struct profile_seam *seam, const struct markov *m,
		       const struct markov *after, const struct markov_settings *s,
		       const struct markov_range *merged);

/* The transition to the state of number i of the second part, i < n. */
void profile_seam_step(const struct profile_seam *seam, unsigned i, struct markov_counts *c,
		       const struct markov_settings *s);

/* The second part's counts are added. */
void profile_seam_add(const struct profile_seam *seam, struct markov_counts *c,
		      const struct markov_counts *after, const struct markov_settings *s);

#endif
