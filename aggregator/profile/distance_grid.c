/* SPDX-License-Identifier: Apache-2.0 */
#include "distance_grid.h"

#include <math.h>
#include <stdlib.h>

/* In long double there is no border beyond what can be held, nor are two of them one. */
static long double border(const struct distance_side *of, unsigned state)
{
	const struct markov_range *r = &of->m->range;

	if (of->s->fixed)
		return r->low + (long double)r->width * state;
	return ldexpl((long double)r->first + state, r->k);
}

/* Ends a transition there, or begins one? */
static bool is_used(const struct distance_side *of, unsigned state)
{
	for (unsigned i = 0; i < of->s->states; i++)
		if (markov_row(&of->m->counts, of->s, 1, state)[i] ||
		    markov_row(&of->m->counts, of->s, 1, i)[state])
			return true;
	return false;
}

void distance_axis_add(struct distance_axis *axis, const struct distance_side *of)
{
	unsigned first = 0, last = of->s->states - 1;
	long double low, high;

	if (!of->m->counts.transitions)
		return;
	while (!of->s->fixed && !is_used(of, first))
		first++;
	while (!of->s->fixed && !is_used(of, last))
		last--;
	low = border(of, first);
	high = border(of, last + 1);
	if (!of->s->fixed) {
		low = fminl(low, 0);
		high = fmaxl(high, 0);
	}
	axis->low = axis->known ? fminl(axis->low, low) : low;
	axis->high = axis->known ? fmaxl(axis->high, high) : high;
	axis->known = true;
}

static int by_value(const void *va, const void *vb)
{
	const long double *a = va, *b = vb;

	return *a < *b ? -1 : *a > *b;
}

/* Which state of one of the two each interval is in. */
static void place(struct distance_grid *g, const struct distance_side *of, unsigned which)
{
	unsigned state = 0;

	for (unsigned i = 0; i < g->n; i++) {
		g->state[which][i] = -1;
		g->part[which][i] = 0;
		while (state < of->s->states && border(of, state + 1) <= g->edge[i])
			state++;
		if (state == of->s->states || g->edge[i] < border(of, state))
			continue;
		g->state[which][i] = (int)state;
		g->part[which][i] = (double)((g->edge[i + 1] - g->edge[i]) /
					     (border(of, state + 1) - border(of, state)));
	}
}

void distance_grid_make(struct distance_grid *g, const struct distance_side side[2])
{
	unsigned n = 0, unique = 1;

	for (unsigned w = 0; w < 2; w++)
		for (unsigned i = 0; i <= side[w].s->states; i++)
			g->edge[n++] = border(&side[w], i);
	qsort(g->edge, n, sizeof(*g->edge), by_value);
	for (unsigned i = 1; i < n; i++)
		if (g->edge[i] > g->edge[unique - 1])
			g->edge[unique++] = g->edge[i];
	g->n = unique - 1;
	place(g, &side[0], 0);
	place(g, &side[1], 1);
}

/* Share of the transitions that go to a state. */
static void occupancy(const struct distance_side *of, double *share)
{
	for (unsigned to = 0; to < of->s->states; to++) {
		uint64_t n = 0;

		for (unsigned from = 0; from < of->s->states; from++)
			n += markov_row(&of->m->counts, of->s, 1, from)[to];
		share[to] = (double)n / of->m->counts.transitions;
	}
}

/* Area between two lines over a length of 1, from a difference of d to one of e. */
static double area(double d, double e)
{
	double sum = fabs(d) + fabs(e);

	if (d * e >= 0)
		return sum / 2;
	return (d * d + e * e) / (2 * sum);
}

static double bounded(double v)
{
	return v < 0 ? 0 : v > 1 ? 1 : v;
}

double distance_levels(const struct distance_grid *g, const struct distance_side side[2],
		       const struct distance_axis *axis)
{
	double share[2][MARKOV_STATES_MAX], before = 0;
	long double sum = 0;

	occupancy(&side[0], share[0]);
	occupancy(&side[1], share[1]);
	for (unsigned i = 0; i < g->n; i++) {
		double mass[2] = {0, 0}, after;

		for (unsigned w = 0; w < 2; w++)
			if (g->state[w][i] >= 0)
				mass[w] = share[w][g->state[w][i]] * g->part[w][i];
		after = before + (mass[0] - mass[1]);
		sum += area(before, after) * (g->edge[i + 1] - g->edge[i]);
		before = after;
	}
	return bounded((double)(sum / (axis->high - axis->low)));
}

/* Probability of each transition; rows in from. */
struct joint {
	double p[MARKOV_STATES_MAX][MARKOV_STATES_MAX], from[MARKOV_STATES_MAX];
};

static void take_joint(const struct distance_side *of, struct joint *j)
{
	for (unsigned x = 0; x < of->s->states; x++) {
		j->from[x] = 0;
		for (unsigned y = 0; y < of->s->states; y++) {
			j->p[x][y] = (double)markov_row(&of->m->counts, of->s, 1, x)[y] /
				     of->m->counts.transitions;
			j->from[x] += j->p[x][y];
		}
	}
}

/* p(x,y) log2(p(y|x) / m(y|x)), m of both. */
static double bits(double p, double from, double other, double other_from)
{
	return p > 0 ? p * log2(p / from * ((from + other_from) / (p + other))) : 0;
}

static double interval_bits(const struct distance_grid *g, const struct joint j[2], unsigned x,
			    unsigned y)
{
	double from[2] = {0, 0}, p[2] = {0, 0};

	for (unsigned w = 0; w < 2; w++) {
		if (g->state[w][x] < 0)
			continue;
		from[w] = j[w].from[g->state[w][x]] * g->part[w][x];
		if (g->state[w][y] >= 0)
			p[w] = j[w].p[g->state[w][x]][g->state[w][y]] * g->part[w][x] *
			       g->part[w][y];
	}
	return bits(p[0], from[0], p[1], from[1]) + bits(p[1], from[1], p[0], from[0]);
}

double distance_moves(const struct distance_grid *g, const struct distance_side side[2])
{
	struct joint j[2];
	double sum = 0;

	take_joint(&side[0], &j[0]);
	take_joint(&side[1], &j[1]);
	for (unsigned x = 0; x < g->n; x++)
		for (unsigned y = 0; y < g->n; y++)
			sum += interval_bits(g, j, x, y);
	/* What is left of rounding, when they are the same. */
	return sum < 1e-14 ? 0 : sqrt(bounded(sum / 2));
}
