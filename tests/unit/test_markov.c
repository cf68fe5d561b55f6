/* SPDX-License-Identifier: Apache-2.0 */
/* One metric's profile: closed forms, and properties on random series. */
#include "markov.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* xorshift64*: the same series everywhere. */
static double next_random(uint64_t *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return (double)((*x * 0x2545F4914F6CDD1Dull) >> 11) / 9007199254740992.0;
}

static uint32_t rows_of(const struct markov_settings *s, unsigned h)
{
	uint32_t n = 1;

	while (h--)
		n *= s->states;
	return n;
}

static uint64_t total(const struct markov *m, const struct markov_settings *s, unsigned h)
{
	uint64_t n = 0;

	for (uint32_t c = 0; c < rows_of(s, h); c++)
		for (unsigned i = 0; i < s->states; i++)
			n += markov_row(&m->counts, s, h, c)[i];
	return n;
}

static uint64_t row_total(const uint32_t *row, unsigned states)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < states; i++)
		n += row[i];
	return n;
}

static void put_all(struct markov *m, const struct markov_settings *s, const double *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		markov_put(m, s, v[i]);
}

/* ---- closed forms ---- */

static void test_known_chain(void **state)
{
	static const double P[4][4] = {
		{.7, .1, .1, .1}, {.2, .5, .3, 0}, {0, .25, .5, .25}, {.4, 0, 0, .6}};
	struct markov_settings s = {4, 1, 1, 0, true};
	struct markov m;
	uint64_t x = 20260101;
	unsigned at = 0;

	(void)state;
	markov_init(&m, &s, 0, 100);
	for (int i = 0; i < 1000000; i++) {
		double u = next_random(&x);
		unsigned to = 0;

		assert_int_equal(markov_put(&m, &s, at * 25 + 24 * next_random(&x)), at);
		while (to < 3 && u >= P[at][to])
			u -= P[at][to++];
		at = to;
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t *row = markov_row(&m.counts, &s, 1, i);
		double n = (double)row_total(row, 4);

		assert_true(n > 10000);
		for (unsigned j = 0; j < 4; j++)
			if (fabs(row[j] / n - P[i][j]) > 3 * sqrt(P[i][j] * (1 - P[i][j]) / n))
				fail_msg("%u to %u: %g, not %g", i, j, row[j] / n, P[i][j]);
	}
	assert_int_equal(m.counts.transitions, 999999);
	assert_int_equal(total(&m, &s, 1), 999999);
	markov_fini(&m);
}

static void test_constant(void **state)
{
	static const double VALUES[] = {0, 42, -42, 1e308, -1e308, DBL_MAX, 5e-324, -5e-324};
	struct markov_settings s = {4, 2, 1, 0, false};

	(void)state;
	for (size_t v = 0; v < LENGTH(VALUES); v++) {
		struct markov m;

		markov_init(&m, &s, 0, 0);
		for (int i = 0; i < 100; i++)
			assert_int_equal(markov_put(&m, &s, VALUES[v]), 0);
		assert_int_equal(markov_row(&m.counts, &s, 1, 0)[0], 99);
		assert_int_equal(markov_row(&m.counts, &s, 2, 0)[0], 98);
		assert_int_equal(total(&m, &s, 1), 99);
		assert_true(m.stats.mean == VALUES[v] && markov_deviation(&m.stats) == 0);
		assert_true(markov_state_begin(&m, 0) <= VALUES[v]);
		assert_true(markov_state_begin(&m, 1) > VALUES[v]);
		markov_fini(&m);
	}
}

static void test_bounds_from_least_and_greatest(void **state)
{
	static const double UP[] = {0, 1, 2, 3, 15}, DOWN[] = {15, 3, 2, 1, 0};
	struct markov_settings s = {4, 1, 1, 0, false};
	struct markov up, down;

	(void)state;
	markov_init(&up, &s, 0, 0);
	markov_init(&down, &s, 0, 0);
	put_all(&up, &s, UP, 5);
	put_all(&down, &s, DOWN, 5);
	assert_int_equal(up.range.k, 2);
	assert_int_equal(up.range.first, 0);
	assert_int_equal(down.range.k, 2);
	assert_int_equal(down.range.first, 0);
	assert_int_equal(markov_row(&up.counts, &s, 1, 0)[0], 3);
	assert_int_equal(markov_row(&up.counts, &s, 1, 0)[3], 1);
	assert_int_equal(markov_row(&down.counts, &s, 1, 3)[0], 1);
	markov_fini(&up);
	markov_fini(&down);
}

