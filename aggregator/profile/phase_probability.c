/* SPDX-License-Identifier: Apache-2.0 */
#include "phases.h"

/* Of a state, whatever was before it; as if each had come half a time more. */
static double of_state(const struct markov_counts *c, const struct markov_settings *s,
		       uint8_t state)
{
	uint64_t n = 0;

	for (uint32_t from = 0; from < s->states; from++)
		n += markov_row(c, s, 1, from)[state];
	return ((double)n + 0.5) / ((double)c->transitions + 0.5 * s->states);
}

double phase_probability(const struct markov_counts *c, const struct markov_settings *s,
			 const uint8_t *run, unsigned length)
{
	uint8_t state = run[length - 1];
	double p = of_state(c, s, state);
	uint32_t context = 0, digit = 1;

	for (unsigned h = 1; h <= s->history && h < length; h++, digit *= s->states) {
		const uint32_t *row;
		uint64_t n = 0;
		unsigned different = 0;

		context += run[length - 1 - h] * digit;
		row = markov_row(c, s, h, context);
		for (unsigned i = 0; i < s->states; i++) {
			n += row[i];
			different += row[i] > 0;
		}
		if (!n)
			break; /* nor has a longer context */
		p = (row[state] + different * p) / ((double)n + different);
	}
	return p;
}
