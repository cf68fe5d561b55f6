/* SPDX-License-Identifier: Apache-2.0 */
/* Shares, quantiles, spells and total demand: closed forms, and against series as they were. */
#include "capacity.h"
#include "demand.h"
#include "profile_kit.h"
#include "simulate.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct markov_settings TWO = {
	.states = 2, .history = 1, .buffersize = 1, .fixed = true};

static bool near(double a, double b, double error)
{
	return fabs(a - b) <= error;
}

/* counts: states * states of them. */
static void make(struct markov *m, const struct markov_settings *s, const uint32_t *counts)
{
	markov_init(m, s, 0, 100);
	for (unsigned i = 0; i < s->states * s->states; i++) {
		m->counts.cell[i] = counts[i];
		m->counts.transitions += counts[i];
	}
}

static void test_two_states(void **state)
{
	static const uint32_t COUNTS[] = {90, 10, 25, 75};
	double share[2], low, high;
	struct markov m;

	(void)state;
	make(&m, &TWO, COUNTS);
	assert_true(capacity_shares(&m.counts, &TWO, share));
	assert_true(near(share[0], .575, 1e-15) && near(share[1], .425, 1e-15));
	assert_true(near(capacity_spell(&m.counts, &TWO, 1), 4, 1e-12)); /* 1 / q */
	assert_true(isnan(capacity_spell(&m.counts, &TWO, 0)));
	assert_true(isnan(capacity_spell(&m.counts, &TWO, 2)));
	capacity_bounds(&m, &TWO, 1, &low, &high);
	assert_true(low == 50 && high == 100);
	assert_true(near(capacity_above(&m, &TWO, share, 50), .425, 1e-12));
	assert_true(near(capacity_above(&m, &TWO, share, 75), .2125, 1e-12));
	assert_true(near(capacity_above(&m, &TWO, share, -1), 1, 1e-12));
	assert_true(capacity_above(&m, &TWO, share, 100) == 0);
	assert_true(near(capacity_quantile(&m, &TWO, share, .575), 50, 1e-9));
	assert_true(near(capacity_quantile(&m, &TWO, share, .2875), 25, 1e-9));
	assert_true(capacity_quantile(&m, &TWO, share, 1) == 100);
	assert_true(capacity_quantile(&m, &TWO, share, 0) == 0);
	assert_true(isnan(capacity_quantile(&m, &TWO, share, 1.1)));
	assert_true(near(capacity_mean(&m, &TWO, share), .575 * 25 + .425 * 75, 1e-12));
	markov_fini(&m);
}

static void test_nothing_counted(void **state)
{
	static const uint32_t NONE[4] = {0};
	double share[2];
	struct demand d;
	struct markov m;

	(void)state;
	make(&m, &TWO, NONE);
	assert_false(capacity_shares(&m.counts, &TWO, share));
	assert_true(isnan(capacity_above(&m, &TWO, share, 1)));
	assert_true(isnan(capacity_quantile(&m, &TWO, share, .5)));
	assert_true(isnan(capacity_mean(&m, &TWO, share)));
	assert_true(isnan(capacity_spell(&m.counts, &TWO, 1)));
	assert_true(demand_init(&d, 10));
	assert_false(demand_add(&d, &m, &TWO, &m.counts, 1));
	assert_true(demand_quantile(&d, 1) == 0 && demand_mean(&d) == 0);
	assert_false(demand_init(&d, 0) || demand_init(&d, NAN) || demand_init(&d, INFINITY));
	markov_fini(&m);
}

/* Gambler's ruin among 3 busy states, solved by hand. */
static void test_spell_of_several_states(void **state)
{
	/* from 1: 1/2 down, 1/2 to 2; from 2: 1/2 to 1, 1/2 to 3; from 3: to 2.  Come to at 1.
	 * t1 = 1 + t2 / 2, t2 = 1 + t1 / 2 + t3 / 2, t3 = 1 + t2: t1 = 5, t2 = 8, t3 = 9. */
	static const uint32_t COUNTS[] = {6, 4, 0, 0, 2, 0, 2, 0, 0, 2, 0, 2, 0, 0, 2, 0};
	static const uint32_t NEVER_LEFT[] = {9, 1, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0};
	static const uint32_t LONG[] = {9, 1, 2, 4000000000u};
	static const uint32_t LAST[] = {9, 1, 0, 0};
	struct markov_settings s = TWO;
	struct markov m;

	(void)state;
	s.states = 4;
	make(&m, &s, COUNTS);
	assert_true(near(capacity_spell(&m.counts, &s, 1), 5, 1e-12));
	assert_true(near(capacity_spell(&m.counts, &s, 2), 3, 1e-12)); /* t2 = 1 + (1 + t2) / 2 */
	assert_true(near(capacity_spell(&m.counts, &s, 3), 1, 1e-12));
	markov_fini(&m);
	make(&m, &s, NEVER_LEFT);
	assert_true(isinf(capacity_spell(&m.counts, &s, 1)));
	assert_true(isnan(capacity_spell(&m.counts, &s, 3)));
	markov_fini(&m);
	markov_init(&m, &TWO, 0, 1);
	memcpy(m.counts.cell, LONG, sizeof(LONG));
	assert_true(near(capacity_spell(&m.counts, &TWO, 1) / 2000000001., 1, 1e-14));
	memcpy(m.counts.cell, LAST, sizeof(LAST));
	assert_true(capacity_spell(&m.counts, &TWO, 1) == 1);
	markov_fini(&m);
}

