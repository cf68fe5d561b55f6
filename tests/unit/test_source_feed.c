/* SPDX-License-Identifier: Apache-2.0 */
/* The console at a real feed: live, the past, a server that goes and comes back, keys. */
#include "console_source.h"

#include "log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "feed_kit.h"
#include "source_kit.h"

#define NS 1000000000ull

static struct console_source *open_at(const char *url, const struct keyring *keys,
				      uint64_t interval_ns)
{
	struct source_feed_options o = {.url = url, .keys = keys, .interval_ns = interval_ns};
	struct console_source *s;
	char why[256] = "";

	if (source_open_feed(&s, &o, why, sizeof(why)))
		fail_msg("source_open_feed: %s", why);
	return s;
}

static void assert_text(struct moment *m, const char *want)
{
	assert_string_equal(kit_text(m), want);
	moment_unref(m);
}

static void add_all(struct feed_kit *k, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		for (uint32_t h = 0; h < k->hosts; h++)
			kit_add(k, h);
}

/* The first moment has the newest of all, with the one before for the rates; then new ones
 * come as their frames do. */
static void test_live(void **state)
{
	struct console_source *s;
	struct feed_kit k;
	struct moment *m;
	double began;

	(void)state;
	kit_begin(&k, 2, NULL);
	add_all(&k, 5);
	began = kit_seconds();
	s = open_at(k.url, NULL, 3 * NS);
	source_go(s, SOURCE_LIVE, 0);
	m = kit_moment(s);
	assert_true(kit_seconds() - began < 1);
	assert_true(m->live);
	assert_true(m->wall_ns == kit_wall(5));
	assert_int_equal(m->hosts[0].about.lost, 7);
	assert_text(m, "h0:5-4 h1:5-4");
	add_all(&k, 1);
	began = kit_seconds();
	m = kit_until(s, "h0:6-5 h1:6-5");
	/* Soon after they came, though the interval is longer. */
	assert_true(kit_seconds() - began < 1);
	moment_unref(m);
	source_close(s);
	kit_finish(&k);
}

