/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HTTP_PARTS_H
#define PROXTOP_HTTP_PARTS_H

/*
 * What the files of this room share: the server, and libmicrohttpd's side of it.
 */
#include "http_connections.h"
#include "http_server.h"

#include <microhttpd.h>
#include <stdatomic.h>

#define HTTP_TOKEN_MAX 512u
#define HTTP_TOKEN_MIN 16u

struct http_server {
	const struct http_route *routes;
	unsigned n_routes;
	void *arg;
	char token[HTTP_TOKEN_MAX + 1]; /* "": none */
	struct MHD_Daemon *daemon;
	unsigned port;
	struct http_connections connections;
	atomic_ullong held; /* bytes of answers under way */
	atomic_ullong requests;

	pthread_mutex_t said_lock;
	bool running;
	char said[256]; /* the library's first complaint while it started */
};

/* What the user tells us, http_config.c: 0, or negative errno with one line in why. */
#define HTTP_PEM_MAX (256u << 10)
struct http_pem {
	char cert[HTTP_PEM_MAX + 1], key[HTTP_PEM_MAX + 1];
};
int http_load_token(char token[HTTP_TOKEN_MAX + 1], const char *path, char *why, size_t why_size);
int http_load_pem(struct http_pem *pem, const struct http_options *o, char *why, size_t why_size);
/* ADDR:PORT or [v6]:PORT into an address. */
int http_resolve(const char *address, struct sockaddr_storage *ret, char *why, size_t why_size);

/* libmicrohttpd's access handler; arg is the server. */
enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *path,
			    const char *method, const char *version, const char *upload,
			    size_t *upload_n, void **request);

#endif
