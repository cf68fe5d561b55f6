/* SPDX-License-Identifier: Apache-2.0 */
/* Surprise and its budget of false alarms: properties, and made-up VMs of two months. */
#include "anomaly_kit.h"
#include "surprise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct alarm_budget_settings DAILY = {.per_day = 1, .ticks_per_day = KIT_PER_DAY};

/* ---- surprise ---- */

static void test_probabilities(void **state)
{
	static const unsigned SHAPE[][2] = {{2, 1}, {4, 1}, {64, 1}, {4, 4}, {9, 4}, {16, 3}};
	double next[MARKOV_STATES_MAX];
	uint64_t x = 7;

	(void)state;
	for (unsigned i = 0; i < sizeof(SHAPE) / sizeof(SHAPE[0]); i++) {
		struct markov_settings s = {.states = SHAPE[i][0],
					    .history = SHAPE[i][1],
					    .buffersize = 1,
					    .fixed = true};
		struct markov m;

		markov_init(&m, &s, 0, 1);
		for (int t = 0; t < 2000; t++) {
			struct surprise one;
			double sum = 0;
			int to;

			surprise_next(&m.counts, &s, m.tail, m.tail_length, next);
			for (unsigned j = 0; j < s.states; j++) {
				assert_true(next[j] > 0 && next[j] <= 1);
				sum += next[j];
			}
			if (fabs(sum - 1) > 1e-9)
				fail_msg("%u states, history %u: sum %.12g", s.states, s.history,
					 sum);
			if (anomaly_random(&x) < 0.01)
				markov_gap(&m);
			surprise_next(&m.counts, &s, m.tail, m.tail_length, next);
			to = markov_put(&m, &s, pow(anomaly_random(&x), 3));
			if (!surprise_of_last(&m, &s, &one))
				continue;
			/* What was counted since is taken off again.  The oldest state of a full
			 * tail is gone, so contexts of all lengths are the same. */
			if (fabs(one.probability / next[to] - 1) > 1e-9)
				fail_msg("%u states, history %u, tick %d: %g, judged before %g",
					 s.states, s.history, t, one.probability, next[to]);
			assert_int_equal(one.to, to);
		}
		markov_fini(&m);
	}
}

static void test_known_probability(void **state)
{
	struct markov_settings s = {.states = 2, .history = 1, .buffersize = 1, .fixed = true};
	static const double V[] = {.2, .2, .2, .8, .2, .8};
	struct surprise one;
	struct markov m;

	(void)state;
	markov_init(&m, &s, 0, 1);
	for (unsigned i = 0; i < 6; i++)
		markov_put(&m, &s, V[i]);
	/* Before the last: 00 00 01 10.  Of all: 1 came once of 4: (1 + .5) / (4 + 1) = .3.
	 * After 0: 2 zeros, 1 one, 2 different: (1 + 2 * .3) / (3 + 2). */
	assert_true(surprise_of_last(&m, &s, &one));
	assert_true(fabs(one.probability - .32) < 1e-12);
	assert_int_equal(one.seen, 1);
	assert_int_equal(one.of, 3);
	assert_int_equal(one.from, 0);
	assert_int_equal(one.to, 1);
	markov_gap(&m);
	assert_false(surprise_of_last(&m, &s, &one));
	markov_fini(&m);
}

/* ---- the budget ---- */

static double of_shape(unsigned shape, uint64_t *x)
{
	double u = 1 - anomaly_random(x);

	switch (shape) {
	case 0:
		return -log(u);
	case 1:
		return fabs(kit_normal(x));
	case 2:
		return pow(u, -1 / 2.0); /* a heavy tail */
	default:
		return floor(-4 * log(u)) / 4; /* steps */
	}
}

