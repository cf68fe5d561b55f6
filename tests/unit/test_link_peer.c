/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: the address of the other side, as long as it is there. */
#include "link_server_kit.h"

/* The call of a peer that has just connected to it, and what that peer calls itself. */
static struct link_call *held_call(struct station *s, int fd, char own[LINK_PEER_MAX])
{
	struct sockaddr_storage a;
	char number[INET6_ADDRSTRLEN];
	socklen_t n = sizeof(a);

	raw_hello(fd, SP_REQ);
	raw_request(fd, 1, "hold");
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	if (a.ss_family == AF_INET) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&a;

		inet_ntop(AF_INET, &v4->sin_addr, number, sizeof(number));
		snprintf(own, LINK_PEER_MAX, "%s:%u", number, ntohs(v4->sin_port));
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a;

		inet_ntop(AF_INET6, &v6->sin6_addr, number, sizeof(number));
		snprintf(own, LINK_PEER_MAX, "[%s]:%u", number, ntohs(v6->sin6_port));
	}
	return station_take(s);
}

static void test_v4(void **state)
{
	char own[LINK_PEER_MAX], peer[LINK_PEER_MAX];
	struct link_call *call;
	struct station s;
	int fd;

	(void)state;
	station_open(&s, 2, 4, 1000);
	fd = raw_connect(s.server);
	call = held_call(&s, fd, own);
	link_call_peer(call, peer);
	assert_string_equal(peer, own);
	assert_memory_equal(peer, "127.0.0.1:", 10);
	close(fd);
	while (!link_call_lost(call))
		pause_ms(1);
	link_call_peer(call, peer);
	assert_string_equal(peer, "?");
	link_drop(call);
	station_close(&s);
}

static void test_v6(void **state)
{
	struct link_options o = {
		.url = "tcp://[::1]:0", .max_message = 1000, .contexts = 2, .max_pipes = 4};
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	char own[LINK_PEER_MAX], peer[LINK_PEER_MAX];
	struct station s = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};
	struct link_call *call;
	int fd;

	(void)state;
	assert_int_equal(link_listen(&s.server, &o, station_serve, &s), 0);
	a.sin6_port = htons((uint16_t)link_port(s.server));
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	call = held_call(&s, fd, own);
	link_call_peer(call, peer);
	assert_string_equal(peer, own);
	assert_memory_equal(peer, "[::1]:", 6);
	link_drop(call);
	close(fd);
	station_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v4),
		cmocka_unit_test(test_v6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
