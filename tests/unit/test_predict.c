/* SPDX-License-Identifier: Apache-2.0 */
/* What comes next: closed forms, and the error next to "the last value stays". */
#include "predict.h"
#include "profile_kit.h"

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

/* p = .1, q = .25 from state 1: pi + (1 - p - q)^k (e - pi). */
static void test_two_states(void **state)
{
	struct markov_settings s = settings(2, 1);
	double share[2], pi = .1 / .35, last = NAN;
	struct predict *p;
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 100);
	markov_put(&m, &s, 0);
	markov_put(&m, &s, 100);
	m.counts.cell[0] = 900000000;
	m.counts.cell[1] = 100000000;
	m.counts.cell[2] = 250000000;
	m.counts.cell[3] = 750000000;
	m.counts.transitions = 2000000000;
	p = predict_new(&m, &s);
	assert_non_null(p);
	for (unsigned k = 1; k <= 100; k++) {
		double is = pi + pow(.65, k) * (1 - pi);
		struct prediction v;

		predict_step(p, share);
		if (fabs(share[1] - is) > 1e-8)
			fail_msg("step %u: %.12g, not %.12g", k, share[1], is);
		v = predict_values(&m, &s, share, .9);
		assert_true(fabs(v.expectation - (25 + 50 * is)) < 1e-5);
		assert_true(fabs(v.low - 50 * .05 / (1 - is)) < 1e-5 || is > .95);
		assert_true(v.low <= v.expectation && v.expectation <= v.high);
		last = v.expectation;
	}
	assert_true(fabs(last - (25 + 50 * pi)) < 1e-5);
	predict_free(p);
	predict_free(NULL);
	markov_fini(&m);
}

static void test_constant(void **state)
{
	static const double VALUES[] = {0, 42, -42, 1e308, -1e308, DBL_MAX, 5e-324};

	(void)state;
	for (unsigned i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
		struct markov_settings s = settings(4, 2);
		struct predict_error e = {.n = 0};
		double share[4], v = VALUES[i];
		struct prediction is;
		struct predict *p;
		struct markov m;

		s.fixed = false;
		markov_init(&m, &s, 0, 0);
		assert_null(predict_new(&m, &s));
		for (unsigned t = 0; t < 10000; t++) {
			predict_error_before(&e, &m, &s);
			predict_error_after(&e, &m, markov_put(&m, &s, v));
		}
		p = predict_new(&m, &s);
		assert_non_null(p);
		for (unsigned k = 0; k < 50; k++)
			predict_step(p, share);
		is = predict_values(&m, &s, share, .9);
		if (fabs(is.expectation - v) > fabs(v) * 1e-6 + DBL_MIN || is.low != v ||
		    is.high != v)
			fail_msg("%g: %g (%g to %g)", v, is.expectation, is.low, is.high);
		assert_int_equal(e.n, 9998);
		assert_true(predict_error_stays(&e) == 0);
		assert_true(predict_error_model(&e) <= fabs(v) * 1e-6 + DBL_MIN);
		predict_free(p);
		markov_fini(&m);
	}
}

/* 0 0 100 100 and again: two states before tell all, one tells nothing. */
static void test_periodic(void **state)
{
	(void)state;
	for (unsigned history = 1; history <= 4; history++) {
		struct markov_settings s = settings(2, history);
		struct predict_error e = {.n = 0};
		double share[2];
		struct predict *p;
		struct markov m;

		markov_init(&m, &s, 0, 100);
		for (unsigned t = 0; t < 40000; t++) {
			predict_error_before(&e, &m, &s);
			predict_error_after(&e, &m, markov_put(&m, &s, t % 4 < 2 ? 0 : 100));
		}
		p = predict_new(&m, &s);
		for (unsigned k = 0; k < 100; k++) { /* after 100 100 comes 0 0 100 100 */
			predict_step(p, share);
			if (history == 1)
				assert_true(fabs(share[0] - .5) < .01);
			else
				assert_true(fabs(share[0] - (k % 4 < 2)) < .02);
		}
		assert_true(fabs(predict_error_stays(&e) - 50) < .1);
		/* In the state's middle, 25 beside the value. */
		assert_true(fabs(predict_error_model(&e) - (history == 1 ? 50 : 25)) < .5);
		predict_free(p);
		markov_fini(&m);
	}
}

