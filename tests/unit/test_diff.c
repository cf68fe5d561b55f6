/* SPDX-License-Identifier: Apache-2.0 */
/* What changed most, against all changes worked out and sorted plainly. */
#include "diff.h"
#include "level.h"
#include "wire_sample.h"
#include "world_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct world *world_of(const struct sample *s, const struct sample *before, uint64_t second)
{
	struct world *w = world_new();
	struct moment *m = moment_new();

	kit_add(m, kit_frame(s, "hv", second), before ? kit_frame(before, "hv", second - 1) : NULL);
	kit_set(w, m);
	return w;
}

static uint32_t vm(struct sample *s, const char *uuid, uint64_t mem_kib, uint64_t uptime)
{
	uint32_t row = kit_vm(s, uuid, uuid, NULL);

	sample_set(s, SCOPE_VM, row, M_RAM_TOTAL, mem_kib);
	sample_set(s, SCOPE_VM, row, M_UPTIME, uptime);
	sample_set(s, SCOPE_VM, row, M_CPU_CORES, 1);
	return row;
}

/* With a base made of the one, as a diff takes it. */
static void compare(struct diff *d, const struct world *then, const struct world *now, uint32_t max)
{
	struct diff_base *b = diff_base_new(then, NULL, NULL);

	diff_make(d, b, now, max, NULL);
	diff_base_free(b);
}

static void is_row(const struct diff *d, uint32_t at, bool now, bool then, enum metric_id m)
{
	const struct diff_row *row = &d->row[at];

	assert_true(at < d->n);
	if (thing_is(row->now) != now || (row->then != NO_ROW) != then || row->metric != m)
		fail_msg("row %u is %s, not %s", at,
			 row->metric < METRICS ? kit_metric(row->metric) : "a change of things",
			 m < METRICS ? kit_metric(m) : "a change of things");
}

static void came_went_restarted(void **state)
{
	struct sample *a = sample_new(), *b = sample_new();
	struct world *then, *now;
	struct diff d = {0};

	(void)state;
	kit_host(a);
	kit_host(b);
	vm(a, "gone", 4 << 20, 100);
	vm(a, "same", 4 << 20, 100);
	vm(a, "restarted", 4 << 20, 100);
	vm(a, "larger", 1 << 20, 100);
	vm(b, "larger", 16 << 20, 400);
	vm(b, "new", 4 << 20, 3);
	vm(b, "restarted", 4 << 20, 5);
	vm(b, "same", (4 << 20) + 40, 400);
	then = world_of(a, NULL, 1);
	now = world_of(b, NULL, 301);
	compare(&d, then, now, 100);
	is_row(&d, 0, true, false, METRICS);
	assert_string_equal(world_text(now, d.row[0].now, M_NAME), "new");
	is_row(&d, 1, false, true, METRICS);
	assert_int_equal(d.row[1].then, kit_named(then, "gone").row);
	is_row(&d, 2, true, true, M_UPTIME);
	assert_string_equal(world_text(now, d.row[2].now, M_NAME), "restarted");
	is_row(&d, 3, true, true, M_RAM_TOTAL);
	assert_string_equal(world_text(now, d.row[3].now, M_NAME), "larger");
	assert_true(kit_same(d.row[3].was, 1 << 20) && kit_same(d.row[3].is, 16 << 20));
	assert_int_equal(d.n, 4);
	/* Back in time it is the one that was up longer before. */
	compare(&d, now, then, 100);
	is_row(&d, 2, true, true, M_UPTIME);
	assert_string_equal(world_text(then, d.row[2].now, M_NAME), "restarted");
	assert_int_equal(d.n, 4);
	/* Nothing has changed between a moment and itself; nothing is kept when nothing may be. */
	compare(&d, now, now, 100);
	assert_int_equal(d.n, 0);
	compare(&d, then, now, 0);
	assert_int_equal(d.n, 0);
	diff_fini(&d);
	world_free(then);
	world_free(now);
	sample_free(a);
	sample_free(b);
}

