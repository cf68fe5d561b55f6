/* SPDX-License-Identifier: Apache-2.0 */
#include "link_conn.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Without a byte of progress. */
#define HELLO_TIMEOUT_MS   10000
#define MESSAGE_TIMEOUT_MS 30000
#define SEND_TIMEOUT_MS    10000

/* Memory for a message is taken as it arrives: first this much, then twice as much. */
#define FIRST_ROOM (64u << 10)

void link_conn_ref(struct link_conn *c)
{
	c->refs++;
}

void link_conn_unref(struct link_conn *c)
{
	bool last;

	pthread_mutex_lock(c->lock);
	last = --c->refs == 0;
	pthread_mutex_unlock(c->lock);
	if (last)
		c->events->dead(c);
}

void link_conn_close(struct link_conn *c)
{
	bool before;

	pthread_mutex_lock(c->lock);
	before = c->closing;
	c->closing = true;
	pthread_mutex_unlock(c->lock);
	if (before)
		return;
	nng_stream_close(c->stream);
	nng_aio_cancel(c->receive);
	nng_aio_cancel(c->send);
	c->events->closed(c);
	link_conn_unref(c); /* the opening's */
}

/* Starts an operation, which has a reference.  A stream that has been closed meanwhile
 * would never end it, so that this looks after, and whoever closes cancels. */
static void operate(struct link_conn *c, void (*what)(nng_stream *, nng_aio *), nng_aio *aio)
{
	bool closing;

	pthread_mutex_lock(c->lock);
	link_conn_ref(c); /* ours, for after it */
	pthread_mutex_unlock(c->lock);
	what(c->stream, aio);
	pthread_mutex_lock(c->lock);
	closing = c->closing;
	pthread_mutex_unlock(c->lock);
	if (closing)
		nng_aio_cancel(aio);
	link_conn_unref(c);
}

/* ---- receiving ---- */

static void receive(struct link_conn *c)
{
	nng_iov iov = {c->head + c->got, sizeof(c->head) - c->got};
	nng_duration timeout = HELLO_TIMEOUT_MS;

	if (c->part == LINK_BODY)
		iov = (nng_iov){c->body + c->got, c->room - c->got};
	if (c->part != LINK_HELLO)
		timeout =
			c->part == LINK_BODY || c->got ? MESSAGE_TIMEOUT_MS : NNG_DURATION_INFINITE;
	nng_aio_set_iov(c->receive, 1, &iov);
	nng_aio_set_timeout(c->receive, timeout);
	operate(c, nng_stream_recv, c->receive);
}

static void start_part(struct link_conn *c, int part, size_t size)
{
	c->part = part;
	c->got = 0;
	c->size = size;
	c->room = 0;
}

static bool make_room(struct link_conn *c)
{
	size_t room = c->room ? 2 * c->room : FIRST_ROOM;

	if (room > c->size)
		room = c->size;
	if (!c->events->grow(c, room - c->room))
		return false;
	c->body = xrealloc(c->body, room, 1);
	c->room = room;
	return true;
}

static bool take_hello(struct link_conn *c)
{
	const uint8_t want[8] = {0, 'S', 'P', 0, 0, c->peer, 0, 0};

	start_part(c, LINK_LENGTH, 0);
	return !memcmp(c->head, want, sizeof(want));
}

static bool take_length(struct link_conn *c)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | c->head[i];
	if (n > c->max_message)
		return false;
	start_part(c, LINK_BODY, (size_t)n);
	return make_room(c);
}

/* The part is there as far as there was room; false when it cannot go on. */
static bool take(struct link_conn *c)
{
	switch (c->part) {
	case LINK_HELLO:
		return take_hello(c);
	case LINK_LENGTH:
		return take_length(c);
	default:
		return c->got == c->size || make_room(c);
	}
}

static bool is_whole(const struct link_conn *c)
{
	return c->part == LINK_BODY && c->got == c->size;
}

static void give_message(struct link_conn *c)
{
	uint8_t *body = c->body;
	size_t n = c->size;

	c->body = NULL;
	start_part(c, LINK_LENGTH, 0);
	c->events->message(c, body, n);
}

