/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are no clients, or bad ones, by the hundred: a good client is served on, and
 * what they can hold is bounded. */
#include "link_server_kit.h"

#define ROUNDS 40u

/* ---- ways not to be a client ---- */

static void says_nothing(int fd)
{
	(void)fd;
}

static void says_half_a_hello(int fd)
{
	raw_send(fd, "\0SP\0", 4);
}

static void speaks_http(int fd)
{
	raw_send(fd, "GET / HTTP/1.0\r\n\r\n", 18);
}

static void speaks_tls(int fd)
{
	raw_send(fd, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
}

static void is_a_subscriber(int fd)
{
	raw_hello(fd, SP_SUB);
	raw_request(fd, 1, "take");
}

static void stops_in_a_length(int fd)
{
	raw_hello(fd, SP_REQ);
	raw_send(fd, "\0\0\0", 3);
}

static void stops_in_a_message(int fd)
{
	raw_hello(fd, SP_REQ);
	raw_length(fd, 1000);
	raw_send(fd, "\x80\0\0\1take", 8);
}

static void lies_about_the_length(int fd)
{
	raw_hello(fd, SP_REQ);
	raw_length(fd, 1ull << 62);
	raw_send(fd, "\x80\0\0\1take", 8);
}

static void has_no_number(int fd)
{
	raw_hello(fd, SP_REQ);
	raw_length(fd, 2);
	raw_send(fd, "\x80\0", 2);
}

static void has_only_hops(int fd)
{
	char zeros[400] = {0};

	raw_hello(fd, SP_REQ);
	raw_length(fd, sizeof(zeros));
	raw_send(fd, zeros, sizeof(zeros));
}

static void asks_and_goes(int fd)
{
	raw_hello(fd, SP_REQ);
	raw_request(fd, 1, "take");
	raw_request(fd, 2, "drop");
}

static const struct {
	const char *name;
	void (*way)(int fd);
	bool closed; /* the server ends it */
} ways[] = {
	{"says nothing", says_nothing, false},
	{"says half a hello", says_half_a_hello, false},
	{"speaks http", speaks_http, true},
	{"speaks TLS", speaks_tls, true},
	{"is a subscriber", is_a_subscriber, true},
	{"stops in a length", stops_in_a_length, false},
	{"stops in a message", stops_in_a_message, false},
	{"lies about the length", lies_about_the_length, true},
	{"has no number", has_no_number, true},
	{"has only hops", has_only_hops, false},
	{"asks and goes", asks_and_goes, true},
};
#define WAYS (sizeof(ways) / sizeof(*ways))

/* Each once, left open; those that are plainly wrong are sent away. */
static void test_each(void **state)
{
	struct link_client *c;
	struct station s;
	int fd[WAYS];

	(void)state;
	station_open(&s, 4, 64, 2000);
	c = dial(&s);
	for (size_t i = 0; i < WAYS; i++) {
		fd[i] = raw_connect(s.server);
		ways[i].way(fd[i]);
		ask_well(c, ways[i].name, "take");
	}
	for (size_t i = 0; i < WAYS; i++) {
		if (ways[i].closed && !raw_closed(fd[i]))
			fail_msg("one that %s stays", ways[i].name);
		close(fd[i]);
	}
	ask_well(c, "in the end", "take");
	link_client_close(c);
	station_close(&s);
}

/* All of them again and again, closed or reset right away. */
static void test_storm(void **state)
{
	struct link_client *c;
	struct station s;

	(void)state;
	station_open(&s, 4, 64, 2000);
	c = dial(&s);
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < WAYS; i++) {
			int fd = raw_connect(s.server);

			ways[i].way(fd);
			if (round % 2)
				raw_reset(fd);
			else
				close(fd);
		}
		if (round % 10 == 0)
			ask_well(c, "in the storm", "take");
	}
	ask_well(c, "after the storm", "take");
	link_client_close(c);
	c = dial(&s);
	ask_well(c, "a new one after the storm", "take");
	link_client_close(c);
	station_close(&s);
}

/* ---- too many ---- */

/* Who has been answered stays, whoever else comes; a new client finds a place too. */
static void test_too_many(void **state)
{
	struct link_stats stats;
	struct link_client *c, *late;
	struct station s;
	int fd[100];

	(void)state;
	station_open(&s, 4, 8, 2000);
	c = dial(&s);
	ask_well(c, "first", "take");
	for (unsigned i = 0; i < 100; i++) {
		fd[i] = raw_connect(s.server);
		raw_hello(fd[i], SP_REQ);
		if (i % 10 == 0)
			ask_well(c, "among many", "take");
	}
	late = dial(&s);
	ask_well(late, "late", "take");
	ask_well(c, "in the end", "take");
	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		link_stats(s.server, &stats);
		assert_true(stats.pipes <= 8);
		if (stats.refused_pipes >= 100 + 2 - 8)
			break;
		pause_ms(1);
	}
	assert_true(stats.refused_pipes >= 100 + 2 - 8);
	for (unsigned i = 0; i < 100; i++)
		close(fd[i]);
	link_client_close(late);
	link_client_close(c);
	station_close(&s);
}