/* Scores that do not depend on each other: as many alarms as were allowed, or fewer. */
static void test_budget_is_kept(void **state)
{
	(void)state;
	for (unsigned shape = 0; shape < 4; shape++) {
		uint64_t x = 99 + shape;
		unsigned alarms = 0, days = 400;
		struct alarm_budget b = {.n = 0};
		bool was = false;

		for (unsigned t = 0; t < days * KIT_PER_DAY; t++) {
			bool is = alarm_budget_put(&b, &DAILY, of_shape(shape, &x), 0);

			assert_true(!is || !alarm_budget_left(&b, &DAILY));
			alarms += is && !was;
			was = is;
			if (!(t % 1000))
				assert_true(alarm_budget_sound(&b));
		}
		if (alarms > days || alarms < days / 10)
			fail_msg("shape %u: %u alarms in %u days", shape, alarms, days);
	}
}

static void test_budget_of_odd_scores(void **state)
{
	static const double ODD[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e308, 5e-324};
	struct alarm_budget b = {.n = 0};
	uint64_t x = 3;

	(void)state;
	for (unsigned t = 0; t < 100000; t++) {
		alarm_budget_put(&b, &DAILY, ODD[(unsigned)(anomaly_random(&x) * 7)], 7);
		assert_true(alarm_budget_threshold(&b, 7) >= 7);
		if (!(t % 1000))
			assert_true(alarm_budget_sound(&b));
	}
	b.peak[1] = NAN;
	assert_false(alarm_budget_sound(&b));
	assert_non_null(alarm_budget_wrong(&(struct alarm_budget_settings){0, 1440, 0}));
	assert_non_null(alarm_budget_wrong(&(struct alarm_budget_settings){1, 0, 0}));
	assert_non_null(alarm_budget_wrong(&(struct alarm_budget_settings){NAN, 1440, 0}));
	assert_non_null(alarm_budget_wrong(&(struct alarm_budget_settings){1440, 1440, 0}));
	assert_null(alarm_budget_wrong(&DAILY));
}

/* ---- VMs ---- */

static void test_learning_is_said(void **state)
{
	struct profile_settings s = kit_profile_settings(4, true);
	struct kit_vm vm = {.kind = KIT_QUIET, .x = 5};
	double values[KIT_METRICS];
	struct kit_watch w;

	(void)state;
	kit_watch_init(&w, &s);
	/* The first tick has no context; then two days of transitions are learnt. */
	for (unsigned t = 0; t < 2 * KIT_PER_DAY; t++) {
		kit_values(&vm, t % 100 == 50 ? KIT_BURNS : KIT_NONE, 0, values);
		kit_watch_put(&w, &s, &DAILY, values);
		assert_true(w.found.learning && !w.found.alarm && isnan(w.found.percent));
		assert_int_equal(w.found.left, 2 * KIT_PER_DAY - t);
	}
	kit_values(&vm, KIT_NONE, 0, values);
	kit_watch_put(&w, &s, &DAILY, values);
	assert_true(!w.found.learning && w.found.percent >= 0 && !w.found.left);
	profile_fini(&w.profile, &s);
}

static void test_why(void **state)
{
	struct profile_settings s = kit_profile_settings(4, true);
	struct kit_vm vm = {.kind = KIT_QUIET, .x = 5};
	double values[KIT_METRICS];
	struct kit_watch w;
	const struct anomaly_why *why;

	(void)state;
	kit_watch_init(&w, &s);
	for (unsigned t = 0; t < 10000; t++) {
		kit_values(&vm, KIT_NONE, 0, values);
		kit_watch_put(&w, &s, &DAILY, values);
	}
	assert_null(w.found.why);
	kit_values(&vm, KIT_BURNS, 0, values);
	kit_watch_put(&w, &s, &DAILY, values);
	assert_true(w.found.begins && w.found.alarm && w.found.percent > 100);
	why = w.found.why;
	assert_non_null(why);
	assert_int_equal(why->metric, 0);
	assert_int_equal(why->from, 0);
	assert_int_equal(why->to, 3);
	assert_int_equal(why->seen, 0);
	assert_int_equal(why->of, 9999);
	assert_true(why->from_low == 0 && why->from_high == 25);
	assert_true(why->to_low == 75 && why->to_high == 100 && why->value == (float)values[0]);
	assert_true(anomaly_sound(&w.anomaly, &s));
	/* It is of the alarm as long as that lasts. */
	kit_values(&vm, KIT_BURNS, 1, values);
	kit_watch_put(&w, &s, &DAILY, values);
	assert_true(w.found.alarm && !w.found.begins && w.found.why->from == 0);
	profile_fini(&w.profile, &s);
}