/* A host that cannot be read now has not lost its VMs; one that is gone has. */
static void unreadable(void **state)
{
	struct sample *s = sample_new();
	struct world *then, *now = world_new();
	struct moment *m = moment_new();
	struct diff d = {0};

	(void)state;
	kit_host(s);
	vm(s, "a", 1, 1);
	then = world_of(s, NULL, 1);
	kit_add(m, kit_frame(s, "hv", 2), NULL);
	m->hosts[0].now->bytes[0] = 0xc1;
	kit_set(now, m);
	compare(&d, then, now, 100);
	assert_int_equal(d.n, 0);
	kit_set(now, moment_new());
	compare(&d, then, now, 100);
	assert_int_equal(d.n, 2);
	diff_fini(&d);
	world_free(then);
	world_free(now);
	sample_free(s);
}

/* A VM that moved is the same one. */
static void moved(void **state)
{
	struct sample *s = sample_new(), *none = sample_new();
	struct world *then = world_new(), *now = world_new();
	struct moment *a = moment_new(), *b = moment_new();
	struct diff d = {0};

	(void)state;
	kit_host(s);
	kit_host(none);
	vm(s, "a", 1, 1);
	kit_add(a, kit_frame(s, "one", 1), NULL);
	kit_add(a, kit_frame(none, "two", 1), NULL);
	kit_add(b, kit_frame(none, "one", 2), NULL);
	kit_add(b, kit_frame(s, "two", 2), NULL);
	kit_set(then, a);
	kit_set(now, b);
	compare(&d, then, now, 100);
	assert_int_equal(d.n, 1); /* where from, and no restart */
	assert_int_equal(d.row[0].metric, METRICS);
	assert_true(thing_is(d.row[0].now));
	assert_int_equal(d.row[0].then, 0);
	diff_fini(&d);
	world_free(then);
	world_free(now);
	sample_free(s);
	sample_free(none);
}

static void thresholds_count_most(void **state)
{
	struct sample *a = sample_new(), *b = sample_new(), *c = sample_new();
	struct world *then, *now;
	struct diff d = {0};

	(void)state;
	for (int k = 0; k < 3; k++) {
		struct sample *s = k == 0 ? a : k == 1 ? b : c;
		uint32_t row = (kit_host(s), vm(s, "x", 1 << 20, 10 + k));
		uint32_t cpu = kit_below(s, SCOPE_VCPU, row, 0);
		uint32_t nic = kit_below(s, SCOPE_VM_NIC, row, 0);

		sample_set(s, SCOPE_VCPU, cpu, M_RUN, k * UINT64_C(400000000));
		/* 0, then 20 % steal; and four times the traffic. */
		sample_set(s, SCOPE_VCPU, cpu, M_WAIT, k == 2 ? 200000000 : 0);
		sample_set(s, SCOPE_VM_NIC, nic, M_VN_RX_BYTES, k == 2 ? 50000000 : k * 10000000);
	}
	then = world_of(b, a, 2);
	now = world_of(c, b, 3);
	compare(&d, then, now, 100);
	is_row(&d, 0, true, true, M_CPU_STEAL);
	assert_true(fabs(d.row[0].rank - 3) < 1e-9 && kit_same(d.row[0].was, 0));
	assert_true(d.row[1].rank < d.row[0].rank);
	diff_fini(&d);
	world_free(then);
	world_free(now);
	sample_free(a);
	sample_free(b);
	sample_free(c);
}

/* ---- all of them, plainly ---- */

static struct world *big_world(uint64_t second, unsigned first_vm)
{
	struct moment *m = moment_new();
	struct world *w = world_new();
	char name[16];

	for (unsigned i = 0; i < 3; i++) {
		struct frame *frame[2];

		for (unsigned k = 0; k < 2; k++) {
			struct wire_host h = {.vms = 12,
					      .vcpus = 1,
					      .disks = 1,
					      .nics = 1,
					      .seed = i + first_vm / 12,
					      .second = second + k};
			struct sample *s = sample_new();

			wire_fill(s, &h);
			snprintf(name, sizeof(name), "hv%u", i);
			frame[k] = kit_frame(s, name, second + k);
			sample_free(s);
		}
		kit_add(m, frame[1], frame[0]);
	}
	kit_set(w, m);
	return w;
}

static int by_rank(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x > y ? -1 : x < y;
}

/* Ranks of what changed, by the header's words; only metrics with thresholds are ranked by a
 * formula of the code (level_score, which has its own test). */
