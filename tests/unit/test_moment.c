/* SPDX-License-Identifier: Apache-2.0 */
/* Moments, and what they are made of: host tables, rings of frames. */
#include "frame_ring.h"
#include "host_table.h"
#include "moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "make_frame.h"

#define NS 1000000000ull

static uint64_t wall(uint64_t sequence)
{
	return make_head("", 1, sequence).wall_ns;
}

/* A frame into a table, and the head that says whose it is. */
static enum put_result put(struct host_table *t, const char *host, uint64_t epoch,
			   uint64_t sequence)
{
	struct frame_head head = make_head(host, epoch, sequence);
	struct frame *f = make_frame(host, epoch, sequence, 50);
	enum put_result r = host_table_put(t, &head, f);

	frame_unref(f);
	return r;
}

/* ---- moments ---- */

static void test_hosts_in_order(void **state)
{
	static const char *const names[] = {"c", "a", "e", "b", "d", "f", "h", "g", "j", "i"};
	struct moment *m = moment_new();

	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		struct frame *now = make_frame(names[i], 1, i + 2, 50),
			     *before = make_frame(names[i], 1, i + 1, 50);

		moment_add(m, NULL, now, i % 2 ? before : NULL, wall(i + 2));
		frame_unref(now);
		frame_unref(before);
	}
	moment_sort(m);
	assert_int_equal(m->n, 10);
	assert_true(m->wall_ns == wall(11));
	for (unsigned i = 0; i < 10; i++) {
		char id[2] = {(char)('a' + i), 0};

		assert_string_equal(m->hosts[i].about.host_id, id);
		assert_int_equal(m->hosts[i].about.interval_ns, NS);
		assert_string_equal(m->hosts[i].about.version, "test");
	}
	/* Shared, and gone with the last who holds it (the leak checker says so). */
	assert_ptr_equal(moment_ref(m), m);
	moment_unref(m);
	assert_int_equal(m->n, 10);
	moment_unref(m);
	assert_null(moment_ref(NULL));
	moment_unref(NULL);
}

static void test_stale_from_frames(void **state)
{
	static const struct {
		double age; /* seconds */
		bool stale;
	} cases[] = {{0, false}, {-5, false}, {2.9, false}, {3.1, true}, {900, true}};
	struct frame *f = make_frame("h", 1, 10, 50);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct moment *m = moment_new();

		moment_add(m, NULL, f, NULL, wall(10) + (uint64_t)(int64_t)(cases[i].age * 1e9));
		if (m->hosts[0].about.stale != cases[i].stale)
			fail_msg("stale=%d at the age of %g s", m->hosts[0].about.stale,
				 cases[i].age);
		if (cases[i].age >= 0)
			assert_int_equal(m->hosts[0].about.age_ms, (int)(cases[i].age * 1000));
		moment_unref(m);
	}
	frame_unref(f);
}

