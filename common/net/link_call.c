/* SPDX-License-Identifier: Apache-2.0 */
#include "link_server.h"

#include "xalloc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes of the way back, or 0 when there is none. */
static size_t head_of(const uint8_t *bytes, size_t n)
{
	for (size_t at = 0; at + 4 <= n && at < LINK_HEAD_MAX; at += 4)
		if (bytes[at] & 0x80)
			return at + 4;
	return 0;
}

static void free_call(struct link_call *call)
{
	free(call->bytes);
	free(call);
}

/* With the lock.  False when the peer is going, or has too many under way. */
static bool note(struct link_server *s, struct link_peer *p, struct link_call *call)
{
	if (link_conn_is_closing(&p->conn))
		return false;
	if (p->n_calls == LINK_CALLS_PER_PIPE) {
		s->stats.refused_pipes++;
		return false;
	}
	call->strange = p->strange;
	p->strange = 0;
	call->peer = p;
	p->call[p->n_calls++] = call;
	p->pipe.calls = p->n_calls;
	p->pipe.since_ms = link_now_ms();
	s->stats.requests++;
	s->stats.bytes_in += call->n - call->head_n;
	return true;
}

/* With the lock: may it be served now, or does it have to wait for its turn? */
static bool takes_place(struct link_server *s, struct link_call *call)
{
	if (s->live < s->contexts && !s->waiting) {
		s->live++;
		return true;
	}
	*s->waiting_end = call;
	s->waiting_end = &call->next;
	return false;
}

bool link_server_message(struct link_conn *c, uint8_t *bytes, size_t n)
{
	struct link_peer *p = (struct link_peer *)c;
	struct link_server *s = p->server;
	struct link_call *call = xcalloc(1, sizeof(*call));
	bool well, now = false;

	*call = (struct link_call){
		.server = s, .bytes = bytes, .n = n, .head_n = head_of(bytes, n)};
	pthread_mutex_lock(&s->lock);
	well = call->head_n && !s->closed && note(s, p, call);
	if (well)
		now = takes_place(s, call);
	pthread_mutex_unlock(&s->lock);
	if (!well) {
		free_call(call); /* what was counted for it goes with the connection */
		return false;
	}
	if (now)
		s->serve(s->arg, call);
	return true;
}

/* With the lock: the next one in turn, if there is a place. */
static struct link_call *next_call(struct link_server *s)
{
	struct link_call *call = s->waiting;

	if (!call || s->closed || s->live >= s->contexts)
		return NULL;
	s->waiting = call->next;
	if (!s->waiting)
		s->waiting_end = &s->waiting;
	s->live++;
	return call;
}

bool link_server_wants_later(struct link_server *s)
{
	if (s->later_on || s->closed)
		return false;
	s->later_on = true;
	s->busy++; /* so that it is not closed meanwhile */
	return true;
}

