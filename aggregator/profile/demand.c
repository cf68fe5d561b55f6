/* SPDX-License-Identifier: Apache-2.0 */
/* Independent: convolution on a grid.  Mass between two points is split such that its mean stays:
 * so the mean of the sum is the sum of the means, exactly. */
#include "demand.h"
#include "capacity.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define PIECES 32u /* of a state, whose values are spread evenly */

bool demand_init(struct demand *d, double highest)
{
	memset(d, 0, sizeof(*d));
	if (!(highest > 0 && highest <= DBL_MAX))
		return false;
	d->step = highest / (DEMAND_POINTS - 1);
	d->share[0] = 1;
	return d->step > 0;
}

static void put_mass(double *share, double at, double mass)
{
	unsigned i;

	if (!(at > 0))
		at = 0;
	if (at >= DEMAND_POINTS - 1) {
		share[DEMAND_POINTS - 1] += mass;
		return;
	}
	i = (unsigned)at;
	share[i] += mass * (1 - (at - i));
	share[i + 1] += mass * (at - i);
}

static void convolve(struct demand *d, const double *one)
{
	double sum[DEMAND_POINTS] = {0};

	for (unsigned i = 0; i < DEMAND_POINTS; i++) {
		if (!(one[i] > 0))
			continue;
		for (unsigned j = 0; j < DEMAND_POINTS; j++) {
			unsigned to = i + j < DEMAND_POINTS ? i + j : DEMAND_POINTS - 1;

			sum[to] += one[i] * d->share[j];
		}
	}
	memcpy(d->share, sum, sizeof(sum));
}

bool demand_add(struct demand *d, const struct markov *m, const struct markov_settings *s,
		const struct markov_counts *c, double scale)
{
	double share[MARKOV_STATES_MAX], one[DEMAND_POINTS] = {0};

	if (!(scale >= 0 && scale <= DBL_MAX) || !capacity_shares(c, s, share))
		return false;
	for (unsigned i = 0; i < s->states; i++) {
		double low, high;

		if (!(share[i] > 0))
			continue;
		capacity_bounds(m, s, i, &low, &high);
		for (unsigned k = 0; k < PIECES; k++) {
			double part = (k + 0.5) / PIECES;
			double value = low * (1 - part) + high * part;

			put_mass(one, value * scale / d->step, share[i] / PIECES);
		}
	}
	convolve(d, one);
	d->vms++;
	return true;
}

double demand_mean(const struct demand *d)
{
	double sum = 0;

	for (unsigned i = 0; i < DEMAND_POINTS; i++)
		sum += d->share[i] * i * d->step;
	return sum;
}

double demand_above(const struct demand *d, double level)
{
	double sum = 0;

	for (unsigned i = DEMAND_POINTS; i-- > 0;)
		if (i * d->step >= level)
			sum += d->share[i];
	return fmin(sum, 1);
}

double demand_quantile(const struct demand *d, double q)
{
	double sum = 0;
	unsigned i = 0;

	if (!(q >= 0 && q <= 1))
		return NAN;
	/* Sums of many shares are 1 but for rounding. */
	for (; i < DEMAND_POINTS - 1; i++) {
		sum += d->share[i];
		if (sum >= q - 1e-12)
			break;
	}
	return i * d->step;
}
