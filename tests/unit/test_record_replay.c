/* SPDX-License-Identifier: Apache-2.0 */
/* A recording as a source of the console: moments, steps, ends, series, and all frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "console_source.h"
#include "record_kit.h"
#include "source_kit.h"

#include <time.h>

static uint64_t at(double seconds)
{
	return KIT_START + (uint64_t)(seconds * 1e3) * 1000000;
}

static struct console_source *open_source(void)
{
	struct source_replay_options o = {.path = kit_path};
	struct console_source *s = NULL;
	char why[256] = "";

	if (source_open_replay(&s, &o, why, sizeof(why)) < 0)
		fail_msg("source_open_replay: %s", why);
	return s;
}

/* Asks and waits: the moment as text, and its time in s. */
static const char *ask(struct console_source *s, enum source_where where, uint64_t wall_ns,
		       double *ret_s)
{
	static char text[4096];
	struct moment *m;

	source_go(s, where, wall_ns);
	m = kit_moment(s);
	snprintf(text, sizeof(text), "%s", kit_text(m));
	assert_false(m->live);
	if (ret_s)
		*ret_s = m->wall_ns ? (double)(m->wall_ns - KIT_START) * 1e-9 : -1;
	moment_unref(m);
	return text;
}

/* Two hosts every 10 s, b a little later; c ends after 100 s. */
static int write_hosts(void **state)
{
	struct record_writer *w;

	if (kit_make_dir(state))
		return -1;
	w = kit_create(kit_path, 2000);
	for (unsigned i = 0; i < 200; i++) {
		kit_add(w, kit_frame("a", 1, i + 1, i * 10000, 10000));
		kit_add(w, kit_frame("b", 1, i + 1, i * 10000 + 40, 10000));
		if (i == 50) /* a feed that began anew */
			kit_add(w, kit_frame("a", 1, i, i * 10000 - 10000, 10000));
		if (i < 10)
			kit_add(w, kit_frame("c", 1, i + 1, i * 10000 + 20, 10000));
	}
	return record_close(w);
}

static void test_moments(void **state)
{
	struct console_source *s = open_source();
	struct source_status st;
	double t;

	(void)state;
	assert_null(source_take(s));
	source_status(s, &st);
	assert_string_equal(st.name, kit_path);
	assert_string_equal(st.error, "");
	assert_true(st.replay);
	assert_int_equal(st.oldest_wall_ns, at(0));
	assert_int_equal(st.newest_wall_ns, at(1990.04));
	assert_string_equal(ask(s, SOURCE_LIVE, 0, &t), "a:200-199 b:200-199");
	assert_float_equal(t, 1990.04, 1e-6);
	assert_string_equal(ask(s, SOURCE_BEFORE, at(1990.04), &t), "a:199-198 b:199-198");
	assert_float_equal(t, 1980.04, 1e-6);
	assert_string_equal(ask(s, SOURCE_AT, at(50.03), &t), "a:6-5 b:5-4 c:6-5");
	assert_float_equal(t, 50.02, 1e-6);
	assert_string_equal(ask(s, SOURCE_NEXT, at(50.03), &t), "a:7-6 b:7-6 c:7-6");
	assert_string_equal(ask(s, SOURCE_NEXT, at(60.04), &t), "a:8-7 b:8-7 c:8-7");
	assert_string_equal(ask(s, SOURCE_BEFORE, at(70.04), &t), "a:7-6 b:7-6 c:7-6");
	/* Silent: dimmed at first, then gone. */
	assert_string_equal(ask(s, SOURCE_AT, at(115), &t), "a:12-11 b:12-11 c:10-9");
	assert_string_equal(ask(s, SOURCE_AT, at(600), &t), "a:61-60 b:60-59 c!:10-9");
	assert_string_equal(ask(s, SOURCE_AT, at(700), &t), "a:71-70 b:70-69");
	/* A sample that is there twice counts once. */
	assert_string_equal(ask(s, SOURCE_AT, at(500.05), &t), "a:51-50 b:51-50 c!:10-9");
	source_close(s);
}

static void test_ends(void **state)
{
	struct console_source *s = open_source();

	(void)state;
	assert_string_equal(ask(s, SOURCE_AT, 1, NULL), "a:1 b:1 c:1");
	assert_string_equal(ask(s, SOURCE_BEFORE, at(0.04), NULL), "a:1 b:1 c:1");
	assert_string_equal(ask(s, SOURCE_BEFORE, 0, NULL), "a:1 b:1 c:1");
	assert_string_equal(ask(s, SOURCE_NEXT, at(1990.04), NULL), "a:200-199 b:200-199");
	assert_string_equal(ask(s, SOURCE_NEXT, UINT64_MAX, NULL), "a:200-199 b:200-199");
	assert_string_equal(ask(s, SOURCE_AT, UINT64_MAX, NULL), "a:200-199 b:200-199");
	source_close(s);
}

