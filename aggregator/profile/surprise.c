/* SPDX-License-Identifier: Apache-2.0 */
#include "surprise.h"

#define HALF 0.5

/* A row's total and how many different states are in it, without `less` of the state. */
struct row_sum {
	uint64_t n;
	unsigned different;
	uint32_t seen; /* of the state */
};

static struct row_sum sum_of(const uint32_t *row, unsigned states, unsigned state, uint32_t less)
{
	struct row_sum r = {.n = 0};

	for (unsigned i = 0; i < states; i++) {
		r.n += row[i];
		r.different += row[i] > 0;
	}
	r.seen = row[state];
	if (less && r.seen) { /* 0: counts are full, and it was not counted */
		r.different -= r.seen == 1;
		r.seen--;
		r.n--;
	}
	return r;
}

static double of_state(const struct markov_counts *c, const struct markov_settings *s,
		       unsigned state, uint32_t less)
{
	const uint32_t *cell = markov_row(c, s, 1, 0) + state;
	uint64_t n = 0;
	uint32_t all = c->transitions;

	for (unsigned from = 0; from < s->states; from++, cell += s->states)
		n += *cell;
	if (less && n) {
		n--;
		all--;
	}
	return ((double)n + HALF) / (all + HALF * s->states);
}

/* context: length states, the latest last.  last (NULL: of no interest): the row after its last
 * one state. */
static double probability_of(const struct markov_counts *c, const struct markov_settings *s,
			     const uint8_t *context, unsigned length, unsigned state, uint32_t less,
			     struct row_sum *last)
{
	double p = of_state(c, s, state, less);
	uint32_t at = 0, digit = 1;

	for (unsigned h = 1; h <= s->history && h <= length; h++, digit *= s->states) {
		struct row_sum r;

		at += context[length - h] * digit;
		r = sum_of(markov_row(c, s, h, at), s->states, state, less);
		if (last && h == 1)
			*last = r;
		if (!r.n)
			break; /* nor was there a longer one */
		p = (r.seen + r.different * p) / ((double)r.n + r.different);
	}
	return p;
}

bool surprise_of_last(const struct markov *m, const struct markov_settings *s, struct surprise *ret)
{
	unsigned length = m->tail_length;
	struct row_sum r = {.n = 0};

	if (length < 2)
		return false;
	ret->from = m->tail[length - 2];
	ret->to = m->tail[length - 1];
	ret->probability = probability_of(&m->counts, s, m->tail, length - 1, ret->to, 1, &r);
	ret->seen = r.seen;
	ret->of = r.n < UINT32_MAX ? (uint32_t)r.n : UINT32_MAX;
	return true;
}

void surprise_next(const struct markov_counts *c, const struct markov_settings *s,
		   const uint8_t *context, unsigned length, double *probability)
{
	for (unsigned i = 0; i < s->states; i++)
		probability[i] = probability_of(c, s, context, length, i, 0, NULL);
}
