/* SPDX-License-Identifier: Apache-2.0 */
/* A VM's profile: settings, gaps, sums that have to be right on random series. */
#include "profile_kit.h"
#include "profile_sound.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void wrong(const struct profile_settings *s, const char *what)
{
	const char *said = profile_settings_wrong(s);

	if (!said || !strstr(said, what))
		fail_msg("%s: said %s", what, said ? said : "nothing");
}

static void test_settings(void **state)
{
	struct profile_settings good = kit_settings(4, 2), s = good;

	(void)state;
	assert_null(profile_settings_wrong(&good));
	s.markov.states = 1;
	wrong(&s, "states:");
	s = good;
	s.n_metrics = 0;
	wrong(&s, "1 to 64");
	s = good;
	s.metric[1].name[0] = 0;
	wrong(&s, "a name");
	memset(s.metric[1].name, 'x', sizeof(s.metric[1].name));
	wrong(&s, "a name");
	s = good;
	s.metric[1] = s.metric[0];
	wrong(&s, "same name");
	s = good;
	s.metric[1].high = s.metric[1].low;
	wrong(&s, "bounds");
	s.markov.fixed = false;
	assert_null(profile_settings_wrong(&s));
	s = good;
	s.n_periods = 5;
	wrong(&s, "4 sizes");
	s.n_periods = 1;
	wrong(&s, "1 to 1024");
	s.period[0] = 1025;
	wrong(&s, "1 to 1024");
	s.n_periods = 2;
	s.period[0] = 1024;
	s.period[1] = 2;
	wrong(&s, "product");
	s.period[1] = 1;
	assert_null(profile_settings_wrong(&s));
}

static void test_phase_settings(void **state)
{
	struct profile_settings good = kit_settings(4, 2), s = good;

	(void)state;
	s.phase_likeliness = NAN;
	wrong(&s, "likeliness");
	s.phase_likeliness = 1.1;
	wrong(&s, "likeliness");
	s.phase_likeliness = 1;
	wrong(&s, "history");
	s.phase_history = 1001;
	wrong(&s, "history");
	s.phase_history = 1000;
	assert_null(profile_settings_wrong(&s));
	s = kit_settings(16, 64);
	s.markov.history = 3;
	assert_null(profile_settings_wrong(&s));
	s.n_periods = 1;
	s.period[0] = 24;
	wrong(&s, "256 MiB");
}

static void test_buffers_end_at_multiples(void **state)
{
	struct profile_settings s = kit_settings(4, 1);
	struct profile p;
	int at;

	(void)state;
	s.markov.buffersize = 4;
	profile_init(&p, &s);
	profile_put(&p, &s, (double[]){10}, &at);
	assert_int_equal(at, -1);
	profile_gap(&p, &s, 5);
	/* Tick 6 and 7 are all that the second buffer has. */
	profile_put(&p, &s, (double[]){60}, &at);
	assert_int_equal(at, -1);
	profile_put(&p, &s, (double[]){80}, &at);
	assert_int_equal(at, 2);
	assert_true(p.metric[0].average == 70);
	assert_int_equal(p.ticks, 8);
	profile_fini(&p, &s);
}

/* ---- random series ---- */

#define STEPS 400

/* A tick, or a gap of `gap` ticks. */
struct step {
	bool is_gap;
	unsigned gap;
	double value[3];
};

static void make_steps(uint64_t *x, struct step *step)
{
	double spread = 1;
	unsigned gaps = kit_below(x, 3);

	for (unsigned i = 0; i < STEPS; i++) {
		if (kit_below(x, 100) < 2)
			spread *= 4; /* bounds grow */
		step[i].is_gap = gaps && kit_below(x, 50) < gaps;
		step[i].gap = kit_below(x, 7);
		for (unsigned m = 0; m < 3; m++)
			step[i].value[m] = kit_below(x, 40) < gaps
						   ? NAN
						   : floor((kit_random(x) - 0.3) * spread * 64) / 8;
	}
}

static void play(struct profile *p, const struct profile_settings *s, const struct step *step,
		 unsigned n)
{
	profile_init(p, s);
	for (unsigned i = 0; i < n; i++)
		if (step[i].is_gap)
			profile_gap(p, s, step[i].gap);
		else
			profile_put(p, s, step[i].value, NULL);
}

/* The first step from `from` on at which a buffer begins. */
static unsigned border(const struct profile_settings *s, const struct step *step, unsigned from)
{
	uint64_t ticks = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		if (i >= from && ticks % s->markov.buffersize == 0)
			return i;
		ticks += step[i].is_gap ? step[i].gap : 1;
	}
	return STEPS;
}

static size_t counts_bytes(const struct profile_settings *s)
{
	return markov_counts_size(&s->markov);
}