void link_server_do_later(struct link_server *s)
{
	nng_sleep_aio(0, s->later);
	pthread_mutex_lock(&s->lock);
	if (--s->busy == 0)
		pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void link_server_later(void *server)
{
	struct link_server *s = server;
	struct link_call *call;
	bool more;

	do {
		link_server_bury(s);
		pthread_mutex_lock(&s->lock);
		call = next_call(s);
		more = call || s->dead;
		s->later_on = more;
		pthread_mutex_unlock(&s->lock);
		if (call)
			s->serve(s->arg, call);
	} while (more);
}

void link_server_drop_waiting(struct link_server *s)
{
	while (s->waiting) {
		struct link_call *next = s->waiting->next;

		free_call(s->waiting);
		s->waiting = next;
	}
}

/* With the lock: the connection forgets the call. */
static struct link_peer *leave_peer(struct link_call *call)
{
	struct link_peer *p = call->peer;

	for (unsigned i = 0; p && i < p->n_calls; i++)
		if (p->call[i] == call) {
			p->call[i] = p->call[--p->n_calls];
			break;
		}
	if (p) {
		p->pipe.calls = p->n_calls;
		p->pipe.since_ms = link_now_ms();
		link_conn_ref(&p->conn);
	}
	return p;
}

/* A reference to the connection it came by, or NULL when that is gone. */
static struct link_peer *begin_end(struct link_call *call, bool answered, size_t n)
{
	struct link_server *s = call->server;
	struct link_peer *p;

	pthread_mutex_lock(&s->lock);
	p = leave_peer(call);
	if (p && answered) {
		/* Empty is the answer to what could not be opened: that makes nobody known. */
		p->pipe.answered |= n > 0;
		if (n)
			link_conn_know(&p->conn);
		s->stats.bytes_out += n;
	}
	s->strange -= call->strange;
	pthread_mutex_unlock(&s->lock);
	return p;
}

/* Its place is free.  Who waits for it is not served from here: whoever ends a call may
 * hold locks that serve() takes. */
static void end(struct link_call *call)
{
	struct link_server *s = call->server;
	bool last, later;

	free_call(call);
	pthread_mutex_lock(&s->lock);
	s->live--;
	last = s->left && !s->live;
	later = s->waiting && link_server_wants_later(s);
	pthread_mutex_unlock(&s->lock);
	if (last)
		link_server_free(s);
	if (later)
		link_server_do_later(s);
}

const uint8_t *link_request_bytes(const struct link_call *call, size_t *ret_n)
{
	*ret_n = call->n - call->head_n;
	return call->bytes + call->head_n;
}

/* nng has addresses and ports as they are on the wire. */
static void address_text(const nng_sockaddr *a, char to[LINK_PEER_MAX])
{
	char number[INET6_ADDRSTRLEN] = "?";

	if (a->s_family == NNG_AF_INET6) {
		inet_ntop(AF_INET6, a->s_in6.sa_addr, number, sizeof(number));
		snprintf(to, LINK_PEER_MAX, "[%s]:%u", number, ntohs(a->s_in6.sa_port));
	} else if (a->s_family == NNG_AF_INET) {
		inet_ntop(AF_INET, &a->s_in.sa_addr, number, sizeof(number));
		snprintf(to, LINK_PEER_MAX, "%s:%u", number, ntohs(a->s_in.sa_port));
	}
}

void link_call_peer(const struct link_call *call, char to[LINK_PEER_MAX])
{
	struct link_server *s = call->server;
	nng_sockaddr address;
	struct link_peer *p;

	snprintf(to, LINK_PEER_MAX, "?");
	pthread_mutex_lock(&s->lock);
	p = call->peer;
	if (p)
		link_conn_ref(&p->conn);
	pthread_mutex_unlock(&s->lock);
	if (!p)
		return;
	if (nng_stream_get_addr(p->conn.stream, NNG_OPT_REMADDR, &address) == 0)
		address_text(&address, to);
	link_conn_unref(&p->conn);
}

void link_reply(struct link_call *call, const void *bytes, size_t n)
{
	struct link_server *s = call->server;
	/* Who is only told that he is not understood stays a stranger. */
	struct link_peer *p = begin_end(call, n, n);

	if (p && !link_conn_send(&p->conn, call->bytes, call->head_n, bytes, n)) {
		pthread_mutex_lock(&s->lock);
		s->stats.send_failed++;
		pthread_mutex_unlock(&s->lock);
	}
	if (p)
		link_conn_unref(&p->conn);
	end(call);
}

void link_drop(struct link_call *call)
{
	struct link_peer *p = begin_end(call, false, 0);

	if (p) {
		link_conn_close(&p->conn);
		link_conn_unref(&p->conn);
	}
	end(call);
}

bool link_call_lost(const struct link_call *call)
{
	struct link_server *s = call->server;
	bool lost;

	pthread_mutex_lock(&s->lock);
	lost = !call->peer;
	pthread_mutex_unlock(&s->lock);
	return lost;
}
