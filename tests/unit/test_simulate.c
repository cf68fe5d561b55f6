/* SPDX-License-Identifier: Apache-2.0 */
/* Made-up series: the same for the same seed, and of the chain they are made from. */
#include "profile_kit.h"
#include "simulate.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct markov_settings settings(unsigned states, unsigned history)
{
	return (struct markov_settings){
		.states = states, .history = history, .buffersize = 1, .fixed = true};
}

/* By another implementation of xoshiro256** and splitmix64, in Python. */
static void test_known_series(void **state)
{
	static const unsigned SERIES[] = {0, 2, 0, 2, 0, 1, 1, 0, 2, 2, 2, 2,
					  0, 2, 0, 2, 0, 1, 1, 0, 2, 2, 2, 0};
	static const uint32_t COUNTS[] = {1, 2, 3, 3, 2, 1, 1, 0, 1};
	struct markov_settings s = settings(3, 1);
	struct simulate sim;
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 3);
	assert_false(simulate_init(&sim, &m, &s, 42));
	markov_put(&m, &s, 0);
	memcpy(m.counts.cell, COUNTS, sizeof(COUNTS));
	m.counts.transitions = 14;
	assert_true(simulate_init(&sim, &m, &s, 42));
	for (unsigned i = 0; i < sizeof(SERIES) / sizeof(SERIES[0]); i++)
		assert_int_equal(simulate_next(&sim, &m, &s, NULL), SERIES[i]);
	markov_fini(&m);
}

static void test_seeds(void **state)
{
	struct markov_settings s = settings(10, 2);
	struct simulate a, b, c;
	unsigned different = 0;
	uint64_t x = 4;
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 100);
	for (unsigned t = 0; t < 5000; t++)
		markov_put(&m, &s, 100 * kit_random(&x));
	simulate_init(&a, &m, &s, 7);
	simulate_init(&b, &m, &s, 7);
	simulate_init(&c, &m, &s, 8);
	for (unsigned t = 0; t < 1000; t++) {
		double va, vb, vc;
		unsigned sa = simulate_next(&a, &m, &s, &va);

		assert_int_equal(sa, simulate_next(&b, &m, &s, &vb));
		assert_true(va == vb);
		assert_int_equal(markov_state_of(&m, &s, va), sa);
		assert_true(va >= m.least && va <= m.greatest);
		different += sa != simulate_next(&c, &m, &s, &vc);
	}
	assert_true(different > 800);
	markov_fini(&m);
}

/* A profile of what was simulated has the probabilities of the one it was simulated from. */
static void test_as_the_chain(void **state)
{
	struct markov_settings s = settings(4, 1);
	struct markov m, again;
	struct simulate sim;
	double chain[16], value;
	uint64_t x = 20260101;
	unsigned at = 0;

	(void)state;
	kit_random_chain(&x, chain, 4);
	markov_init(&m, &s, 0, 4);
	markov_init(&again, &s, 0, 4);
	for (unsigned t = 0; t < 1000; t++) {
		markov_put(&m, &s, at + .5);
		at = kit_next(&x, chain + at * 4, 4);
	}
	assert_true(simulate_init(&sim, &m, &s, 1));
	for (unsigned t = 0; t < 1000000; t++) {
		simulate_next(&sim, &m, &s, &value);
		markov_put(&again, &s, value);
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t *of = markov_row(&m.counts, &s, 1, i);
		const uint32_t *is = markov_row(&again.counts, &s, 1, i);
		double n = 0, all = 0;

		for (unsigned j = 0; j < 4; j++) {
			n += of[j];
			all += is[j];
		}
		for (unsigned j = 0; j < 4; j++) {
			double p = of[j] / n;

			if (fabs(is[j] / all - p) > 3 * sqrt(p * (1 - p) / all))
				fail_msg("%u to %u: %g, not %g", i, j, is[j] / all, p);
		}
	}
	markov_fini(&m);
	markov_fini(&again);
}

/* 0 0 1 1 goes on for ever by two states before; a state that nothing has followed is left. */
static void test_contexts(void **state)
{
	struct markov_settings s = settings(3, 2);
	unsigned was = 0, changes = 0;
	struct simulate sim;
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 3);
	for (unsigned t = 0; t < 100; t++)
		markov_put(&m, &s, t % 4 < 2 ? .5 : 1.5);
	assert_true(simulate_init(&sim, &m, &s, 3));
	for (unsigned t = 0; t < 100; t++)
		assert_int_equal(simulate_next(&sim, &m, &s, NULL), t % 4 < 2 ? 0 : 1);
	markov_put(&m, &s, 2.5); /* the first and last time */
	assert_true(simulate_init(&sim, &m, &s, 3));
	for (unsigned t = 0; t < 1000; t++) {
		unsigned is = simulate_next(&sim, &m, &s, NULL);

		changes += is != was;
		was = is;
	}
	assert_true(changes > 100);
	markov_gap(&m);
	assert_true(simulate_init(&sim, &m, &s, 3)); /* no context: still a series */
	for (unsigned t = 0; t < 100; t++)
		assert_true(simulate_next(&sim, &m, &s, NULL) < 3);
	markov_fini(&m);
}

static void test_shapes(void **state)
{
	static const unsigned SHAPE[][2] = {{64, 1}, {40, 2}, {16, 3}, {9, 4}, {2, 4}};
	uint64_t x = 21;

	(void)state;
	for (unsigned i = 0; i < sizeof(SHAPE) / sizeof(SHAPE[0]); i++) {
		struct markov_settings s = settings(SHAPE[i][0], SHAPE[i][1]);
		struct simulate sim;
		struct markov m;

		s.fixed = i % 2;
		markov_init(&m, &s, -1e300, 1e300);
		for (unsigned t = 0; t < 300; t++)
			markov_put(&m, &s, (kit_random(&x) - .5) * pow(10, 308 * kit_random(&x)));
		assert_true(simulate_init(&sim, &m, &s, i));
		for (unsigned t = 0; t < 5000; t++) {
			double v;

			assert_true(simulate_next(&sim, &m, &s, &v) < s.states);
			assert_true(v >= m.least && v <= m.greatest);
		}
		markov_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_series), cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_as_the_chain), cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
