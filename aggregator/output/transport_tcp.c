/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp: one connection, parcel after parcel.  A parcel is done when the peer's kernel has
 * acknowledged all of it; what it had not when the connection broke is sent again on the
 * next one.  The peer may see a record twice, but never half of one glued to another.
 */
#include "sink_connect.h"
#include "sink_lookup.h"
#include "transport.h"
#include "xalloc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define ACK_MIN_MS 5 /* how soon after a write its acknowledgement is looked for */
#define ACK_MAX_MS 1000

struct tcp_transport {
	struct transport base;
	struct sink_address address;
	enum { TCP_AWAY, TCP_RESOLVING, TCP_CONNECTING, TCP_CONNECTED } state;
	struct sink_lookup *lookup;
	struct sink_peers peers;
	unsigned peer;
	int fd;
	int64_t until_ms;    /* connecting: when it has taken too long */
	uint64_t written;    /* bytes into this connection */
	struct parcel *next; /* what is being written; NULL: look for it */
	size_t next_sent;
	bool blocked; /* our kernel takes no more for now */
	int64_t ack_ms, ack_at_ms;
};

static int tcp_open(struct transport **ret, const struct output_url *u, char *why, size_t why_size)
{
	struct tcp_transport *t = xcalloc(1, sizeof(*t));

	t->fd = -1;
	*ret = &t->base;
	/* Was checked with the URL. */
	return sink_address_parse(&t->address, u->target, why, why_size);
}

static void disconnect(struct tcp_transport *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->state = TCP_AWAY;
	t->next = NULL;
	t->next_sent = 0;
	t->written = 0;
	t->blocked = false;
	for (struct parcel *p = t->base.line->first; p; p = p->next)
		p->sent = p->done;
}

static void lost(struct tcp_transport *t, const char *what, const char *why)
{
	disconnect(t);
	transport_failed(&t->base, what, why);
}

static void resolve(struct tcp_transport *t)
{
	const char *why = NULL;

	if (!t->lookup)
		t->lookup = sink_lookup_start(&t->address, SOCK_STREAM);
	if (!t->lookup) {
		lost(t, "the name cannot be resolved", strerrordesc_np(errno));
		return;
	}
	t->state = TCP_RESOLVING;
	if (!sink_lookup_take(t->lookup, &t->peers, &why))
		return;
	t->lookup = NULL;
	t->peer = 0;
	if (why)
		lost(t, "the name cannot be resolved", why);
	else
		t->state = TCP_CONNECTING;
}

/* The next address, or the last one's error. */
static void next_peer(struct tcp_transport *t, int error)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	if (++t->peer >= t->peers.n)
		lost(t, "cannot connect", strerrordesc_np(-error));
}

static void connected(struct tcp_transport *t)
{
	t->state = TCP_CONNECTED;
	t->ack_ms = ACK_MIN_MS;
	/* Otherwise when something has arrived: it may accept only to close again. */
	if (!t->base.line->first)
		output_report_well(t->base.report);
}

static void try_connect(struct tcp_transport *t)
{
	while (t->state == TCP_CONNECTING) {
		struct pollfd p = {.fd = t->fd, .events = POLLOUT};
		int r;

		if (t->fd < 0) {
			r = tcp_connect_begin(&t->peers.peer[t->peer]);
			if (r < 0) {
				next_peer(t, r);
				continue;
			}
			t->fd = p.fd = r;
			t->until_ms = output_now_ms() + CONNECT_MS;
		}
		if (poll(&p, 1, 0) <= 0) {
			if (output_now_ms() < t->until_ms)
				return;
			next_peer(t, -ETIMEDOUT);
			continue;
		}
		r = tcp_connect_end(t->fd);
		if (r < 0)
			next_peer(t, r);
		else
			connected(t);
	}
}