static void test_stale_at_three_intervals(void **state)
{
	static const struct {
		uint64_t age_ms, interval_ns;
		bool stale;
	} cases[] = {{2999, NS, false},      {3000, NS, true},       {3002, NS, true},
		     {2999, 0, false},       {3000, 0, true},        {29999, 10 * NS, false},
		     {30000, 10 * NS, true}, {2, NS / 10000, false}, {3, NS / 10000, true},
		     {UINT64_MAX, NS, true}, {0, UINT64_MAX, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (moment_is_stale(cases[i].age_ms, cases[i].interval_ns) != cases[i].stale)
			fail_msg("case %zu: stale should be %d", i, cases[i].stale);
}

/* A frame that lies shows as an unknown host, and harms nothing. */
static void test_lie(void **state)
{
	struct frame_head head = make_head("h", 1, 1);
	struct frame *f = frame_new(&head, "garbage", 7);
	struct moment *m = moment_new();

	(void)state;
	moment_add(m, NULL, f, f, wall(1));
	assert_string_equal(m->hosts[0].about.host_id, "unknown");
	moment_unref(m);
	frame_unref(f);
}

static void test_series(void **state)
{
	struct frame *list[3];
	struct moment *m = moment_new();

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		list[i] = make_frame("h", 1, i + 1, 50);
	moment_series(m, "h", list, 3);
	moment_series(m, "x", list, 2);
	assert_string_equal(m->series_host, "x");
	assert_int_equal(m->n_series, 2);
	moment_series(m, "h", list, 0);
	assert_int_equal(m->n_series, 0);
	assert_string_equal(m->series_host, "h");
	moment_series(m, "h", list, 3);
	for (unsigned i = 0; i < 3; i++)
		frame_unref(list[i]);
	assert_int_equal(m->series[2]->sequence, 3);
	moment_unref(m);
}

/* ---- host tables ---- */

static void test_newest_and_before(void **state)
{
	struct host_table t = {0};
	const struct host_entry *e;

	(void)state;
	assert_int_equal(put(&t, "h", 1, 5), PUT_NEWEST);
	assert_int_equal(put(&t, "h", 1, 5), PUT_OLD);
	assert_int_equal(put(&t, "h", 1, 3), PUT_BEFORE);
	assert_int_equal(put(&t, "h", 1, 2), PUT_OLD);
	assert_int_equal(put(&t, "h", 1, 4), PUT_BEFORE);
	assert_int_equal(put(&t, "h", 1, 7), PUT_NEWEST);
	assert_int_equal(put(&t, "h", 2, 1), PUT_NEWEST);
	assert_int_equal(put(&t, "h", 1, 9), PUT_BEFORE);
	e = host_table_find(&t, "h");
	assert_true(e->now->epoch == 2 && e->now->sequence == 1);
	assert_true(e->before->epoch == 1 && e->before->sequence == 9);
	assert_int_equal(t.fresh, 1);
	assert_int_equal(t.bytes, e->now->size + e->before->size);
	assert_null(host_table_find(&t, "g"));
	host_table_clear(&t);
	assert_null(host_table_find(&t, "h"));
}

static bool each_hundredth(void *arg, struct host_entry *e)
{
	uint32_t *n = arg;

	(void)e;
	return ++*n % 100 == 0;
}

static void test_many_hosts(void **state)
{
	struct frame_head head = make_head("x", 1, 1);
	struct frame *f = make_frame("x", 1, 1, 0);
	struct host_table t = {0};
	uint32_t seen = 0;

	(void)state;
	for (uint32_t i = 0; i <= HOST_TABLE_HOSTS; i++) {
		enum put_result r;

		snprintf(head.host_id, sizeof(head.host_id), "host-%u", i);
		r = host_table_put(&t, &head, f);
		if (r != (i < HOST_TABLE_HOSTS ? PUT_NEWEST : PUT_FULL))
			fail_msg("host %u: %d", i, r);
	}
	/* Away with some; the others are still found. */
	host_table_remove(&t, each_hundredth, &seen);
	assert_int_equal(seen, HOST_TABLE_HOSTS);
	assert_int_equal(t.n, HOST_TABLE_HOSTS - HOST_TABLE_HOSTS / 100);
	assert_int_equal(t.bytes, t.n * f->size);
	assert_int_equal(t.fresh, t.n);
	for (uint32_t i = 0; i < t.n; i++)
		assert_ptr_equal(host_table_find(&t, t.list[i].about.host_id), &t.list[i]);
	host_table_clear(&t);
	frame_unref(f);
}

/* A host whose clock is an hour ahead does not take the others into the future. */
static void test_wrong_clock(void **state)
{
	struct feed_host right = {.host_id = "a", .host_name = "a", .skew_ms = -40},
			 wrong = {.host_id = "b", .host_name = "b", .skew_ms = 3600000};
	struct frame *f = make_frame("a", 1, 1, 50), *ahead = make_frame("b", 1, 1, 50);
	struct moment *m = moment_new();

	(void)state;
	f->wall_ns = 100000 * NS;
	ahead->wall_ns = f->wall_ns + 3599 * NS;
	moment_add(m, &right, f, NULL, 0);
	moment_add(m, &wrong, ahead, NULL, 0);
	assert_int_equal(m->wall_ns, f->wall_ns);
	assert_true(m->hosts[0].told && m->hosts[1].told);
	moment_unref(m);
	/* Who is not told can only believe the frames. */
	m = moment_new();
	moment_add(m, NULL, ahead, NULL, 0);
	assert_int_equal(m->wall_ns, ahead->wall_ns);
	assert_false(m->hosts[0].told);
	moment_unref(m);
	frame_unref(f);
	frame_unref(ahead);
}

static void test_ages_grow(void **state)
{
	struct feed_host about = {
		.host_id = "h", .host_name = "n", .age_ms = 500, .interval_ns = NS};
	struct host_table t = {0};
	struct moment *m;

	(void)state;
	host_table_tell(&t, &about, 10 * NS);
	m = moment_new();
	host_table_moment(&t, m, 11 * NS, 0);
	assert_int_equal(m->n, 0); /* nothing is there to be shown yet */
	moment_unref(m);
	put(&t, "h", 1, 1);
	for (unsigned i = 0; i < 5; i++) {
		m = moment_new();
		host_table_moment(&t, m, (10 + i) * NS, 0);
		assert_int_equal(m->hosts[0].about.age_ms, 500 + i * 1000);
		assert_int_equal(m->hosts[0].about.stale, i >= 3);
		assert_string_equal(m->hosts[0].about.host_name, "n");
		moment_unref(m);
	}
	host_table_clear(&t);
}

/* ---- rings ---- */

static void add(struct frame_ring *r, uint64_t epoch, uint64_t sequence)
{
	struct frame *f = make_frame("h", epoch, sequence, 50);

	frame_ring_add(r, f);
	frame_unref(f);
}

static void test_ring_bounds(void **state)
{
	struct frame *one = make_frame("h", 1, 1, 50);
	const struct {
		const char *name;
		uint64_t keep_ns;
		size_t keep_bytes;
		uint32_t keep_n, want;
	} cases[] = {
		{"age", 10 * NS, SIZE_MAX, UINT32_MAX, 11},
		{"any age", 0, SIZE_MAX, UINT32_MAX, 100},
		{"bytes", 0, 5 * one->size + 60, UINT32_MAX, 5},
		{"number", 0, SIZE_MAX, 7, 7},
		{"two at least", 1, 1, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frame_ring r;

		frame_ring_init(&r, cases[i].keep_ns, cases[i].keep_bytes, cases[i].keep_n);
		for (unsigned n = 1; n <= 100; n++)
			add(&r, 1, n);
		add(&r, 1, 100); /* again: nothing */
		add(&r, 1, 50);
		if (r.n != cases[i].want)
			fail_msg("%s: %u are kept", cases[i].name, r.n);
		for (uint32_t k = 0; k < r.n; k++)
			assert_int_equal(frame_ring_get(&r, k)->sequence, 101 - r.n + k);
		frame_ring_fini(&r);
	}
	frame_unref(one);
}

static void test_ring_count(void **state)
{
	struct frame_ring r;

	(void)state;
	frame_ring_init(&r, 0, SIZE_MAX, 40);
	assert_int_equal(frame_ring_count(&r, UINT64_MAX), 0);
	for (unsigned n = 1; n <= 100; n++)
		add(&r, 1, n);
	assert_int_equal(frame_ring_count(&r, UINT64_MAX), 40);
	assert_int_equal(frame_ring_count(&r, wall(100)), 40);
	assert_int_equal(frame_ring_count(&r, wall(100) - 1), 39);
	assert_int_equal(frame_ring_count(&r, wall(61)), 1);
	assert_int_equal(frame_ring_count(&r, wall(61) - 1), 0);
	frame_ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_in_order),
		cmocka_unit_test(test_stale_from_frames),
		cmocka_unit_test(test_stale_at_three_intervals),
		cmocka_unit_test(test_lie),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_newest_and_before),
		cmocka_unit_test(test_many_hosts),
		cmocka_unit_test(test_wrong_clock),
		cmocka_unit_test(test_ages_grow),
		cmocka_unit_test(test_ring_bounds),
		cmocka_unit_test(test_ring_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
