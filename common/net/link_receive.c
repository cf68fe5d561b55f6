/* SPDX-License-Identifier: Apache-2.0 */
#include "link_conn.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Without a byte of progress. */
#define HELLO_TIMEOUT_MS   10000
#define MESSAGE_TIMEOUT_MS 30000

#define HEAD 8u /* bytes of a greeting, and of a length */

/* Memory for a message is taken as it arrives: first this much, then twice as much. */
#define FIRST_ROOM (64u << 10)
/* The most that is kept for what one connection may send. */
#define AHEAD_MAX (64u << 10)

static bool is_known(const struct link_conn *c)
{
	return __atomic_load_n(&c->known, __ATOMIC_ACQUIRE);
}

/* ---- the buffer ---- */

/* What is left in it goes to its beginning, or into a larger one. */
static void make_place(struct link_conn *c)
{
	size_t left = c->in_end - c->in_at;
	uint8_t *to = c->in;

	if (c->in_wish > c->in_room && is_known(c)) {
		to = xrealloc(NULL, c->in_wish, 1);
		c->in_room = c->in_wish;
	}
	memmove(to, c->in + c->in_at, left);
	if (to != c->in && c->in != c->few)
		free(c->in);
	c->in = to;
	c->in_at = 0;
	c->in_end = left;
}

/* The next message of this size shall find place, and one that is a little larger too. */
static void wish(struct link_conn *c, size_t n)
{
	if (n > AHEAD_MAX - HEAD)
		n = AHEAD_MAX - HEAD;
	n += HEAD;
	if (n <= c->in_wish)
		return;
	c->in_wish = n + n / 4 < AHEAD_MAX ? n + n / 4 : AHEAD_MAX;
}

/* ---- its parts ---- */

static bool make_room(struct link_conn *c)
{
	size_t there = c->in_end - c->in_at, room = c->room ? 2 * c->room : FIRST_ROOM;

	/* Twice what has come. */
	if (room < 2 * there)
		room = 2 * there;
	if (room > c->size)
		room = c->size;
	if (!is_known(c) && !c->events->grow(c, room - c->room))
		return false;
	c->body = xrealloc(c->body, room, 1);
	c->room = room;
	return true;
}

static bool take_hello(struct link_conn *c, const uint8_t *head)
{
	const uint8_t want[HEAD] = {0, 'S', 'P', 0, 0, c->peer, 0, 0};

	c->part = LINK_LENGTH;
	return !memcmp(head, want, sizeof(want));
}

static bool take_length(struct link_conn *c, const uint8_t *head)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < HEAD; i++)
		n = n << 8 | head[i];
	if (n > c->max_message)
		return false;
	c->part = LINK_BODY;
	c->got = c->room = 0;
	c->size = (size_t)n;
	wish(c, c->size);
	return make_room(c);
}

static void take_body(struct link_conn *c)
{
	size_t n = c->in_end - c->in_at;

	if (n > c->room - c->got)
		n = c->room - c->got;
	if (n)
		memcpy(c->body + c->got, c->in + c->in_at, n);
	c->in_at += n;
	c->got += n;
}

enum taken { WANTS_MORE, WHOLE, WRONG };

/* As far as what was read goes, and at most to the end of a message. */
static enum taken take(struct link_conn *c)
{
	for (;;) {
		const uint8_t *head = c->in + c->in_at;

		if (c->part == LINK_BODY) {
			take_body(c);
			if (c->got == c->size)
				return WHOLE;
			if (c->got < c->room)
				return WANTS_MORE;
			if (!make_room(c))
				return WRONG;
			continue;
		}
		if (c->in_end - c->in_at < HEAD)
			return WANTS_MORE;
		c->in_at += HEAD;
		if (!(c->part == LINK_HELLO ? take_hello(c, head) : take_length(c, head)))
			return WRONG;
	}
}

static bool give(struct link_conn *c)
{
	uint8_t *body = c->body;

	c->body = NULL;
	c->part = LINK_LENGTH;
	return c->events->message(c, body, c->size);
}

/* ---- reading ---- */

/* The rest of a message of which a part is there goes where it belongs. */
void link_receive(struct link_conn *c)
{
	nng_iov iov = {c->body + c->got, c->room - c->got};
	nng_duration timeout = MESSAGE_TIMEOUT_MS;

	if (c->part != LINK_BODY) {
		make_place(c);
		iov = (nng_iov){c->in + c->in_end, c->in_room - c->in_end};
		if (c->part == LINK_HELLO)
			timeout = HELLO_TIMEOUT_MS;
		else if (!c->in_end)
			timeout = NNG_DURATION_INFINITE;
	}
	nng_aio_set_iov(c->receive, 1, &iov);
	nng_aio_set_timeout(c->receive, timeout);
	link_conn_operate(c, nng_stream_recv, c->receive);
}

void link_received(void *conn)
{
	struct link_conn *c = conn;
	enum taken taken = WRONG;

	if (!nng_aio_result(c->receive)) {
		*(c->part == LINK_BODY ? &c->got : &c->in_end) += nng_aio_count(c->receive);
		taken = take(c);
	}
	while (taken == WHOLE)
		taken = give(c) ? take(c) : WRONG;
	if (taken == WANTS_MORE) {
		link_receive(c); /* with the reference of this one */
		return;
	}
	link_conn_close(c);
	link_conn_unref(c);
}

void link_receive_fini(struct link_conn *c)
{
	if (c->in != c->few)
		free(c->in);
	free(c->body);
}
