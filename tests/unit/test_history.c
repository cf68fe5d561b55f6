/* SPDX-License-Identifier: Apache-2.0 */
/* The kept frames of all hosts: order, bounds, and what a reader is given. */
#include "history.h"
#include "make_frame.h"
#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS   1000000ull
#define ROOM 100

static uint64_t next_sequence[8];

static void add(struct history *h, uint32_t host, uint64_t now_ms)
{
	char id[16];
	struct frame *f;

	snprintf(id, sizeof(id), "h%u", host);
	f = make_frame(id, 1, ++next_sequence[host], 100);
	history_add(h, host, f, now_ms * MS);
	frame_unref(f);
}

static struct history *begin(uint64_t keep_ms, size_t bytes)
{
	struct history_options o = {.keep_ns = keep_ms * MS, .keep_bytes = bytes};

	memset(next_sequence, 0, sizeof(next_sequence));
	return history_new(&o);
}

/* What is given, as "h1:5 h0:6 " and its cursor and skipped at the end. */
static const char *get(struct history *h, struct history_query q)
{
	static char text[1024];
	struct frame *frames[ROOM];
	uint32_t hosts[ROOM];
	struct history_answer a;
	size_t used = 0;

	if (!q.max_frames)
		q.max_frames = ROOM;
	if (!q.max_bytes)
		q.max_bytes = SIZE_MAX;
	history_get(h, &q, frames, hosts, &a);
	for (unsigned i = 0; i < a.n; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "h%u:%llu ", hosts[i],
					 (unsigned long long)frames[i]->sequence);
		frame_unref(frames[i]);
	}
	snprintf(text + used, sizeof(text) - used, "@%llu -%llu", (unsigned long long)a.cursor,
		 (unsigned long long)a.skipped);
	return text;
}

#define assert_get(h, want, ...)                                                                   \
	assert_string_equal(get(h, (struct history_query){__VA_ARGS__}), want)

static void test_empty(void **state)
{
	struct history *h = begin(1000, 1 << 20);

	(void)state;
	assert_get(h, "@0 -0", .cursor = 0);
	assert_get(h, "@0 -0", .cursor = FEED_LIVE);
	/* A cursor from another life. */
	assert_get(h, "@0 -0", .cursor = 77);
	assert_null(history_newest(h, 0));
	assert_null(history_newest(h, 1000));
	history_forget(h, 3);
	history_free(h);
	history_free(NULL);
}

static void test_order(void **state)
{
	struct history *h = begin(1000, 1 << 20);
	struct frame *f;

	(void)state;
	add(h, 0, 1);
	add(h, 1, 2);
	add(h, 0, 3);
	assert_get(h, "h0:1 h1:1 h0:2 @3 -0", .cursor = 0);
	assert_get(h, "h1:1 h0:2 @3 -0", .cursor = 1);
	assert_get(h, "@3 -0", .cursor = 3);
	assert_get(h, "h1:1 h0:2 @3 -0", .cursor = FEED_LIVE);
	assert_get(h, "h0:1 h1:1 @2 -0", .cursor = 0, .max_frames = 2);
	/* One in any case, however small the limit. */
	assert_get(h, "h0:1 @1 -0", .cursor = 0, .max_bytes = 1);
	f = history_newest(h, 0);
	assert_int_equal(f->sequence, 2);
	frame_unref(f);
	history_free(h);
}

static void test_wanted(void **state)
{
	struct history *h = begin(1000, 1 << 20);
	const bool second[] = {false, true};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		add(h, 0, i);
		add(h, 1, i);
		add(h, 2, i);
	}
	assert_get(h, "h1:1 h1:2 h1:3 @9 -0", .cursor = 0, .wants = second, .n_wants = 2);
	assert_get(h, "h1:2 h1:3 @9 -0", .cursor = 2, .wants = second, .n_wants = 2);
	assert_get(h, "@9 -0", .cursor = 8, .wants = second, .n_wants = 2);
	assert_get(h, "h1:3 @9 -0", .cursor = FEED_LIVE, .wants = second, .n_wants = 2);
	history_free(h);
}

