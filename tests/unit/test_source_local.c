/* SPDX-License-Identifier: Apache-2.0 */
/* This host as a source: a host made of files, and a clock that goes a second a sample. */
#include "console_source.h"

#include "frame_maker.h"
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fakedir.h"
#include "source_kit.h"

#define NS    1000000000ull
#define START (1700000000 * NS)

struct host {
	struct fakedir proc, sys, root;
	uint64_t samples; /* __atomic */
	bool in_order;
	struct console_source *source;
};

/* Asked more than once for a sample: only a finished one lets time pass. */
static void a_second_later(void *arg, uint64_t *ret_boot_ns, uint64_t *ret_wall_ns)
{
	const struct host *h = arg;
	uint64_t n = __atomic_load_n(&h->samples, __ATOMIC_RELAXED) + 1;

	*ret_boot_ns = n * NS;
	*ret_wall_ns = START + n * NS;
}

/* Every frame comes once, in order. */
static void count(void *arg, struct frame *f)
{
	struct host *h = arg;

	h->in_order = h->in_order && f->sequence == h->samples + 1;
	__atomic_add_fetch(&h->samples, 1, __ATOMIC_RELAXED);
}

static void begin(struct host *h, bool make_believe, uint64_t interval_ns, uint64_t keep_ns,
		  size_t keep_bytes)
{
	struct source_local_options o = {
		.interval_ns = interval_ns, .keep_ns = keep_ns, .keep_bytes = keep_bytes};
	char why[256] = "";

	*h = (struct host){.in_order = true};
	fake_new(&h->proc);
	fake_new(&h->sys);
	fake_new(&h->root);
	fake_write(&h->proc, "stat",
		   "cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 100 0 100 1000 0 0 0 0 0 0\n"
		   "btime 1700000000\n");
	fake_write(&h->proc, "uptime", "1000.00 2000.00\n");
	o.measure = (struct measure_options){.procfs = h->proc.path,
					     .sysfs = h->sys.path,
					     .rootfs = h->root.path,
					     .connector = CONNECT_PROXMOX,
					     .host_name = "fakehost"};
	if (make_believe) {
		o.measure.clock = a_second_later;
		o.measure.clock_arg = h;
		o.measure.synchronous = true;
	}
	if (source_open_local(&h->source, &o, why, sizeof(why)))
		fail_msg("source_open_local: %s", why);
	source_on_frame(h->source, count, h);
}

static void finish(struct host *h)
{
	source_close(h->source);
	fake_free(&h->proc);
	fake_free(&h->sys);
	fake_free(&h->root);
}

/* Samples until there are n in all. */
static void wait_for(struct host *h, uint64_t n)
{
	struct source_status st = {0};

	for (int i = 0; i < 5000 && st.newest_wall_ns < START + n * NS; i++) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		source_status(h->source, &st);
	}
	assert_true(st.newest_wall_ns >= START + n * NS);
}

/* Something is seen at once, rates shortly after; then the interval's. */
static void test_beginning(void **state)
{
	double began, first, second, third;
	struct moment *m;
	struct host h;

	(void)state;
	began = kit_seconds();
	begin(&h, false, NS / 2, 10 * NS, 1 << 20);
	source_go(h.source, SOURCE_LIVE, 0);
	m = kit_moment(h.source);
	first = kit_seconds() - began;
	assert_true(m->live);
	assert_string_equal(kit_text(m), LOCAL_HOST_ID ":1");
	assert_string_equal(m->hosts[0].about.host_name, "fakehost");
	moment_unref(m);
	m = kit_moment(h.source);
	second = kit_seconds() - began;
	assert_string_equal(kit_text(m), LOCAL_HOST_ID ":2-1");
	moment_unref(m);
	m = kit_moment(h.source);
	third = kit_seconds() - began;
	assert_string_equal(kit_text(m), LOCAL_HOST_ID ":3-2");
	moment_unref(m);
	if (first > 1 || second - first < 0.15 || second - first > 1 || third - second < 0.4)
		fail_msg("moments after %.3f, %.3f and %.3f s", first, second, third);
	finish(&h);
}