/* All places with ones that have been answered and are not silent: no more come in. */
static void test_full(void **state)
{
	struct link_client *c[4], *more;
	struct station s;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	station_open(&s, 4, 4, 2000);
	for (unsigned i = 0; i < 4; i++) {
		c[i] = dial(&s);
		ask_well(c[i], "one of four", "take");
	}
	more = dial(&s);
	/* Each time it is let in and sent away. */
	assert_int_not_equal(link_ask(more, "take", 4, &b, 200), 0);
	for (unsigned i = 0; i < 4; i++)
		ask_well(c[i], "one of four again", "take");
	link_client_close(c[0]);
	/* The server need not have seen yet that it went. */
	for (unsigned i = 0; i < 100 && link_ask(more, "take", 4, &b, 200); i++)
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	ask_well(more, "the fifth, in a place that has become free", "take");
	link_client_close(more);
	for (unsigned i = 1; i < 4; i++)
		link_client_close(c[i]);
	station_close(&s);
	buf_fini(&b);
}

/* One that asks without waiting for answers does not get all the contexts. */
static void test_greedy(void **state)
{
	struct link_client *c;
	struct station s;
	int fd;

	(void)state;
	station_open(&s, 8, 8, 2000);
	c = dial(&s);
	for (int round = 0; round < 3; round++) {
		fd = raw_connect(s.server);
		raw_hello(fd, SP_REQ);
		for (uint32_t i = 1; i <= 20; i++)
			raw_request(fd, i, "hold");
		assert_true(raw_closed(fd));
		close(fd);
		ask_well(c, "beside a greedy one", "take");
		station_wait(&s, 4);
		assert_int_equal(s.n_held, 4);
		for (unsigned i = 0; i < 4; i++)
			answer(station_take(&s));
	}
	link_client_close(c);
	station_close(&s);
}

/* What strangers hold is bounded all together, and not taken before it has come. */
static void test_memory(void **state)
{
	static char chunk[1u << 20];
	struct link_stats stats;
	struct link_client *c;
	struct station s;
	unsigned closed = 0;
	bool answered = false;
	int fd[16];

	(void)state;
	station_open(&s, 4, 64, 16u << 20);
	c = dial(&s);
	ask_well(c, "first", "take");
	for (unsigned i = 0; i < 16; i++) {
		fd[i] = raw_connect(s.server);
		raw_hello(fd[i], SP_REQ);
		raw_length(fd[i], 16u << 20);
		for (unsigned k = 0; k < 9; k++) /* more than half of it: all of it is taken */
			raw_send(fd[i], chunk, sizeof(chunk));
		ask_well(c, "beside large strangers", "take");
	}
	/* 64 MiB are four of them. */
	for (unsigned i = 0; i < 16; i++) {
		struct timeval now = {0, i ? 1000 : 300000};

		setsockopt(fd[i], SOL_SOCKET, SO_RCVTIMEO, &now, sizeof(now));
		closed += raw_closed(fd[i]);
	}
	assert_int_equal(closed, 12);
	link_stats(s.server, &stats);
	assert_int_equal(stats.refused_pipes, 12);
	for (unsigned i = 0; i < 16; i++)
		close(fd[i]);
	/* And it is given back, soon. */
	for (int i = 0; i < PATIENCE_S * 100 && !answered; i++) {
		pause_ms(10);
		fd[0] = raw_connect(s.server);
		raw_hello(fd[0], SP_REQ);
		raw_length(fd[0], 16u << 20);
		raw_send(fd[0], "\x80\0\0\1", 4);
		for (unsigned k = 0; k < 16; k++)
			raw_send(fd[0], chunk, k < 15 ? sizeof(chunk) : sizeof(chunk) - 4);
		answered = recv(fd[0], chunk, 20, MSG_WAITALL) == 20;
		close(fd[0]);
	}
	assert_true(answered);
	ask_well(c, "in the end", "take");
	link_client_close(c);
	station_close(&s);
}

/* Large answers that nobody takes. */
static void test_deaf(void **state)
{
	struct link_client *c;
	struct station s;
	char *large = calloc(1, 8u << 20);
	int fd[4];

	(void)state;
	assert_non_null(large);
	station_open(&s, 8, 16, 2000);
	c = dial(&s);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = raw_connect(s.server);
		raw_hello(fd[i], SP_REQ);
		for (uint32_t k = 1; k <= 2; k++)
			raw_request(fd[i], k, "hold");
	}
	for (unsigned i = 0; i < 8; i++) {
		link_reply(station_take(&s), large, 8u << 20);
		ask_well(c, "beside deaf ones", "take");
	}
	for (unsigned i = 0; i < 4; i++)
		if (i % 2)
			close(fd[i]);
		else
			raw_reset(fd[i]);
	ask_well(c, "after deaf ones", "take");
	link_client_close(c);
	station_close(&s);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),     cmocka_unit_test(test_storm),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_full),
		cmocka_unit_test(test_greedy),   cmocka_unit_test(test_memory),
		cmocka_unit_test(test_deaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
