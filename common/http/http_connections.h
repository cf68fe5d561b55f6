/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HTTP_CONNECTIONS_H
#define PROXTOP_HTTP_CONNECTIONS_H

/*
 * Who may be connected.  When all places, or those of one address, are taken, a new
 * connection takes the place of the one that has been without a complete request for the
 * longest time, else of one that has been taking its answer for more than a minute; so
 * whoever drips bytes keeps nobody out.  It is ended by shutting its socket down, which
 * the library then sees as the peer's leaving.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HTTP_CONNECTIONS_MAX      64u
#define HTTP_CONNECTIONS_PER_PEER 32u
/* The library's own limit: some more, for those that are on their way out. */
#define HTTP_CONNECTIONS_ROOM  256u
#define HTTP_SLOW_ANSWER_NS    60000000000ull
#define HTTP_CONNECTION_IDLE_S 10u

struct http_connection {
	int fd;
	bool used;
	bool leaving;         /* shut down, does not count any more */
	bool answering;       /* its request is complete, its answer is not */
	uint64_t since_ns;    /* it is so */
	struct in6_addr peer; /* IPv4 as mapped */
};

struct http_connections {
	pthread_mutex_t lock;
	unsigned n; /* used and not leaving */
	uint64_t refused;
	struct http_connection slot[HTTP_CONNECTIONS_ROOM];
};

void http_connections_init(struct http_connections *c);
void http_connections_fini(struct http_connections *c);

/* May one more come from there? */
bool http_connections_admit(struct http_connections *c, const struct sockaddr *from);
/* NULL when there is no slot; it is then not counted. */
struct http_connection *http_connections_add(struct http_connections *c, int fd,
					     const struct sockaddr *from);
void http_connections_remove(struct http_connections *c, struct http_connection *h);
void http_connections_set(struct http_connections *c, struct http_connection *h, bool answering);
/* Ends all that have been taking their answer for too long. */
void http_connections_end_slow(struct http_connections *c);

#endif
