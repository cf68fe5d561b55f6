/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as bytes: it comes back as it was and goes on like the one it was made of; what is
 * damaged is refused, or is a sound profile. */
#include "profile_json.h"
#include "profile_kit.h"
#include "profile_pack.h"
#include "profile_sound.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define CEILING (16u << 20)

/* Now and then a gap, and no value; regimes, so that there are phases. */
static void feed(struct profile *p, const struct profile_settings *s, uint64_t *x, unsigned ticks)
{
	double values[PROFILE_METRICS_MAX];

	for (unsigned t = 0; t < ticks; t++) {
		double scale = t / 150 % 2 ? 20 : 90;

		if (kit_below(x, 100) == 0)
			profile_gap(p, s, kit_below(x, 5));
		for (unsigned m = 0; m < s->n_metrics; m++) {
			values[m] = scale * kit_random(x) - (t % 2 ? 0 : scale / 3);
			if (kit_below(x, 40) == 0)
				values[m] = NAN;
			if (kit_below(x, 400) == 0)
				values[m] *= 1e30;
		}
		profile_put(p, s, values, NULL);
	}
}

static void pack(struct buf *b, const struct profile *p, const struct profile_settings *s)
{
	buf_clear(b);
	profile_pack(b, p, s);
	assert_int_equal(b->error, 0);
}

static void same(const struct buf *a, const struct buf *b, const char *what, unsigned round)
{
	if (a->used != b->used || memcmp(a->data, b->data, a->used))
		fail_msg("round %u: %s are not the same", round, what);
}

static void test_comes_back_and_goes_on(void **state)
{
	struct buf one, two;
	uint64_t x = 77;

	(void)state;
	buf_init(&one, CEILING);
	buf_init(&two, CEILING);
	for (unsigned round = 0; round < 200; round++) {
		struct profile_settings s = kit_random_settings(&x);
		struct profile p, again;
		uint64_t y;
		int err;

		s.markov.filter = kit_below(&x, 3);
		profile_init(&p, &s);
		feed(&p, &s, &x, kit_below(&x, 4) * kit_below(&x, 300));
		pack(&one, &p, &s);
		err = profile_unpack(&again, &s, one.data, one.used);
		if (err)
			fail_msg("round %u: error %d", round, err);
		pack(&two, &again, &s);
		same(&one, &two, "bytes", round);
		y = x;
		feed(&p, &s, &x, 300);
		feed(&again, &s, &y, 300);
		pack(&one, &p, &s);
		pack(&two, &again, &s);
		same(&one, &two, "bytes of what went on", round);
		buf_clear(&one);
		buf_clear(&two);
		profile_json(&one, "vm", &p, &s);
		profile_json(&two, "vm", &again, &s);
		same(&one, &two, "documents", round);
		profile_fini(&p, &s);
		profile_fini(&again, &s);
	}
	buf_fini(&one);
	buf_fini(&two);
}

/* Values near the ends of what a double can hold, and none at all. */
static void test_extremes(void **state)
{
	static const double extreme[] = {0.0, -0.0, 1e308, -1e308, 5e-324, 2.5, NAN, INFINITY};
	struct profile_settings s = kit_settings(4, 1);
	struct profile p, again;
	struct buf one, two;

	(void)state;
	s.markov.fixed = false;
	s.markov.buffersize = 3;
	buf_init(&one, CEILING);
	buf_init(&two, CEILING);
	profile_init(&p, &s);
	for (unsigned i = 0; i <= 8; i++) {
		pack(&one, &p, &s);
		if (profile_unpack(&again, &s, one.data, one.used))
			fail_msg("after %u values", i);
		pack(&two, &again, &s);
		same(&one, &two, "bytes", i);
		assert_true(again.metric[0].stats.m2 == p.metric[0].stats.m2);
		profile_fini(&again, &s);
		if (i < 8)
			profile_put(&p, &s, &extreme[i], NULL);
	}
	profile_fini(&p, &s);
	buf_fini(&one);
	buf_fini(&two);
}

static struct profile_settings rich(void)
{
	struct profile_settings s = kit_settings(4, 2);

