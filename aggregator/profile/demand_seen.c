/* SPDX-License-Identifier: Apache-2.0 */
/* Joint: a histogram whose cells double. */
#include "demand.h"

#include <math.h>
#include <string.h>

#define K_LEAST -1022
#define BITS    5 /* the greatest is in cell 32 or above */

static int32_t k_of(double greatest)
{
	int k = greatest > 0 ? ilogb(greatest) - BITS : K_LEAST;

	return k > K_LEAST ? k : K_LEAST;
}

static void widen(struct demand_seen *d, int32_t k)
{
	int32_t by = k - d->k;

	if (by <= 0)
		return;
	for (unsigned i = 1; i < DEMAND_CELLS; i++) {
		uint64_t n = d->cell[i];

		d->cell[i] = 0;
		d->cell[by < 6 ? i >> by : 0] += n;
	}
	d->k = k;
}

static void make_room(struct demand_seen *d, double greatest)
{
	if (!d->ticks)
		d->k = K_LEAST;
	d->greatest = fmax(d->greatest, greatest);
	widen(d, k_of(d->greatest));
}

void demand_seen_put(struct demand_seen *d, double total)
{
	double at;

	if (!isfinite(total) || d->ticks == UINT64_MAX)
		return;
	total = fmax(total, 0);
	make_room(d, total);
	at = scalbn(total, -d->k);
	d->cell[at < DEMAND_CELLS - 1 ? (unsigned)at : DEMAND_CELLS - 1]++;
	d->ticks++;
	d->mean += total / (double)d->ticks - d->mean / (double)d->ticks;
}

void demand_seen_merge(struct demand_seen *d, const struct demand_seen *after)
{
	struct demand_seen other = *after;
	double ticks = (double)d->ticks + (double)after->ticks;

	if (!after->ticks)
		return;
	make_room(d, after->greatest);
	widen(&other, d->k);
	for (unsigned i = 0; i < DEMAND_CELLS; i++)
		d->cell[i] += other.cell[i];
	d->mean =
		d->mean * ((double)d->ticks / ticks) + after->mean * ((double)after->ticks / ticks);
	d->ticks += after->ticks;
}

/* Where a cell ends; the last one in use, at the greatest. */
static double end_of(const struct demand_seen *d, unsigned cell)
{
	return fmin(scalbn(cell + 1.0, d->k), d->greatest);
}

double demand_seen_above(const struct demand_seen *d, double level)
{
	double sum = 0;

	if (!d->ticks || isnan(level))
		return NAN;
	if (level > d->greatest)
		return 0;
	for (unsigned i = 0; i < DEMAND_CELLS; i++) {
		double low = scalbn(i, d->k), high = end_of(d, i);

		if (level <= low || high <= low)
			sum += level <= high ? (double)d->cell[i] : 0;
		else if (level <= high)
			sum += (double)d->cell[i] * (high - level) / (high - low);
	}
	/* The greatest was at the greatest. */
	return fmin(fmax(sum, 1) / (double)d->ticks, 1);
}

double demand_seen_quantile(const struct demand_seen *d, double q)
{
	double left = q * (double)d->ticks;

	if (!d->ticks || !(q >= 0 && q <= 1))
		return NAN;
	for (unsigned i = 0; i < DEMAND_CELLS; i++) {
		double low = scalbn(i, d->k), n = (double)d->cell[i];

		if (n > 0 && left < n)
			return low + fmax(end_of(d, i) - low, 0) * (left / n);
		left -= n;
	}
	return d->greatest;
}