static void test_ends_of_a_double(void **state)
{
	static const double V[] = {1e308,   -1e308,  DBL_MAX, -DBL_MAX, 5e-324,
				   -5e-324, DBL_MIN, 0,       -1e-310,  1};

	(void)state;
	for (unsigned states = 2; states <= 64; states += 31) {
		struct markov_settings s = {states, 1, 1, 0, false};
		struct markov m;

		markov_init(&m, &s, 0, 0);
		for (size_t i = 0; i < LENGTH(V); i++) {
			int at = markov_put(&m, &s, V[i]);

			if (at < 0 || at >= (int)states)
				fail_msg("%g: state %d of %u", V[i], at, states);
		}
		assert_int_equal(total(&m, &s, 1), LENGTH(V) - 1);
		assert_true(markov_state_of(&m, &s, 1e308) > markov_state_of(&m, &s, -1e308));
		assert_true(markov_state_of(&m, &s, 5e-324) > markov_state_of(&m, &s, -5e-324));
		assert_true(isfinite(m.stats.mean) && isfinite(markov_deviation(&m.stats)));
		assert_true(m.stats.min == -DBL_MAX && m.stats.max == DBL_MAX);
		markov_fini(&m);
	}
}

static void test_not_finite_ends_context(void **state)
{
	static const double V[] = {10, 20, NAN, 30, INFINITY, -INFINITY, 40, 50, 60};
	struct markov_settings s = {2, 2, 1, 0, true};
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 100);
	put_all(&m, &s, V, LENGTH(V));
	assert_int_equal(m.stats.count, 6);
	assert_int_equal(m.states_seen, 6);
	assert_int_equal(m.counts.transitions, 3); /* three runs of 2, 1 and 3 states */
	assert_int_equal(total(&m, &s, 2), 1);
	assert_int_equal(markov_row(&m.counts, &s, 1, 0)[0], 1);
	assert_int_equal(markov_row(&m.counts, &s, 1, 0)[1], 1);
	assert_int_equal(markov_row(&m.counts, &s, 1, 1)[1], 1);
	assert_int_equal(markov_row(&m.counts, &s, 2, 1)[1], 1);
	markov_fini(&m);
}

static void test_buffer(void **state)
{
	static const double V[] = {10, 20, NAN, 60, NAN, NAN, 70, 90, 5};
	struct markov_settings s = {4, 1, 2, 0, true};
	struct markov m;
	static const int EXPECTED[] = {-1, 0, -1, 2, -1, -1, -1, 3, -1};

	(void)state;
	markov_init(&m, &s, 0, 100);
	for (size_t i = 0; i < LENGTH(V); i++)
		assert_int_equal(markov_put(&m, &s, V[i]), EXPECTED[i]);
	assert_int_equal(m.counts.transitions, 1);
	assert_int_equal(markov_row(&m.counts, &s, 1, 0)[2], 1);
	assert_int_equal(m.pending, 1);
	markov_fini(&m);
}

static void test_fixed_bounds_keep_what_is_outside(void **state)
{
	struct markov_settings s = {4, 1, 1, 0, true};
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 100);
	assert_int_equal(markov_put(&m, &s, -1e308), 0);
	assert_int_equal(markov_put(&m, &s, 24.999), 0);
	assert_int_equal(markov_put(&m, &s, 25), 1);
	assert_int_equal(markov_put(&m, &s, 100), 3);
	assert_int_equal(markov_put(&m, &s, 1e308), 3);
	markov_fini(&m);
}

/* ---- the filter ---- */