static void sums_are_right(const struct profile *p, const struct profile_settings *s, int round)
{
	for (unsigned m = 0; m < s->n_metrics; m++) {
		const struct markov *metric = &p->metric[m];
		struct period_metric sum;

		if (kit_total(&metric->counts, &s->markov, 1) != metric->counts.transitions)
			fail_msg("round %d metric %u: cells are not transitions", round, m);
		if (!p->periods)
			continue;
		periods_sum(p->periods, s, m, 0, p->periods->leaves, &sum);
		if (memcmp(sum.counts.cell, metric->counts.cell, counts_bytes(s)) ||
		    sum.counts.transitions != metric->counts.transitions)
			fail_msg("round %d metric %u: leaves are not the whole", round, m);
		assert_int_equal(sum.stats.count, metric->states_seen);
		if (sum.stats.count) {
			assert_true(sum.stats.min == metric->least);
			assert_true(sum.stats.max == metric->greatest);
		}
		markov_counts_fini(&sum.counts);
	}
}

/* Phases and window together are the whole. */
static void phases_add_up(const struct profile *p, const struct profile_settings *s, int round)
{
	for (unsigned m = 0; p->phases && m < s->n_metrics; m++) {
		uint8_t run[MARKOV_HISTORY_MAX + 1];
		struct markov_counts sum;

		markov_counts_init(&sum, &s->markov);
		for (unsigned k = 0; k < p->phases->n; k++)
			markov_counts_add(&sum, phases_counts(p->phases, s, k, m), &s->markov);
		for (uint32_t i = p->phases->settled; i < p->phases->ring_used; i++)
			markov_counts_step(&sum, &s->markov, run,
					   phases_run(p->phases, s, m, i, run));
		if (memcmp(sum.cell, p->metric[m].counts.cell, counts_bytes(s)) ||
		    sum.transitions != p->metric[m].counts.transitions)
			fail_msg("round %d metric %u: phases are not the whole", round, m);
		markov_counts_fini(&sum);
	}
}

static void same_stats(const struct markov_stats *a, const struct markov_stats *b, int round)
{
	double scale = fmax(fabs(a->min), fabs(a->max));

	if (a->count != b->count || a->filtered != b->filtered)
		fail_msg("round %d: counts of values", round);
	if (!a->count)
		return;
	if (a->min != b->min || a->max != b->max || fabs(a->mean - b->mean) > 1e-12 * scale)
		fail_msg("round %d: mean %g and %g", round, a->mean, b->mean);
	if (fabs(markov_deviation(a) - markov_deviation(b)) > 1e-9 * scale)
		fail_msg("round %d: deviation", round);
}

static void same_metric(const struct markov *a, const struct markov *b,
			const struct profile_settings *s, int round)
{
	same_stats(&a->stats, &b->stats, round);
	if (a->range.first != b->range.first || a->range.k != b->range.k ||
	    a->range.known != b->range.known)
		fail_msg("round %d: bounds", round);
	if (memcmp(a->counts.cell, b->counts.cell, counts_bytes(s)))
		fail_msg("round %d: counts of a metric", round);
	if (a->tail_length != b->tail_length || memcmp(a->tail, b->tail, a->tail_length) ||
	    a->head_length != b->head_length || memcmp(a->head, b->head, a->head_length))
		fail_msg("round %d: first or last states", round);
	if (a->pending != b->pending || a->states_seen != b->states_seen)
		fail_msg("round %d: states", round);
}

static void same(const struct profile *a, const struct profile *b, const struct profile_settings *s,
		 int round)
{
	assert_int_equal(a->ticks, b->ticks);
	for (unsigned m = 0; m < s->n_metrics; m++)
		same_metric(&a->metric[m], &b->metric[m], s, round);
	for (uint32_t i = 0; a->periods && i < a->periods->leaves; i++) {
		const struct period_metric *la = a->periods->leaf[i], *lb = b->periods->leaf[i];

		if (!la != !lb)
			fail_msg("round %d: leaf %u is only in one", round, i);
		for (unsigned m = 0; la && m < s->n_metrics; m++) {
			same_stats(&la[m].stats, &lb[m].stats, round);
			if (memcmp(la[m].counts.cell, lb[m].counts.cell, counts_bytes(s)))
				fail_msg("round %d: counts of leaf %u", round, i);
		}
	}
}

