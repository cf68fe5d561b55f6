/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_LINK_SERVER_KIT_H
#define TEST_LINK_SERVER_KIT_H

/*
 * A server of links that does what the test wants with each request, and peers that speak
 * (or do not speak) nng's protocol over a plain socket.
 *
 * A request is answered with its bytes behind "re:"; one that begins with "hold" is kept
 * until the test takes it, one with "drop" is dropped.
 */
#include "capture.h"
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#define HELD_MAX 256u

struct station {
	struct link_server *server;
	char url[64];
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct link_call *held[HELD_MAX];
	unsigned n_held;
};

static inline void answer(struct link_call *call)
{
	struct buf b;
	size_t n;
	const uint8_t *bytes = link_request_bytes(call, &n);

	buf_init(&b, 64u << 20);
	buf_lit(&b, "re:");
	buf_put(&b, bytes, n);
	assert_int_equal(b.error, 0);
	link_reply(call, b.data, b.used);
	buf_fini(&b);
}

static inline void station_serve(void *arg, struct link_call *call)
{
	struct station *s = arg;
	size_t n;
	const uint8_t *bytes = link_request_bytes(call, &n);

	if (n >= 4 && !memcmp(bytes, "drop", 4)) {
		link_drop(call);
		return;
	}
	if (n < 4 || memcmp(bytes, "hold", 4)) {
		answer(call);
		return;
	}
	pthread_mutex_lock(&s->lock);
	if (s->n_held == HELD_MAX)
		abort();
	s->held[s->n_held++] = call;
	pthread_cond_broadcast(&s->more);
	pthread_mutex_unlock(&s->lock);
}

static inline struct link_call *station_take(struct station *s)
{
	struct link_call *call;

	pthread_mutex_lock(&s->lock);
	while (!s->n_held)
		pthread_cond_wait(&s->more, &s->lock);
	call = s->held[0];
	memmove(s->held, s->held + 1, --s->n_held * sizeof(*s->held));
	pthread_mutex_unlock(&s->lock);
	return call;
}

static inline void station_wait(struct station *s, unsigned n)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_held < n)
		pthread_cond_wait(&s->more, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static inline void station_open(struct station *s, unsigned contexts, unsigned pipes, size_t max)
{
	struct link_options o = {
		.url = "tcp://127.0.0.1:0",
		.max_message = max,
		.contexts = contexts,
		.max_pipes = pipes,
	};

	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->more, NULL);
	assert_int_equal(link_listen(&s->server, &o, station_serve, s), 0);
	snprintf(s->url, sizeof(s->url), "tcp://127.0.0.1:%u", link_port(s->server));
}

static inline void station_close(struct station *s)
{
	link_server_close(s->server);
	while (s->n_held)
		link_drop(station_take(s));
	pthread_cond_destroy(&s->more);
	pthread_mutex_destroy(&s->lock);
}

static inline struct link_client *dial(const struct station *s)
{
	struct link_options o = {.url = s->url, .max_message = 16u << 20};
	struct link_client *c;

	assert_int_equal(link_dial(&c, &o), 0);
	return c;
}

/* Asks, and has to get the right answer. */
static inline void ask_well(struct link_client *c, const char *what, const char *text)
{
	struct buf b;
	int r;

	buf_init(&b, 1u << 20);
	r = link_ask(c, text, strlen(text), &b, PATIENCE_S * 1000);
	if (r || b.used != strlen(text) + 3 || memcmp(b.data, "re:", 3) ||
	    memcmp(b.data + 3, text, b.used - 3))
		fail_msg("%s: asked \"%s\": %d, \"%.*s\"", what, text, r, (int)b.used, b.data);
	buf_fini(&b);
}

/* A plain socket to it. */
static inline int raw_connect(const struct link_server *s)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr = {htonl(INADDR_LOOPBACK)},
		.sin_port = htons((uint16_t)link_port(s)),
	};
	struct timeval patience = {PATIENCE_S, 0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline void raw_send(int fd, const void *bytes, size_t n)
{
	ssize_t r = send(fd, bytes, n, MSG_NOSIGNAL);

	(void)r; /* the other side may have had enough */
}

#define SP_REQ 0x30 /* protocol numbers of nng's requesters and subscribers */
#define SP_SUB 0x21

/* What both sides of a connection say first. */
static inline void raw_hello(int fd, char protocol)
{
	char hello[8] = {0, 'S', 'P', 0, 0, protocol, 0, 0};

	raw_send(fd, hello, sizeof(hello));
}

/* A message of n bytes after this; of which the first 4 number the request. */
static inline void raw_length(int fd, uint64_t n)
{
	uint8_t b[8];

	for (int i = 0; i < 8; i++)
		b[i] = (uint8_t)(n >> (56 - 8 * i));
	raw_send(fd, b, sizeof(b));
}

static inline void raw_request(int fd, uint32_t number, const char *text)
{
	uint8_t id[4] = {0x80, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};

	raw_length(fd, 4 + strlen(text));
	raw_send(fd, id, sizeof(id));
	raw_send(fd, text, strlen(text));
}

/* Waits until the other side closes. */
static inline bool raw_closed(int fd)
{
	char rest[4096];
	ssize_t r;

	while ((r = recv(fd, rest, sizeof(rest), 0)) > 0)
		;
	return r == 0 || errno == ECONNRESET;
}

static inline void raw_reset(int fd)
{
	struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

#endif