/* The mean length of stays in a simulated series, and its standard error. */
static void spell_of_path(const struct markov *m, const struct markov_settings *s, unsigned level,
			  uint64_t seed, double *mean, double *error)
{
	struct simulate sim;
	struct markov_stats spells = {.count = 0};
	unsigned length = 0;

	assert_true(simulate_init(&sim, m, s, seed));
	for (int t = 0; t < 1000000; t++) {
		if (simulate_next(&sim, m, s, NULL) >= level) {
			length++;
			continue;
		}
		if (length)
			markov_stats_put(&spells, length);
		length = 0;
	}
	assert_true(spells.count > 1000);
	*mean = spells.mean;
	*error = markov_deviation(&spells) / sqrt((double)spells.count);
}

static void test_spell_as_simulated(void **state)
{
	static const unsigned STATES[] = {2, 4, 10, 64};
	double chain[64 * 64];
	uint64_t x = 20260101;

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct markov_settings s = TWO;
		struct markov m;
		unsigned at = 0;

		s.states = STATES[k];
		kit_random_chain(&x, chain, s.states);
		markov_init(&m, &s, 0, s.states);
		for (int t = 0; t < 100000; t++) {
			markov_put(&m, &s, at + .5);
			at = kit_next(&x, chain + at * s.states, s.states);
		}
		for (unsigned level = 1; level < s.states; level += 1 + s.states / 4) {
			double is = capacity_spell(&m.counts, &s, level), mean, error;

			spell_of_path(&m, &s, level, k, &mean, &error);
			if (!near(is, mean, 3 * error))
				fail_msg("%u states, from %u: %g, simulated %g +- %g", s.states,
					 level, is, mean, error);
		}
		markov_fini(&m);
	}
}

/* Values evenly spread: quantiles are the values'. */
static void test_quantiles_of_values(void **state)
{
	(void)state;
	for (unsigned fixed = 0; fixed < 2; fixed++) {
		struct markov_settings s = TWO;
		double share[10];
		uint64_t x = 5;
		struct markov m;

		s.states = 10;
		s.fixed = fixed;
		markov_init(&m, &s, 0, 100);
		for (int t = 0; t < 100000; t++)
			markov_put(&m, &s, 20 + 60 * kit_random(&x));
		assert_true(capacity_shares(&m.counts, &s, share));
		for (unsigned q = 0; q <= 100; q += 5) {
			double is = capacity_quantile(&m, &s, share, q / 100.);

			if (!near(is, 20 + .6 * q, .5))
				fail_msg("fixed %u, %u %%: %g", fixed, q, is);
			if (!near(capacity_above(&m, &s, share, is), 1 - q / 100., .001))
				fail_msg("fixed %u: above %g", fixed, is);
		}
		assert_true(near(capacity_mean(&m, &s, share), 50, .3));
		markov_fini(&m);
	}
}

static void test_quantile_by_leaf(void **state)
{
	struct profile_settings s = kit_settings(4, 1);
	struct profile p;

	(void)state;
	s.n_periods = 1;
	s.period[0] = 24;
	profile_init(&p, &s);
	for (unsigned t = 0; t < 24 * 100 + 8; t++)
		profile_put(&p, &s, (double[]){t % 24 < 8 ? 10 : 90}, NULL);
	for (unsigned hour = 0; hour < 24; hour++) {
		struct period_metric *leaf = periods_leaf(p.periods, &s, hour);
		double share[4], median;

		assert_true(capacity_shares(&leaf->counts, &s.markov, share));
		median = capacity_quantile(&p.metric[0], &s.markov, share, .5);
		if (hour < 8 ? !(median >= 10 && median <= 25) : !(median >= 75 && median <= 90))
			fail_msg("hour %u: %g", hour, median);
	}
	assert_true(near(capacity_spell(&p.metric[0].counts, &s.markov, 2), 16, 1e-9));
	profile_fini(&p, &s);
}

