/* SPDX-License-Identifier: Apache-2.0 */
/* Distances of profiles: closed forms, properties on random ones, order of the nearest. */
#include "distance.h"
#include "profile_json.h"
#include "profile_kit.h"
#include "profile_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double wanted, const char *what)
{
	if (!(fabs(got - wanted) < 1e-9))
		fail_msg("%s: %.12g, not %.12g", what, got, wanted);
}

/* A profile of one metric with these counts, rows in a row. */
static void of_counts(struct profile *p, const struct profile_settings *s, const uint32_t *cell)
{
	struct markov *m;

	profile_init(p, s);
	m = &p->metric[0];
	for (unsigned i = 0; i < s->markov.states * s->markov.states; i++) {
		m->counts.cell[i] = cell[i];
		m->counts.transitions += cell[i];
	}
}

struct wanted {
	double levels, moves;
};

static void check(const char *what, const struct profile_settings *sa, const uint32_t *a,
		  const struct profile_settings *sb, const uint32_t *b, struct wanted wanted)
{
	struct distance d, back;
	struct profile pa, pb;

	of_counts(&pa, sa, a);
	of_counts(&pb, sb, b);
	distance_between(&d, &pa, sa, &pb, sb);
	distance_between(&back, &pb, sb, &pa, sa);
	assert_int_equal(d.n, 1);
	near(d.metric[0].levels, wanted.levels, what);
	near(d.metric[0].moves, wanted.moves, what);
	near(d.total, wanted.levels + wanted.moves - wanted.levels * wanted.moves, what);
	near(back.total, d.total, what);
	profile_fini(&pa, sa);
	profile_fini(&pb, sb);
}

