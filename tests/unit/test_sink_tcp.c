/* SPDX-License-Identifier: Apache-2.0 */
/* tcp against real peers on loopback: away, back, killed, slow, silent. */
#include "capture.h"
#include "fake_resolver.h"
#include "sink.h"
#include "sink_connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define PATIENCE_MS (PATIENCE_S * 1000)

/* --- the peer --- */

/* Has a port on loopback, but does not listen: connecting is refused, and nobody else can
 * take the port. */
static int peer_new(int family, uint16_t *port, int receive_buffer)
{
	struct sockaddr_storage a = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	socklen_t n = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;

	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons(*port);
	} else {
		v6->sin6_addr = in6addr_loopback;
		v6->sin6_port = htons(*port);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&a, &n);
	*port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
	return fd;
}

static int peer_listening(uint16_t *port, int receive_buffer)
{
	int fd = peer_new(AF_INET, port, receive_buffer);

	if (fd < 0 || listen(fd, 4) < 0)
		fail_msg("no peer on port %u: %s", *port, strerror(errno));
	return fd;
}

static int peer_accept(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int fd;

	if (poll(&p, 1, PATIENCE_MS) != 1)
		fail_msg("nobody connects");
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		fail_msg("accept: %s", strerror(errno));
	return fd;
}

/* n bytes, less only where the connection ends. */
static size_t peer_read(int fd, char *data, size_t n)
{
	size_t have = 0;

	while (have < n) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t r = poll(&p, 1, PATIENCE_MS) == 1 ? recv(fd, data + have, n - have, 0) : -1;

		if (r < 0)
			fail_msg("after %zu of %zu bytes: %s", have, n, strerror(errno));
		if (r == 0)
			break;
		have += (size_t)r;
	}
	return have;
}

/* As a process that is killed with data unread: the connection is reset. */
static void peer_reset(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* --- numbered records --- */

static char *record_make(char *to, size_t size, unsigned number)
{
	memset(to, 'a' + (int)(number % 26), size);
	snprintf(to, size, "%08u", number);
	to[8] = ' ';
	to[size - 1] = '\n';
	return to;
}

/* The number of a whole record, or -1. */
static long record_number(const char *r, size_t size)
{
	char text[9] = "";
	long number;

	memcpy(text, r, 8);
	if (strspn(text, "0123456789") != 8 || r[8] != ' ' || r[size - 1] != '\n')
		return -1;
	number = strtol(text, NULL, 10);
	for (size_t i = 9; i < size - 1; i++)
		if (r[i] != (char)('a' + number % 26))
			return -1;
	return number;
}

#define SMALL 100

static void put_small(struct sink *s, unsigned from, unsigned n)
{
	char r[SMALL];

	for (unsigned i = from; i < from + n; i++)
		assert_int_equal(sink_write(s, record_make(r, SMALL, i), SMALL), 0);
}

static void expect_small(int fd, unsigned from, unsigned n)
{
	char r[SMALL];

	for (unsigned i = from; i < from + n; i++)
		if (peer_read(fd, r, SMALL) != SMALL || record_number(r, SMALL) != (long)i)
			fail_msg("record %u is \"%.*s\"", i, 20, r);
}

static void expect_end(int fd)
{
	char c;

	assert_int_equal(peer_read(fd, &c, 1), 0);
}

static struct sink *must_open(const char *host, uint16_t port)
{
	char target[80], why[256] = "";
	struct sink_options o = {.output = "tcp", .target = target};
	struct sink *s;

	snprintf(target, sizeof(target), "%s:%u", host, port);
	if (sink_open(&s, &o, why, sizeof(why)) < 0)
		fail_msg("%s: %s", target, why);
	return s;
}

/* Until so many have gone; the rest of the numbers. */
static struct sink_stats wait_records(struct sink *s, uint64_t n)
{
	struct sink_stats stats = {0};

	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		sink_stats(s, &stats);
		if (stats.records >= n)
			return stats;
		pause_ms(10);
	}
	fail_msg("%lu records have gone, not %lu", (unsigned long)stats.records, (unsigned long)n);
	return stats;
}

