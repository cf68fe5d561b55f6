/* SPDX-License-Identifier: Apache-2.0 */
/* The period tree: each hour has its own node, also after gaps and when bounds have grown. */
#include "profile_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DAYS 40

static struct profile_settings by_hour(unsigned days)
{
	struct profile_settings s = kit_settings(4, 2);

	s.n_periods = days ? 2 : 1;
	s.period[0] = days ? days : 24;
	s.period[1] = 24;
	return s;
}

/* Busy from 8 to 18; the second metric is the hour. */
static double wave(unsigned hour)
{
	return hour >= 8 && hour < 18 ? 90 : 10;
}

static unsigned state_at(unsigned hour)
{
	return wave(hour) > 50 ? 3 : 0;
}

/* The hour's node has its days, one transition a day, and that from the state of the hour before
 * to the hour's. */
static void hour_is(const struct profile *p, const struct profile_settings *s, uint32_t leaf,
		    uint64_t states, uint32_t transitions)
{
	const struct period_metric *node = p->periods->leaf[leaf];
	unsigned hour = leaf % 24;
	uint32_t cell;

	if (!node)
		fail_msg("leaf %u has nothing", leaf);
	if (node[0].stats.count != states || node[0].stats.min != wave(hour) ||
	    node[0].stats.max != wave(hour) || node[0].stats.mean != wave(hour) ||
	    node[1].stats.mean != hour)
		fail_msg("leaf %u: %lu states of mean %g", leaf, (unsigned long)node[0].stats.count,
			 node[0].stats.mean);
	assert_true(markov_deviation(&node[0].stats) == 0);
	cell = markov_row(&node[0].counts, &s->markov, 1,
			  state_at((hour + 23) % 24))[state_at(hour)];
	if (cell != transitions || node[0].counts.transitions != transitions)
		fail_msg("leaf %u: %u of %u transitions", leaf, cell, node[0].counts.transitions);
	assert_int_equal(kit_total(&node[0].counts, &s->markov, 1), transitions);
}

static void test_square_wave(void **state)
{
	struct profile_settings s = by_hour(0);
	struct profile p;

	(void)state;
	profile_init(&p, &s);
	for (unsigned i = 0; i < DAYS * 24; i++)
		profile_put(&p, &s, (double[]){wave(i % 24), i % 24}, NULL);
	for (uint32_t hour = 0; hour < 24; hour++)
		hour_is(&p, &s, hour, DAYS, hour ? DAYS : DAYS - 1);
	profile_fini(&p, &s);
}

/* A state is an hour of 60 values; the outage of some hours and minutes moves nothing. */
static void test_outage_moves_nothing(void **state)
{
	struct profile_settings s = by_hour(0);
	struct profile p;

	(void)state;
	s.markov.buffersize = 60;
	profile_init(&p, &s);
	for (unsigned i = 0; i < DAYS * 24 * 60; i++) {
		unsigned hour = i / 60 % 24;

		if (i == 60 * 24 * 10 + 60 * 5 + 17) {
			profile_gap(&p, &s, 60 * 3 + 30);
			i += 60 * 3 + 30 - 1;
			continue;
		}
		profile_put(&p, &s, (double[]){wave(hour), hour}, NULL);
	}
	assert_int_equal(p.ticks, DAYS * 24 * 60);
	/* 05:17 to 08:47: what is left of 8 makes a state, nothing was before it. */
	for (uint32_t hour = 0; hour < 24; hour++)
		hour_is(&p, &s, hour, hour >= 5 && hour <= 7 ? DAYS - 1 : DAYS,
			hour >= 5 && hour <= 8 ? DAYS - 1 : DAYS - (hour == 0));
	profile_fini(&p, &s);
}

static void test_days_of_hours(void **state)
{
	struct profile_settings s = by_hour(7);
	struct period_metric sum;
	struct profile p;

	(void)state;
	assert_int_equal(periods_leaves(&s), 168);
	assert_int_equal(periods_span(&s, 0), 168);
	assert_int_equal(periods_span(&s, 1), 24);
	assert_int_equal(periods_span(&s, 2), 1);
	profile_init(&p, &s);
	/* Three weeks and a day; busy on the first five days. */
	for (unsigned i = 0; i < 22 * 24; i++)
		profile_put(&p, &s, (double[]){i / 24 % 7 < 5 ? wave(i % 24) : 10, i % 24}, NULL);
	hour_is(&p, &s, 0, 4, 3);
	hour_is(&p, &s, 9, 4, 4);
	hour_is(&p, &s, 24 + 9, 3, 3);
	assert_true(p.periods->leaf[5 * 24 + 9][0].stats.mean == 10);
	for (unsigned day = 0; day < 7; day++) {
		periods_sum(p.periods, &s, 0, day * 24, 24, &sum);
		assert_int_equal(sum.stats.count, day ? 72 : 96);
		assert_true(sum.stats.max == (day < 5 ? 90 : 10));
		assert_int_equal(sum.counts.transitions, day ? 72 : 95);
		markov_counts_fini(&sum.counts);
	}
	profile_fini(&p, &s);
}

/* Nodes exist from their first state on; the value that makes bounds grow moves all of them. */
static void test_growing_moves_all(void **state)
{
	struct profile_settings s = by_hour(0);
	const struct period_metric *node;
	struct profile p;

	(void)state;
	s.markov.fixed = false;
	profile_init(&p, &s);
	for (unsigned i = 0; i < 12; i++)
		profile_put(&p, &s, (double[]){i % 4, NAN}, NULL);
	assert_null(p.periods->leaf[12]);
	node = p.periods->leaf[3];
	assert_int_equal(markov_row(&node[0].counts, &s.markov, 1, 2)[3], 1);
	assert_int_equal(node[1].stats.count, 0);
	profile_put(&p, &s, (double[]){15, NAN}, NULL);
	/* 4 wide now: 2 and 3 are state 0, 15 is state 3. */
	assert_int_equal(markov_row(&node[0].counts, &s.markov, 1, 2)[3], 0);
	assert_int_equal(markov_row(&node[0].counts, &s.markov, 1, 0)[0], 1);
	assert_int_equal(markov_row(&p.periods->leaf[12][0].counts, &s.markov, 1, 0)[3], 1);
	profile_fini(&p, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_square_wave),
		cmocka_unit_test(test_outage_moves_nothing),
		cmocka_unit_test(test_days_of_hours),
		cmocka_unit_test(test_growing_moves_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
