/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_QUEUE_H
#define PROXTOP_FRAME_QUEUE_H

/*
 * Frames from a source's thread to the one that counts.  One lock; a descriptor is readable
 * while there are some.  Beyond FRAME_QUEUE_BYTES the newest is dropped and counted.
 */
#include "frame.h"

#include <pthread.h>

#define FRAME_QUEUE_BYTES ((size_t)256 << 20)

struct frame_queue {
	pthread_mutex_t lock;
	int fd;
	struct frame **list;
	uint32_t n, room;
	size_t bytes;
	uint64_t dropped;
};

int frame_queue_init(struct frame_queue *q); /* 0 or negative errno */
void frame_queue_fini(struct frame_queue *q);

/* Any thread.  arg: the queue; adds a reference.  Made for source_on_frame(). */
void frame_queue_put(void *arg, struct frame *f);

/* All that there are, in order, each for the caller to unref; *ret_n of them, the array freed by
 * the caller (NULL: none). */
struct frame **frame_queue_take(struct frame_queue *q, uint32_t *ret_n);

uint64_t frame_queue_dropped(struct frame_queue *q);

#endif