/* --- tests; what is said goes to a capture, so that failures stand alone --- */

static struct capture said;

static int begin(void **state)
{
	(void)state;
	capture_begin(&said);
	return 0;
}

static int end(void **state)
{
	(void)state;
	capture_end(&said);
	return 0;
}

static void must_say(const char *what)
{
	if (!capture_wait(&said, what))
		fail_msg("not said: \"%s\"", what);
}

static void said_times(const char *what, unsigned n)
{
	unsigned have = capture_count(&said, what);

	if (have != n)
		fail_msg("said %u times, not %u: \"%s\"", have, n, what);
}

static void test_delivers(void **state)
{
	uint16_t port = 0;
	int listener = peer_listening(&port, 0), fd;
	struct sink *s = must_open("127.0.0.1", port);
	struct sink_stats stats;

	(void)state;
	assert_true(sink_record_max(s) == SINK_QUEUE_MAX);
	put_small(s, 0, 50);
	fd = peer_accept(listener);
	expect_small(fd, 0, 50);
	put_small(s, 50, 50);
	expect_small(fd, 50, 50);
	/* What the peer says is of no interest and no harm. */
	for (int i = 0; i < 1000; i++)
		assert_true(send(fd, "ignored", 7, MSG_NOSIGNAL) == 7);
	put_small(s, 100, 1);
	expect_small(fd, 100, 1);
	stats = wait_records(s, 101);
	assert_int_equal(stats.records, 101);
	assert_int_equal(stats.bytes, 101 * SMALL);
	assert_int_equal(stats.dropped, 0);
	sink_reopen(s); /* nothing to do */
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	said_times("proxtop", 0);
	close(fd);
	close(listener);
}

static void test_v6(void **state)
{
	uint16_t port = 0;
	int listener = peer_new(AF_INET6, &port, 0), fd;
	struct sink *s;

	(void)state;
	if (listener < 0)
		skip(); /* a machine without IPv6 */
	assert_int_equal(listen(listener, 4), 0);
	s = must_open("[::1]", port);
	put_small(s, 0, 3);
	fd = peer_accept(listener);
	expect_small(fd, 0, 3);
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	close(fd);
	close(listener);
}

/* A name with two addresses; the peer listens on the second. */
static void test_other_address(void **state)
{
	uint16_t port = 0;
	int listener = peer_listening(&port, 0), fd;
	struct sink *s = must_open("both.test", port);

	(void)state;
	put_small(s, 0, 3);
	fd = peer_accept(listener);
	expect_small(fd, 0, 3);
	sink_close(s, PATIENCE_MS);
	close(fd);
	close(listener);
}

static void test_waits_for_the_peer(void **state)
{
	uint16_t port = 0;
	int listener = peer_new(AF_INET, &port, 0), fd;
	struct sink *s = must_open("127.0.0.1", port);

	(void)state;
	put_small(s, 0, 200);
	must_say(": cannot connect: Connection refused; trying again, records wait (at most 16 "
		 "MiB)");
	pause_ms(500); /* some more tries, about which nothing is said */
	listen(listener, 4);
	fd = peer_accept(listener);
	expect_small(fd, 0, 200);
	must_say(": connected\n");
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	said_times("\n", 2);
	close(fd);
	close(listener);
}

enum loss { CLOSED, HALF_CLOSED, RESET };

/* An idle peer goes away and comes back: noticed without a record, and no record that is
 * written meanwhile is lost, cut or glued to another. */