	s.markov.history = 2;
	s.markov.fixed = false;
	s.n_periods = 2;
	s.period[0] = 3;
	s.period[1] = 2;
	s.phase_likeliness = 0.9;
	s.phase_history = 20;
	return s;
}

/* Refused, or sound and the same again. */
static bool taken(const struct profile_settings *s, const void *bytes, size_t n, struct buf *one,
		  struct buf *two)
{
	struct profile p, again;

	if (profile_unpack(&p, s, bytes, n))
		return false;
	if (profile_unsound(&p, s))
		fail_msg("taken, but %s", profile_unsound(&p, s));
	pack(one, &p, s);
	assert_int_equal(profile_unpack(&again, s, one->data, one->used), 0);
	pack(two, &again, s);
	same(one, two, "bytes of something damaged", 0);
	profile_fini(&p, s);
	profile_fini(&again, s);
	return true;
}

static void test_damaged(void **state)
{
	struct profile_settings s = rich();
	struct buf good, one, two;
	unsigned sound = 0;
	struct profile p;
	uint64_t x = 5;
	char *bytes;

	(void)state;
	buf_init(&good, CEILING);
	buf_init(&one, CEILING);
	buf_init(&two, CEILING);
	profile_init(&p, &s);
	feed(&p, &s, &x, 700);
	pack(&good, &p, &s);
	for (size_t n = 0; n < good.used; n++) {
		bytes = malloc(n ? n : 1); /* ASan knows where it ends */
		memcpy(bytes, good.data, n);
		if (taken(&s, bytes, n, &one, &two))
			fail_msg("taken when cut to %zu bytes", n);
		free(bytes);
	}
	bytes = malloc(good.used);
	for (unsigned i = 0; i < 20000; i++) {
		memcpy(bytes, good.data, good.used);
		for (unsigned k = 0; k <= i % 3; k++)
			bytes[kit_below(&x, (unsigned)good.used)] = (char)kit_below(&x, 256);
		sound += taken(&s, bytes, good.used, &one, &two);
	}
	/* Some are another number only; most are counts that do not add up. */
	if (!sound || sound > 15000)
		fail_msg("%u of 20000 taken", sound);
	free(bytes);
	profile_fini(&p, &s);
	buf_fini(&good);
	buf_fini(&one);
	buf_fini(&two);
}

static void test_of_others(void **state)
{
	struct profile_settings s = kit_settings(4, 2), other;
	struct profile p, again;
	struct buf b;

	(void)state;
	buf_init(&b, CEILING);
	profile_init(&p, &s);
	pack(&b, &p, &s);
	other = s;
	other.metric[1].high = 200;
	assert_int_equal(profile_unpack(&again, &other, b.data, b.used), -EINVAL);
	other = s;
	other.markov.states = 5;
	assert_int_equal(profile_unpack(&again, &other, b.data, b.used), -EINVAL);
	other = s;
	other.metric[0].name[0] = 'x';
	assert_int_equal(profile_unpack(&again, &other, b.data, b.used), -EINVAL);
	other = s;
	other.phase_history = 7; /* of no use without phases */
	assert_int_equal(profile_unpack(&again, &other, b.data, b.used), 0);
	profile_fini(&again, &other);
	b.data[3]++; /* the version */
	assert_int_equal(profile_unpack(&again, &s, b.data, b.used), -EPROTO);
	profile_fini(&p, &s);
	buf_fini(&b);
}

/* A VM of the aggregator's usual settings, all cells in use. */
static void test_small(void **state)
{
	struct profile_settings s = kit_settings(4, 5);
	double values[5];
	struct profile p;
	uint64_t x = 9;
	struct buf b;

	(void)state;
	s.markov.fixed = false;
	s.markov.buffersize = 10;
	buf_init(&b, CEILING);
	profile_init(&p, &s);
	for (unsigned t = 0; t < 300005; t++) {
		for (unsigned m = 0; m < 5; m++)
			values[m] = (t / 10 % 7 + kit_random(&x)) * 14;
		profile_put(&p, &s, values, NULL);
	}
	pack(&b, &p, &s);
	if (b.used >= 1536)
		fail_msg("%zu bytes", b.used);
	print_message("5 metrics of 4 states: %zu bytes\n", b.used);
	profile_fini(&p, &s);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back_and_goes_on),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_of_others),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
