/* SPDX-License-Identifier: Apache-2.0 */
/* Phases: two regimes are two, one is one, and what is counted where. */
#include "profile_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static struct profile_settings settings(unsigned states, unsigned metrics, double likeliness,
					uint32_t history)
{
	struct profile_settings s = kit_settings(states, metrics);

	s.phase_likeliness = likeliness;
	s.phase_history = history;
	return s;
}

/* The middle of a state of four. */
static double value(unsigned state)
{
	return state * 25 + 12.5;
}

/* ---- probabilities ---- */

static void test_probability(void **state)
{
	struct markov_settings s = {.states = 4, .history = 1, .buffersize = 1};
	struct markov_counts c;
	uint8_t run[2] = {0, 0};

	(void)state;
	markov_counts_init(&c, &s);
	assert_true(phase_probability(&c, &s, run, 2) == 0.25);
	for (int i = 0; i < 8; i++)
		markov_counts_step(&c, &s, run, 2);
	/* 8 of 8, one different state, which was 8.5 of 10 of all. */
	assert_true(fabs(phase_probability(&c, &s, run, 2) - (8 + 0.85) / 9) < 1e-15);
	run[1] = 3;
	assert_true(fabs(phase_probability(&c, &s, run, 2) - 0.05 / 9) < 1e-15);
	run[0] = 2; /* nothing followed it: how often is 3? */
	assert_true(fabs(phase_probability(&c, &s, run, 2) - 0.05) < 1e-15);
	markov_counts_fini(&c);
}

static void test_probabilities_add_up(void **state)
{
	uint64_t x = 5;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct profile_settings s = kit_random_settings(&x);
		uint8_t run[MARKOV_HISTORY_MAX + 1];
		unsigned length = 2 + kit_below(&x, s.markov.history);
		struct markov_counts c;
		double sum = 0;

		markov_counts_init(&c, &s.markov);
		for (unsigned n = kit_below(&x, 300); n; n--) {
			for (unsigned i = 0; i < length; i++)
				run[i] = (uint8_t)kit_below(&x, s.markov.states);
			markov_counts_step(&c, &s.markov, run, length);
		}
		for (unsigned i = 0; i < s.markov.states; i++) {
			double p;

			run[length - 1] = (uint8_t)i;
			p = phase_probability(&c, &s.markov, run, length);
			assert_true(p > 0);
			sum += p;
		}
		if (fabs(sum - 1) > 1e-12)
			fail_msg("round %d: %.17g", round, sum);
		markov_counts_fini(&c);
	}
}

/* ---- two regimes ---- */

#define SPELL  500 /* states of one regime in a row */
#define SPELLS 10

/* Puts SPELLS spells of two regimes in turn, one metric; fails when a switch is not found within
 * the history, or when a phase is left without one. */
static void switches(const char *name, const double *a, const double *b, double likeliness,
		     uint32_t history, uint64_t seed)
{
	struct profile_settings s = settings(4, 1, likeliness, history);
	unsigned at = 0, phase[2] = {0, 1};
	struct profile p;

	profile_init(&p, &s);
	for (unsigned i = 0; i < SPELL * SPELLS; i++) {
		unsigned regime = i / SPELL % 2, since = i % SPELL;

		at = kit_next(&seed, (regime ? b : a) + at * 4, 4);
		profile_put(&p, &s, (double[]){value(at)}, NULL);
		if (since >= history && p.phases->current != phase[regime])
			fail_msg("%s: %u states after switch %u it is phase %u", name, since,
				 i / SPELL, p.phases->current);
	}
	if (p.phases->n != 2 || p.phases->leaves != SPELLS - 1)
		fail_msg("%s: %u phases, %u switches", name, p.phases->n, p.phases->leaves);
	assert_int_equal(p.phases->tx[0 * 2 + 1], SPELLS / 2);
	assert_int_equal(p.phases->tx[1 * 2 + 0], SPELLS / 2 - 1);
	profile_fini(&p, &s);
}

static const double IDLE[16] = {.95, .05, 0, 0, .95, .05, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
static const double BUSY[16] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, .1, .9, 0, 0, .1, .9};
/* The same states as often, another order. */
static const double ROUND[16] = {0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0};
static const double BACK[16] = {0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};

static void test_two_regimes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		switches("idle and busy", IDLE, BUSY, 0.5, 10, seed);
		switches("idle and busy, long history", IDLE, BUSY, 0.5, 40, seed);
		switches("busy and idle", BUSY, IDLE, 0.5, 10, seed);
		switches("round and back", ROUND, BACK, 0.5, 10, seed);
	}
}

