/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for a tcp peer: order, limits, and what a broken connection means. */
#include "sink_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct sink_queue q;
static unsigned done_n;
static size_t done_bytes;

static void done(void *arg, size_t n)
{
	assert_ptr_equal(arg, &q);
	done_n++;
	done_bytes += n;
}

static int begin(void **state)
{
	(void)state;
	sink_queue_init(&q, 100, 6);
	done_n = 0;
	done_bytes = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	sink_queue_clear(&q);
	return q.n || q.bytes || q.waiting.first || q.flying.first || q.current;
}

/* How many had to go; -1 when it was refused. */
static int push(const char *text)
{
	int refused;
	unsigned n = sink_queue_push(&q, sink_record_new(text, strlen(text)), &refused);

	if (refused && n != 1)
		fail_msg("%s: refused, and %u dropped", text, n);
	return refused ? -1 : (int)n;
}

static void push_sized(size_t size, int want)
{
	char text[128];
	int n;

	memset(text, 'x', size);
	text[size] = '\0';
	n = push(text);
	if (n != want)
		fail_msg("%zu bytes: %d, not %d", size, n, want);
}

/* Writes up to most bytes of the next record and checks what they are. */
static void write_next(const char *want, size_t most)
{
	const char *data = "";
	size_t n = sink_queue_next(&q, &data);

	if (n != strlen(want) || memcmp(data, want, n))
		fail_msg("next is \"%.*s\", not \"%s\"", (int)n, data, want);
	if (n)
		sink_queue_sent(&q, n < most ? n : most);
}

static void test_order(void **state)
{
	(void)state;
	assert_int_equal(push("one"), 0);
	assert_int_equal(push("two"), 0);
	write_next("one", 100);
	assert_int_equal(push("three"), 0);
	write_next("two", 1);
	write_next("wo", 1);
	write_next("o", 1);
	write_next("three", 100);
	write_next("", 0);
	assert_int_equal(q.n, 3); /* nothing has arrived yet */
	sink_queue_acked(&q, 11, done, &q);
	assert_int_equal(done_n, 0);
	sink_queue_acked(&q, 8, done, &q);
	assert_int_equal(done_n, 1);
	sink_queue_acked(&q, 6, done, &q); /* in the middle of the second */
	assert_int_equal(done_n, 1);
	sink_queue_acked(&q, 0, done, &q);
	assert_int_equal(done_n, 3);
	assert_int_equal(done_bytes, 11);
	assert_int_equal(q.n, 0);
	assert_int_equal(q.bytes, 0);
}

static void test_rewind(void **state)
{
	(void)state;
	sink_queue_rewind(&q); /* with nothing in it */
	push("one");
	push("two");
	push("three");
	push("four");
	write_next("one", 100);
	write_next("two", 100);
	write_next("three", 2);
	sink_queue_acked(&q, 5, done, &q);
	assert_int_equal(done_n, 1);
	sink_queue_rewind(&q);
	push("five");
	/* From its start what was not acknowledged; in order. */
	write_next("two", 100);
	write_next("three", 100);
	write_next("four", 100);
	sink_queue_acked(&q, 0, done, &q);
	assert_int_equal(done_n, 4);
	sink_queue_rewind(&q);
	write_next("five", 100);
	sink_queue_rewind(&q); /* all in flight, nothing waits */
	write_next("five", 100);
	write_next("", 0);
	push("six");
	write_next("six", 100);
	/* More unacknowledged than written is nonsense: nothing has arrived. */
	sink_queue_acked(&q, 1000, done, &q);
	assert_int_equal(done_n, 4);
	sink_queue_acked(&q, 0, done, &q);
	assert_int_equal(done_n, 6);
}

static void test_bytes(void **state)
{
	(void)state;
	push_sized(101, -1);
	push_sized(100, 0);
	push_sized(100, 1);
	push_sized(40, 1);
	push_sized(40, 0);
	push_sized(21, 1);
	push_sized(39, 0);
	assert_int_equal(q.bytes, 100);
	push_sized(61, 2);
	assert_int_equal(q.bytes, 100);
	assert_int_equal(q.n, 2);
}

static void test_records(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		push_sized(1, 0);
	push_sized(1, 1);
	assert_int_equal(q.n, 6);
	push_sized(99, 5);
	assert_int_equal(q.n, 2);
}

/* What is on its way stays; the oldest that waits goes. */
static void test_on_its_way(void **state)
{
	const char *data;

	(void)state;
	push("on its way");
	push("being sent");
	push("waiting 1");
	push("waiting 2");
	write_next("on its way", 100);
	assert_int_equal(sink_queue_next(&q, &data), 10);
	push_sized(70, 1);
	push_sized(10, 1);
	/* The bytes that were handed out are still those. */
	assert_memory_equal(data, "being sent", 10);
	sink_queue_sent(&q, 5);
	/* Does not fit beside the two: then nothing goes for it. */
	push_sized(81, -1);
	assert_int_equal(q.n, 4);
	push_sized(80, 2);
	assert_int_equal(q.n, 3);
	assert_memory_equal(data, "being sent", 10);
	write_next(" sent", 100);
	/* When the connection breaks these are the oldest. */
	sink_queue_rewind(&q);
	push_sized(20, 2);
	assert_int_equal(q.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, begin, end),
		cmocka_unit_test_setup_teardown(test_rewind, begin, end),
		cmocka_unit_test_setup_teardown(test_bytes, begin, end),
		cmocka_unit_test_setup_teardown(test_records, begin, end),
		cmocka_unit_test_setup_teardown(test_on_its_way, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