static void killed_and_restarted(enum loss loss)
{
	uint16_t port = 0;
	int listener = peer_listening(&port, 0), fd;
	struct sink *s = must_open("127.0.0.1", port);

	put_small(s, 0, 10);
	fd = peer_accept(listener);
	expect_small(fd, 0, 10);
	wait_records(s, 10);
	close(listener);
	if (loss == CLOSED)
		close(fd);
	else if (loss == HALF_CLOSED)
		shutdown(fd, SHUT_WR);
	else
		peer_reset(fd);
	must_say(loss == RESET ? ": connection lost: Connection reset by peer; trying again"
			       : ": connection lost: closed by the peer; trying again");
	if (loss == HALF_CLOSED) {
		expect_end(fd);
		close(fd);
	}
	put_small(s, 10, 20);
	listener = peer_listening(&port, 0);
	fd = peer_accept(listener);
	expect_small(fd, 10, 20);
	put_small(s, 30, 5);
	expect_small(fd, 30, 5);
	must_say(": connected\n");
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	said_times("\n", 2);
	close(fd);
	close(listener);
}

static void test_closed(void **state)
{
	(void)state;
	killed_and_restarted(CLOSED);
}

static void test_half_closed(void **state)
{
	(void)state;
	killed_and_restarted(HALF_CLOSED);
}

static void test_reset(void **state)
{
	(void)state;
	killed_and_restarted(RESET);
}

/* Killed in the middle of a record: the next peer gets it whole, from its start. */
static void test_cut_record(void **state)
{
	const size_t size = 8u << 20;
	char *record = malloc(size), *have = malloc(size);
	uint16_t port = 0;
	int listener = peer_listening(&port, 65536), fd;
	struct sink *s = must_open("127.0.0.1", port);

	(void)state;
	assert_int_equal(sink_write(s, record_make(record, size, 7), size), 0);
	put_small(s, 8, 1);
	fd = peer_accept(listener);
	assert_int_equal(peer_read(fd, have, 100000), 100000);
	assert_memory_equal(have, record, 100000);
	close(listener);
	peer_reset(fd);
	listener = peer_listening(&port, 0);
	fd = peer_accept(listener);
	assert_int_equal(peer_read(fd, have, size), size);
	assert_int_equal(record_number(have, size), 7);
	expect_small(fd, 8, 1);
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	close(fd);
	close(listener);
	free(record);
	free(have);
}

/* What our own kernel had taken, but not the peer's, is sent again. */
static void test_in_our_kernel(void **state)
{
	enum { SIZE = 10000, N = 200 };
	char record[SIZE];
	uint16_t port = 0;
	int listener = peer_listening(&port, 16384), fd, room;
	socklen_t room_size = sizeof(room);
	struct sink *s = must_open("127.0.0.1", port);
	long number, first = -1, last = -1;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(sink_write(s, record_make(record, SIZE, i), SIZE), 0);
	fd = peer_accept(listener);
	/* More cannot have arrived than it had room for. */
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, &room_size), 0);
	pause_ms(200); /* for our kernel to take as much as it likes; less is fine too */
	close(listener);
	peer_reset(fd);
	listener = peer_listening(&port, 0);
	fd = peer_accept(listener);
	while (last < N - 1) {
		if (peer_read(fd, record, SIZE) != SIZE)
			fail_msg("ends after record %ld", last);
		number = record_number(record, SIZE);
		if (first < 0)
			first = number;
		else if (number != last + 1)
			fail_msg("record %ld after %ld", number, last);
		if (number < 0)
			fail_msg("no record: \"%.*s\"", 20, record);
		last = number;
	}
	if (first * SIZE > room)
		fail_msg("begins with record %ld, but only %d bytes can have arrived", first, room);
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	close(fd);
	close(listener);
}

/* A peer that does not read: nobody waits for it, the queue stays bounded, the oldest
 * records go, and every single one is accounted for. */