static void test_constant_never_alarms(void **state)
{
	struct profile_settings s = kit_profile_settings(4, false);
	double values[KIT_METRICS] = {2, NAN, 7e6};
	struct kit_watch w;

	(void)state;
	kit_watch_init(&w, &s);
	for (unsigned t = 0; t < 100000; t++) {
		kit_watch_put(&w, &s, &DAILY, values);
		assert_false(w.found.alarm);
		assert_true(t < 10 || w.found.surprise < 0.5);
	}
	/* All are absent: nothing moves. */
	values[0] = values[2] = NAN;
	for (unsigned t = 0; t < 10; t++) {
		kit_watch_put(&w, &s, &DAILY, values);
		assert_false(w.found.alarm);
	}
	assert_true(isnan(w.found.surprise));
	profile_fini(&w.profile, &s);
}

/* Every kind of VM, bounds fixed and growing: the budget is kept, and where it says so, burning
 * is found within three ticks in at least so many of a hundred trials. */
static void test_made_up_vms(void **state)
{
	static const struct {
		bool fixed;
		unsigned quick[KIT_KINDS];
	} CASES[] = {{true, {100, 90, 0, 50, 0}}, {false, {100, 95, 95, 95, 95}}};

	(void)state;
	for (unsigned c = 0; c < 2; c++)
		for (unsigned k = 0; k < KIT_KINDS; k++) {
			struct profile_settings s = kit_profile_settings(4, CASES[c].fixed);
			struct kit_result r = {.days = 0};
			unsigned quick;

			for (unsigned v = 0; v < 2; v++)
				kit_run(&r, (enum kit_kind)k, 77 * k + v + 1, 60, 20, &s, &DAILY);
			assert_true(r.trials >= 20);
			assert_int_equal(r.days, 2 * 58);
			for (unsigned w = 0; w < KIT_WAYS; w++)
				if (r.false_alarms[w] > r.days)
					fail_msg("%s, %s: %u false alarms in %u days", KIT_KIND[k],
						 KIT_WAY[w], r.false_alarms[w], r.days);
			if (r.most_of_a_vm > r.days / 2)
				fail_msg("%s: one VM has %u false alarms", KIT_KIND[k],
					 r.most_of_a_vm);
			quick = 100 * r.quick[KIT_BURNS][KIT_SURPRISE] / r.trials;
			if (quick < CASES[c].quick[k])
				fail_msg("%s, %s bounds: %u %% found within 3 ticks", KIT_KIND[k],
					 CASES[c].fixed ? "fixed" : "growing", quick);
		}
}

static void test_size(void **state)
{
	struct profile_settings s = kit_profile_settings(4, true);
	struct profile p;

	(void)state;
	assert_true(sizeof(struct anomaly) <= 200);
	s.n_metrics = 5;
	memcpy(s.metric[3].name, "disk", 5);
	memcpy(s.metric[4].name, "mem", 4);
	s.metric[3].high = s.metric[4].high = 100;
	assert_null(profile_settings_wrong(&s));
	profile_init(&p, &s);
	assert_true(profile_size(&p, &s) + sizeof(p) + sizeof(struct anomaly) <= 2048);
	profile_fini(&p, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probabilities),
		cmocka_unit_test(test_known_probability),
		cmocka_unit_test(test_budget_is_kept),
		cmocka_unit_test(test_budget_of_odd_scores),
		cmocka_unit_test(test_learning_is_said),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_constant_never_alarms),
		cmocka_unit_test(test_made_up_vms),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