static void test_parts_make_the_whole(void **state)
{
	static struct step step[STEPS];
	uint64_t x = 2026;

	(void)state;
	for (int round = 0; round < 600; round++) {
		struct profile_settings s = kit_random_settings(&x);
		struct profile whole, a, b, c;
		unsigned one, two;

		if (profile_settings_wrong(&s))
			fail_msg("round %d: %s", round, profile_settings_wrong(&s));
		make_steps(&x, step);
		one = border(&s, step, kit_below(&x, STEPS + 1));
		two = border(&s, step, one + kit_below(&x, round % 2 ? 5 : STEPS - one + 1));
		play(&whole, &s, step, STEPS);
		play(&a, &s, step, one);
		play(&b, &s, step + one, two - one);
		play(&c, &s, step + two, STEPS - two);
		/* Odd rounds the last two first. */
		assert_int_equal(profile_merge(round % 2 ? &b : &a, round % 2 ? &c : &b, &s), 0);
		assert_int_equal(profile_merge(&a, round % 2 ? &b : &c, &s), 0);
		same(&a, &whole, &s, round);
		if (profile_unsound(&a, &s) || profile_unsound(&whole, &s))
			fail_msg("round %d: unsound: %s", round, profile_unsound(&a, &s));
		sums_are_right(&whole, &s, round);
		phases_add_up(&whole, &s, round);
		sums_are_right(&a, &s, round);
		phases_add_up(&a, &s, round);
		profile_fini(&whole, &s);
		profile_fini(&a, &s);
		profile_fini(&b, &s);
		profile_fini(&c, &s);
	}
}

/* At any place, within a buffer, too: sums stay right, and it goes on. */
static void test_parts_at_any_place(void **state)
{
	static struct step step[STEPS];
	uint64_t x = 7;

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct profile_settings s = kit_random_settings(&x);
		unsigned one = kit_below(&x, STEPS + 1);
		struct profile a, b;

		s.markov.filter = round % 3 ? 0 : 2;
		make_steps(&x, step);
		play(&a, &s, step, one);
		play(&b, &s, step + one, STEPS - one);
		assert_int_equal(profile_merge(&a, &b, &s), 0);
		for (unsigned i = 0; i < 30; i++)
			profile_put(&a, &s, step[i].value, NULL);
		sums_are_right(&a, &s, round);
		phases_add_up(&a, &s, round);
		if (profile_unsound(&a, &s))
			fail_msg("round %d: unsound: %s", round, profile_unsound(&a, &s));
		profile_fini(&a, &s);
		profile_fini(&b, &s);
	}
}

/* A byte as a reader would make a bool of it. */
static void be_bool(bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, 1);
	*b = byte & 1;
}

/* One bit of what was kept is another. */
static const char *damage(struct profile *p, const struct profile_settings *s, uint64_t *x)
{
	unsigned m = kit_below(x, s->n_metrics);
	struct markov counts_kept = p->metric[m];
	uint8_t *at;

	switch (kit_below(x, p->phases ? 4 : 2)) {
	case 0:
		at = (uint8_t *)&p->metric[m];
		at[kit_below(x, sizeof(p->metric[m]))] ^= (uint8_t)(1 << kit_below(x, 8));
		p->metric[m].counts.cell = counts_kept.counts.cell;
		be_bool(&p->metric[m].range.known);
		be_bool(&p->metric[m].broken);
		return "metric";
	case 1:
		at = (uint8_t *)p->metric[m].counts.cell;
		at[kit_below(x, 4 * s->markov.states * s->markov.states)] ^=
			(uint8_t)(1 << kit_below(x, 8));
		return "counts";
	case 2:
		p->phases->ring[kit_below(x, phases_columns(s) * s->n_metrics)] ^=
			(uint8_t)(1 << kit_below(x, 8));
		return "ring";
	default:
		*(kit_below(x, 2) ? &p->phases->settled : &p->phases->ring_at) ^=
			1u << kit_below(x, 32);
		return "window";
	}
}

/* Damaged, it is refused or goes on without harm (the sanitizers look). */
static void test_damaged(void **state)
{
	static struct step step[STEPS];
	unsigned refused = 0, counts = 0;
	uint64_t x = 99;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct profile_settings s = kit_random_settings(&x);
		struct profile p;
		const char *what;

		if (round % 20 == 0)
			make_steps(&x, step);
		play(&p, &s, step, 40);
		what = damage(&p, &s, &x);
		if (profile_unsound(&p, &s)) {
			refused++;
		} else {
			counts += !strcmp(what, "counts");
			for (unsigned i = 40; i < 100; i++)
				profile_put(&p, &s, step[i].value, NULL);
		}
		profile_fini(&p, &s);
	}
	assert_int_equal(counts, 0);
	assert_true(refused > 1500);
}