static void test_past(void **state)
{
	static const struct {
		enum source_where where;
		double at;
		const char *want;
	} cases[] = {
		{SOURCE_AT, 5, "local:5-4"},       {SOURCE_AT, 5.9, "local:5-4"},
		{SOURCE_AT, 0.5, "local:1"},       {SOURCE_NEXT, 5, "local:6-5"},
		{SOURCE_NEXT, 5.5, "local:6-5"},   {SOURCE_BEFORE, 5, "local:4-3"},
		{SOURCE_BEFORE, 5.5, "local:5-4"}, {SOURCE_BEFORE, 1, "local:1"},
		{SOURCE_BEFORE, -100, "local:1"},  {SOURCE_NEXT, -100, "local:1"},
	};
	struct moment *m;
	struct host h;

	(void)state;
	begin(&h, true, NS / 50, 1000 * NS, 1 << 20);
	source_go(h.source, SOURCE_LIVE, 0);
	wait_for(&h, 8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		source_go(h.source, cases[i].where, START + (uint64_t)(int64_t)(cases[i].at * 1e9));
		m = kit_moment(h.source);
		if (m->live || strcmp(kit_text(m), cases[i].want))
			fail_msg("case %zu: %s%s, not %s", i, m->live ? "live " : "", kit_text(m),
				 cases[i].want);
		moment_unref(m);
	}
	/* It went on meanwhile; beyond the newest is the newest. */
	source_go(h.source, SOURCE_AT, UINT64_MAX);
	m = kit_moment(h.source);
	assert_false(m->live);
	assert_true(m->hosts[0].now->sequence >= 8);
	moment_unref(m);
	source_go(h.source, SOURCE_LIVE, 0);
	m = kit_moment(h.source);
	assert_true(m->live);
	moment_unref(m);
	finish(&h);
}

static void test_series(void **state)
{
	struct moment *m;
	struct host h;

	(void)state;
	begin(&h, true, NS / 50, 1000 * NS, 1 << 20);
	source_go(h.source, SOURCE_LIVE, 0);
	wait_for(&h, 6);
	source_go(h.source, SOURCE_AT, START + 5 * NS);
	m = kit_moment(h.source);
	assert_string_equal(kit_text(m), "local:5-4");
	moment_unref(m);
	/* At the same time as before. */
	source_follow(h.source, "local", 3);
	m = kit_moment(h.source);
	assert_string_equal(kit_text(m), "local:5-4 | series local: 3 4 5");
	moment_unref(m);
	source_follow(h.source, "another", 3);
	m = kit_moment(h.source);
	assert_string_equal(kit_text(m), "local:5-4");
	moment_unref(m);
	source_follow(h.source, "local", 100);
	m = kit_moment(h.source);
	assert_int_equal(m->n_series, 5);
	moment_unref(m);
	source_go(h.source, SOURCE_LIVE, 0);
	m = kit_moment(h.source);
	assert_true(m->n_series >= 6);
	assert_ptr_equal(m->series[m->n_series - 1], m->hosts[0].now);
	moment_unref(m);
	finish(&h);
}

/* What is kept is bounded by age and by bytes; what is held elsewhere stays valid. */
static void test_bounds(void **state)
{
	static const struct {
		uint64_t keep_ns;
		size_t keep_bytes;
		uint64_t span; /* seconds from the oldest to the newest, at most */
	} cases[] = {{5 * NS, 1 << 20, 5}, {0, 1 << 20, 1}, {1000 * NS, 1000, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct source_status st;
		struct moment *held;
		struct host h;

		begin(&h, true, NS / 100, cases[i].keep_ns, cases[i].keep_bytes);
		source_go(h.source, SOURCE_LIVE, 0);
		held = kit_moment(h.source);
		wait_for(&h, 30);
		source_status(h.source, &st);
		assert_string_equal(st.name, "this host");
		assert_string_equal(st.error, "");
		if (st.newest_wall_ns - st.oldest_wall_ns > cases[i].span * NS)
			fail_msg("case %zu: %g s are kept", i,
				 (double)(st.newest_wall_ns - st.oldest_wall_ns) / 1e9);
		assert_int_equal(held->hosts[0].now->sequence, 1);
		moment_unref(held);
		finish(&h);
	}
}

static void test_interval(void **state)
{
	double began;
	struct host h;

	(void)state;
	begin(&h, true, 3600 * NS, 1000 * NS, 1 << 20);
	source_go(h.source, SOURCE_LIVE, 0);
	wait_for(&h, 2);
	began = kit_seconds();
	source_set_interval(h.source, NS / 50);
	wait_for(&h, 12);
	if (kit_seconds() - began < 0.15 || kit_seconds() - began > 3)
		fail_msg("ten samples took %g s", kit_seconds() - began);
	finish(&h);
}

/* Also while one looks at the past. */
static void test_on_frame(void **state)
{
	struct host h;

	(void)state;
	begin(&h, true, NS / 100, 1000 * NS, 1 << 20);
	source_go(h.source, SOURCE_LIVE, 0);
	source_go(h.source, SOURCE_AT, START);
	wait_for(&h, 10);
	source_close(h.source);
	assert_true(h.in_order);
	assert_true(h.samples >= 10);
	h.source = NULL;
	finish(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beginning), cmocka_unit_test(test_past),
		cmocka_unit_test(test_series),    cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_interval),  cmocka_unit_test(test_on_frame),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