static void test_filter(void **state)
{
	struct markov_settings s = {4, 1, 1, 3, true};
	struct markov m;
	uint64_t x = 7;
	int used = -1;

	(void)state;
	markov_init(&m, &s, 0, 1000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(markov_put(&m, &s, 10 + next_random(&x)), 0);
	assert_int_equal(markov_put(&m, &s, 900), -1);
	assert_int_equal(m.stats.filtered, 1);
	assert_int_equal(m.stats.count, 101);
	assert_int_equal(m.counts.transitions, 99);
	assert_int_equal(row_total(markov_row(&m.counts, &s, 1, 3), 4), 0);
	/* a new level: with a share p of the values it is (1 - p) / sqrt(p (1 - p)) deviations
	 * away, less than 3 from p = 0.1 on */
	for (int i = 0; i < 100 && used < 0; i++)
		if (markov_put(&m, &s, 900) == 3)
			used = i;
	assert_in_range(used, 5, 15);
	markov_fini(&m);
}

/* ---- properties ---- */

/* Random series whose range grows, with gaps; some are of whole numbers, some of many sizes. */
static size_t make_series(double *v, size_t n, uint64_t *x)
{
	double scale = ldexp(1, (int)(next_random(x) * 40) - 20);
	double gaps = next_random(x) < .5 ? 0 : .05;

	for (size_t i = 0; i < n; i++) {
		if (next_random(x) < .02)
			scale *= 4;
		v[i] = (next_random(x) - .3) * scale;
		if (next_random(x) < gaps)
			v[i] = NAN;
	}
	return n;
}

static void assert_close(double a, double b, double scale, const char *what)
{
	if (fabs(a - b) > 1e-9 * scale)
		fail_msg("%s: %.17g and %.17g", what, a, b);
}

static void assert_same(const struct markov *a, const struct markov *b,
			const struct markov_settings *s)
{
	assert_memory_equal(a->counts.cell, b->counts.cell, markov_counts_size(s));
	assert_int_equal(a->counts.transitions, b->counts.transitions);
	assert_int_equal(a->range.k, b->range.k);
	assert_int_equal(a->range.first, b->range.first);
	assert_int_equal(a->states_seen, b->states_seen);
	assert_int_equal(a->head_length, b->head_length);
	assert_memory_equal(a->head, b->head, a->head_length);
	assert_int_equal(a->tail_length, b->tail_length);
	assert_memory_equal(a->tail, b->tail, a->tail_length);
	assert_int_equal(a->pending, b->pending);
	assert_int_equal(a->stats.count, b->stats.count);
	if (!a->stats.count)
		return;
	assert_true(a->stats.min == b->stats.min && a->stats.max == b->stats.max);
	assert_close(a->stats.mean, b->stats.mean, markov_deviation(&b->stats), "mean");
	assert_close(markov_deviation(&a->stats), markov_deviation(&b->stats),
		     markov_deviation(&b->stats), "deviation");
}

static void merge_of_parts(const double *v, size_t n, const struct markov_settings *s, uint64_t *x)
{
	struct markov whole, merged, part;
	size_t from = 0;

	markov_init(&whole, s, 0, 0);
	markov_init(&merged, s, 0, 0);
	put_all(&whole, s, v, n);
	while (from < n) {
		double most = next_random(x) < .5 ? 5 : 150;
		size_t length = s->buffersize * (1 + (size_t)(next_random(x) * most));

		if (length > n - from)
			length = n - from;
		markov_init(&part, s, 0, 0);
		put_all(&part, s, v + from, length);
		assert_int_equal(markov_merge(&merged, &part, s), 0);
		markov_fini(&part);
		from += length;
	}
	assert_same(&merged, &whole, s);
	markov_fini(&whole);
	markov_fini(&merged);
}

static void test_merge_equals_whole(void **state)
{
	uint64_t x = 99;
	double v[500];

	(void)state;
	for (int i = 0; i < 600; i++) {
		struct markov_settings s = {2 + (unsigned)(next_random(&x) * 7), 1 + i % 3,
					    1 + (uint32_t)(next_random(&x) * 3), 0, false};
		size_t n = make_series(v, 20 + (size_t)(next_random(&x) * 480), &x);

		merge_of_parts(v, n, &s, &x);
	}
}

static void test_merge_refuses(void **state)
{
	struct markov_settings s = {4, 1, 1, 0, true};
	struct markov a, b;

	(void)state;
	markov_init(&a, &s, 0, 100);
	markov_init(&b, &s, 0, 50);
	assert_true(markov_merge(&a, &b, &s) < 0);
	markov_fini(&a);
	markov_fini(&b);
}

/* The counts are what counting with the final bounds from the start gives; totals are kept at
 * every step, and are states less contexts. */
static void test_growing_is_as_if_known(void **state)
{
	uint64_t x = 5;
	double v[300];

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct markov_settings s = {2 + (unsigned)(next_random(&x) * 7), 1 + i % 3, 1, 0,
					    false};
		size_t n = make_series(v, LENGTH(v), &x);
		uint64_t states = 0, runs = 0, before = 0;
		struct markov grown, again;

		markov_init(&grown, &s, 0, 0);
		for (size_t j = 0; j < n; j++) {
			markov_put(&grown, &s, v[j]);
			states += isfinite(v[j]) != 0;
			runs += isfinite(v[j]) && (!j || !isfinite(v[j - 1]));
			assert_int_equal(total(&grown, &s, 1), states - runs);
			assert_true(total(&grown, &s, s.history) >= before);
			before = total(&grown, &s, s.history);
		}
		markov_init(&again, &s, 0, 0);
		markov_put(&again, &s, grown.least);
		markov_put(&again, &s, grown.greatest);
		markov_gap(&again);
		again.counts.transitions = 0;
		memset(again.counts.cell, 0, markov_counts_size(&s));
		put_all(&again, &s, v, n);
		assert_memory_equal(again.counts.cell, grown.counts.cell, markov_counts_size(&s));
		markov_fini(&grown);
		markov_fini(&again);
	}
}

static void test_settings(void **state)
{
	struct markov_settings good = {4, 1, 1, 0, false}, s;

	(void)state;
	assert_null(markov_settings_wrong(&good));
	for (int i = 0; i < 6; i++) {
		s = good;
		s.states = i == 0 ? 1 : i == 1 ? 65 : s.states;
		s.history = i == 2 ? 0 : i == 3 ? 5 : s.history;
		s.buffersize = i == 4 ? 0 : 1;
		if (i == 5)
			s.states = 64, s.history = 2;
		if (!markov_settings_wrong(&s))
			fail_msg("settings %d are let through", i);
	}
	assert_null(markov_bounds_wrong(0, 100));
	assert_non_null(markov_bounds_wrong(100, 100));
	assert_non_null(markov_bounds_wrong(0, NAN));
	assert_non_null(markov_bounds_wrong(-1e308, 1e308));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_chain),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_bounds_from_least_and_greatest),
		cmocka_unit_test(test_ends_of_a_double),
		cmocka_unit_test(test_not_finite_ends_context),
		cmocka_unit_test(test_buffer),
		cmocka_unit_test(test_fixed_bounds_keep_what_is_outside),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_merge_equals_whole),
		cmocka_unit_test(test_merge_refuses),
		cmocka_unit_test(test_growing_is_as_if_known),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