static void test_unsound(void **state)
{
	struct profile_settings s = kit_settings(4, 1);
	struct markov_counts *c;
	struct profile p;
	uint64_t x = 4;

	(void)state;
	s.phase_likeliness = 0.5;
	s.phase_history = 5;
	s.n_periods = 1;
	s.period[0] = 3;
	profile_init(&p, &s);
	for (int i = 0; i < 40; i++)
		profile_put(&p, &s, (double[]){100 * kit_random(&x)}, NULL);
	assert_null(profile_unsound(&p, &s));
	c = phases_counts(p.phases, &s, 0, 0);
	c->cell[5]++;
	c->transitions++;
	assert_string_equal(profile_unsound(&p, &s), "the phases");
	c->cell[5]--;
	c->transitions--;
	p.phases->ring_at += phases_columns(&s);
	assert_string_equal(profile_unsound(&p, &s), "the phases' window");
	p.phases->ring_at -= phases_columns(&s);
	c = &p.periods->leaf[1][0].counts;
	c->cell[5]++;
	c->transitions++;
	p.periods->leaf[0][0].counts.cell[5]++;
	assert_string_equal(profile_unsound(&p, &s), "the period tree");
	c->cell[5]--;
	c->transitions--;
	p.periods->leaf[0][0].counts.cell[5]--;
	p.ticks = 39;
	assert_string_equal(profile_unsound(&p, &s), "the number of ticks");
	p.ticks = 40;
	assert_null(profile_unsound(&p, &s));
	profile_fini(&p, &s);
}

/* A part that ends within a buffer: the next one's states are in the leaf they would have with
 * that buffer complete, and so are all that follow. */
static void test_leaves_after_part_of_a_buffer(void **state)
{
	struct profile_settings s = kit_settings(4, 1);
	struct profile a, b;

	(void)state;
	s.markov.buffersize = 2;
	s.n_periods = 1;
	s.period[0] = 4;
	profile_init(&a, &s);
	profile_init(&b, &s);
	profile_put(&a, &s, (double[]){1}, NULL);
	for (int i = 0; i < 6; i++)
		profile_put(&b, &s, (double[]){1}, NULL);
	assert_int_equal(profile_merge(&a, &b, &s), 0);
	for (int i = 0; i < 2; i++)
		profile_put(&a, &s, (double[]){1}, NULL);
	for (unsigned leaf = 0; leaf < 4; leaf++) {
		assert_non_null(a.periods->leaf[leaf]);
		assert_int_equal(a.periods->leaf[leaf][0].stats.count, 1);
	}
	profile_fini(&a, &s);
	profile_fini(&b, &s);
}

static void test_merge_refuses_whole(void **state)
{
	struct profile_settings s = kit_settings(4, 2), other = s;
	struct profile a, b;
	double values[2] = {30, 60};

	(void)state;
	other.metric[1].high = 200;
	profile_init(&a, &s);
	profile_init(&b, &other);
	for (int i = 0; i < 5; i++) {
		profile_put(&a, &s, values, NULL);
		profile_put(&b, &other, values, NULL);
	}
	assert_int_equal(profile_merge(&a, &b, &s), -EINVAL);
	assert_int_equal(a.ticks, 5);
	for (unsigned m = 0; m < 2; m++) {
		assert_int_equal(a.metric[m].stats.count, 5);
		assert_int_equal(a.metric[m].counts.transitions, 4);
	}
	b.metric[1].range = a.metric[1].range;
	b.metric[1].counts.transitions = UINT32_MAX - 4;
	assert_int_equal(profile_merge(&a, &b, &s), -EOVERFLOW);
	assert_int_equal(a.metric[0].stats.count, 5);
	b.metric[1].counts.transitions = 4;
	assert_int_equal(profile_merge(&a, &b, &s), 0);
	assert_int_equal(a.metric[1].counts.transitions, 9);
	profile_fini(&a, &s);
	profile_fini(&b, &other);
}

static void test_size(void **state)
{
	struct profile_settings s = kit_settings(4, 5);
	double values[5] = {1, 2, 3, 4, 5};
	struct profile p;
	size_t before;

	(void)state;
	profile_init(&p, &s);
	profile_put(&p, &s, values, NULL);
	if (sizeof(p) + profile_size(&p, &s) > 2048)
		fail_msg("%zu bytes", sizeof(p) + profile_size(&p, &s));
	profile_fini(&p, &s);
	s.n_periods = 1;
	s.period[0] = 24;
	s.phase_likeliness = 0.5;
	s.phase_history = 10;
	profile_init(&p, &s);
	before = profile_size(&p, &s);
	profile_put(&p, &s, values, NULL);
	assert_int_equal(profile_size(&p, &s) - before,
			 5 * (sizeof(struct period_metric) + 16 * sizeof(uint32_t)));
	profile_fini(&p, &s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_phase_settings),
		cmocka_unit_test(test_buffers_end_at_multiples),
		cmocka_unit_test(test_parts_make_the_whole),
		cmocka_unit_test(test_parts_at_any_place),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_unsound),
		cmocka_unit_test(test_leaves_after_part_of_a_buffer),
		cmocka_unit_test(test_merge_refuses_whole),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