static void test_unused(void **state)
{
	struct markov_settings s = TWO;
	struct markov m;

	(void)state;
	s.buffersize = 2;
	markov_init(&m, &s, 0, 100);
	assert_true(isnan(capacity_unused(&m, 100, 8, 0, true)));
	for (int t = 0; t < 100; t++)
		markov_put(&m, &s, t == 50 ? 75 : 25);
	assert_true(near(capacity_unused(&m, 100, 8, 100, true), 2, 1e-12));
	assert_true(near(capacity_unused(&m, 100, 8, 100, false), 4, 1e-12));
	assert_true(isnan(capacity_unused(&m, 100, 8, 101, true))); /* younger */
	assert_true(isnan(capacity_unused(&m, 0, 8, 1, true)));
	assert_true(capacity_unused(&m, 50, 8, 1, true) == 0);
	markov_fini(&m);
}

/* ---- total demand ---- */

/* Ten VMs, each of them wants no core or (nearly) one: binomial. */
static void test_demand_of_coins(void **state)
{
	static const unsigned CHOOSE[] = {1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1};
	struct markov_settings s = TWO;
	double sum = 0, tail = 0;
	struct demand d;
	struct markov m;

	(void)state;
	s.states = 64;
	markov_init(&m, &s, 0, 100);
	m.counts.cell[0] = m.counts.cell[63] = 1;
	assert_true(demand_init(&d, 16));
	for (unsigned i = 0; i < 10; i++)
		assert_true(demand_add(&d, &m, &s, &m.counts, 0.01));
	assert_int_equal(d.vms, 10);
	assert_true(near(demand_mean(&d), 5, 1e-9));
	for (unsigned k = 10; k > 0; k--) {
		tail += CHOOSE[k] / 1024.;
		if (!near(demand_above(&d, k - .5), tail, 1e-9))
			fail_msg("%u and more: %g, not %g", k, demand_above(&d, k - .5), tail);
		assert_true(near(demand_quantile(&d, 1 - tail + 1e-6), k, .4));
	}
	for (unsigned i = 0; i < DEMAND_POINTS; i++)
		sum += d.share[i];
	assert_true(near(sum, 1, 1e-12));
	assert_false(demand_add(&d, &m, &s, &m.counts, NAN));
	/* A grid that is too small has what is beyond at its end. */
	assert_true(demand_init(&d, 4));
	for (unsigned i = 0; i < 10; i++)
		assert_true(demand_add(&d, &m, &s, &m.counts, 0.01));
	assert_true(demand_quantile(&d, .999) == 4);
	assert_true(near(demand_above(&d, 0), 1, 1e-12));
	markov_fini(&m);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Eight VMs that do not depend on each other: the grid is as what is seen together. */
static void test_demand_as_seen(void **state)
{
	enum { VMS = 8, TICKS = 50000 };
	struct markov_settings s = TWO;
	struct demand_seen seen = {.ticks = 0}, half[2] = {{.ticks = 0}, {.ticks = 0}};
	double *total = calloc(TICKS, sizeof(*total)), mean = 0, expected = 0;
	struct markov m[VMS];
	struct demand d;
	uint64_t x = 11;

	(void)state;
	assert_non_null(total);
	s.states = 32;
	assert_true(demand_init(&d, VMS * 4));
	for (unsigned i = 0; i < VMS; i++)
		markov_init(&m[i], &s, 0, 100);
	for (unsigned t = 0; t < TICKS; t++) {
		for (unsigned i = 0; i < VMS; i++) {
			double v = 100 * pow(kit_random(&x), 1 + i);

			markov_put(&m[i], &s, v);
			total[t] += v / 100 * 4;
		}
		demand_seen_put(&seen, total[t]);
		demand_seen_put(&half[t > 1000], total[t]);
		mean += total[t] / TICKS;
	}
	for (unsigned i = 0; i < VMS; i++) {
		double share[32];

		assert_true(demand_add(&d, &m[i], &s, &m[i].counts, .04));
		assert_true(capacity_shares(&m[i].counts, &s, share));
		expected += .04 * capacity_mean(&m[i], &s, share);
		markov_fini(&m[i]);
	}
	demand_seen_merge(&half[0], &half[1]);
	assert_int_equal(half[0].k, seen.k);
	assert_memory_equal(half[0].cell, seen.cell, sizeof(seen.cell));
	assert_true(half[0].ticks == TICKS && near(half[0].mean, mean, 1e-9));
	qsort(total, TICKS, sizeof(*total), by_value);
	assert_true(near(seen.mean, mean, 1e-9) && seen.greatest == total[TICKS - 1]);
	/* Within a state values are not spread evenly: that is all the error there is. */
	assert_true(near(demand_mean(&d), expected, 1e-9));
	assert_true(near(expected, mean, .2));
	for (unsigned q = 1; q < 100; q++) {
		double is = total[TICKS / 100 * q];

		if (!near(demand_seen_quantile(&seen, q / 100.), is, .1))
			fail_msg("%u %% seen: %g, not %g", q, demand_seen_quantile(&seen, q / 100.),
				 is);
		if (!near(demand_quantile(&d, q / 100.), is, .3))
			fail_msg("%u %%: %g, not %g", q, demand_quantile(&d, q / 100.), is);
		assert_true(near(demand_seen_above(&seen, is), 1 - q / 100., .01));
		assert_true(near(demand_above(&d, is), 1 - q / 100., .04));
	}
	assert_true(demand_seen_quantile(&seen, 1) == seen.greatest);
	assert_true(demand_seen_above(&seen, seen.greatest) > 0);
	assert_true(demand_seen_above(&seen, seen.greatest + 1) == 0);
	free(total);
}

/* Busy together: the joint one says so, the independent one cannot. */
static void test_together_is_more(void **state)
{
	struct markov_settings s = TWO;
	struct demand_seen seen = {.ticks = 0};
	struct demand d;
	struct markov m;
	uint64_t x = 3;

	(void)state;
	markov_init(&m, &s, 0, 100);
	assert_true(demand_init(&d, 10));
	for (int t = 0; t < 10000; t++) {
		double v = kit_random(&x) < .1 ? 100 : 0;

		markov_put(&m, &s, v);
		demand_seen_put(&seen, 10 * v / 100);
	}
	for (int i = 0; i < 10; i++)
		demand_add(&d, &m, &s, &m.counts, .01);
	assert_true(demand_seen_above(&seen, 9.9) > .09);
	assert_true(demand_above(&d, 9.9) < .001);
	markov_fini(&m);
}

static void test_demand_of_odd_totals(void **state)
{
	static const double ODD[] = {NAN, INFINITY, -INFINITY, -1, 0, 5e-324, 1, 1e308, DBL_MAX};
	struct demand_seen seen = {.ticks = 0};

	(void)state;
	assert_true(isnan(demand_seen_quantile(&seen, .5)));
	assert_true(isnan(demand_seen_above(&seen, 1)));
	for (unsigned i = 0; i < 9; i++) {
		demand_seen_put(&seen, ODD[i]);
		if (!seen.ticks)
			continue;
		for (unsigned q = 0; q <= 10; q++)
			assert_true(isfinite(demand_seen_quantile(&seen, q / 10.)));
		assert_true(isfinite(demand_seen_above(&seen, 1)) && isfinite(seen.mean));
	}
	assert_int_equal(seen.ticks, 6);
}

/* The ends of what a double can hold: no NAN comes out. */
static void test_odd_values(void **state)
{
	static const double ODD[] = {0, 5e-324, -5e-324, 1e308, -1e308, DBL_MAX, -DBL_MAX, 42};
	uint64_t x = 17;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct markov_settings s = TWO;
		double share[64], q0 = -INFINITY;
		struct markov m;

		s.states = 2 + kit_below(&x, 63);
		s.fixed = kit_below(&x, 2);
		markov_init(&m, &s, -1e300, 1e300);
		for (unsigned t = 0; t < 100; t++)
			markov_put(&m, &s, ODD[kit_below(&x, 1 + round % 8)]);
		assert_true(capacity_shares(&m.counts, &s, share));
		for (unsigned q = 0; q <= 20; q++) {
			double is = capacity_quantile(&m, &s, share, q / 20.);

			assert_true(isfinite(is) && is >= q0);
			assert_true(is >= m.least && is <= m.greatest);
			q0 = is;
			is = capacity_above(&m, &s, share, is);
			assert_true(is >= 0 && is <= 1);
		}
		assert_true(isfinite(capacity_mean(&m, &s, share)));
		markov_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_states),
		cmocka_unit_test(test_nothing_counted),
		cmocka_unit_test(test_spell_of_several_states),
		cmocka_unit_test(test_spell_as_simulated),
		cmocka_unit_test(test_quantiles_of_values),
		cmocka_unit_test(test_quantile_by_leaf),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_demand_of_coins),
		cmocka_unit_test(test_demand_as_seen),
		cmocka_unit_test(test_together_is_more),
		cmocka_unit_test(test_demand_of_odd_totals),
		cmocka_unit_test(test_odd_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