static uint32_t plain(const struct world *then, const struct world *now, double *ranks)
{
	static const double small[UNITS] = {
		[U_PERCENT] = 5,   [U_MS] = 5,    [U_CENTIPERCENT] = 500, [U_TICK] = 10,
		[U_NS] = 1e8,      [U_US] = 1e5,  [U_KIB] = 65536,        [U_MIB] = 1,
		[U_SECTOR] = 2048, [U_MHZ] = 500, [U_MBIT] = 100};
	static const enum scope scopes[] = {SCOPE_HOST, SCOPE_VM};
	struct thing_list list = {0};
	uint32_t n = 0;

	for (unsigned i = 0; i < 2; i++) {
		world_list(now, scopes[i], &list);
		for (uint32_t k = 0; k < list.n; k++) {
			struct thing a = world_find(then, scopes[i], world_id(now, list.item[k]));

			if (!thing_is(a)) {
				ranks[n++] = INFINITY;
				continue;
			}
			if (i ? then->hosts[a.host]->id != now->hosts[list.item[k].host]->id
			      : then->hosts[a.host]->about.stale !=
					    now->hosts[list.item[k].host]->about.stale)
				ranks[n++] = INFINITY;
			for (int m = 0; m < METRICS; m++) {
				double was = world_value(then, a, m);
				double is = world_value(now, list.item[k], m);
				const struct level_row *row = level_row_of(scopes[i], m);
				double d = small[metrics[m].unit], rank;

				if (metrics[m].unit == U_BYTE)
					d = metrics[m].kind == COUNTER ? 1048576 : 67108864;
				if (metrics[m].unit == U_NONE)
					d = metrics[m].kind == GAUGE ? 1 : 100;
				if (metrics[m].show != SHOWN || metrics[m].unit == U_ID ||
				    isnan(was) || isnan(is))
					continue;
				if (row && row->of == METRICS && row->unless != METRICS &&
				    !isnan(world_value(now, list.item[k], row->unless)))
					continue; /* that one says it */
				rank = row && row->of == METRICS
					       ? fabs(level_score(row, is) - level_score(row, was))
					       : 0.5 * fabs(log2((is + d) / (was + d)));
				if (metrics[m].unit == U_SECOND)
					rank = is < was ? 8 : 0;
				if (rank >= 0.1)
					ranks[n++] = rank;
			}
		}
		world_list(then, scopes[i], &list);
		for (uint32_t k = 0; k < list.n; k++)
			if (!thing_is(world_find(now, scopes[i], world_id(then, list.item[k]))))
				ranks[n++] = INFINITY;
	}
	free(list.item);
	qsort(ranks, n, sizeof(*ranks), by_rank);
	return n;
}

static void is_the_top_of_all(void **state)
{
	static const uint32_t max[] = {1, 2, 7, 50, 150, 100000};
	struct world *then = big_world(10, 12), *now = big_world(400, 24);
	double *ranks = xcalloc(100000, sizeof(*ranks));
	uint32_t n = plain(then, now, ranks);
	struct diff all = {0}, d = {0};

	(void)state;
	if (n < 200 || !isinf(ranks[0]))
		fail_msg("%u changes, the first one %g: too few to tell", n, ranks[0]);
	compare(&all, then, now, 100000);
	for (unsigned i = 0; i < sizeof(max) / sizeof(*max); i++) {
		uint32_t want = max[i] < n ? max[i] : n;

		compare(&d, then, now, max[i]);
		if (d.n != want)
			fail_msg("at most %u: %u rows, not %u", max[i], d.n, want);
		for (uint32_t k = 0; k < d.n; k++) {
			if (d.row[k].rank < ranks[k] - 1e-9 || d.row[k].rank > ranks[k] + 1e-9)
				fail_msg("at most %u: rank %u is %.12g, not %.12g", max[i], k,
					 d.row[k].rank, ranks[k]);
			/* The same rows in the same order, however many there may be. */
			if (d.row[k].metric != all.row[k].metric ||
			    d.row[k].now.host != all.row[k].now.host ||
			    d.row[k].now.row != all.row[k].now.row ||
			    d.row[k].then != all.row[k].then)
				fail_msg("at most %u: row %u is another one", max[i], k);
		}
	}
	free(ranks);
	diff_fini(&all);
	diff_fini(&d);
	world_free(then);
	world_free(now);
}

/* ---- the base ---- */

