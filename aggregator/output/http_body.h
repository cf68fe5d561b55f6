/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HTTP_BODY_H
#define PROXTOP_HTTP_BODY_H

/*
 * The lines of some parcels, on their way in requests.
 *
 * What is still to be posted is a stack of ranges; the top one is the next request.  When
 * a server finds fault with it, the range is halved between two lines: so a bad line does
 * not take others with it.  How often is bounded; after that a range goes as it is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX   (1u << 20) /* bytes of one request, unless a single line is longer */
#define HTTP_SPLITS_MAX 64u        /* of one body */

struct http_range {
	size_t from, to;
};

struct http_body {
	char *data;
	size_t used, room;
	struct http_range *range;
	unsigned n, n_room, splits;
};

void http_body_init(struct http_body *b);
void http_body_fini(struct http_body *b);
void http_body_clear(struct http_body *b);

/* False, and nothing is added, when it is full; an empty one takes anything. */
bool http_body_add(struct http_body *b, const char *data, size_t n);
/* No more is added: now there are ranges. */
void http_body_ready(struct http_body *b);

/* Nothing is left to be posted. */
static inline bool http_body_is_empty(const struct http_body *b)
{
	return !b->n;
}

const char *http_body_top(const struct http_body *b, size_t *ret_n);
uint64_t http_body_lines(const struct http_body *b); /* of the top */
void http_body_pop(struct http_body *b);
/* The top becomes two; false when it is one line, or has been done too often. */
bool http_body_split(struct http_body *b);

#endif