static void on_received(void *arg)
{
	struct link_conn *c = arg;
	bool well = !nng_aio_result(c->receive);

	if (well) {
		c->got += nng_aio_count(c->receive);
		if (c->got == (c->part == LINK_BODY ? c->room : sizeof(c->head)))
			well = take(c);
	}
	if (well && !is_whole(c)) {
		receive(c); /* with the reference of this one */
		return;
	}
	if (well)
		give_message(c);
	else
		link_conn_close(c);
	link_conn_unref(c);
}

void link_conn_more(struct link_conn *c)
{
	pthread_mutex_lock(c->lock);
	link_conn_ref(c);
	pthread_mutex_unlock(c->lock);
	receive(c);
}

/* ---- sending ---- */

static void send_rest(struct link_conn *c)
{
	nng_iov iov = {c->out->bytes + c->sent, c->out->n - c->sent};

	nng_aio_set_iov(c->send, 1, &iov);
	nng_aio_set_timeout(c->send, SEND_TIMEOUT_MS);
	operate(c, nng_stream_send, c->send);
}

/* The first is out; is there another? */
static bool next_out(struct link_conn *c)
{
	struct link_out *done;
	bool more; /* once unlocked, another may begin to send */

	pthread_mutex_lock(c->lock);
	done = c->out;
	c->out = done->next;
	more = c->sending = c->out;
	c->sent = 0;
	pthread_mutex_unlock(c->lock);
	free(done);
	return more;
}

static void on_sent(void *arg)
{
	struct link_conn *c = arg;

	if (nng_aio_result(c->send)) {
		link_conn_close(c);
		link_conn_unref(c);
		return;
	}
	c->sent += nng_aio_count(c->send);
	if (c->sent < c->out->n || next_out(c))
		send_rest(c);
	else
		link_conn_unref(c);
}

static bool queue(struct link_conn *c, struct link_out *o)
{
	bool begin, closing;

	pthread_mutex_lock(c->lock);
	closing = c->closing;
	begin = !closing && !c->sending;
	if (!closing) {
		if (c->out)
			c->last->next = o;
		else
			c->out = o;
		c->last = o;
		c->sending = true;
		if (begin)
			link_conn_ref(c);
	}
	pthread_mutex_unlock(c->lock);
	if (closing)
		free(o);
	if (begin)
		send_rest(c);
	return !closing;
}

bool link_conn_send(struct link_conn *c, const void *head, size_t head_n, const void *bytes,
		    size_t n)
{
	struct link_out *o = xrealloc(NULL, sizeof(*o) + 8 + head_n + n, 1);
	uint8_t *at = o->bytes;

	o->next = NULL;
	for (int i = 0; i < 8; i++)
		*at++ = (uint8_t)((uint64_t)(head_n + n) >> (56 - 8 * i));
	memcpy(at, head, head_n);
	if (n)
		memcpy(at + head_n, bytes, n);
	o->n = 8 + head_n + n;
	return queue(c, o);
}

/* ---- beginning and end ---- */

int link_conn_init(struct link_conn *c, nng_stream *stream, uint8_t self, uint8_t peer)
{
	const uint8_t hello[8] = {0, 'S', 'P', 0, 0, self, 0, 0};
	int r = nng_aio_alloc(&c->receive, on_received, c);

	if (r)
		return r;
	r = nng_aio_alloc(&c->send, on_sent, c);
	if (r) {
		nng_aio_free(c->receive);
		return r;
	}
	c->out = c->last = xcalloc(1, sizeof(*c->out) + sizeof(hello));
	c->out->n = sizeof(hello);
	memcpy(c->out->bytes, hello, sizeof(hello));
	c->stream = stream;
	c->peer = peer;
	c->refs = 1;
	c->part = LINK_HELLO;
	return 0;
}

void link_conn_start(struct link_conn *c)
{
	pthread_mutex_lock(c->lock);
	c->sending = true;
	link_conn_ref(c); /* the send's, */
	link_conn_ref(c); /* the receive's, */
	link_conn_ref(c); /* and ours */
	pthread_mutex_unlock(c->lock);
	send_rest(c);
	receive(c);
	link_conn_unref(c);
}

void link_conn_fini(struct link_conn *c)
{
	nng_aio_free(c->receive);
	nng_aio_free(c->send);
	nng_stream_free(c->stream);
	while (c->out) {
		struct link_out *next = c->out->next;

		free(c->out);
		c->out = next;
	}
	free(c->body);
}
