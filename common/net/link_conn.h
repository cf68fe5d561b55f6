/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LINK_CONN_H
#define PROXTOP_LINK_CONN_H

/*
 * One connection that speaks nng's protocol (SP over tcp) on a stream of nng: a greeting,
 * then messages with their length before them.  Only for link*.c.  link_conn.c has its life
 * and what is sent, link_receive.c what is received.
 *
 * Why not nng's own sockets: in 1.5.2 a connection that ends while a part of a message
 * arrives or leaves may hang the one thread that clears up for the whole process (fixed
 * in 1.6); any peer can bring that about.  And a length is believed: memory is taken for
 * it before a byte of the message has come.
 *
 * Each operation of nng that ends costs a change of threads, which is more than all that is
 * done with a usual message.  So one operation reads all there is, length and message and
 * what follows, into a buffer; who is known (link_conn_know) gets one that holds a message
 * as large as it has sent before, a stranger one of LINK_FEW bytes.
 *
 * Life: it begins with one reference, its opening, which closing drops; every operation
 * of nng that is under way has one.  When the last is gone, dead() is called; then
 * link_conn_fini() frees, but not from within a callback of nng that is its own.
 */
#include "link_nng.h"

#include <pthread.h>

/* Protocol numbers that are said in the greeting. */
#define LINK_REQ 0x30u
#define LINK_REP 0x31u

#define LINK_FEW 512u

struct link_conn;

struct link_conn_events {
	/* A message, which the callee frees.  The next one of this connection comes when it
	 * has returned; false: the connection is closed instead. */
	bool (*message)(struct link_conn *c, uint8_t *bytes, size_t n);
	/* More memory is about to be taken for a message of one that is not known; false: the
	 * connection is closed. */
	bool (*grow)(struct link_conn *c, size_t more);
	void (*closed)(struct link_conn *c); /* once, in any thread */
	void (*dead)(struct link_conn *c);   /* the last */
};

/* Bytes on their way out. */
struct link_out {
	struct link_out *next;
	size_t n;
	uint8_t bytes[];
};

struct link_conn {
	const struct link_conn_events *events;
	pthread_mutex_t *lock; /* the owner's; never held while nng is called */
	nng_stream *stream;
	nng_aio *receive, *send;
	uint8_t peer; /* the protocol the other side has to be of */
	size_t max_message;

	unsigned refs;       /* __atomic */
	bool closing, known; /* __atomic, once true so for ever */

	/* Under the lock: */
	bool sending;
	struct link_out *out, *last;

	/* Of the sending under way: */
	size_t sent; /* of *out */

	/* Of the receiving under way: */
	enum { LINK_HELLO, LINK_LENGTH, LINK_BODY } part;
	uint8_t *in;                   /* few, or larger */
	size_t in_room, in_at, in_end; /* what was read and is not yet taken is between the two */
	size_t in_wish;                /* as large as it should be */
	uint8_t *body;
	size_t got, size, room; /* bytes of it there are, there will be, there is memory for */
	uint8_t few[LINK_FEW];
};

/* The stream belongs to it from here on; an nng error, in which case it does not. */
int link_conn_init(struct link_conn *c, nng_stream *stream, uint8_t self, uint8_t peer);
void link_conn_fini(struct link_conn *c);

void link_conn_start(struct link_conn *c); /* greets, and receives */
/* It is no stranger: memory is taken for it without asking grow(), and kept. */
void link_conn_know(struct link_conn *c);
/* A message of head_n + n bytes; false when it was closed. */
bool link_conn_send(struct link_conn *c, const void *head, size_t head_n, const void *bytes,
		    size_t n);
/* From any thread that has a reference. */
void link_conn_close(struct link_conn *c);
bool link_conn_is_closing(const struct link_conn *c);
/* With another reference, or with the lock and before closed() has been called. */
void link_conn_ref(struct link_conn *c);
void link_conn_unref(struct link_conn *c);

/* ---- between the two files ---- */

/* Starts an operation, which needs a reference of its own. */
void link_conn_operate(struct link_conn *c, void (*what)(nng_stream *, nng_aio *), nng_aio *aio);
/* Goes on receiving, with a reference that it drops in the end. */
void link_receive(struct link_conn *c);
void link_received(void *conn); /* nng's callback */
void link_receive_fini(struct link_conn *c);

#endif
