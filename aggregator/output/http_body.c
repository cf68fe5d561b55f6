/* SPDX-License-Identifier: Apache-2.0 */
#include "http_body.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

void http_body_init(struct http_body *b)
{
	*b = (struct http_body){.data = NULL};
}

void http_body_fini(struct http_body *b)
{
	free(b->data);
	free(b->range);
	http_body_init(b);
}

void http_body_clear(struct http_body *b)
{
	b->used = 0;
	b->n = 0;
	b->splits = 0;
}

bool http_body_add(struct http_body *b, const char *data, size_t n)
{
	if (b->used && b->used + n > HTTP_BODY_MAX)
		return false;
	if (b->used + n > b->room) {
		b->room = b->used + n;
		b->data = xrealloc(b->data, b->room, 1);
	}
	memcpy(b->data + b->used, data, n);
	b->used += n;
	return true;
}

static void push(struct http_body *b, size_t from, size_t to)
{
	if (b->n == b->n_room) {
		b->n_room = b->n_room ? b->n_room * 2 : 16;
		b->range = xrealloc(b->range, b->n_room, sizeof(*b->range));
	}
	b->range[b->n++] = (struct http_range){from, to};
}

/* Where the line that contains the byte before at begins; at a line's start, itself. */
static size_t line_start(const struct http_body *b, size_t from, size_t at)
{
	while (at > from && b->data[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct http_body *b, size_t at, size_t to)
{
	while (at < to && b->data[at] != '\n')
		at++;
	return at < to ? at + 1 : to;
}

void http_body_ready(struct http_body *b)
{
	/* From the end, so that the first range is on top. */
	for (size_t to = b->used; to;) {
		size_t from = 0;

		if (to > HTTP_BODY_MAX) {
			from = to - HTTP_BODY_MAX;
			from = line_start(b, 0, from) == from ? from : line_end(b, from, to);
			if (from == to) /* one line, longer than allowed */
				from = line_start(b, 0, to - 1);
		}
		push(b, from, to);
		to = from;
	}
}

const char *http_body_top(const struct http_body *b, size_t *ret_n)
{
	const struct http_range *r = &b->range[b->n - 1];

	*ret_n = r->to - r->from;
	return b->data + r->from;
}

uint64_t http_body_lines(const struct http_body *b)
{
	size_t n;
	const char *data = http_body_top(b, &n);
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += data[i] == '\n';
	return lines;
}

void http_body_pop(struct http_body *b)
{
	b->n--;
}

bool http_body_split(struct http_body *b)
{
	struct http_range *r = &b->range[b->n - 1];
	size_t from = r->from, to = r->to, middle;

	if (b->splits >= HTTP_SPLITS_MAX)
		return false;
	middle = line_end(b, from + (to - from) / 2, to);
	if (middle == to)
		middle = line_start(b, from, to - 1);
	if (middle == from)
		return false;
	b->splits++;
	r->from = middle;
	push(b, from, middle);
	return true;
}
