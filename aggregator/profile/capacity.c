/* SPDX-License-Identifier: Apache-2.0 */
#include "capacity.h"

#include <float.h>
#include <math.h>

bool capacity_shares(const struct markov_counts *c, const struct markov_settings *s, double *share)
{
	uint64_t all = 0;

	for (unsigned to = 0; to < s->states; to++) {
		uint64_t n = 0;

		for (unsigned from = 0; from < s->states; from++)
			n += markov_row(c, s, 1, from)[to];
		share[to] = (double)n;
		all += n;
	}
	for (unsigned to = 0; all && to < s->states; to++)
		share[to] /= (double)all;
	return all > 0;
}

void capacity_bounds(const struct markov *m, const struct markov_settings *s, unsigned state,
		     double *low, double *high)
{
	double begin, end;

	*low = *high = 0;
	if (!m->range.known)
		return;
	begin = fmax(markov_state_begin(m, state), -DBL_MAX);
	end = fmin(markov_state_begin(m, state + 1), DBL_MAX);
	/* With fixed bounds the first and the last one have what is outside, too. */
	if (m->states_seen && state == 0)
		begin = fmin(begin, m->least);
	if (m->states_seen && state + 1 == s->states)
		end = fmax(end, m->greatest);
	*low = fmin(begin, end);
	*high = end;
	if (!m->states_seen || m->least > end || m->greatest < begin)
		return;
	*low = fmax(begin, m->least);
	*high = fmin(end, m->greatest);
}

static bool is_empty(const struct markov_settings *s, const double *share)
{
	for (unsigned i = 0; i < s->states; i++)
		if (share[i] > 0)
			return false;
	return true;
}

double capacity_above(const struct markov *m, const struct markov_settings *s, const double *share,
		      double level)
{
	double sum = 0;

	if (is_empty(s, share) || isnan(level))
		return NAN;
	for (unsigned i = 0; i < s->states; i++) {
		double low, high;

		capacity_bounds(m, s, i, &low, &high);
		if (level <= low)
			sum += share[i];
		else if (level < high)
			sum += share[i] * (high / 2 - level / 2) / (high / 2 - low / 2);
	}
	return fmin(sum, 1);
}

double capacity_quantile(const struct markov *m, const struct markov_settings *s,
			 const double *share, double q)
{
	double low = 0, high = 0, left = q;
	unsigned last = s->states;

	if (is_empty(s, share) || !(q >= 0 && q <= 1))
		return NAN;
	while (!(share[last - 1] > 0))
		last--;
	for (unsigned i = 0; i < last; i++) {
		if (!(share[i] > 0))
			continue;
		capacity_bounds(m, s, i, &low, &high);
		if (left < share[i]) {
			double part = left / share[i];

			return low * (1 - part) + high * part;
		}
		left -= share[i];
	}
	return high;
}

double capacity_mean(const struct markov *m, const struct markov_settings *s, const double *share)
{
	double sum = 0;

	if (is_empty(s, share))
		return NAN;
	for (unsigned i = 0; i < s->states; i++) {
		double low, high;

		capacity_bounds(m, s, i, &low, &high);
		sum += share[i] * (low / 2 + high / 2);
	}
	return fmin(fmax(sum, -DBL_MAX), DBL_MAX);
}

double capacity_unused(const struct markov *m, double whole, double size, uint64_t ticks,
		       bool single)
{
	double greatest = single ? m->stats.max : m->greatest;

	if (m->stats.count < ticks || !m->stats.count || !(single || m->states_seen))
		return NAN;
	if (!(whole > 0) || !(size >= 0))
		return NAN;
	return size * fmin(fmax(1 - greatest / whole, 0), 1);
}