static void test_walk(void **state)
{
	struct console_source *s = open_source();
	double t, last = -1;
	unsigned n = 0;

	(void)state;
	/* All the way there and back: as many moments as there were. */
	for (ask(s, SOURCE_AT, 1, &t); t > last; n++) {
		last = t;
		ask(s, SOURCE_NEXT, at(t + 1e-6), &t);
	}
	assert_int_equal(n, 200);
	assert_float_equal(t, 1990.04, 1e-6);
	for (last = 1e9, n = 0; t < last; n++) {
		last = t;
		ask(s, SOURCE_BEFORE, at(t + 1e-6), &t);
	}
	assert_int_equal(n, 200);
	source_close(s);
}

static void test_series(void **state)
{
	struct console_source *s = open_source();
	struct moment *m;

	(void)state;
	source_follow(s, "b", 4);
	assert_string_equal(ask(s, SOURCE_AT, at(500.05), NULL),
			    "a:51-50 b:51-50 c!:10-9 | series b: 48 49 50 51");
	assert_string_equal(ask(s, SOURCE_NEXT, at(500.05), NULL),
			    "a:52-51 b:52-51 c!:10-9 | series b: 49 50 51 52");
	/* Another host: what is shown comes again, with it. */
	source_follow(s, "a", 3);
	m = kit_moment(s);
	assert_string_equal(kit_text(m), "a:52-51 b:52-51 c!:10-9 | series a: 50 51 52");
	moment_unref(m);
	/* The same again is nothing new. */
	source_follow(s, "a", 3);
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	assert_null(source_take(s));
	source_follow(s, NULL, 0);
	m = kit_moment(s);
	assert_string_equal(kit_text(m), "a:52-51 b:52-51 c!:10-9");
	moment_unref(m);
	source_follow(s, "nobody", 3);
	m = kit_moment(s);
	assert_string_equal(kit_text(m), "a:52-51 b:52-51 c!:10-9 | series nobody:");
	moment_unref(m);
	/* More than there are; and from the start. */
	source_follow(s, "c", UINT32_MAX);
	assert_string_equal(ask(s, SOURCE_AT, at(30), NULL), "a:4-3 b:3-2 c:3-2 | series c: 1 2 3");
	source_close(s);
}

/* Whatever way one comes to a time, the series is the same. */
static void test_series_kept(void **state)
{
	static const char *const hosts[] = {"a", "b", "c", "nobody"};
	struct console_source *s = open_source();
	uint32_t random = 1;
	uint64_t t = at(500);

	(void)state;
	for (unsigned i = 0; i < 600; i++) {
		const char *host = hosts[i / 20 % 4];
		struct record_reader *fresh;
		struct frame *frames[50];
		uint32_t n, most;
		struct moment *m;

		random = random * 1664525u + 1013904223u;
		most = 1 + i / 5 % 50;
		if (i % 9 == 0)
			t = at((random >> 8) % 2000);
		source_follow(s, host, most);
		source_go(s,
			  i % 9 == 0           ? SOURCE_AT
			  : (random >> 20) % 3 ? SOURCE_NEXT
					       : SOURCE_BEFORE,
			  t);
		m = kit_moment(s);
		t = m->wall_ns;
		fresh = kit_open(kit_path);
		n = record_series(fresh, host, t, frames, most);
		if (n != m->n_series)
			fail_msg("%u: %s: %u of them, not %u", i, host, m->n_series, n);
		for (uint32_t k = 0; k < n; k++) {
			if (frames[k]->sequence != m->series[k]->sequence)
				fail_msg("%u: %s: %u is %llu, not %llu", i, host, k,
					 (unsigned long long)m->series[k]->sequence,
					 (unsigned long long)frames[k]->sequence);
			frame_unref(frames[k]);
		}
		moment_unref(m);
		record_reader_close(fresh);
	}
	source_close(s);
}

/* Of questions that come faster than answers the last one is answered. */
static void test_replaced(void **state)
{
	struct console_source *s = open_source();
	struct moment *m = NULL;
	char text[4096];

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		source_go(s, SOURCE_AT, at(i % 1990));
	source_go(s, SOURCE_AT, at(300.05));
	m = kit_moment(s);
	snprintf(text, sizeof(text), "%s", kit_text(m));
	moment_unref(m);
	assert_string_equal(text, "a:31-30 b:31-30 c!:10-9");
	assert_null(source_take(s));
	/* Closed in the middle of one. */
	source_go(s, SOURCE_AT, at(300.05));
	source_close(s);
}