static void test_latest_only(void **state)
{
	struct history *h = begin(1000, 1 << 20);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		add(h, 0, i);
		add(h, 1, i);
	}
	add(h, 0, 9); /* arrival 9 */
	assert_get(h, "h1:4 h0:5 @9 -5", .cursor = 2, .latest_only = true);
	assert_get(h, "h0:5 @9 -0", .cursor = 8, .latest_only = true);
	/* Cut short: what follows comes with the next question. */
	assert_get(h, "h1:4 @8 -5", .cursor = 2, .latest_only = true, .max_frames = 1);
	history_free(h);
}

static void test_age(void **state)
{
	struct history *h = begin(100, 1 << 20);

	(void)state;
	add(h, 0, 0);
	add(h, 0, 50);
	add(h, 1, 60);
	add(h, 1, 120);
	/* The first one is too old; h0's newest and all of h1's are there. */
	assert_get(h, "h0:2 h1:1 h1:2 @4 -0", .cursor = 0);
	add(h, 1, 300);
	/* h0's newest stays, however old. */
	assert_get(h, "h0:2 h1:3 @5 -0", .cursor = 0);
	assert_get(h, "h0:2 h1:3 @5 -2", .cursor = 1);
	assert_get(h, "h1:3 @5 -1", .cursor = 3);
	history_forget(h, 0);
	assert_get(h, "h1:3 @5 -0", .cursor = 0);
	history_free(h);
}

static void test_bytes(void **state)
{
	struct frame *one = make_frame("h0", 1, 1, 100);
	size_t size = one->size;
	struct history *h = begin(1000000, 3 * size + size / 2);
	struct history_stats st;

	(void)state;
	frame_unref(one);
	for (unsigned i = 0; i < 10; i++)
		add(h, 0, i);
	history_stats(h, &st);
	/* Three, and the newest, which does not count. */
	assert_int_equal(st.frames, 4);
	assert_int_equal(st.arrived, 10);
	assert_in_range(st.bytes, 4 * size - 20, 4 * size + 40);
	assert_get(h, "h0:7 h0:8 h0:9 h0:10 @10 -4", .cursor = 2);
	history_free(h);
}

static void test_newest_only(void **state)
{
	struct history *h = begin(0, 1 << 20);
	struct history_stats st;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		add(h, 0, i);
		add(h, 1, i);
	}
	history_stats(h, &st);
	assert_int_equal(st.frames, 2);
	assert_get(h, "h0:5 h1:5 @10 -0", .cursor = FEED_LIVE);
	assert_get(h, "h0:5 h1:5 @10 -6", .cursor = 2);
	assert_get(h, "h1:5 @10 -0", .cursor = 9);
	history_free(h);
}

static void test_times(void **state)
{
	struct history *h = begin(1000000, 1 << 20);
	uint64_t zero = make_head("", 1, 0).wall_ns;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		add(h, 0, i);
	assert_get(h, "h0:3 h0:4 h0:5 @10 -0", .cursor = 0, .from_wall_ns = zero + 3000000000u,
		   .to_wall_ns = zero + 5000000000u);
	history_free(h);
}

static void test_forget_in_ring(void **state)
{
	struct history *h = begin(1000, 1 << 20);
	struct history_stats st;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		add(h, 0, i);
		add(h, 1, i);
	}
	history_forget(h, 0);
	assert_get(h, "h1:1 h1:2 h1:3 @6 -0", .cursor = 0);
	/* The number is another host's now. */
	next_sequence[0] = 50;
	add(h, 0, 4);
	assert_get(h, "h1:1 h1:2 h1:3 h0:51 @7 -0", .cursor = 0);
	history_stats(h, &st);
	assert_int_equal(st.frames, 4);
	for (unsigned i = 0; i < 100; i++)
		add(h, 0, 5000 + i);
	history_forget(h, 0);
	history_forget(h, 1);
	history_stats(h, &st);
	assert_int_equal(st.frames, 0);
	assert_int_equal(st.bytes, 0);
	history_free(h);
}

/* Growth and shrinking do not change what is there. */
static void test_many(void **state)
{
	struct history *h = begin(10, 64 << 20);
	struct history_stats st;

	(void)state;
	for (unsigned i = 0; i < 2000; i++)
		add(h, i % 5, i / 500);
	history_stats(h, &st);
	assert_int_equal(st.frames, 2000);
	add(h, 0, 1000);
	history_stats(h, &st);
	assert_int_equal(st.frames, 5);
	assert_get(h, "h1:400 h2:400 h3:400 h4:400 h0:401 @2001 -0", .cursor = 0);
	history_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_latest_only),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_newest_only),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_forget_in_ring),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
