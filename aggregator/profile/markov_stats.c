/* SPDX-License-Identifier: Apache-2.0 */
#include "markov.h"

#include <math.h>

void markov_stats_put(struct markov_stats *s, double value)
{
	long double distance = (long double)value - s->mean;
	long double mean;

	if (!s->count) {
		*s = (struct markov_stats){.count = 1, .min = value, .max = value, .mean = value};
		return;
	}
	s->count++;
	mean = s->mean + distance / s->count;
	s->m2 += distance * (value - mean);
	s->mean = (double)mean;
	s->min = fmin(s->min, value);
	s->max = fmax(s->max, value);
}

void markov_stats_merge(struct markov_stats *s, const struct markov_stats *after)
{
	long double distance = (long double)after->mean - s->mean, n;

	if (!after->count)
		return;
	if (!s->count) {
		*s = *after;
		return;
	}
	n = (long double)s->count + after->count;
	s->m2 += after->m2 + distance * distance * (s->count * (after->count / n));
	s->mean = (double)(s->mean + distance * (after->count / n));
	s->count += after->count;
	s->filtered += after->filtered;
	s->min = fmin(s->min, after->min);
	s->max = fmax(s->max, after->max);
}

double markov_deviation(const struct markov_stats *s)
{
	return s->count ? (double)sqrtl(s->m2 / s->count) : NAN;
}
