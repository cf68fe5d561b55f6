/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LINK_SERVER_H
#define PROXTOP_LINK_SERVER_H

/*
 * What the two files of a server share: link_server.c has its connections, link_call.c
 * the requests they bring.
 */
#include "link_conn.h"
#include "link_pipes.h"

#define LINK_CALLS_PER_PIPE 4u
/* Before a request stands the way it came by, back to who asked (REQ/REP of SP): words of
 * four bytes, the last one with its highest bit set. */
#define LINK_HEAD_MAX 32u
/* Bytes that connections which were never answered may hold together, or one message if
 * that is larger. */
#define LINK_STRANGE_MAX (64u << 20)

struct link_call {
	struct link_server *server;
	struct link_peer *peer; /* under the lock; NULL when it is gone */
	struct link_call *next; /* that waits for its turn */
	uint8_t *bytes;
	size_t n, head_n;
	size_t strange; /* bytes counted as a stranger's */
};

struct link_peer {
	struct link_conn conn; /* first: one is the other */
	struct link_server *server;
	struct link_pipe pipe;
	bool listed; /* pipe is in the list */
	unsigned n_calls;
	struct link_call *call[LINK_CALLS_PER_PIPE];
	size_t strange; /* bytes counted for the message that arrives */
	struct link_peer *next_dead;
};

struct link_server {
	nng_stream_listener *listener;
	nng_aio *accept, *pause, *later;
	unsigned port;
	link_serve_fn *serve;
	void *arg;
	unsigned contexts;
	size_t max_message, strange_max;

	pthread_mutex_t lock; /* what follows; never held while nng is called */
	pthread_cond_t changed;
	bool closed;
	bool left;      /* by its owner: who ends the last call frees it */
	bool later_on;  /* later is under way */
	unsigned busy;  /* threads that are about to start later */
	unsigned live;  /* calls that serve() has got and nobody has ended */
	unsigned peers; /* connections that are not buried */
	size_t strange;
	struct link_stats stats;
	struct link_pipes pipes;
	struct link_peer *dead;
	struct link_call *waiting, **waiting_end;
};

bool link_server_message(struct link_conn *c, uint8_t *bytes, size_t n);
/* What must not be done where it becomes due is done in a callback of its own: calls that
 * have waited for a place are served, and dead connections are freed. */
bool link_server_wants_later(struct link_server *s); /* with the lock; then: */
void link_server_do_later(struct link_server *s);
void link_server_later(void *server);
void link_server_bury(struct link_server *s);

void link_server_drop_waiting(struct link_server *s);
void link_server_free(struct link_server *s);

#endif
