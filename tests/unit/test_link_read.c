/* SPDX-License-Identifier: Apache-2.0 */
/* How a peer's bytes are cut into reads is its affair: one by one, or several messages at
 * once, each message is what it is, and they are answered in turn. */
#include "link_server_kit.h"

#include "xalloc.h"

#include <netinet/tcp.h>
#include <stdlib.h>

#define LARGEST 200000u

static uint8_t text[LARGEST];

/* Bytes of a whole conversation, on their way out. */
struct said {
	uint8_t *bytes;
	size_t n;
};

static void say(struct said *s, const void *bytes, size_t n)
{
	s->bytes = xrealloc(s->bytes, s->n + n + 1, 1);
	memcpy(s->bytes + s->n, bytes, n);
	s->n += n;
}

static void say_hello(struct said *s)
{
	const uint8_t hello[8] = {0, 'S', 'P', 0, 0, SP_REQ, 0, 0};

	say(s, hello, sizeof(hello));
}

static void say_request(struct said *s, uint8_t number, size_t size)
{
	uint8_t head[12] = {0};

	for (int i = 0; i < 8; i++)
		head[i] = (uint8_t)((uint64_t)(4 + size) >> (56 - 8 * i));
	head[8] = 0x80;
	head[11] = number;
	say(s, head, sizeof(head));
	say(s, text, size);
}

static void forget(struct said *s)
{
	free(s->bytes);
	*s = (struct said){0};
}

static bool hear(int fd, uint8_t *to, size_t n)
{
	while (n) {
		ssize_t r = recv(fd, to, n, 0);

		if (r <= 0)
			return false;
		to += r;
		n -= (size_t)r;
	}
	return true;
}

static void hear_hello(int fd)
{
	uint8_t hello[8];

	assert_true(hear(fd, hello, sizeof(hello)));
	assert_memory_equal(hello, "\0SP\0\0\x31\0\0", 8);
}

/* The answer to that request, which is "re:" and the text. */
static void hear_answer(int fd, const char *what, uint8_t number, size_t size)
{
	static uint8_t answer[LARGEST + 15];
	uint64_t n = 0;

	if (!hear(fd, answer, 8))
		fail_msg("%s: request %u of %zu bytes is not answered", what, number, size);
	for (int i = 0; i < 8; i++)
		n = n << 8 | answer[i];
	if (n != 7 + size)
		fail_msg("%s: request %u of %zu bytes is answered with %llu", what, number, size,
			 (unsigned long long)n);
	assert_true(hear(fd, answer, (size_t)n));
	if (answer[3] != number)
		fail_msg("%s: %u is answered and not %u", what, answer[3], number);
	assert_memory_equal(answer + 4, "re:", 3);
	assert_memory_equal(answer + 7, text, size);
}

static void test_pieces(void **state)
{
	static const size_t pieces[] = {1, 3, 7, 8, 11, 12, 13, 511, 512, 513};
	static const size_t sizes[] = {0, 1, 30, 600};
	struct said s = {0};
	struct station st;
	char what[64];

	(void)state;
	station_open(&st, 2, 64, LARGEST);
	say_hello(&s);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		say_request(&s, (uint8_t)i, sizes[i]);
	for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); k++) {
		int fd = raw_connect(st.server), one = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		snprintf(what, sizeof(what), "in pieces of %zu", pieces[k]);
		for (size_t at = 0; at < s.n; at += pieces[k])
			raw_send(fd, s.bytes + at, s.n - at < pieces[k] ? s.n - at : pieces[k]);
		hear_hello(fd);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			hear_answer(fd, what, (uint8_t)i, sizes[i]);
		close(fd);
	}
	forget(&s);
	station_close(&st);
}

/* Many more than may be under way at once: each is answered before the next is taken. */
static void test_together(void **state)
{
	struct said s = {0};
	struct station st;
	int fd;

	(void)state;
	station_open(&st, 2, 64, LARGEST);
	fd = raw_connect(st.server);
	say_hello(&s);
	for (uint8_t i = 0; i < 200; i++)
		say_request(&s, i, i % 7);
	raw_send(fd, s.bytes, s.n);
	hear_hello(fd);
	for (uint8_t i = 0; i < 200; i++)
		hear_answer(fd, "all at once", i, i % 7);
	close(fd);
	forget(&s);
	station_close(&st);
}

/* Of a stranger, then of one who is known, around the sizes of what is read at once. */
static void test_sizes(void **state)
{
	static const size_t around[] = {500, 512, 620, 700, 3000, 65516, 65524, 65536, 131072};
	struct station st;
	int fd;

	(void)state;
	station_open(&st, 2, 64, LARGEST);
	for (size_t k = 0; k < sizeof(around) / sizeof(*around); k++) {
		fd = raw_connect(st.server);
		for (size_t i = 0; i < 48; i++) {
			size_t size = around[k] - 16 + i % 32;
			struct said s = {0};

			if (i == 0)
				say_hello(&s);
			/* And the next one's beginning, and its end. */
			say_request(&s, (uint8_t)i, size);
			say_request(&s, (uint8_t)(100 + i), i);
			raw_send(fd, s.bytes, s.n);
			if (i == 0)
				hear_hello(fd);
			hear_answer(fd, "two at once", (uint8_t)i, size);
			hear_answer(fd, "two at once", (uint8_t)(100 + i), i);
			forget(&s);
		}
		close(fd);
	}
	station_close(&st);
}

/* After what is wrong nothing more is taken, whatever came with it. */
static void test_nothing_after(void **state)
{
	struct said s = {0};
	struct link_stats stats;
	struct station st;
	int fd;

	(void)state;
	station_open(&st, 2, 64, LARGEST);
	fd = raw_connect(st.server);
	say_hello(&s);
	say_request(&s, 1, 10);
	say(&s, "\0\0\0\0\0\0\0\2\x80\0", 10); /* has no number */
	say_request(&s, 2, 10);
	raw_send(fd, s.bytes, s.n);
	assert_true(raw_closed(fd));
	link_stats(st.server, &stats);
	assert_int_equal(stats.requests, 1);
	close(fd);
	forget(&s);
	station_close(&st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_nothing_after),
	};

	for (size_t i = 0; i < LARGEST; i++)
		text[i] = (uint8_t)(i * 13 + i / 251);
	memcpy(text, "take", 4);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
