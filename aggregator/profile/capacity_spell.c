/* SPDX-License-Identifier: Apache-2.0 */
/* The time until a set of states is left.  Elimination without subtraction (Grassmann, Taksar,
 * Heyman 1985): what leaves a state is added up, never taken from 1, so that a stay of 10^9
 * ticks is as exact as one of 2. */
#include "capacity.h"

#include <math.h>
#include <string.h>

struct stay {
	unsigned n;                                     /* states of the set */
	double q[MARKOV_STATES_MAX][MARKOV_STATES_MAX]; /* the diagonal is of no interest */
	double exit[MARKOV_STATES_MAX];
	double spent[MARKOV_STATES_MAX]; /* ticks, for each come to it */
	double leave[MARKOV_STATES_MAX]; /* probability to leave for one before it, or the set */
};

static void read_rows(struct stay *t, const struct markov_counts *c,
		      const struct markov_settings *s, unsigned first)
{
	for (unsigned i = 0; i < t->n; i++) {
		const uint32_t *row = markov_row(c, s, 1, first + i);
		uint64_t all = 0, below = 0;

		for (unsigned j = 0; j < s->states; j++) {
			all += row[j];
			below += j < first ? row[j] : 0;
		}
		t->spent[i] = 1;
		t->exit[i] = all ? (double)below / (double)all : 1;
		for (unsigned j = 0; j < t->n; j++)
			t->q[i][j] = all ? row[first + j] / (double)all : 0;
	}
}

/* Takes state k out: those before it go on as if through it. */
static void take_out(struct stay *t, unsigned k)
{
	double leave = t->exit[k];

	for (unsigned j = 0; j < k; j++)
		leave += t->q[k][j];
	t->leave[k] = leave;
	for (unsigned i = 0; i < k; i++) {
		double part;

		if (!(t->q[i][k] > 0))
			continue;
		if (!(leave > 0)) {
			t->spent[i] = INFINITY;
			continue;
		}
		part = t->q[i][k] / leave;
		for (unsigned j = 0; j < k; j++)
			t->q[i][j] += part * t->q[k][j];
		t->exit[i] += part * t->exit[k];
		t->spent[i] += part * t->spent[k];
	}
}

/* Of each state, ticks until the set is left. */
static void solve(struct stay *t, double *ticks)
{
	for (unsigned k = t->n; k-- > 0;)
		take_out(t, k);
	for (unsigned k = 0; k < t->n; k++) {
		double sum = t->spent[k];

		for (unsigned j = 0; j < k; j++)
			if (t->q[k][j] > 0)
				sum += t->q[k][j] * ticks[j];
		ticks[k] = t->leave[k] > 0 ? sum / t->leave[k] : INFINITY;
	}
}

double capacity_spell(const struct markov_counts *c, const struct markov_settings *s,
		      unsigned state)
{
	struct stay t;
	double ticks[MARKOV_STATES_MAX], sum = 0;
	uint64_t all = 0;

	if (!state || state >= s->states)
		return NAN;
	t.n = s->states - state;
	read_rows(&t, c, s, state);
	solve(&t, ticks);
	for (unsigned j = 0; j < t.n; j++) {
		uint64_t n = 0;

		for (unsigned i = 0; i < state; i++)
			n += markov_row(c, s, 1, i)[state + j];
		if (n)
			sum += (double)n * ticks[j];
		all += n;
	}
	return all ? sum / (double)all : NAN;
}
