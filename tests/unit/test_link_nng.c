/* SPDX-License-Identifier: Apache-2.0 */
/* Links against nng's own sockets: what is spoken is nng's REQ/REP, as anybody else's
 * program would speak it. */
#include "link_server_kit.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#define LARGE 300000u /* more than what is read at once */

static char text[LARGE];

static void test_nng_asks(void **state)
{
	static const size_t sizes[] = {0, 1, 1000, LARGE};
	nng_socket socket;
	struct station s;

	(void)state;
	station_open(&s, 2, 4, LARGE);
	assert_int_equal(nng_req0_open(&socket), 0);
	assert_int_equal(nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, PATIENCE_S * 1000), 0);
	assert_int_equal(nng_dial(socket, s.url, NULL, 0), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *answered;
		size_t n;

		assert_int_equal(nng_send(socket, text, sizes[i], 0), 0);
		assert_int_equal(nng_recv(socket, &answered, &n, NNG_FLAG_ALLOC), 0);
		assert_int_equal(n, sizes[i] + 3);
		assert_memory_equal(answered, "re:", 3);
		assert_memory_equal(answered + 3, text, sizes[i]);
		nng_free(answered, n);
	}
	nng_close(socket);
	station_close(&s);
}

struct reply_socket {
	nng_socket socket;
	unsigned n;
};

static void *reply(void *arg)
{
	struct reply_socket *r = arg;
	nng_msg *m;

	/* Until it is closed. */
	while (nng_recvmsg(r->socket, &m, 0) == 0) {
		r->n++;
		if (nng_msg_insert(m, "re:", 3) || nng_sendmsg(r->socket, m, 0))
			abort();
	}
	return NULL;
}

static void test_nng_answers(void **state)
{
	struct reply_socket r = {.n = 0};
	nng_listener listener;
	struct station s; /* its URL only */
	struct link_client *c;
	struct buf b;
	pthread_t t;
	int port;

	(void)state;
	assert_int_equal(nng_rep0_open(&r.socket), 0);
	assert_int_equal(nng_listen(r.socket, "tcp://127.0.0.1:0", &listener, 0), 0);
	assert_int_equal(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), 0);
	snprintf(s.url, sizeof(s.url), "tcp://127.0.0.1:%d", port);
	pthread_create(&t, NULL, reply, &r);
	c = dial(&s);
	ask_well(c, "a first one", "hello");
	ask_well(c, "a second one", "");
	buf_init(&b, 2 * LARGE);
	assert_int_equal(link_ask(c, text, LARGE, &b, PATIENCE_S * 1000), 0);
	assert_int_equal(b.used, LARGE + 3);
	assert_memory_equal(b.data + 3, text, LARGE);
	buf_fini(&b);
	link_client_close(c);
	nng_close(r.socket);
	pthread_join(t, NULL);
	assert_int_equal(r.n, 3);
}

/* Another one that asks is not a server. */
static void test_no_server(void **state)
{
	struct link_options o = {.max_message = 100};
	struct link_client *c;
	nng_listener listener;
	nng_socket socket;
	struct buf b;
	char url[64];
	int port, r;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(nng_req0_open(&socket), 0);
	assert_int_equal(nng_listen(socket, "tcp://127.0.0.1:0", &listener, 0), 0);
	assert_int_equal(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), 0);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", port);
	o.url = url;
	assert_int_equal(link_dial(&c, &o), 0);
	r = link_ask(c, "take", 4, &b, PATIENCE_S * 1000);
	assert_int_equal(r, -ECONNRESET);
	link_client_close(c);
	nng_close(socket);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nng_asks),
		cmocka_unit_test(test_nng_answers),
		cmocka_unit_test(test_no_server),
	};

	for (size_t i = 0; i < LARGE; i++)
		text[i] = (char)(i * 13 + i / 251);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
