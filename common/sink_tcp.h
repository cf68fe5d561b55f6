/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SINK_TCP_H
#define PROXTOP_SINK_TCP_H

/*
 * The tcp sink, between its two threads: the caller's (sink_tcp.c) and its own
 * (sink_tcp_thread.c).
 *
 * A record waits until the peer's kernel has acknowledged all of it, so one that was in
 * our kernel's buffers when the connection broke is sent again.  What a peer had
 * acknowledged and not read when it died is lost with it.
 */
#include "sink_ops.h"
#include "sink_queue.h"

#include <pthread.h>

#define TCP_BACKOFF_MIN_MS 200
#define TCP_BACKOFF_MAX_MS 30000

struct tcp_sink {
	struct sink base;

	/* Constant while the thread runs. */
	struct sink_address address;
	char *name; /* "tcp HOST:PORT", for messages */
	char *key_lost, *key_drop;
	int wake; /* eventfd: something has changed under the lock */
	pthread_t thread;

	pthread_mutex_t lock;
	struct sink_queue queue;
	uint64_t unsaid; /* dropped, and no total said yet */
	bool closing;
	int64_t deadline; /* when closing: until when what waits may be sent */

	/* The thread's own. */
	int64_t backoff_ms;
	uint64_t random;
	bool lost_said;
};

/* The thread: ends when closing and everything has been sent, or the deadline is over. */
void *tcp_thread(void *tcp_sink);

#endif
