/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp: a record is a datagram; lines of line protocol share one as long as they fit into
 * DATAGRAM bytes.  Done is what the kernel has taken: whether somebody gets it cannot be
 * known, only that a host is there and nobody listens (ICMP) comes back, with the next
 * datagram.  Then the next address behind the name is tried.
 */
#include "sink_lookup.h"
#include "transport.h"
#include "xalloc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATAGRAM 1400  /* is not split on the way by an Ethernet with some tunnels */
#define AGAIN_MS 10000 /* so long without an error is good again */
#define ROOM_MS  10    /* for the network card to take what is queued */

struct udp_transport {
	struct transport base;
	struct sink_address address;
	struct sink_lookup *lookup;
	struct sink_peers peers;
	unsigned peer;
	int fd;
	unsigned record; /* of the parcel that is being sent: the next one */
	int64_t error_ms, room_ms;
};

static int udp_open(struct transport **ret, const struct output_url *u, char *why, size_t why_size)
{
	struct udp_transport *t = xcalloc(1, sizeof(*t));

	t->fd = -1;
	*ret = &t->base;
	return sink_address_parse(&t->address, u->target, why, why_size);
}

static void failed(struct udp_transport *t, const char *what, const char *why)
{
	t->error_ms = output_now_ms();
	transport_failed(&t->base, what, why);
}

/* True when there are addresses. */
static bool resolved(struct udp_transport *t)
{
	const char *why = NULL;

	if (t->peers.n)
		return true;
	if (!t->lookup)
		t->lookup = sink_lookup_start(&t->address, SOCK_DGRAM);
	if (!t->lookup) {
		failed(t, "the name cannot be resolved", strerrordesc_np(errno));
		return false;
	}
	if (!sink_lookup_take(t->lookup, &t->peers, &why))
		return false;
	t->lookup = NULL;
	if (why) {
		t->peers.n = 0;
		failed(t, "the name cannot be resolved", why);
	}
	return !why;
}

static int connect_peer(struct udp_transport *t)
{
	const struct sink_peer *p = &t->peers.peer[t->peer % t->peers.n];
	int e;

	t->fd = socket(p->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->fd < 0)
		return -errno;
	if (connect(t->fd, (const struct sockaddr *)&p->address, p->size) == 0)
		return 0;
	e = errno;
	close(t->fd);
	t->fd = -1;
	return -e;
}

/* 0 or negative errno; the other addresses are tried as well. */
static int send_one(struct udp_transport *t, const char *data, size_t n)
{
	int r = 0;

	/* One more than there are: a refusal may be that of the datagram before. */
	for (unsigned i = 0; i <= t->peers.n; i++) {
		r = t->fd < 0 ? connect_peer(t) : 0;
		if (r == 0 && send(t->fd, data, n, MSG_NOSIGNAL) >= 0)
			return 0;
		if (r == 0)
			r = -errno;
		if (r == -EAGAIN || r == -ENOBUFS || r == -EINTR || r == -EMSGSIZE)
			return r;
		if (r == -ECONNREFUSED) {
			t->error_ms = output_now_ms();
			output_report_failure(t->base.report, "nobody listens",
					      strerrordesc_np(-r));
		}
		if (t->fd >= 0)
			close(t->fd);
		t->fd = -1;
		t->peer++;
	}
	return r;
}

/* How many records from this one on go into one datagram. */
static unsigned together(const struct udp_transport *t, const struct parcel *p, size_t start)
{
	unsigned n = 1;

	if (t->base.u->format != FORMAT_INFLUX)
		return 1;
	while (t->record + n < p->n_cuts && p->cut[t->record + n] - start <= DATAGRAM)
		n++;
	return n;
}

/* False when it has to wait. */
static bool send_parcel(struct udp_transport *t, struct parcel *p)
{
	while (t->record < p->n_cuts) {
		size_t start = t->record ? p->cut[t->record - 1] : 0;
		unsigned n = together(t, p, start);
		int r = send_one(t, p->data + start, p->cut[t->record + n - 1] - start);

		if (r == -EAGAIN || r == -ENOBUFS || r == -EINTR) {
			t->room_ms = output_now_ms() + ROOM_MS;
			return false;
		}
		if (r == -EMSGSIZE) {
			output_report_refused(t->base.report, n, "too large for a datagram here");
			t->base.refused = true;
		} else if (r < 0) {
			t->peers.n = 0; /* asked for again, the address may have changed */
			failed(t, "cannot send", strerrordesc_np(-r));
			return false;
		}
		t->record += n;
	}
	t->record = 0;
	p->sent = p->done = true;
	return true;
}

static void udp_step(struct transport *base)
{
	struct udp_transport *t = (struct udp_transport *)base;
	struct parcel *p;

	if (output_now_ms() < base->retry_ms || output_now_ms() < t->room_ms)
		return;
	while ((p = transport_next(base)) && resolved(t) && send_parcel(t, p))
		;
	if (t->error_ms && output_now_ms() - t->error_ms >= AGAIN_MS) {
		t->error_ms = 0;
		transport_works(base);
	}
}

static void udp_wait(struct transport *base, int wake_fd, int64_t until_ms)
{
	struct udp_transport *t = (struct udp_transport *)base;
	int64_t ms = OUTPUT_FOREVER_MS, now = output_now_ms();

	if (t->lookup) {
		transport_poll(wake_fd, sink_lookup_fd(t->lookup), POLLIN, until_ms, ms);
		return;
	}
	if (transport_next(base))
		ms = base->retry_ms > now ? base->retry_ms : t->room_ms;
	transport_poll(wake_fd, -1, 0, until_ms, ms);
}

static void udp_close(struct transport *base)
{
	struct udp_transport *t = (struct udp_transport *)base;

	sink_lookup_leave(t->lookup);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

const struct transport_ops transport_udp = {
	.record_max = SINK_UDP_MAX,
	.window = 1u << 20,
	.open = udp_open,
	.step = udp_step,
	.wait = udp_wait,
	.close = udp_close,
};