/* As much as goes.  0, also when the peer is slow, or negative errno. */
static int write_some(struct tcp_transport *t)
{
	t->blocked = false;
	for (;;) {
		ssize_t n;

		if (!t->next)
			t->next = transport_next(&t->base);
		if (!t->next)
			return 0;
		n = tcp_send(t->fd, t->next->data + t->next_sent, t->next->size - t->next_sent);
		if (n == -EAGAIN) {
			t->blocked = true;
			return 0;
		}
		if (n < 0)
			return (int)n;
		t->written += (uint64_t)n;
		t->next_sent += (size_t)n;
		t->ack_ms = ACK_MIN_MS;
		t->ack_at_ms = output_now_ms() + t->ack_ms;
		if (t->next_sent < t->next->size)
			continue;
		t->next->sent = true;
		t->next->end = t->written;
		t->next = t->next->next;
		t->next_sent = 0;
	}
}

static void settle(struct tcp_transport *t, size_t unacked)
{
	uint64_t arrived = unacked < t->written ? t->written - unacked : 0;
	bool any = false;

	for (struct parcel *p = t->base.line->first; p && p->sent && p->end <= arrived; p = p->next)
		any = p->done = true;
	if (any) {
		transport_works(&t->base);
	} else if (output_now_ms() >= t->ack_at_ms) {
		t->ack_ms = t->ack_ms * 2 < ACK_MAX_MS ? t->ack_ms * 2 : ACK_MAX_MS;
		t->ack_at_ms = output_now_ms() + t->ack_ms;
	}
}

static void serve(struct tcp_transport *t)
{
	size_t unacked = 0;
	/* Before writing: an idle connection may have ended meanwhile. */
	int r = tcp_peer_gone(t->fd);

	if (r == 0)
		r = write_some(t);
	if (r == 0) {
		unacked = tcp_unacked(t->fd);
		/* Of a connection that was reset nothing is believed: rather twice than never. */
		r = tcp_peer_gone(t->fd);
	}
	if (r < 0)
		lost(t, "connection lost",
		     r == -ESHUTDOWN ? "closed by the peer" : strerrordesc_np(-r));
	else
		settle(t, unacked);
}

static void tcp_step(struct transport *base)
{
	struct tcp_transport *t = (struct tcp_transport *)base;

	if (t->state == TCP_AWAY && output_now_ms() < base->retry_ms)
		return;
	if (t->state == TCP_AWAY || t->state == TCP_RESOLVING)
		resolve(t);
	if (t->state == TCP_CONNECTING)
		try_connect(t);
	if (t->state == TCP_CONNECTED)
		serve(t);
}

static void tcp_wait(struct transport *base, int wake_fd, int64_t until_ms)
{
	struct tcp_transport *t = (struct tcp_transport *)base;
	short events = POLLIN | POLLRDHUP;
	int64_t ms = OUTPUT_FOREVER_MS;

	switch (t->state) {
	case TCP_AWAY:
		transport_poll(wake_fd, -1, 0, until_ms, base->retry_ms);
		break;
	case TCP_RESOLVING:
		transport_poll(wake_fd, sink_lookup_fd(t->lookup), POLLIN, until_ms, ms);
		break;
	case TCP_CONNECTING:
		transport_poll(wake_fd, t->fd, POLLOUT, until_ms, t->until_ms);
		break;
	case TCP_CONNECTED:
		if (t->blocked)
			events |= POLLOUT;
		if (base->line->first && base->line->first->sent)
			ms = t->ack_at_ms;
		transport_poll(wake_fd, t->fd, events, until_ms, ms);
		break;
	}
}

static void tcp_close(struct transport *base)
{
	struct tcp_transport *t = (struct tcp_transport *)base;

	sink_lookup_leave(t->lookup);
	/* When it was finished in order, the kernel goes on delivering what it holds. */
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

const struct transport_ops transport_tcp = {
	.record_max = SIZE_MAX,
	.window = 4u << 20,
	.open = tcp_open,
	.step = tcp_step,
	.wait = tcp_wait,
	.close = tcp_close,
};