static void test_closed_forms(void **state)
{
	struct profile_settings two = kit_settings(2, 1), four = kit_settings(4, 1), wide = four;

	(void)state;
	wide.metric[0].high = 200;
	check("the same", &two, (const uint32_t[]){1, 2, 3, 4}, &two,
	      (const uint32_t[]){1, 2, 3, 4}, (struct wanted){0, 0});
	check("ten times the same", &two, (const uint32_t[]){1, 2, 3, 4}, &two,
	      (const uint32_t[]){10, 20, 30, 40}, (struct wanted){0, 0});
	check("always low and always high", &four, (const uint32_t[16]){[0] = 7}, &four,
	      (const uint32_t[16]){[15] = 9}, (struct wanted){0.75, 0});
	check("the same levels, stays and alternates", &two, (const uint32_t[]){50, 0, 0, 50}, &two,
	      (const uint32_t[]){0, 50, 50, 0}, (struct wanted){0, 1});
	check("alternates, and always low", &two, (const uint32_t[]){0, 5, 5, 0}, &two,
	      (const uint32_t[]){8, 0, 0, 0},
	      (struct wanted){0.25, sqrt((0.5 * log2(3) + log2(1.5)) / 2)});
	check("one even, one certain", &two, (const uint32_t[]){1, 1, 1, 1}, &two,
	      (const uint32_t[]){1, 0, 0, 1},
	      (struct wanted){0, sqrt((log2(2 / 1.5) + 0.5 * log2(1 / 1.5) + 0.5 * log2(2)) / 2)});
	check("two states and four, even", &two, (const uint32_t[]){1, 1, 1, 1}, &four,
	      (const uint32_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
	      (struct wanted){0, 0});
	check("other bounds, the same place", &four,
	      (const uint32_t[16]){[0] = 1, [1] = 1, [4] = 1, [5] = 1}, &wide,
	      (const uint32_t[16]){[0] = 3}, (struct wanted){0, 0});
	check("other bounds, 0..25 and 150..200", &four, (const uint32_t[16]){[0] = 2}, &wide,
	      (const uint32_t[16]){[15] = 2}, (struct wanted){162.5 / 200, 0});
}

/* Growing bounds: distances are shares of the greatest value. */
static void test_constants(void **state)
{
	struct profile_settings s = kit_settings(4, 1);
	struct profile a, b, c;
	struct distance d;

	(void)state;
	s.markov.fixed = false;
	profile_init(&a, &s);
	profile_init(&b, &s);
	profile_init(&c, &s);
	for (unsigned i = 0; i < 100; i++) {
		profile_put(&a, &s, (const double[]){5}, NULL);
		profile_put(&b, &s, (const double[]){10}, NULL);
		profile_put(&c, &s, (const double[]){-10}, NULL);
	}
	distance_between(&d, &a, &s, &b, &s);
	assert_true(fabs(d.total - 0.5) < 1e-5);
	assert_true(d.metric[0].mean_a == 5 && d.metric[0].mean_b == 10);
	distance_between(&d, &b, &s, &c, &s);
	assert_true(fabs(d.total - 1) < 1e-5);
	profile_fini(&a, &s);
	profile_fini(&b, &s);
	profile_fini(&c, &s);
}

static void feed(struct profile *p, const struct profile_settings *s, uint64_t *x)
{
	double values[PROFILE_METRICS_MAX], scale = exp(kit_below(x, 1400) - 700.0);

	if (kit_below(x, 3))
		scale = 1;
	for (unsigned t = 0; t < 300; t++) {
		for (unsigned m = 0; m < s->n_metrics; m++)
			values[m] = kit_below(x, 9) ? (kit_random(x) - 0.3) * 90 * scale : NAN;
		profile_put(p, s, values, NULL);
	}
}

static void test_properties(void **state)
{
	unsigned different = 0;
	uint64_t x = 12;

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		struct profile_settings sa = kit_random_settings(&x);
		struct profile_settings sb = kit_random_settings(&x);
		struct distance d, back, self;
		struct profile a, b;

		profile_init(&a, &sa);
		profile_init(&b, &sb);
		feed(&a, &sa, &x);
		feed(&b, &sb, &x);
		distance_between(&d, &a, &sa, &b, &sb);
		distance_between(&back, &b, &sb, &a, &sa);
		distance_between(&self, &a, &sa, &a, &sa);
		if (self.total > 0)
			fail_msg("round %u: %g from itself", round, self.total);
		if (!(d.total >= 0 && d.total <= 1) || fabs(d.total - back.total) > 1e-12)
			fail_msg("round %u: %g, and back %g", round, d.total, back.total);
		different += d.total > 0; /* not when all are beyond the same bound */
		assert_int_equal(d.n + d.unmatched,
				 sa.n_metrics > sb.n_metrics ? sa.n_metrics : sb.n_metrics);
		profile_fini(&a, &sa);
		profile_fini(&b, &sb);
	}
	assert_true(different > 400);
}

/* What the header says that little data does. */
static void test_noise(void **state)
{
	struct profile_settings s = kit_settings(4, 1);
	double chain[16], squares = 0, wanted = 4 * 3 / (4 * log(2) * 2000);
	uint64_t x = 31;

	(void)state;
	kit_random_chain(&x, chain, 4);
	for (unsigned pair = 0; pair < 200; pair++) {
		struct profile p[2];
		struct distance d;

		for (unsigned w = 0; w < 2; w++) {
			unsigned at = 0;

			profile_init(&p[w], &s);
			for (unsigned i = 0; i <= 2000; i++) {
				at = kit_next(&x, chain + 4 * at, 4);
				profile_put(&p[w], &s, (const double[]){25 * at + 12}, NULL);
			}
		}
		distance_between(&d, &p[0], &s, &p[1], &s);
		squares += d.moves * d.moves / 200;
		profile_fini(&p[0], &s);
		profile_fini(&p[1], &s);
	}
	if (fabs(squares / wanted - 1) > 0.15)
		fail_msg("%g, not %g", squares, wanted);
}

