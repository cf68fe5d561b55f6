/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp: one record is one datagram.
 *
 * Whether somebody gets it cannot be known; only that a host is there and nobody listens
 * (ICMP) comes back, with the next datagram.  With several addresses behind a name, an
 * error moves on to the next one (localhost is often [::1] first, and the receiver on
 * 127.0.0.1 only).  The name is looked up when the sink is opened, for at most OPEN_MS,
 * and again, aside, while errors last.
 */
#include "log.h"
#include "sink_lookup.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_MS  2000
#define AGAIN_MS 10000 /* between two lookups; and so long without an error is good again */
#define ROOM_MS  10    /* for the network card to take what is queued */

struct udp_sink {
	struct sink base;
	struct sink_address address;
	char *name, *key, *key_size;
	struct sink_peers peers;
	unsigned next; /* the peer to try when there is no fd */
	int fd;
	struct sink_lookup *lookup; /* on its way */
	const char *unresolved;     /* why there are no peers */
	int64_t lookup_ms;          /* when the latest one began */
	int64_t error_ms;           /* when the latest error was */
	uint64_t lost;              /* since the first error, for the message when it is over */
	size_t latest;              /* bytes of the latest datagram that went out, 0: none */
};

static void start_lookup(struct udp_sink *u)
{
	if (u->lookup)
		return;
	u->lookup_ms = sink_now_ms();
	u->lookup = sink_lookup_start(&u->address, SOCK_DGRAM);
	if (!u->lookup)
		u->unresolved = strerrordesc_np(errno);
}

static void take_lookup(struct udp_sink *u)
{
	struct sink_peers peers;
	const char *why;

	if (!u->lookup || !sink_lookup_take(u->lookup, &peers, &why))
		return;
	u->lookup = NULL;
	u->unresolved = why;
	/* Old addresses are better than none. */
	if (why)
		return;
	u->peers = peers;
	u->next = 0;
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

static int udp_open(struct sink **ret, const struct sink_options *o, char *why, size_t why_size)
{
	struct sink_address address;
	struct udp_sink *u;
	int r = sink_address_parse(&address, o->target, why, why_size);

	if (r < 0)
		return r;
	u = xcalloc(1, sizeof(*u));
	u->address = address;
	u->name = xasprintf("udp %s", o->target);
	u->key = xasprintf("sink/udp/%s", o->target);
	u->key_size = xasprintf("sink/udp/size/%s", o->target);
	u->fd = -1;
	start_lookup(u);
	if (u->lookup) {
		struct pollfd p = {.fd = sink_lookup_fd(u->lookup), .events = POLLIN};

		poll(&p, 1, OPEN_MS);
		take_lookup(u);
	}
	*ret = &u->base;
	return 0;
}

/* A socket to the next peer for which there is a route.  0 or negative errno. */
static int connect_next(struct udp_sink *u)
{
	int r = -EDESTADDRREQ;

	for (unsigned i = 0; i < u->peers.n; i++) {
		const struct sink_peer *p = &u->peers.peer[u->next % u->peers.n];
		int fd = socket(p->address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		u->next++;
		if (fd >= 0 && connect(fd, (const struct sockaddr *)&p->address, p->size) == 0) {
			u->fd = fd;
			return 0;
		}
		r = -errno;
		if (fd >= 0)
			close(fd);
	}
	return r;
}

static int try_send(struct udp_sink *u, const char *data, size_t n)
{
	int r = u->fd < 0 ? connect_next(u) : 0;
	struct pollfd p = {.fd = u->fd, .events = POLLOUT};

	if (r < 0)
		return r;
	if (send(u->fd, data, n, MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno != EAGAIN && errno != EINTR)
		return -errno;
	if (poll(&p, 1, ROOM_MS) > 0 && send(u->fd, data, n, MSG_NOSIGNAL) >= 0)
		return 0;
	return -errno;
}

/* Nobody listened when the latest datagram arrived: it did not count after all. */
static void take_back(struct udp_sink *u)
{
	if (!u->latest)
		return;
	sink_uncount(&u->base, u->latest);
	u->latest = 0;
	u->lost++;
}

static void note_error(struct udp_sink *u, int error)
{
	const char *why = strerror(-error);

	u->error_ms = sink_now_ms();
	if (!u->peers.n)
		why = u->unresolved ? u->unresolved : "still asking the resolver";
	log_once(LOG_WARNING, u->key, "%s: %s: %s; datagrams are lost", u->name,
		 u->peers.n ? "cannot send" : "the name cannot be resolved", why);
	if (u->error_ms - u->lookup_ms >= AGAIN_MS)
		start_lookup(u);
	/* A congested card is no reason to leave the peer. */
	if (u->fd < 0 || error == -EAGAIN || error == -ENOBUFS || error == -EMSGSIZE)
		return;
	close(u->fd);
	u->fd = -1;
}

static int udp_write(struct sink *base, const char *data, size_t n)
{
	struct udp_sink *u = (struct udp_sink *)base;
	int r;

	if (n > SINK_UDP_MAX) {
		sink_drop(base, 1);
		log_once(LOG_WARNING, u->key_size,
			 "%s: %zu bytes do not fit into a datagram (at most %u), dropped", u->name,
			 n, SINK_UDP_MAX);
		return -EMSGSIZE;
	}
	take_lookup(u);
	r = try_send(u, data, n);
	if (r < 0) {
		/* An error that is reported now may be the one of the datagram before. */
		if (r == -ECONNREFUSED)
			take_back(u);
		note_error(u, r);
		if (u->fd < 0)
			r = try_send(u, data, n);
	}
	if (r < 0) {
		sink_drop(base, 1);
		u->lost++;
		u->latest = 0;
		return r == -EPIPE ? -EIO : r;
	}
	sink_count(base, n);
	u->latest = n;
	if (u->error_ms && sink_now_ms() - u->error_ms >= AGAIN_MS) {
		log_over(u->key, "%s: no errors any more; %" PRIu64 " datagrams were lost", u->name,
			 u->lost);
		u->error_ms = 0;
		u->lost = 0;
	}
	return 0;
}

static void udp_close(struct sink *base, int timeout_ms)
{
	struct udp_sink *u = (struct udp_sink *)base;

	(void)timeout_ms;
	sink_lookup_leave(u->lookup);
	if (u->lost)
		log_warning("%s: closed; %" PRIu64 " datagrams were lost", u->name, u->lost);
	log_over(u->key, NULL);
	log_over(u->key_size, NULL);
	if (u->fd >= 0)
		close(u->fd);
	free(u->name);
	free(u->key);
	free(u->key_size);
	free(u);
}

const struct sink_ops sink_udp = {
	.record_max = SINK_UDP_MAX,
	.needs = "host:port, port 1 to 65535",
	.open = udp_open,
	.write = udp_write,
	.close = udp_close,
};