static void run(struct predict_error *e, bool smooth)
{
	struct markov_settings s = settings(10, 1);
	double v = 50;
	uint64_t x = 9;
	struct markov m;

	markov_init(&m, &s, 0, 100);
	for (unsigned t = 0; t < 20000; t++) {
		if (smooth)
			v = fmin(100, fmax(0, v + 2 * kit_random(&x) - 1));
		else
			v = 100 * kit_random(&x);
		predict_error_before(e, &m, &s);
		predict_error_after(e, &m, markov_put(&m, &s, v));
	}
	markov_fini(&m);
}

/* Independent values: the mean is 25 off, the last value 33.  A slow walk: what is known of a
 * state only is worse than the last value.  Both must come out. */
static void test_error_both_ways(void **state)
{
	struct predict_error noise = {.n = 0}, walk = {.n = 0};

	(void)state;
	assert_true(isnan(predict_error_model(&noise)) && isnan(predict_error_stays(&noise)));
	run(&noise, false);
	assert_true(fabs(predict_error_model(&noise) - 25) < .5);
	assert_true(fabs(predict_error_stays(&noise) - 100 / 3.) < .5);
	run(&walk, true);
	assert_true(fabs(predict_error_stays(&walk) - .5) < .02);
	assert_true(predict_error_model(&walk) > 2 && predict_error_model(&walk) < 4);
}

static void test_gaps_and_buffers(void **state)
{
	struct markov_settings s = settings(2, 2);
	struct predict_error e = {.n = 0};
	double share[2];
	struct predict *p;
	struct markov m;

	(void)state;
	s.buffersize = 3;
	markov_init(&m, &s, 0, 100);
	for (unsigned t = 0; t < 90; t++) { /* 30 states, the first two predict nothing */
		predict_error_before(&e, &m, &s);
		predict_error_after(&e, &m, markov_put(&m, &s, t / 3 % 2 ? 100 : 0));
	}
	assert_int_equal(e.n, 28);
	assert_true(fabs(predict_error_stays(&e) - 100) < 1e-9);
	markov_gap(&m); /* no context: what there is of each state */
	p = predict_new(&m, &s);
	predict_step(p, share);
	assert_true(fabs(share[0] - 14.5 / 30) < 1e-12);
	predict_step(p, share);
	assert_true(fabs(share[0] - 14.5 / 30) < 1e-12);
	predict_free(p);
	predict_error_before(&e, &m, &s);
	predict_error_after(&e, &m, markov_put(&m, &s, NAN));
	assert_int_equal(e.n, 28);
	markov_fini(&m);
}

/* Large ones, sparse rows, ends of a double: shares add up to 1, numbers come out. */
static void test_shapes(void **state)
{
	static const unsigned SHAPE[][2] = {{64, 1}, {40, 2}, {16, 3}, {9, 4}, {2, 4}};
	uint64_t x = 21;

	(void)state;
	for (unsigned i = 0; i < sizeof(SHAPE) / sizeof(SHAPE[0]); i++) {
		struct markov_settings s = settings(SHAPE[i][0], SHAPE[i][1]);
		double share[MARKOV_STATES_MAX];
		struct predict *p;
		struct markov m;

		s.fixed = i % 2;
		markov_init(&m, &s, -1e300, 1e300);
		for (unsigned t = 0; t < 300; t++)
			markov_put(&m, &s, (kit_random(&x) - .5) * pow(10, 308 * kit_random(&x)));
		p = predict_new(&m, &s);
		assert_non_null(p);
		for (unsigned k = 0; k < 30; k++) {
			struct prediction v;
			double sum = 0;

			predict_step(p, share);
			for (unsigned j = 0; j < s.states; j++) {
				assert_true(share[j] >= 0 && share[j] <= 1);
				sum += share[j];
			}
			assert_true(fabs(sum - 1) < 1e-12);
			v = predict_values(&m, &s, share, .9);
			assert_true(isfinite(v.expectation) && v.low <= v.high);
			assert_true(v.low >= m.least && v.high <= m.greatest);
		}
		predict_free(p);
		markov_fini(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_states),       cmocka_unit_test(test_constant),
		cmocka_unit_test(test_periodic),         cmocka_unit_test(test_error_both_ways),
		cmocka_unit_test(test_gaps_and_buffers), cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
