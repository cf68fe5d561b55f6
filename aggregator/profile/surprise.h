/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SURPRISE_H
#define PROXTOP_SURPRISE_H

/*
 * How likely a chain's last transition was, judged by what was counted before it.
 *
 * It has been counted already, once in each context length, so one is taken off again: the same
 * as judging first, but in bounds that have grown as far as its value needs.
 *
 * Probability: of the state whatever was before it, as if each had come half a time more
 * (Krichevsky and Trofimov 1981); that is mixed into what followed the last state, that into what
 * followed the last two, and so on, each with the weight of d observations, d being how many
 * different states followed (Witten and Bell 1991).  Never 0, never above 1; the probabilities
 * of all states add up to 1.
 */
#include "markov.h"

struct surprise {
	double probability;
	uint8_t from, to;
	uint32_t seen, of; /* before: to after from, of all transitions from it */
};

/* False: the last state has no context. */
bool surprise_of_last(const struct markov *m, const struct markov_settings *s,
		      struct surprise *ret);

/* What will come next, from the context as it is: `states` probabilities, by the same formula
 * with nothing taken off.  Without any count: all the same. */
void surprise_next(const struct markov_counts *c, const struct markov_settings *s,
		   const uint8_t *context, unsigned length, double *probability);

#endif