/* All that a diff knows of the older world is what that world says; takes the base over. */
static void is_that_world(struct diff_base *b, const struct world *w, unsigned *ret_numbers,
			  unsigned *ret_texts)
{
	static const enum scope scopes[] = {SCOPE_HOST, SCOPE_VM};
	struct thing_list list = {0};
	unsigned numbers = 0, texts = 0;

	assert_true(diff_base_wall_ns(b) == w->wall_ns);
	for (unsigned s = 0; s < 2; s++) {
		enum scope scope = scopes[s];
		uint32_t near = 0;

		world_list(w, scope, &list);
		assert_int_equal(diff_base_rows(b, scope), list.n);
		for (uint32_t i = 0; i < list.n; i++) {
			struct thing t = list.item[i];
			uint32_t behind = (i * 7 + 3) % list.n;

			assert_int_equal(diff_base_find(b, scope, world_id(w, t), &near), i);
			assert_int_equal(diff_base_find(b, scope, world_id(w, t), &behind), i);
			assert_true(diff_base_host_id(b, scope, i) == w->hosts[t.host]->id);
			assert_string_equal(diff_base_host(b, scope, i),
					    w->hosts[t.host]->about.host_name);
			for (int m = 0; m < METRICS; m++) {
				const char *text = diff_base_text(b, scope, i, m);
				const char *want = world_text(w, t, m);

				if (metrics[m].show != SHOWN ||
				    !(metrics[m].scopes & (1u << scope)))
					continue;
				if (!kit_same(diff_base_value(b, scope, i, m),
					      world_value(w, t, m)))
					fail_msg("%s of row %u", kit_metric(m), i);
				if (!text != !want || (text && strcmp(text, want)))
					fail_msg("%s of row %u: %s", kit_metric(m), i, text);
				numbers += !isnan(world_value(w, t, m));
				texts += want != NULL;
			}
		}
		assert_int_equal(diff_base_find(b, scope, 1, &near), NO_ROW);
	}
	free(list.item);
	diff_base_free(b);
	*ret_numbers += numbers;
	*ret_texts += texts;
}

static void base_is_the_world(void **state)
{
	struct world *w = big_world(10, 12);
	unsigned numbers = 0, texts = 0;

	(void)state;
	is_that_world(diff_base_new(w, NULL, NULL), w, &numbers, &texts);
	is_that_world(diff_base_of(w->moment, NULL, NULL), w, &numbers, &texts);
	world_free(w);
	w = world_new(); /* nothing at all */
	is_that_world(diff_base_new(w, NULL, NULL), w, &numbers, &texts);
	kit_set(w, moment_new());
	is_that_world(diff_base_of(w->moment, NULL, NULL), w, &numbers, &texts);
	if (numbers < 1000 || texts < 100)
		fail_msg("%u numbers and %u texts are too few to tell", numbers, texts);
	world_free(w);
}

/* What a console keeps of ten thousand VMs is a few megabytes. */
static void base_is_small(void **state)
{
	struct world *w = big_world(10, 12);
	struct diff_base *one = diff_base_new(w, NULL, NULL), *none;
	size_t each;

	(void)state;
	kit_set(w, moment_new());
	none = diff_base_new(w, NULL, NULL);
	each = (diff_base_size(one) - diff_base_size(none)) / 36;
	if (each < 100 || each > 700)
		fail_msg("%zu bytes of a VM", each);
	diff_base_free(one);
	diff_base_free(none);
	world_free(w);
}

/* Of VMs that share a UUID it is the same one that has its id, however the base is made. */
static void base_with_twins(void **state)
{
	static const char *const states[][3] = {
		{"running", "running", "running"},
		{"paused", "running", "running"},
		{"paused", "paused", "running"},
		{"paused", "paused", "paused"},
		{"running", "running", "running"}}; /* on a silent host first */

	(void)state;
	for (size_t k = 0; k < sizeof(states) / sizeof(*states); k++) {
		struct moment *m = moment_new();
		struct world *w = world_new();
		unsigned n = 0;

		for (unsigned i = 0; i < 3; i++) {
			struct sample *s = sample_new();
			char host[8];

			snprintf(host, sizeof(host), "hv%u", i);
			kit_host(s);
			kit_vm(s, "twin", "a", states[k][i]);
			kit_vm(s, host, host, "running");
			kit_add(m, kit_frame(s, host, 2), NULL);
			m->hosts[i].about.stale = k == 4 && !i;
			sample_free(s);
		}
		kit_set(w, m);
		is_that_world(diff_base_of(w->moment, NULL, NULL), w, &n, &n);
		is_that_world(diff_base_new(w, NULL, NULL), w, &n, &n);
		world_free(w);
	}
}

