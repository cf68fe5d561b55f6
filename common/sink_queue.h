/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SINK_QUEUE_H
#define PROXTOP_SINK_QUEUE_H

/*
 * Records on their way to a tcp peer, in order:
 *
 *   flying   written whole, the peer's kernel has not acknowledged them yet
 *   current  being written
 *   waiting
 *
 * When the connection breaks, flying and current wait again, from their start: the peer
 * may see one twice, but never half of one glued to another.  The queue holds at most so
 * many bytes and records; what is over is taken from the oldest that wait.
 *
 * No lock in here; the user has one.  current stays where it is until sink_queue_sent()
 * or sink_queue_rewind(), so its bytes may be written without the lock.
 */
#include <stddef.h>
#include <stdint.h>

struct sink_record;

struct sink_list {
	struct sink_record *first, *last;
};

struct sink_queue {
	struct sink_list flying, waiting;
	struct sink_record *current;
	size_t current_sent;
	uint64_t written; /* bytes into this connection */
	size_t bytes, bytes_max;
	unsigned n, n_max; /* records */
};

/* All zero but the two limits is an empty queue. */
void sink_queue_init(struct sink_queue *q, size_t bytes_max, unsigned n_max);

/* A copy of data.  Owned by the caller until pushed. */
struct sink_record *sink_record_new(const char *data, size_t n);

/* Returns how many records had to go to make room; the queue may refuse the new one
 * (*refused), then it is the only one and freed. */
unsigned sink_queue_push(struct sink_queue *q, struct sink_record *r, int *refused);

/* The bytes to write next; 0 when there are none. */
size_t sink_queue_next(struct sink_queue *q, const char **ret_data);
/* That many of them have been written. */
void sink_queue_sent(struct sink_queue *q, size_t n);

/* Of what was written all but the last unacked bytes have arrived.  Calls done() with the
 * size of each record that is thereby finished. */
void sink_queue_acked(struct sink_queue *q, uint64_t unacked, void (*done)(void *arg, size_t n),
		      void *arg);

/* The connection is gone: everything waits again. */
void sink_queue_rewind(struct sink_queue *q);

void sink_queue_clear(struct sink_queue *q);

#endif
