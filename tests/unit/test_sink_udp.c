/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks over UDP: sizes, addresses, names that are found late. */
#include "sink_kit.h"

/* Time as the sinks see it: this takes the place of the C library's. */
static atomic_long ahead_s;

int clock_gettime(clockid_t clock, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += atomic_load(&ahead_s);
	return (int)r;
}

/* A socket on loopback; port 0: any, *port: which. */
static int receiver(int family, uint16_t *port)
{
	struct sockaddr_storage a = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;
	socklen_t n = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), big = 1 << 20, yes = 1;

	if (family == AF_INET) {
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons(*port);
	} else {
		v6->sin6_addr = in6addr_loopback;
		v6->sin6_port = htons(*port);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	getsockname(fd, (struct sockaddr *)&a, &n);
	*port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
	return fd;
}

/* The size of the next datagram, -1 when there is none for so long. */
static ssize_t receive(int fd, char *data, size_t room, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) > 0 ? recv(fd, data, room, 0) : -1;
}

static void test_udp_sizes(void **state)
{
	static char data[SINK_UDP_MAX + 1], have[SINK_UDP_MAX + 1];
	char target[64];
	struct sink *s;
	uint16_t port = 0;
	int fd = receiver(AF_INET, &port), r[2];
	unsigned said;

	(void)state;
	assert_true(fd >= 0);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	s = must_open("udp", target, false);
	assert_int_equal(sink_record_max(s), SINK_UDP_MAX);
	put(s, "small\n");
	assert_int_equal(receive(fd, have, sizeof(have), 60000), 6);
	assert_memory_equal(have, "small\n", 6);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)i;
	assert_int_equal(sink_write(s, data, SINK_UDP_MAX), 0);
	assert_int_equal(receive(fd, have, sizeof(have), 60000), SINK_UDP_MAX);
	assert_memory_equal(have, data, SINK_UDP_MAX);
	capture_begin(&c);
	r[0] = sink_write(s, data, SINK_UDP_MAX + 1);
	r[1] = sink_write(s, data, SINK_UDP_MAX + 1);
	said = capture_count(&c, "65508 bytes do not fit into a datagram (at most 65507), dropped");
	capture_end(&c);
	assert_int_equal(r[0], -EMSGSIZE);
	assert_int_equal(r[1], -EMSGSIZE);
	assert_int_equal(said, 1);
	stats_are(s, 2, SINK_UDP_MAX + 6, 2);
	sink_close(s, 0);
	close(fd);
}

static void test_udp_v6(void **state)
{
	char target[64], have[16];
	struct sink *s;
	uint16_t port = 0;
	int fd = receiver(AF_INET6, &port);

	(void)state;
	if (fd < 0)
		skip(); /* a machine without IPv6 */
	snprintf(target, sizeof(target), "[::1]:%u", port);
	s = must_open("udp", target, false);
	put(s, "six\n");
	assert_int_equal(receive(fd, have, sizeof(have), 60000), 4);
	sink_close(s, 0);
	close(fd);
}

