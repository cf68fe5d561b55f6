/* SPDX-License-Identifier: Apache-2.0 */
/* Dyadic ranges: parts are 2^k wide and begin at multiples of it. */
#include "markov_counts.h"

#include <math.h>

#define BITS 20 /* a part is at least 2^-20 of the greatest magnitude */
#define K_LEAST                                                                                    \
	-1022 /* the exponent of the smallest normal number; also the width of nothing but 0 */

/* The part of width 2^k that holds v.  What becomes 0 by underflow keeps its side of 0. */
static int32_t part_of(double v, int32_t k)
{
	double scaled = scalbn(v, -k);

	if (scaled == 0)
		return v < 0 ? -1 : 0;
	return (int32_t)floor(scaled);
}

struct markov_range markov_range_of(double least, double greatest, unsigned states)
{
	double magnitude = fmax(fabs(least), fabs(greatest));
	struct markov_range r = {.known = true, .k = K_LEAST};

	if (magnitude > 0 && ilogb(magnitude) - BITS > K_LEAST)
		r.k = ilogb(magnitude) - BITS;
	while (part_of(greatest, r.k) - part_of(least, r.k) >= (int32_t)states)
		r.k++;
	r.first = part_of(least, r.k);
	return r;
}

bool markov_range_same(const struct markov_range *a, const struct markov_range *b)
{
	return a->known == b->known && a->first == b->first && a->k == b->k && a->low == b->low &&
	       a->width == b->width;
}

static int32_t floor_shift(int32_t v, int32_t by)
{
	if (by > 30)
		return v < 0 ? -1 : 0;
	return v >= 0 ? v >> by : ~(~v >> by);
}

/* Parts of the old range in which there was no value may lie outside the new one: any number of
 * it will do for them. */
void markov_range_map(const struct markov_range *old, const struct markov_range *grown,
		      unsigned states, uint8_t *map)
{
	for (unsigned i = 0; i < states; i++) {
		int32_t to = floor_shift(old->first + (int32_t)i, grown->k - old->k) - grown->first;

		map[i] = (uint8_t)(to < 0 ? 0 : to >= (int32_t)states ? (int32_t)states - 1 : to);
	}
}

int markov_state_of(const struct markov *m, const struct markov_settings *s, double value)
{
	const struct markov_range *r = &m->range;
	double i;

	if (!isfinite(value) || !r->known)
		return -1;
	if (s->fixed) {
		double high = r->low + r->width * s->states;

		i = floor((fmin(fmax(value, r->low), high) - r->low) / r->width);
	} else {
		i = floor(scalbn(value, -r->k)) - r->first;
		if (value < 0 && scalbn(value, -r->k) == 0)
			i = -1 - r->first;
	}
	return i < 0 ? 0 : i >= s->states ? (int)s->states - 1 : (int)i;
}

double markov_state_begin(const struct markov *m, unsigned state)
{
	const struct markov_range *r = &m->range;

	if (r->width > 0)
		return r->low + r->width * state;
	return r->known ? scalbn((double)r->first + state, r->k) : NAN;
}