static void test_nothing_common(void **state)
{
	struct profile_settings sa = kit_settings(2, 2), sb = kit_settings(2, 1);
	struct profile a, b;
	struct distance d;

	(void)state;
	strcpy(sb.metric[0].name, "other");
	profile_init(&a, &sa);
	of_counts(&b, &sb, (const uint32_t[]){1, 1, 1, 1});
	distance_between(&d, &a, &sa, &b, &sb);
	assert_int_equal(d.n, 0);
	assert_int_equal(d.unmatched, 3);
	assert_true(isnan(d.total) && isnan(d.levels) && isnan(d.moves));
	/* The name they share has no transition in one of them. */
	strcpy(sb.metric[0].name, "m1");
	distance_between(&d, &a, &sa, &b, &sb);
	assert_int_equal(d.n, 0);
	assert_int_equal(d.unmatched, 2);
	profile_fini(&a, &sa);
	profile_fini(&b, &sb);
}

static void constant(struct profile *p, const struct profile_settings *s, double value)
{
	profile_init(p, s);
	for (unsigned i = 0; i < 10; i++)
		profile_put(p, s, &value, NULL);
}

static void test_nearest(void **state)
{
	static const double value[] = {1000, 12, 10, 500, 10};
	static const unsigned order[] = {2, 4, 1, 3, 0, 5};
	struct profile_settings s = kit_settings(4, 1), stranger = s;
	struct distance_known known[6];
	struct distance_rank rank[6];
	struct profile p, of[6];

	(void)state;
	s.markov.fixed = false;
	strcpy(stranger.metric[0].name, "other");
	for (unsigned i = 0; i < 6; i++) {
		const struct profile_settings *its = i == 5 ? &stranger : &s;

		constant(&of[i], its, i == 5 ? 10 : value[i]);
		known[i] = (struct distance_known){"known", &of[i], its};
	}
	constant(&p, &s, 10);
	distance_nearest(&p, &s, known, 6, rank);
	for (unsigned i = 0; i < 6; i++)
		if (rank[i].known != order[i])
			fail_msg("place %u: %u, not %u", i, rank[i].known, order[i]);
	assert_true(rank[0].distance.total < 1e-9);
	/* On the axis of all: 0 to 1000. */
	assert_true(fabs(rank[2].distance.total - 0.002) < 1e-5);
	assert_true(fabs(rank[4].distance.total - 0.99) < 1e-5);
	assert_true(isnan(rank[5].distance.total));
	distance_nearest(&p, &s, known, 0, rank);
	profile_fini(&p, &s);
	for (unsigned i = 0; i < 6; i++)
		profile_fini(&of[i], known[i].settings);
}

/* What the original's percents leave of a profile is still near to it. */
static void test_percents_only(void **state)
{
	struct profile_settings s = kit_settings(4, 2);
	struct profile_document of;
	double chain[16];
	unsigned at = 0;
	char why[200], *schema;
	struct distance d;
	struct profile p;
	uint64_t x = 99;
	struct buf b;

	(void)state;
	kit_random_chain(&x, chain, 4);
	profile_init(&p, &s);
	for (unsigned i = 0; i < 5000; i++) {
		at = kit_next(&x, chain + 4 * at, 4);
		/* Its least and greatest are its bounds. */
		profile_put(&p, &s, (const double[]){at * 100 / 3.0, 100 - at * 100 / 3.0}, NULL);
	}
	buf_init(&b, 1 << 20);
	profile_json(&b, "vm", &p, &s);
	buf_byte(&b, 0);
	schema = strstr(b.data, "schema");
	assert_non_null(schema);
	*schema = 'S';
	assert_int_equal(profile_read(&of, b.data, strlen(b.data), why, sizeof(why)), 0);
	assert_true(of.percents_only);
	distance_between(&d, &p, &s, &of.profile, &of.settings);
	assert_int_equal(d.n, 2);
	if (!(d.levels < 0.01 && d.moves < 0.03 && d.moves > 0))
		fail_msg("levels %g, moves %g", d.levels, d.moves);
	profile_fini(&p, &s);
	profile_document_fini(&of);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_forms),   cmocka_unit_test(test_constants),
		cmocka_unit_test(test_properties),     cmocka_unit_test(test_noise),
		cmocka_unit_test(test_nothing_common), cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_percents_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