static bool no_a(void *arg, const struct sample *s, uint32_t row)
{
	(void)arg;
	return strcmp(sample_text(s, SCOPE_VM, row, M_NAME), "a") != 0;
}

struct asked {
	const struct world *w;
	const struct diff_base *b;
	unsigned now, gone;
};

static bool not_of_b(void *arg, struct thing t)
{
	struct asked *a = arg;

	a->now++;
	return t.scope != SCOPE_VM || strcmp(world_text(a->w, t, M_NAME), "b") != 0;
}

static bool none_gone(void *arg, enum scope s, uint32_t row)
{
	struct asked *a = arg;

	a->gone++;
	assert_string_equal(diff_base_text(a->b, s, row, M_NAME), "c");
	return false;
}

/* What is not wanted takes no place among the rows. */
static void only_wanted(void **state)
{
	struct sample *was = sample_new(), *is = sample_new();
	struct diff_wants wants = {not_of_b, none_gone, NULL};
	struct asked asked = {.now = 0};
	struct world *then, *now;
	struct diff d = {0};

	(void)state;
	kit_host(was);
	kit_host(is);
	vm(was, "a", 1 << 20, 100);
	vm(was, "b", 1 << 20, 100);
	vm(was, "c", 1 << 20, 100);
	vm(was, "d", 1 << 20, 100);
	vm(is, "b", 4 << 20, 400);
	vm(is, "d", 4 << 20, 400);
	vm(is, "e", 4 << 20, 400);
	then = world_of(was, NULL, 1);
	now = world_of(is, NULL, 301);
	asked.w = now;
	asked.b = diff_base_new(then, no_a, NULL);
	wants.arg = &asked;
	assert_int_equal(diff_base_rows(asked.b, SCOPE_VM), 3);
	diff_make(&d, asked.b, now, 1, &wants);
	is_row(&d, 0, true, false, METRICS);
	diff_make(&d, asked.b, now, 100, &wants);
	assert_int_equal(d.n, 2);
	is_row(&d, 1, true, true, M_RAM_TOTAL);
	assert_string_equal(world_text(now, d.row[1].now, M_NAME), "d");
	assert_int_equal(asked.now, 2 * (3 + 1)); /* each once, the host too */
	assert_int_equal(asked.gone, 2);
	diff_base_free((struct diff_base *)asked.b);
	diff_fini(&d);
	world_free(then);
	world_free(now);
	sample_free(was);
	sample_free(is);
}

/* Of a host that has fallen silent what it is has not changed, and what it does is not known. */
static void silent(void **state)
{
	struct moment *m = moment_new();
	struct world *then = big_world(10, 0), *now = world_new(), *other;
	struct diff all = {0}, d = {0};

	(void)state;
	for (uint32_t i = 0; i < then->n_hosts; i++) {
		const struct moment_host *h = &then->moment->hosts[i];

		moment_add(m, &h->about, h->now, h->before, h->now->wall_ns);
		m->hosts[i].about.stale = true;
	}
	kit_set(now, m);
	compare(&d, then, now, 100000);
	assert_int_equal(d.n, then->n_hosts); /* that they are silent, and nothing else */
	for (uint32_t i = 0; i < d.n; i++)
		assert_true(d.row[i].metric == METRICS && d.row[i].scope == SCOPE_HOST &&
			    thing_is(d.row[i].now) && d.row[i].then != NO_ROW);
	world_free(then);
	then = big_world(400, 0);
	other = big_world(10, 0);
	compare(&all, then, other, 100000);
	world_free(other);
	compare(&d, then, now, 100000);
	for (uint32_t i = 0; i < d.n; i++)
		if (d.row[i].metric < METRICS && metrics[d.row[i].metric].kind != GAUGE)
			fail_msg("%s of a silent host changed", kit_metric(d.row[i].metric));
	assert_true(d.n < all.n);
	diff_fini(&all);
	diff_fini(&d);
	world_free(then);
	world_free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(came_went_restarted),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(moved),
		cmocka_unit_test(thresholds_count_most),
		cmocka_unit_test(is_the_top_of_all),
		cmocka_unit_test(base_is_the_world),
		cmocka_unit_test(base_is_small),
		cmocka_unit_test(base_with_twins),
		cmocka_unit_test(only_wanted),
		cmocka_unit_test(silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