/* An interval without news brings a moment all the same: the ages go on. */
static void test_ages(void **state)
{
	struct console_source *s;
	struct feed_kit k;
	struct moment *m;
	uint64_t age = 0;

	(void)state;
	kit_begin(&k, 1, NULL);
	add_all(&k, 2);
	k.age_ms = 2500;
	s = open_at(k.url, NULL, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	m = kit_moment(s);
	assert_in_range(m->hosts[0].about.age_ms, 2500, 2900);
	assert_false(m->hosts[0].about.stale);
	moment_unref(m);
	kit_stop(&k);
	for (int i = 0; i < 8 && age < 3000; i++) {
		m = kit_moment(s);
		assert_true(m->hosts[0].about.age_ms >= age);
		age = m->hosts[0].about.age_ms;
		assert_int_equal(m->hosts[0].about.stale, age >= 3000);
		moment_unref(m);
	}
	assert_true(age >= 3000);
	source_close(s);
	kit_finish(&k);
}

static void test_past(void **state)
{
	static const struct {
		enum source_where where;
		double at; /* in seconds, as the frames' numbers are */
		const char *want;
	} cases[] = {
		{SOURCE_AT, 5, "h0:5-4 h1:5-4 h2:5-4"},
		{SOURCE_AT, 5.5, "h0:5-4 h1:5-4 h2:5-4"},
		{SOURCE_NEXT, 5, "h0:6-5 h1:6-5 h2:6-5"},
		{SOURCE_NEXT, 5.2, "h0:6-5 h1:6-5 h2:6-5"},
		{SOURCE_BEFORE, 5, "h0:4-3 h1:4-3 h2:4-3"},
		/* Silent since 10: far back, and old. */
		{SOURCE_AT, 40, "h0:40-39 h1:40-39 h2!:10-9"},
		{SOURCE_BEFORE, 40, "h0:39-38 h1:39-38 h2!:10-9"},
		/* Beyond the ends. */
		{SOURCE_AT, 1000, "h0:40-39 h1:40-39 h2!:10-9"},
		{SOURCE_NEXT, 40, "h0:40-39 h1:40-39 h2!:10-9"},
		{SOURCE_AT, -5, "h0:1 h1:1 h2:1"},
		{SOURCE_BEFORE, 1, "h0:1 h1:1 h2:1"},
		{SOURCE_NEXT, -5, "h0:1 h1:1 h2:1"},
	};
	struct moment *m;
	struct source_status st;
	struct console_source *s;
	struct feed_kit k;

	(void)state;
	kit_begin(&k, 3, NULL);
	add_all(&k, 10);
	k.hosts = 2;
	add_all(&k, 30);
	k.hosts = 3;
	k.stale[2] = true;
	s = open_at(k.url, NULL, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	assert_text(kit_moment(s), "h0:40-39 h1:40-39 h2!:10");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		source_go(s, cases[i].where, kit_wall(0) + (uint64_t)(int64_t)(cases[i].at * 1e9));
		m = kit_moment(s);
		if (m->live || strcmp(kit_text(m), cases[i].want))
			fail_msg("case %zu: %s%s, not %s", i, m->live ? "live " : "", kit_text(m),
				 cases[i].want);
		moment_unref(m);
	}
	source_status(s, &st);
	assert_string_equal(st.error, "");
	assert_string_equal(st.name, k.url);
	assert_true(st.oldest_wall_ns == kit_wall(1) && st.newest_wall_ns == kit_wall(40));
	/* And back. */
	source_go(s, SOURCE_LIVE, 0);
	m = kit_moment(s);
	assert_true(m->live);
	moment_unref(m);
	source_close(s);
	kit_finish(&k);
}

/* Steps through all there is, one by one, both ways. */
static void test_steps(void **state)
{
	struct console_source *s;
	struct feed_kit k;
	uint64_t at = kit_wall(20);

	(void)state;
	kit_begin(&k, 3, NULL);
	add_all(&k, 20);
	s = open_at(k.url, NULL, NS);
	source_go(s, SOURCE_LIVE, 0);
	moment_unref(kit_moment(s));
	for (unsigned i = 19; i >= 1; i--) {
		struct moment *m;

		source_go(s, SOURCE_BEFORE, at);
		m = kit_moment(s);
		assert_int_equal(m->hosts[1].now->sequence, i);
		at = m->wall_ns;
		assert_true(at == kit_wall(i));
		moment_unref(m);
	}
	for (unsigned i = 2; i <= 20; i++) {
		struct moment *m;

		source_go(s, SOURCE_NEXT, at);
		m = kit_moment(s);
		assert_int_equal(m->hosts[1].now->sequence, i);
		at = m->wall_ns;
		moment_unref(m);
	}
	source_close(s);
	kit_finish(&k);
}

static void test_series(void **state)
{
	struct console_source *s;
	struct feed_kit k;

	(void)state;
	kit_begin(&k, 2, NULL);
	add_all(&k, 9);
	s = open_at(k.url, NULL, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	moment_unref(kit_moment(s));
	source_follow(s, "h1", 4);
	moment_unref(kit_until(s, "h0:9-8 h1:9-8 | series h1: 6 7 8 9"));
	add_all(&k, 1);
	moment_unref(kit_until(s, "h0:10-9 h1:10-9 | series h1: 7 8 9 10"));
	/* In the past, up to that time; changing it does not change the time. */
	source_go(s, SOURCE_BEFORE, kit_wall(7));
	assert_text(kit_moment(s), "h0:6-5 h1:6-5 | series h1: 3 4 5 6");
	source_follow(s, "h0", 3);
	assert_text(kit_moment(s), "h0:6-5 h1:6-5 | series h0: 4 5 6");
	source_follow(s, NULL, 0);
	assert_text(kit_moment(s), "h0:6-5 h1:6-5");
	source_follow(s, "h0", 2);
	assert_text(kit_moment(s), "h0:6-5 h1:6-5 | series h0: 5 6");
	source_go(s, SOURCE_LIVE, 0);
	moment_unref(kit_until(s, "h0:10-9 h1:10-9 | series h0: 9 10"));
	source_close(s);
	kit_finish(&k);
}

/* Frames handed over, as "h0:4 h0:5 h1:5". */
struct heard {
	pthread_mutex_t lock;
	char text[2048];
};

static void hear(void *arg, struct frame *f)
{
	struct heard *h = arg;
	struct frame_head head;
	size_t used;

	assert_int_equal(frame_head_decode(&head, f->bytes, f->size), 0);
	pthread_mutex_lock(&h->lock);
	used = strlen(h->text);
	snprintf(h->text + used, sizeof(h->text) - used, "%s:%llu ", head.host_id,
		 (unsigned long long)head.sequence);
	pthread_mutex_unlock(&h->lock);
}

static void assert_heard(struct heard *h, const char *want)
{
	char text[2048] = "";

	for (int i = 0; i < 500 && strcmp(text, want); i++) {
		pthread_mutex_lock(&h->lock);
		memcpy(text, h->text, sizeof(text));
		pthread_mutex_unlock(&h->lock);
		nanosleep(&(struct timespec){0, 5000000}, NULL);
	}
	assert_string_equal(text, want);
}

/* The server goes: that is said, what was there stays and grows old; it comes back as another
 * instance: all goes on by itself, and no frame is missed or handed over twice. */
static void test_restart(void **state)
{
	struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct console_source *s;
	struct feed_kit k;
	double began;

	(void)state;
	kit_begin(&k, 2, NULL);
	add_all(&k, 5);
	s = open_at(k.url, NULL, NS / 5);
	source_on_frame(s, hear, &heard);
	source_go(s, SOURCE_LIVE, 0);
	moment_unref(kit_moment(s));
	assert_heard(&heard, "h0:4 h0:5 h1:4 h1:5 ");
	kit_stop(&k);
	assert_non_null(strstr(kit_error(s, true), "again"));
	moment_unref(kit_until(s, "h0:5-4 h1:5-4"));
	add_all(&k, 3);
	began = kit_seconds();
	kit_serve(&k, 4712, NULL);
	moment_unref(kit_until(s, "h0:8-7 h1:8-7"));
	assert_true(kit_seconds() - began < 4.5);
	assert_string_equal(kit_error(s, false), "");
	kit_add(&k, 1);
	moment_unref(kit_until(s, "h0:8-7 h1:9-8"));
	assert_heard(&heard, "h0:4 h0:5 h1:4 h1:5 h0:6 h1:6 h0:7 h1:7 h0:8 h1:8 h1:9 ");
	source_close(s);
	kit_finish(&k);
}

/* A feed that comes later. */
static void test_not_there_yet(void **state)
{
	struct console_source *s;
	struct feed_kit k;
	struct moment *m;
	double began;

	(void)state;
	kit_begin(&k, 1, NULL);
	kit_stop(&k);
	began = kit_seconds();
	s = open_at(k.url, NULL, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	m = kit_moment(s);
	assert_true(kit_seconds() - began < 0.9);
	assert_int_equal(m->n, 0);
	moment_unref(m);
	assert_non_null(strstr(kit_error(s, true), "not reachable"));
	add_all(&k, 2);
	kit_serve(&k, 4712, NULL);
	moment_unref(kit_until(s, "h0:2-1"));
	source_close(s);
	kit_finish(&k);
}

static void test_keys(void **state)
{
	struct keyring a = {.n = 1, .key = {{1}}}, b = {.n = 1, .key = {{2}}};
	struct console_source *s;
	struct feed_kit k;

	(void)state;
	kit_begin(&k, 1, &a);
	add_all(&k, 2);
	s = open_at(k.url, NULL, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	assert_non_null(strstr(kit_error(s, true), "give its --key-file"));
	source_close(s);
	s = open_at(k.url, &b, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	assert_non_null(strstr(kit_error(s, true), "another key"));
	source_close(s);
	s = open_at(k.url, &a, NS / 5);
	source_go(s, SOURCE_LIVE, 0);
	assert_text(kit_moment(s), "h0:2-1");
	source_close(s);
	kit_finish(&k);
}

/* A host that its feed has forgotten goes; a stale one stays. */
static void test_forgotten(void **state)
{
	struct console_source *s;
	struct feed_kit k;

	(void)state;
	kit_begin(&k, 3, NULL);
	add_all(&k, 2);
	k.stale[1] = k.stale[2] = true;
	s = open_at(k.url, NULL, NS / 10);
	source_go(s, SOURCE_LIVE, 0);
	assert_text(kit_moment(s), "h0:2-1 h1!:2-1 h2!:2-1");
	history_forget(k.history, 2);
	k.gone[2] = true;
	for (int i = 0; i < 4; i++) {
		kit_add(&k, 0);
		nanosleep(&(struct timespec){0, 60000000}, NULL);
	}
	moment_unref(kit_until(s, "h0:6-5 h1!:2-1"));
	source_close(s);
	kit_finish(&k);
}

/* Questions that come faster than their answers: the last one is answered. */
static void test_hurry(void **state)
{
	struct console_source *s;
	struct feed_kit k;

	(void)state;
	kit_begin(&k, 1, NULL);
	add_all(&k, 100);
	s = open_at(k.url, NULL, NS / 10);
	source_go(s, SOURCE_LIVE, 0);
	moment_unref(kit_moment(s));
	for (unsigned i = 1; i <= 60; i++)
		source_go(s, SOURCE_AT, kit_wall(i));
	assert_text(kit_moment(s), "h0:60-59");
	/* Closing does not wait for an answer. */
	source_go(s, SOURCE_BEFORE, kit_wall(50));
	source_close(s);
	kit_finish(&k);
}

static void test_bad_url(void **state)
{
	struct source_feed_options o = {.url = "ipc:///x", .interval_ns = NS};
	struct console_source *s;
	char why[256] = "";

	(void)state;
	assert_int_equal(source_open_feed(&s, &o, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "tcp://HOST:PORT"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),          cmocka_unit_test(test_ages),
		cmocka_unit_test(test_past),          cmocka_unit_test(test_steps),
		cmocka_unit_test(test_series),        cmocka_unit_test(test_restart),
		cmocka_unit_test(test_not_there_yet), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_forgotten),     cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_bad_url),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
