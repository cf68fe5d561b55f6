/* SPDX-License-Identifier: Apache-2.0 */
#include "http_connections.h"

#include "clock.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

void http_connections_init(struct http_connections *c)
{
	memset(c, 0, sizeof(*c));
	pthread_mutex_init(&c->lock, NULL);
}

void http_connections_fini(struct http_connections *c)
{
	pthread_mutex_destroy(&c->lock);
}

static struct in6_addr peer_of(const struct sockaddr *from)
{
	struct in6_addr peer = IN6ADDR_ANY_INIT;

	if (from && from->sa_family == AF_INET6) {
		peer = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
	} else if (from && from->sa_family == AF_INET) {
		peer.s6_addr[10] = peer.s6_addr[11] = 0xff;
		memcpy(peer.s6_addr + 12,
		       &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	}
	return peer;
}

static bool counts(const struct http_connection *h)
{
	return h->used && !h->leaving;
}

static void end(struct http_connections *c, struct http_connection *h)
{
	shutdown(h->fd, SHUT_RDWR);
	h->leaving = true;
	c->n--;
}

static bool is_slow(const struct http_connection *h, uint64_t now)
{
	return h->answering && now - h->since_ns >= HTTP_SLOW_ANSWER_NS;
}

/* Of one peer, or of all with NULL. */
static struct http_connection *weakest(struct http_connections *c, const struct in6_addr *peer)
{
	struct http_connection *found = NULL;
	uint64_t now = clock_monotonic_ns();

	for (struct http_connection *h = c->slot; h < c->slot + HTTP_CONNECTIONS_ROOM; h++) {
		if (!counts(h) || (peer && memcmp(&h->peer, peer, sizeof(*peer))))
			continue;
		if (h->answering && !is_slow(h, now))
			continue;
		if (!found || h->answering < found->answering ||
		    (h->answering == found->answering && h->since_ns < found->since_ns))
			found = h;
	}
	return found;
}

static unsigned count_of(const struct http_connections *c, const struct in6_addr *peer)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HTTP_CONNECTIONS_ROOM; i++)
		n += counts(&c->slot[i]) && !memcmp(&c->slot[i].peer, peer, sizeof(*peer));
	return n;
}

bool http_connections_admit(struct http_connections *c, const struct sockaddr *from)
{
	struct in6_addr peer = peer_of(from);
	bool peer_full, full, admitted = true;

	pthread_mutex_lock(&c->lock);
	peer_full = count_of(c, &peer) >= HTTP_CONNECTIONS_PER_PEER;
	full = c->n >= HTTP_CONNECTIONS_MAX;
	if (peer_full || full) {
		struct http_connection *h = weakest(c, peer_full ? &peer : NULL);

		admitted = h;
		c->refused++;
		if (h)
			end(c, h);
	}
	pthread_mutex_unlock(&c->lock);
	return admitted;
}

struct http_connection *http_connections_add(struct http_connections *c, int fd,
					     const struct sockaddr *from)
{
	struct http_connection *h = c->slot, *last = c->slot + HTTP_CONNECTIONS_ROOM;

	pthread_mutex_lock(&c->lock);
	while (h < last && h->used)
		h++;
	if (h < last) {
		*h = (struct http_connection){.fd = fd,
					      .used = true,
					      .since_ns = clock_monotonic_ns(),
					      .peer = peer_of(from)};
		c->n++;
	}
	pthread_mutex_unlock(&c->lock);
	return h < last ? h : NULL;
}

void http_connections_remove(struct http_connections *c, struct http_connection *h)
{
	pthread_mutex_lock(&c->lock);
	c->n -= !h->leaving;
	h->used = false;
	pthread_mutex_unlock(&c->lock);
}

void http_connections_set(struct http_connections *c, struct http_connection *h, bool answering)
{
	pthread_mutex_lock(&c->lock);
	h->answering = answering;
	h->since_ns = clock_monotonic_ns();
	pthread_mutex_unlock(&c->lock);
}

void http_connections_end_slow(struct http_connections *c)
{
	uint64_t now = clock_monotonic_ns();

	pthread_mutex_lock(&c->lock);
	for (struct http_connection *h = c->slot; h < c->slot + HTTP_CONNECTIONS_ROOM; h++)
		if (counts(h) && is_slow(h, now))
			end(c, h);
	pthread_mutex_unlock(&c->lock);
}