static void test_slow_peer(void **state)
{
	enum { SIZE = 65536, N = 3 * (SINK_QUEUE_MAX / 65536) };
	char *record = malloc(SIZE);
	uint16_t port = 0;
	int listener = peer_listening(&port, 65536), fd;
	struct sink *s = must_open("127.0.0.1", port);
	struct sink_stats stats;
	unsigned received = 0, run = 0;
	long last = -1, number;

	(void)state;
	fd = peer_accept(listener);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(sink_write(s, record_make(record, SIZE, i), SIZE), 0);
	must_say(": the peer is too slow or away; records are dropped, the oldest first\n");
	while (last < N - 1) {
		if (peer_read(fd, record, SIZE) != SIZE)
			fail_msg("ends after record %ld", last);
		number = record_number(record, SIZE);
		if (number <= last)
			fail_msg("record %ld after %ld", number, last);
		run = number == last + 1 ? run + 1 : 1;
		last = number;
		received++;
	}
	must_say(": has caught up; ");
	stats = wait_records(s, received);
	assert_int_equal(stats.records, received);
	assert_int_equal(stats.dropped, N - received);
	assert_int_equal(stats.bytes, (uint64_t)received * SIZE);
	assert_in_range(received, SINK_QUEUE_MAX / SIZE, N - 1);
	/* The oldest went, so what comes last comes without a gap: what waited when the last
	 * one was written, a full queue less the little that was on its way. */
	assert_in_range(run, SINK_QUEUE_MAX / SIZE / 2, N - 1);
	said_times("records are dropped", 1);
	said_times("\n", 2);
	sink_close(s, PATIENCE_MS);
	close(fd);
	close(listener);
	free(record);
}

/* No peer at all, and more than the queue holds. */
static void test_away_too_long(void **state)
{
	enum { SIZE = 1 << 20, N = 40, KEPT = SINK_QUEUE_MAX / SIZE };
	char *record = malloc(SINK_QUEUE_MAX + 1), text[128];
	uint16_t port = 0;
	int listener = peer_new(AF_INET, &port, 0), fd;
	struct sink *s = must_open("127.0.0.1", port);
	struct sink_stats stats;

	(void)state;
	must_say(": cannot connect: Connection refused");
	/* What never fits makes no room for itself. */
	assert_int_equal(sink_write(s, record, SINK_QUEUE_MAX + 1), -EMSGSIZE);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(sink_write(s, record_make(record, SIZE, i), SIZE), 0);
	sink_stats(s, &stats);
	assert_int_equal(stats.dropped, N - KEPT + 1);
	assert_int_equal(stats.records, 0);
	listen(listener, 4);
	fd = peer_accept(listener);
	for (unsigned i = N - KEPT; i < N; i++)
		if (peer_read(fd, record, SIZE) != SIZE || record_number(record, SIZE) != (long)i)
			fail_msg("record %u is not there", i);
	snprintf(text, sizeof(text), ": connected; %d records had to be dropped\n", N - KEPT + 1);
	must_say(text);
	sink_close(s, PATIENCE_MS);
	expect_end(fd);
	said_times("\n", 3);
	close(fd);
	close(listener);
	free(record);
}

/* Closing sends what waits, to a peer that only just gets connected. */
static void test_close_flushes(void **state)
{
	uint16_t port = 0;
	int listener = peer_listening(&port, 0), fd;
	struct sink *s = must_open("127.0.0.1", port);

	(void)state;
	put_small(s, 0, 30);
	sink_close(s, PATIENCE_MS);
	fd = peer_accept(listener);
	expect_small(fd, 0, 30);
	expect_end(fd);
	said_times("\n", 0);
	close(fd);
	close(listener);
}

