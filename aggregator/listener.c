/* SPDX-License-Identifier: Apache-2.0 */
#include "listener.h"

#include "aggregator_clock.h"
#include "log.h"
#include "message.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXTS     64u
#define BUFFERS_KEPT 16u
#define KEEP_BYTES   (1u << 20) /* a buffer that has grown beyond is given back */

struct buffers {
	struct buffers *next;
	struct buf plain, reply, sealed;
};

struct listener {
	struct listener_options o;
	struct link_server *server;
	pthread_mutex_t lock; /* of the idle buffers */
	struct buffers *idle;
	unsigned n_idle;
	uint64_t rejected; /* __atomic */
};

static void buffers_free(struct buffers *b)
{
	buf_fini(&b->plain);
	buf_fini(&b->reply);
	buf_fini(&b->sealed);
	free(b);
}

static struct buffers *take(struct listener *l)
{
	struct buffers *b;

	pthread_mutex_lock(&l->lock);
	b = l->idle;
	if (b) {
		l->idle = b->next;
		l->n_idle--;
	}
	pthread_mutex_unlock(&l->lock);
	if (b)
		return b;
	b = xcalloc(1, sizeof(*b));
	buf_init(&b->plain, MESSAGE_MAX);
	buf_init(&b->reply, MESSAGE_MAX);
	buf_init(&b->sealed, MESSAGE_MAX + ENVELOPE_MAX);
	return b;
}

static void give(struct listener *l, struct buffers *b)
{
	bool keep = b->plain.room <= KEEP_BYTES && b->reply.room <= KEEP_BYTES &&
		    b->sealed.room <= KEEP_BYTES;

	pthread_mutex_lock(&l->lock);
	keep = keep && l->n_idle < BUFFERS_KEPT;
	if (keep) {
		b->next = l->idle;
		l->idle = b;
		l->n_idle++;
	}
	pthread_mutex_unlock(&l->lock);
	if (!keep)
		buffers_free(b);
}

/* 0, or why there is no answer. */
static int answer(struct listener *l, struct buffers *b, const uint8_t *bytes, size_t n)
{
	uint8_t id[REQUEST_ID_BYTES];
	int r = unseal(&b->plain, l->o.keys, ENVELOPE_UPLINK_REQUEST, id, NULL, bytes, n);

	if (r < 0)
		return r;
	buf_clear(&b->reply);
	r = receive_request(l->o.receive, b->plain.data, b->plain.used, clock_monotonic_ns(),
			    clock_wall_ns(), &b->reply);
	if (r < 0)
		return r;
	return seal(&b->sealed, l->o.keys, ENVELOPE_UPLINK_REPLY, id, b->reply.data, b->reply.used);
}

static void reject(struct listener *l, const struct link_call *call, int why)
{
	char peer[LINK_PEER_MAX];

	__atomic_add_fetch(&l->rejected, 1, __ATOMIC_RELAXED);
	link_call_peer(call, peer);
	if (why == -EKEYREJECTED)
		log_once(LOG_WARNING, "uplink-key", "a message from %s to --listen is rejected: %s",
			 peer,
			 l->o.keys ? "it was not sealed with a key of --key-file"
				   : "it is sealed, and here is no --key-file");
	else if (why == -EPROTO)
		log_once(LOG_WARNING, "uplink-version",
			 "a message from %s to --listen is rejected: its version is not known here",
			 peer);
	else
		log_once(LOG_WARNING, "uplink-bad",
			 "a message from %s to --listen is rejected: it is none of proxtop's",
			 peer);
}

static void serve(void *arg, struct link_call *call)
{
	struct listener *l = arg;
	struct buffers *b = take(l);
	size_t n;
	const uint8_t *bytes = link_request_bytes(call, &n);
	int r = answer(l, b, bytes, n);

	if (r < 0) {
		reject(l, call, r);
		/* So that the sender can say why: it knows its key, and learns nothing. */
		if (r == -EKEYREJECTED)
			link_reply(call, "", 0);
		else
			link_drop(call);
	} else {
		link_reply(call, b->sealed.data, b->sealed.used);
	}
	give(l, b);
}

int listener_open(struct listener **ret, const struct listener_options *o, char *why,
		  size_t why_size)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	struct link_options link = {.url = o->url,
				    .max_message = MESSAGE_MAX + ENVELOPE_MAX,
				    .contexts = CONTEXTS,
				    .max_pipes = o->max_pipes};
	int r;

	l->o = *o;
	pthread_mutex_init(&l->lock, NULL);
	r = link_listen(&l->server, &link, serve, l);
	if (r < 0) {
		snprintf(why, why_size, "--listen=%s: %s", o->url, strerror(-r));
		listener_close(l);
		return r;
	}
	*ret = l;
	return 0;
}

unsigned listener_port(const struct listener *l)
{
	return link_port(l->server);
}

void listener_stats(struct listener *l, struct listener_stats *ret)
{
	link_stats(l->server, &ret->link);
	ret->rejected = __atomic_load_n(&l->rejected, __ATOMIC_RELAXED);
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	link_server_close(l->server);
	while (l->idle) {
		struct buffers *b = l->idle;

		l->idle = b->next;
		buffers_free(b);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}
