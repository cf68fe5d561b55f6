/* SPDX-License-Identifier: Apache-2.0 */
#include "http_parts.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of answers that wait to be taken; beyond it there are no new ones. */
#define HELD_MAX (512ull << 20)

#define TEXT_TYPE "text/plain; charset=utf-8"

struct http_request {
	struct MHD_Connection *connection;
};

/* What an answer's memory belongs to. */
struct held {
	struct http_server *server;
	char *data;
	size_t n;
};

static void release(void *arg)
{
	struct held *h = arg;

	atomic_fetch_sub(&h->server->held, h->n);
	free(h->data);
	free(h);
}

const char *http_query(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum MHD_Result queue(struct MHD_Connection *c, unsigned status, const char *type,
			     struct MHD_Response *r, const char *name, const char *value)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (name)
		MHD_add_response_header(r, name, value);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

/* A line of text, and perhaps one header. */
static enum MHD_Result say(struct MHD_Connection *c, unsigned status, const char *line,
			   const char *name, const char *value)
{
	return queue(c, status, TEXT_TYPE,
		     MHD_create_response_from_buffer(strlen(line), (void *)(uintptr_t)line,
						     MHD_RESPMEM_MUST_COPY),
		     name, value);
}

static enum MHD_Result no_such_path(const struct http_server *s, struct MHD_Connection *c)
{
	enum MHD_Result result;
	struct buf b;

	buf_init(&b, 1u << 16);
	buf_lit(&b, "no such path here; there are:");
	for (unsigned i = 0; i < s->n_routes; i++) {
		buf_lit(&b, " ");
		buf_text(&b, s->routes[i].path);
	}
	buf_put(&b, "\n", 2);
	result = say(c, MHD_HTTP_NOT_FOUND, b.error ? "no such path here\n" : b.data, NULL, NULL);
	buf_fini(&b);
	return result;
}

/* In a time that tells nothing of where they differ. */
static bool same_secret(const char *a, const char *b, size_t n)
{
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	/* So that the compiler cannot know the end before. */
	__asm__ volatile("" : "+r"(differ));
	return !differ;
}

/* "Bearer TOKEN", RFC 6750 section 2.1; the scheme in any case, RFC 9110 section 11.1. */
static bool has_token(const struct http_server *s, struct MHD_Connection *c)
{
	const char *given = header(c, MHD_HTTP_HEADER_AUTHORIZATION);
	size_t n = strlen(s->token);

	if (!n)
		return true;
	if (!given || strncasecmp(given, "Bearer ", 7))
		return false;
	given += 7 + strspn(given + 7, " ");
	return strlen(given) == n && same_secret(given, s->token, n);
}

static enum MHD_Result unauthorized(struct MHD_Connection *c)
{
	bool wrong = header(c, MHD_HTTP_HEADER_AUTHORIZATION);

	return say(c, MHD_HTTP_UNAUTHORIZED,
		   wrong ? "this is not the token\n"
			 : "a token is needed: Authorization: Bearer TOKEN\n",
		   MHD_HTTP_HEADER_WWW_AUTHENTICATE,
		   wrong ? "Bearer realm=\"proxtop\", error=\"invalid_token\""
			 : "Bearer realm=\"proxtop\"");
}

static enum MHD_Result give(struct http_server *s, struct MHD_Connection *c, unsigned status,
			    const char *type, struct buf *body)
{
	struct held *h = xcalloc(1, sizeof(*h));
	struct MHD_Response *r;

	*h = (struct held){.server = s, .data = body->data, .n = body->used};
	atomic_fetch_add(&s->held, h->n);
	memset(body, 0, sizeof(*body)); /* is the answer's now */
	r = MHD_create_response_from_buffer_with_free_callback_cls(h->n, h->n ? h->data : "",
								   release, h);
	if (!r)
		release(h);
	return queue(c, status, status == MHD_HTTP_OK ? type : TEXT_TYPE, r, NULL, NULL);
}

/* The route's other form, for who has not asked for this one; the type of what it is now. */
static const char *negotiate(struct MHD_Connection *c, const struct http_route *route,
			     struct buf *body)
{
	const char *accept = header(c, MHD_HTTP_HEADER_ACCEPT);
	struct buf plain;

	if (!route->only_for || (accept && strcasestr(accept, route->only_for)))
		return route->content_type;
	buf_init(&plain, HTTP_BODY_MAX);
	route->plain(&plain, body->data, body->used);
	buf_fini(body);
	*body = plain;
	return route->plain_type;
}

static enum MHD_Result ask_route(struct http_server *s, struct MHD_Connection *c,
				 const struct http_route *route)
{
	const struct http_request request = {c};
	enum MHD_Result result;
	const char *type = route->content_type;
	struct buf body;
	unsigned status;

	if (atomic_load(&s->held) > HELD_MAX) {
		http_connections_end_slow(&s->connections);
		return say(c, MHD_HTTP_SERVICE_UNAVAILABLE,
			   "too many answers wait to be taken; try again soon\n",
			   MHD_HTTP_HEADER_RETRY_AFTER, "1");
	}
	buf_init(&body, HTTP_BODY_MAX);
	status = route->get(s->arg, &request, &body);
	if (status == MHD_HTTP_OK && !body.error)
		type = negotiate(c, route, &body);
	if (body.error)
		result = say(c, MHD_HTTP_INTERNAL_SERVER_ERROR,
			     "the answer is larger than is allowed\n", NULL, NULL);
	else
		result = give(s, c, status, type, &body);
	buf_fini(&body);
	return result;
}

static enum MHD_Result answer(struct http_server *s, struct MHD_Connection *c, const char *path)
{
	const struct http_route *route = s->routes, *end = s->routes + s->n_routes;

	while (route < end && strcmp(route->path, path))
		route++;
	if ((route == end || !route->open) && !has_token(s, c))
		return unauthorized(c);
	return route == end ? no_such_path(s, c) : ask_route(s, c, route);
}

/* Questions with a body are not read to their end. */
static bool has_body(struct MHD_Connection *c)
{
	const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
	       (length && length[strspn(length, "0")]);
}

enum MHD_Result http_answer(void *arg, struct MHD_Connection *connection, const char *path,
			    const char *method, const char *version, const char *upload,
			    size_t *upload_n, void **request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_server *s = arg;
	bool known = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);

	(void)version;
	(void)upload;
	*upload_n = 0;
	if (known && !has_body(connection) && !*request) {
		*request = s; /* it is called again when the request is complete */
		return MHD_YES;
	}
	if (info && info->socket_context)
		http_connections_set(&s->connections, info->socket_context, true);
	atomic_fetch_add(&s->requests, 1);
	if (!known)
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "allowed are GET and HEAD\n",
			   MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (has_body(connection))
		return say(connection, MHD_HTTP_BAD_REQUEST, "a body is not allowed here\n", NULL,
			   NULL);
	return answer(s, connection, path);
}