/* Closing ends, also with nobody there, and says what is lost. */
static void test_close_gives_up(void **state)
{
	uint16_t port = 0;
	int away = peer_new(AF_INET, &port, 0), stuck, fd;
	struct sink *s = must_open("127.0.0.1", port);
	char *record = calloc(1, SINK_QUEUE_MAX);

	(void)state;
	put_small(s, 0, 3);
	sink_close(s, 300);
	must_say(": closed; 3 records were not confirmed by the peer in time, 0 had been dropped");
	/* Nothing waits: no reason to wait for anybody. */
	s = must_open("127.0.0.1", port);
	sink_close(s, 24 * 3600 * 1000);
	close(away);

	port = 0;
	stuck = peer_listening(&port, 65536);
	s = must_open("127.0.0.1", port);
	fd = peer_accept(stuck);
	assert_int_equal(sink_write(s, record, SINK_QUEUE_MAX), 0);
	sink_close(s, 300);
	must_say(": closed; 1 records were not confirmed");
	close(fd);
	close(stuck);
	free(record);
}

/* No such name; and one that the resolver knows later. */
static void test_no_name(void **state)
{
	uint16_t port = 0;
	int listener = peer_listening(&port, 0), fd;
	struct sink *s = must_open("none.test", 9);

	(void)state;
	put_small(s, 0, 2);
	must_say("tcp none.test:9: the name cannot be resolved: Name or service not known; trying");
	sink_close(s, 0);
	must_say("tcp none.test:9: closed; 2 records were not confirmed");

	atomic_store(&resolver_failures, 2);
	s = must_open("late.test", port);
	put_small(s, 0, 3);
	fd = peer_accept(listener);
	expect_small(fd, 0, 3);
	must_say(": connected\n");
	said_times("Temporary failure in name resolution", 1);
	sink_close(s, PATIENCE_MS);
	close(fd);
	close(listener);
}

/* A resolver that does not answer: neither writing nor closing waits for it. */
static void test_slow_name(void **state)
{
	struct sink *s = must_open("slow.test", 9);

	(void)state;
	put_small(s, 0, 2);
	sink_close(s, 100);
	must_say("tcp slow.test:9: closed; 2 records were not confirmed");
	s = must_open("slow.test", 9);
	sink_close(s, 24 * 3600 * 1000);
	assert_int_equal(atomic_load(&resolver_released), 0);
	atomic_store(&resolver_released, 1);
	while (atomic_load(&resolver_busy))
		pause_ms(1);
	atomic_store(&resolver_released, 0);
}

/* A free port can be given to the end that wants to connect to it. */
static void test_not_to_itself(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(tcp_connect_end(fd), -ECONNREFUSED);
	close(fd);
}

/* Signals are the main thread's: the one that writes leaves them alone. */
static volatile sig_atomic_t signals;
static pthread_t main_thread;

static void count_signal(int sig)
{
	(void)sig;
	if (pthread_equal(pthread_self(), main_thread))
		signals++;
	else
		signals = 1000;
}

static void test_signals(void **state)
{
	struct sigaction act = {.sa_handler = count_signal}, before;
	sigset_t set, old;
	uint16_t port = 0;
	int listener = peer_listening(&port, 0), fd;
	struct sink *s;

	(void)state;
	main_thread = pthread_self();
	sigaction(SIGUSR1, &act, &before);
	s = must_open("127.0.0.1", port);
	fd = peer_accept(listener);
	/* While the main thread does not take it, nobody does. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR1);
	put_small(s, 0, 5);
	expect_small(fd, 0, 5);
	assert_int_equal(signals, 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(signals, 1);
	sigaction(SIGUSR1, &before, NULL);
	sink_close(s, PATIENCE_MS);
	close(fd);
	close(listener);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_delivers),       TEST(test_v6),
		TEST(test_other_address),  TEST(test_waits_for_the_peer),
		TEST(test_closed),         TEST(test_half_closed),
		TEST(test_reset),          TEST(test_cut_record),
		TEST(test_in_our_kernel),  TEST(test_slow_peer),
		TEST(test_away_too_long),  TEST(test_close_flushes),
		TEST(test_close_gives_up), TEST(test_no_name),
		TEST(test_slow_name),      TEST(test_not_to_itself),
		TEST(test_signals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