/* Connected to somebody else, a socket keeps its port and takes nothing from us. */
static void deaf(int fd, bool yes)
{
	struct sockaddr_in other = {.sin_family = yes ? AF_INET : AF_UNSPEC,
				    .sin_port = htons(1),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(connect(fd, (struct sockaddr *)&other, sizeof(other)), 0);
}

/* Nobody listens, then somebody does. */
static void test_udp_refused(void **state)
{
	struct sink_stats have = {0};
	struct sink *s;
	uint16_t port = 0;
	char target[64], got[16];
	int fd = receiver(AF_INET, &port);
	unsigned refused, closed, written = 0;
	bool came = false;
	int same;

	(void)state;
	/* A port that was asked for by its number stays when the socket is disconnected. */
	same = receiver(AF_INET, &port);
	close(fd);
	fd = same;
	deaf(fd, true);
	snprintf(target, sizeof(target), "127.0.0.1:%u", port);
	s = must_open("udp", target, false);
	capture_begin(&c);
	/* The answer to one comes with the next, at the earliest. */
	while (have.dropped < 3 && written < 1000) {
		put(s, "lost\n");
		written++;
		sink_stats(s, &have);
		pause_ms(1);
	}
	deaf(fd, false);
	for (int i = 0; i < 20 && !came; i++) {
		put(s, "there\n");
		came = receive(fd, got, sizeof(got), 3000) == 6;
	}
	sink_close(s, 0);
	refused = capture_count(&c, ": cannot send: Connection refused; datagrams are lost");
	closed = capture_count(&c, ": closed; ");
	capture_end(&c);
	close(fd);
	assert_int_equal(refused, 1);
	assert_int_equal(closed, 1);
	assert_int_equal(have.dropped, 3);
	assert_int_equal(have.records, written - 3);
	assert_int_equal(have.bytes, have.records * 5);
	assert_true(came);
}

/* A name with two addresses; the receiver listens on the second. */
static void test_udp_other_address(void **state)
{
	char got[16];
	struct sink *s;
	uint16_t port = 0;
	char target[64];
	int fd = receiver(AF_INET, &port);
	bool came = false;

	(void)state;
	snprintf(target, sizeof(target), "both.test:%u", port);
	capture_begin(&c);
	s = must_open("udp", target, false);
	for (int i = 0; i < 20 && !came; i++) {
		sink_write(s, "x\n", 2);
		came = receive(fd, got, sizeof(got), 500) == 2;
	}
	/* And there it stays. */
	for (int i = 0; i < 5 && came; i++) {
		sink_write(s, "y\n", 2);
		came = receive(fd, got, sizeof(got), 60000) == 2;
	}
	sink_close(s, 0);
	capture_end(&c);
	close(fd);
	assert_true(came);
}

/* A name that the resolver knows later; what could not be sent is counted, and it is said
 * when that is over. */
static void test_udp_late_name(void **state)
{
	struct sink *s;
	uint16_t port = 0;
	char target[64], got[16];
	int fd = receiver(AF_INET, &port), r, written = 0, asked;
	unsigned said, lines, over;
	bool came = false, refused = true;

	(void)state;
	snprintf(target, sizeof(target), "late.test:%u", port);
	atomic_store(&resolver_failures, 1000);
	capture_begin(&c);
	s = must_open("udp", target, false);
	while (written < 50) {
		r = sink_write(s, "x\n", 2);
		refused &= r < 0 && r != -EPIPE;
		written++;
		pause_ms(1);
	}
	/* When it was opened; since then it is too soon for another question. */
	asked = 1000 - atomic_exchange(&resolver_failures, 0);
	atomic_fetch_add(&ahead_s, 11);
	r = sink_write(s, "x\n", 2);
	written++;
	refused &= r < 0 && r != -EPIPE;
	while (!came && written < 200) {
		sink_write(s, "there\n", 6);
		written++;
		came = receive(fd, got, sizeof(got), 50) == 6;
	}
	stats_are(s, 1, 6, (uint64_t)written - 1);
	atomic_fetch_add(&ahead_s, 11);
	put(s, "again\n");
	said = capture_count(&c, ": the name cannot be resolved: Temporary failure");
	over = capture_count(&c, ": no errors any more; ");
	lines = capture_count(&c, "\n");
	sink_close(s, 0);
	capture_end(&c);
	close(fd);
	assert_true(came);
	assert_true(refused);
	assert_int_equal(asked, 1);
	assert_int_equal(said, 1);
	assert_int_equal(over, 1);
	assert_int_equal(lines, 2);
}

/* A resolver that does not answer: opening waits a moment, writing and closing do not. */
static void test_udp_slow_name(void **state)
{
	struct sink *s;
	unsigned said;
	int r;

	(void)state;
	capture_begin(&c);
	s = must_open("udp", "slow.test:9", false);
	r = sink_write(s, "x\n", 2);
	sink_close(s, 24 * 3600 * 1000);
	said = capture_count(&c, "udp slow.test:9: the name cannot be resolved: still asking");
	capture_end(&c);
	assert_true(r < 0 && r != -EPIPE);
	assert_int_equal(said, 1);
	assert_int_equal(atomic_load(&resolver_released), 0);
	atomic_store(&resolver_released, 1);
	while (atomic_load(&resolver_busy))
		pause_ms(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_udp_sizes),         TEST(test_udp_v6),        TEST(test_udp_refused),
		TEST(test_udp_other_address), TEST(test_udp_late_name), TEST(test_udp_slow_name),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
