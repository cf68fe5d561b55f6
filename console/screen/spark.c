/* SPDX-License-Identifier: Apache-2.0 */
#include "spark.h"

#include <math.h>

#define LEVELS 8u

static uint32_t block(const struct grid *g, unsigned level)
{
	static const char plain[LEVELS + 1] = "_.-=+*#@";

	return g->ascii ? (unsigned char)plain[level] : 0x2581 + level;
}

/* Of a full block, in [0, 1]; what is there but nothing is 0. */
static double part_of(double value, double top)
{
	if (!(value > 0) || !(top > 0))
		return 0;
	return value < top ? value / top : 1;
}

static double greatest(const double *values, unsigned n)
{
	double top = 0;

	for (unsigned i = 0; i < n; i++)
		if (isfinite(values[i]) && values[i] > top)
			top = values[i];
	return top;
}

void spark_draw(struct grid *g, unsigned col, unsigned row, unsigned end, const double *values,
		unsigned n, double top, enum style style)
{
	unsigned room;

	if (end > g->cols)
		end = g->cols;
	if (col >= end)
		return;
	room = end - col;
	if (n > room) {
		values += n - room;
		n = room;
	}
	if (!(top > 0))
		top = greatest(values, n);
	grid_fill(g, col, row, end - n, style, ' ');
	for (unsigned i = 0; i < n; i++) {
		unsigned at = end - n + i;
		uint32_t ch = ' ';

		if (!isnan(values[i]))
			ch = block(g, (unsigned)(part_of(values[i], top) * (LEVELS - 1) + 0.5));
		grid_fill(g, at, row, at + 1, style, ch);
	}
}
