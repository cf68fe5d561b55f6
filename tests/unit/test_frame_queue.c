/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from one thread to another: all of them, in order, and no more than there is room for. */
#include "frame_queue.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "make_frame.h"

#define FRAMES 2000u

static void *fill(void *arg)
{
	for (uint64_t i = 1; i <= FRAMES; i++) {
		struct frame_head h = make_head("h", 1, i);
		struct frame *f = frame_new(&h, "bytes", 5);

		frame_queue_put(arg, f);
		frame_unref(f);
	}
	return NULL;
}

static bool is_readable(const struct frame_queue *q, int ms)
{
	struct pollfd p = {.fd = q->fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

static void all_in_order(void **state)
{
	struct frame_queue q;
	pthread_t thread;
	uint64_t seen = 0;

	(void)state;
	assert_int_equal(frame_queue_init(&q), 0);
	assert_false(is_readable(&q, 0));
	assert_int_equal(pthread_create(&thread, NULL, fill, &q), 0);
	while (seen < FRAMES) {
		struct frame **list;
		uint32_t n;

		if (!is_readable(&q, 10000))
			fail_msg("nothing more after %lu frames", seen);
		list = frame_queue_take(&q, &n);
		for (uint32_t i = 0; i < n; i++) {
			if (list[i]->sequence != ++seen)
				fail_msg("frame %lu is number %lu", list[i]->sequence, seen);
			frame_unref(list[i]);
		}
		free(list);
	}
	pthread_join(thread, NULL);
	assert_int_equal(frame_queue_dropped(&q), 0);
	frame_queue_fini(&q);
}

static void no_more_than_there_is_room_for(void **state)
{
	const size_t size = (size_t)32 << 20;
	struct frame_head h = make_head("h", 1, 1);
	char *bytes = calloc(1, size);
	struct frame *f = frame_new(&h, bytes, size), **list;
	struct frame_queue q;
	uint32_t n;

	(void)state;
	assert_int_equal(frame_queue_init(&q), 0);
	for (unsigned i = 0; i < FRAME_QUEUE_BYTES / size + 3; i++)
		frame_queue_put(&q, f);
	assert_int_equal(frame_queue_dropped(&q), 3);
	list = frame_queue_take(&q, &n);
	assert_int_equal(n, FRAME_QUEUE_BYTES / size);
	for (uint32_t i = 0; i < n; i++)
		frame_unref(list[i]);
	free(list);
	frame_queue_put(&q, f); /* room again; freed with the queue */
	assert_int_equal(frame_queue_dropped(&q), 3);
	frame_unref(f);
	frame_queue_fini(&q);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_in_order),
		cmocka_unit_test(no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests_name("frame_queue", tests, NULL, NULL);
}