/* What a phase has is what its regime did: nothing of the other's but what was the window when
 * it was found. */
static void test_counts_are_apart(void **state)
{
	struct profile_settings s = settings(4, 1, 0.5, 10);
	const struct markov_counts *busy;
	struct profile p;
	uint64_t x = 3;
	unsigned at = 0;

	(void)state;
	profile_init(&p, &s);
	for (unsigned i = 0; i < 2000; i++) {
		at = kit_next(&x, (i < 1000 ? IDLE : BUSY) + at * 4, 4);
		profile_put(&p, &s, (double[]){value(at)}, NULL);
	}
	assert_int_equal(p.phases->n, 2);
	assert_true(kit_total(&phases_counts(p.phases, &s, 0, 0)[0], &s.markov, 1) <= 1000);
	for (unsigned from = 2; from < 4; from++)
		assert_int_equal(
			markov_row(phases_counts(p.phases, &s, 0, 0), &s.markov, 1, from)[3], 0);
	busy = phases_counts(p.phases, &s, 1, 0);
	assert_true(markov_row(busy, &s.markov, 1, 3)[3] > 800);
	assert_true(busy->transitions < 1000 + 10);
	profile_fini(&p, &s);
}

/* One metric of three changes, another has no values, bounds grow by the change itself. */
static void test_growing_bounds(void **state)
{
	struct profile_settings s = settings(4, 3, 0.95, 10);
	struct profile p;
	uint64_t x = 9;

	(void)state;
	s.markov.fixed = false;
	profile_init(&p, &s);
	for (unsigned i = 0; i < 1000; i++) {
		double level = i < 500 ? 1 + kit_below(&x, 4) : 900 + kit_below(&x, 4);

		profile_put(&p, &s, (double[]){level, NAN, 5}, NULL);
		if (p.phases->current != (i >= 510) && (i < 500 || i >= 510))
			fail_msg("state %u: phase %u", i, p.phases->current);
	}
	assert_int_equal(p.phases->n, 2);
	profile_fini(&p, &s);
}

/* More regimes than there may be phases: each state for itself for a while. */
static void test_full(void **state)
{
	struct profile_settings s = settings(32, 1, 0.5, 10);
	struct profile p;

	(void)state;
	profile_init(&p, &s);
	for (unsigned spell = 0; spell < 40; spell++)
		for (unsigned i = 0; i < 200; i++)
			profile_put(&p, &s, (double[]){(spell % 20) * 3.125 + 1}, NULL);
	assert_int_equal(p.phases->n, PROFILE_PHASES_MAX);
	profile_fini(&p, &s);
}

/* ---- one regime ---- */

static const struct {
	unsigned states, history, metrics;
	double likeliness;
	uint32_t window;
	unsigned steps;
} ONE[] = {
	{2, 1, 1, 0.5, 10, 100000}, {4, 1, 1, 0.5, 5, 200000},  {4, 1, 1, 0.9, 10, 200000},
	{4, 1, 1, 1, 20, 100000},   {4, 2, 1, 0.5, 10, 100000}, {4, 1, 5, 0.6, 10, 50000},
	{8, 1, 1, 0.3, 10, 200000}, {16, 1, 1, 1, 20, 50000},
};

/* 10^6 states in all, of 20 chains each; of random ones that come round, a fifth of the time to
 * whatever state: of one that stays where it is for longer than the warm-up nobody could say. */
static void test_one_regime(void **state)
{
	uint64_t x = 20260101;

	(void)state;
	for (size_t k = 0; k < LENGTH(ONE) * 20; k++) {
		unsigned c = k % LENGTH(ONE), states = ONE[c].states, at = 0;
		struct profile_settings s =
			settings(states, ONE[c].metrics, ONE[c].likeliness, ONE[c].window);
		double chain[16 * 16], values[5];
		struct profile p;

		s.markov.history = ONE[c].history;
		kit_random_chain(&x, chain, states);
		for (unsigned i = 0; i < states * states; i++)
			chain[i] = 0.8 * chain[i] + 0.2 / states;
		profile_init(&p, &s);
		for (unsigned i = 0; i < ONE[c].steps / 20; i++) {
			at = kit_next(&x, chain + at * states, states);
			/* All metrics alike: evidence must not be counted five times. */
			for (unsigned m = 0; m < s.n_metrics; m++)
				values[m] = (at + 0.5) * 100 / states;
			profile_put(&p, &s, values, NULL);
			if (p.phases->n > 1)
				fail_msg("case %u, chain %zu, state %u: a second phase", c, k, i);
		}
		profile_fini(&p, &s);
	}
}