/* However far before its beginning one goes, something is shown. */
static void test_long_before(void **state)
{
	struct console_source *s = open_source();
	char first[200];

	(void)state;
	snprintf(first, sizeof(first), "%s", ask(s, SOURCE_AT, 1, NULL));
	assert_non_null(strstr(first, "a:"));
	assert_string_equal(ask(s, SOURCE_AT, 0, NULL), first);
	source_close(s);
}

/* ---- what is no recording, or no whole one ---- */

static void test_bad(void **state)
{
	char path[160], good[128], why[256] = "";
	struct console_source *s = NULL;
	struct source_status st;
	struct kit_bytes b = kit_load(kit_path);

	(void)state;
	strcpy(good, kit_path);
	snprintf(path, sizeof(path), "%s/other", kit_dir);
	kit_save(path, "something else", 14);
	assert_int_equal(source_open_replay(&s, &(struct source_replay_options){.path = path}, why,
					    sizeof(why)),
			 -EBADMSG);
	assert_non_null(strstr(why, path));
	/* Cut off: said, and shown up to there. */
	kit_save(path, b.p, b.n / 2);
	free(b.p);
	strcpy(kit_path, path);
	s = open_source();
	source_status(s, &st);
	assert_non_null(strstr(st.error, "cut off at byte"));
	assert_non_null(strstr(ask(s, SOURCE_LIVE, 0, NULL), "a:"));
	source_close(s);
	unlink(path);
	/* Nothing in it: an empty moment, and no hang. */
	kit_write(kit_path, 1, 0, false);
	s = open_source();
	source_follow(s, "a", 3);
	assert_string_equal(ask(s, SOURCE_LIVE, 0, NULL), " | series a:");
	assert_string_equal(ask(s, SOURCE_NEXT, 0, NULL), " | series a:");
	source_status(s, &st);
	assert_int_equal(st.oldest_wall_ns, 0);
	source_close(s);
	strcpy(kit_path, good);
}

/* The end of a recording that somebody writes: what is added comes by itself, until it is closed;
 * anywhere else nothing does. */
static void test_grows(void **state)
{
	struct record_writer *w;
	struct console_source *s;
	struct source_status st;
	struct moment *m;
	char path[160], was[128];
	double t;

	(void)state;
	strcpy(was, kit_path);
	snprintf(path, sizeof(path), "%s/grows", kit_dir);
	strcpy(kit_path, path);
	w = kit_create(path, 1);
	kit_add(w, kit_frame("a", 1, 1, 1000, 1000));
	kit_add(w, kit_frame("a", 1, 2, 2000, 1000));
	kit_wait_for_bytes(w);
	s = open_source();
	source_status(s, &st);
	assert_true(st.replay && st.grows && !*st.error);
	ask(s, SOURCE_LIVE, 0, &t);
	assert_true(t == 2);
	kit_add(w, kit_frame("a", 1, 3, 3000, 1000));
	m = kit_moment(s);
	assert_true(m->wall_ns == KIT_START + 3 * KIT_SECOND);
	moment_unref(m);
	/* A step beyond the end looks too. */
	kit_add(w, kit_frame("a", 1, 4, 4000, 1000));
	kit_wait_for_bytes(w);
	ask(s, SOURCE_NEXT, KIT_START + 3 * KIT_SECOND, &t);
	assert_true(t == 4);
	/* Nothing comes by itself where one is not at the end. */
	ask(s, SOURCE_AT, KIT_START + 2 * KIT_SECOND, &t);
	assert_true(t == 2);
	kit_add(w, kit_frame("a", 1, 5, 5000, 1000));
	record_close(w);
	nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 200000000}, NULL);
	assert_null(source_take(s));
	ask(s, SOURCE_LIVE, 0, &t);
	assert_true(t == 5);
	source_status(s, &st);
	assert_true(!st.grows && !*st.error && st.newest_wall_ns == KIT_START + 5 * KIT_SECOND);
	source_close(s);
	strcpy(kit_path, was);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments),     cmocka_unit_test(test_ends),
		cmocka_unit_test(test_walk),        cmocka_unit_test(test_series),
		cmocka_unit_test(test_series_kept), cmocka_unit_test(test_replaced),

		cmocka_unit_test(test_long_before), cmocka_unit_test(test_grows),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests_name("record_replay", tests, write_hosts, kit_remove_dir);
}
