/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LINK_H
#define PROXTOP_LINK_H

/*
 * Requests and replies over nng (REQ/REP, tcp only).  All of nng is behind link*.c.
 *
 * A client asks one thing at a time and waits with a deadline.  A server calls serve()
 * in threads of nng for each request, several at once; it is answered by link_reply()
 * from any thread, at once or later (a long poll), or given up by link_drop().  The
 * number of requests that wait for their answer is bounded by `contexts`; further ones
 * wait in their connections.  serve() must not block: nng has few threads.
 *
 * Connections are bounded by `max_pipes`.  When all are taken, a new one takes the place
 * of the oldest that has never been answered (an empty answer is none), else of one that
 * has been silent for 5 minutes, else it is closed: who holds connections and says
 * nothing, or nothing that is answered, keeps nobody out.  Memory for a message is taken
 * as it arrives, and those that were never answered hold 64 MiB together (or one message,
 * if that is larger).  A peer with more than 4 requests under way is disconnected, and so
 * is one that does not take its answer for 10 seconds or stops in the middle of a message
 * for 30.
 *
 * nng 1.5.2 and later: its streams, on which link_conn.c speaks its protocol (why not its
 * sockets is said in link_conn.h; anybody's REQ or REP of nng can be the other side).
 */
#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_options {
	/* tcp://host:port, tcp://[v6]:port; listening on port 0 takes any.  localhost is
	 * 127.0.0.1.  One listens on the first address of another name, and tries to connect
	 * to its first one, its first IPv4 and its first IPv6 address in turn. */
	const char *url;
	size_t max_message; /* bytes; a peer that sends more is disconnected */
	unsigned contexts;  /* server: requests under way at once, 1 to 65536 */
	unsigned max_pipes; /* server: connections at once, 1 to 1048576 */
};

struct link_server;
struct link_call; /* a request that has not been answered */

typedef void link_serve_fn(void *arg, struct link_call *call);

/* 0, or negative errno (-EADDRINUSE, -EINVAL: not a URL we take). */
int link_listen(struct link_server **ret, const struct link_options *o, link_serve_fn *serve,
		void *arg);
unsigned link_port(const struct link_server *s); /* the one it listens on */
struct link_stats {
	uint64_t requests, send_failed, bytes_in, bytes_out;
	uint64_t refused_pipes; /* connections closed because there were too many, or by a peer's
				   fault as above */
	unsigned pipes;
};
void link_stats(struct link_server *s, struct link_stats *ret);
/* No further call of serve() after it returns; its caller must hold no lock that serve()
 * takes.  Requests that wait are dropped: their holders still end each by link_reply() or
 * link_drop(), from any thread and at any time later, which then only frees it. */
void link_server_close(struct link_server *s); /* NULL is fine */

/* Valid until the call is ended. */
const uint8_t *link_request_bytes(const struct link_call *call, size_t *ret_n);
/* Who asks: 192.0.2.1:4711, [2001:db8::1]:4711; "?" when the connection is gone. */
#define LINK_PEER_MAX 64u
void link_call_peer(const struct link_call *call, char to[LINK_PEER_MAX]);
/* Ends the call. */
void link_reply(struct link_call *call, const void *bytes, size_t n);
/* Ends it without an answer; the peer is disconnected, so that it need not wait. */
void link_drop(struct link_call *call);
/* The connection it came by is gone: nobody waits for the answer. */
bool link_call_lost(const struct link_call *call);

struct link_client;
/* Connects when it is asked, and again when the connection was lost: at once, then with
 * pauses of up to 2 s. */
int link_dial(struct link_client **ret, const struct link_options *o);
/* reply is emptied first.  One thread at a time.  0; -ETIMEDOUT: no connection or no
 * answer in time (the connection is then made anew, so that a late answer is never taken
 * for another); -ECONNRESET: the connection was lost, or the server did not want to
 * answer; -EMSGSIZE: the answer is larger than reply may be; -ECANCELED. */
int link_ask(struct link_client *c, const void *bytes, size_t n, struct buf *reply, int timeout_ms);
bool link_connected(struct link_client *c);
/* Why it could not be connected when it was tried last, 0 when it could: negative errno;
 * -EADDRNOTAVAIL: the name is not known.  In the thread that asks. */
int link_reason(const struct link_client *c);
/* From any thread: the request under way, and later ones, end with -ECANCELED. */
void link_cancel(struct link_client *c);
/* NULL is fine.  link_ask must have returned. */
void link_client_close(struct link_client *c);

#endif