/* ---- gaps, merging ---- */

static void test_gap_is_no_transition(void **state)
{
	struct profile_settings s = settings(4, 1, 0.5, 5);
	struct profile p;
	uint8_t run[MARKOV_HISTORY_MAX + 1];

	(void)state;
	profile_init(&p, &s);
	profile_gap(&p, &s, 3);
	assert_int_equal(p.phases->ring_used, 0);
	profile_put(&p, &s, (double[]){value(1)}, NULL);
	profile_gap(&p, &s, 3);
	profile_gap(&p, &s, 0);
	profile_put(&p, &s, (double[]){NAN}, NULL);
	assert_int_equal(p.phases->ring_used, 2);
	profile_put(&p, &s, (double[]){value(2)}, NULL);
	profile_put(&p, &s, (double[]){value(3)}, NULL);
	assert_int_equal(p.phases->ring_used, 4);
	assert_int_equal(phases_run(p.phases, &s, 0, 2, run), 1);
	assert_int_equal(phases_run(p.phases, &s, 0, 3, run), 2);
	assert_int_equal(run[0], 2);
	assert_int_equal(run[1], 3);
	profile_fini(&p, &s);
}

static void play(struct profile *p, const struct profile_settings *s, uint64_t seed,
		 const double *const *regime, unsigned spells)
{
	unsigned at = 0;

	profile_init(p, s);
	for (unsigned i = 0; i < spells * SPELL; i++) {
		at = kit_next(&seed, regime[i / SPELL] + at * 4, 4);
		profile_put(p, s, (double[]){value(at)}, NULL);
	}
}

static uint64_t tx_total(const struct phases *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->n * p->n; i++)
		n += p->tx[i];
	return n;
}

/* Idle, busy and then busy, idle: still two phases, found again in another order. */
static void test_merge_finds_phases_again(void **state)
{
	struct profile_settings s = settings(4, 1, 0.5, 10);
	const double *first[] = {IDLE, BUSY}, *second[] = {BUSY, IDLE, ROUND};
	struct profile a, b;

	(void)state;
	play(&a, &s, 1, first, 2);
	play(&b, &s, 2, second, 3);
	assert_int_equal(b.phases->n, 3);
	assert_int_equal(profile_merge(&a, &b, &s), 0);
	assert_int_equal(a.phases->n, 3);
	assert_int_equal(a.phases->current, 2);
	assert_int_equal(a.phases->leaves, 3);
	assert_true(phases_counts(a.phases, &s, 0, 0)->transitions > 2 * SPELL - 50);
	assert_true(phases_counts(a.phases, &s, 1, 0)->transitions > 2 * SPELL - 50);
	assert_int_equal(a.phases->tx[0 * 3 + 1], 1);
	assert_int_equal(a.phases->tx[1 * 3 + 0], 1);
	assert_int_equal(a.phases->tx[0 * 3 + 2], 1);
	assert_int_equal(tx_total(a.phases), 5 * SPELL - 1);
	profile_fini(&a, &s);
	profile_fini(&b, &s);
}

/* Cut into many parts one regime is one phase, too. */
static void test_merge_of_one_regime(void **state)
{
	uint64_t x = 77;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		struct profile_settings s = settings(4, 1, 0.9, 10);
		unsigned length = 20 + kit_below(&x, 300), at = 0;
		struct profile whole, part;
		double chain[16];

		kit_random_chain(&x, chain, 4);
		profile_init(&whole, &s);
		for (unsigned i = 0; i < 20; i++) {
			profile_init(&part, &s);
			for (unsigned k = 0; k < length; k++) {
				at = kit_next(&x, chain + at * 4, 4);
				profile_put(&part, &s, (double[]){value(at)}, NULL);
			}
			assert_int_equal(profile_merge(&whole, &part, &s), 0);
			profile_fini(&part, &s);
		}
		if (whole.phases->n != 1)
			fail_msg("round %u: %u phases", round, whole.phases->n);
		profile_fini(&whole, &s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probability),
		cmocka_unit_test(test_probabilities_add_up),
		cmocka_unit_test(test_two_regimes),
		cmocka_unit_test(test_counts_are_apart),
		cmocka_unit_test(test_growing_bounds),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_one_regime),
		cmocka_unit_test(test_gap_is_no_transition),
		cmocka_unit_test(test_merge_finds_phases_again),
		cmocka_unit_test(test_merge_of_one_regime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
