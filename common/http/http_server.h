/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HTTP_SERVER_H
#define PROXTOP_HTTP_SERVER_H

/*
 * A small read-only HTTP server on libmicrohttpd: GET and HEAD, a table of paths, bounded
 * connections, time-outs and sizes; TLS and a bearer token when given.  Everything of
 * libmicrohttpd is in this room.  README.md beside this file has the bounds.
 */
#include "buf.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_BODY_MAX (256u << 20) /* bytes of one answer */

struct http_request;
/* The value of ?name=, unescaped, or NULL; valid until get() returns. */
const char *http_query(const struct http_request *r, const char *name);

struct http_route {
	const char *path;         /* "/metrics" */
	const char *content_type; /* of a 200; everything else is text/plain */
	/* Appends the body, at most HTTP_BODY_MAX; returns the status (200, 503 …).  Called in
	 * a thread of the server, several at once; all signals are blocked there. */
	unsigned (*get)(void *arg, const struct http_request *r, struct buf *body);
	bool open; /* answered without a token (health checks) */
	/* Who does not name only_for in Accept gets the body of a 200 through plain(), as
	 * plain_type.  NULL: everybody gets it as it is. */
	const char *only_for, *plain_type;
	void (*plain)(struct buf *to, const char *text, size_t n);
};

struct http_options {
	const char *address; /* ADDR:PORT, NAME:PORT, [v6]:port; port 0 takes any */
	const char *cert_file, *key_file, *token_file; /* NULL: plain, no token */
	const struct http_route *routes;               /* stay the caller's */
	unsigned n_routes;
	void *arg;
};

struct http_server;
/* 0, or negative errno with one line for the user in why. */
int http_server_open(struct http_server **ret, const struct http_options *o, char *why,
		     size_t why_size);
unsigned http_server_port(const struct http_server *s);

struct http_stats {
	uint64_t requests; /* that were answered, whatever the status */
	uint64_t refused;  /* connections closed because there were too many */
	unsigned connections;
};
void http_server_stats(struct http_server *s, struct http_stats *ret);

/* Waits for routes that are being asked; answers under way are cut off. */
void http_server_close(struct http_server *s); /* NULL is fine */

#endif
