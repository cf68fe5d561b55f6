/* SPDX-License-Identifier: Apache-2.0 */
#include "link_conn.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define SEND_TIMEOUT_MS 10000 /* without a byte of progress */

void link_conn_ref(struct link_conn *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
}

void link_conn_unref(struct link_conn *c)
{
	if (__atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) == 0)
		c->events->dead(c);
}

void link_conn_know(struct link_conn *c)
{
	__atomic_store_n(&c->known, true, __ATOMIC_RELEASE);
}

bool link_conn_is_closing(const struct link_conn *c)
{
	return __atomic_load_n(&c->closing, __ATOMIC_SEQ_CST);
}

void link_conn_close(struct link_conn *c)
{
	if (__atomic_exchange_n(&c->closing, true, __ATOMIC_SEQ_CST))
		return;
	nng_stream_close(c->stream);
	nng_aio_cancel(c->receive);
	nng_aio_cancel(c->send);
	c->events->closed(c);
	link_conn_unref(c); /* the opening's */
}

/* A stream that has been closed meanwhile would never end the operation, so that this looks
 * after, and whoever closes cancels: one of the two sees the other. */
void link_conn_operate(struct link_conn *c, void (*what)(nng_stream *, nng_aio *), nng_aio *aio)
{
	link_conn_ref(c); /* ours, for after it */
	what(c->stream, aio);
	if (link_conn_is_closing(c))
		nng_aio_cancel(aio);
	link_conn_unref(c);
}

/* ---- sending ---- */

static void send_rest(struct link_conn *c)
{
	nng_iov iov = {c->out->bytes + c->sent, c->out->n - c->sent};

	nng_aio_set_iov(c->send, 1, &iov);
	nng_aio_set_timeout(c->send, SEND_TIMEOUT_MS);
	link_conn_operate(c, nng_stream_send, c->send);
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
	closing = link_conn_is_closing(c);
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
	int r = nng_aio_alloc(&c->receive, link_received, c);

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
	c->in = c->few;
	c->in_room = c->in_wish = sizeof(c->few);
	return 0;
}

void link_conn_start(struct link_conn *c)
{
	pthread_mutex_lock(c->lock);
	c->sending = true;
	pthread_mutex_unlock(c->lock);
	link_conn_ref(c); /* the send's, */
	link_conn_ref(c); /* the receive's, */
	link_conn_ref(c); /* and ours */
	send_rest(c);
	link_receive(c);
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
	link_receive_fini(c);
}
