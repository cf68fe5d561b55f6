/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_RING_H
#define PROXTOP_FRAME_RING_H

/*
 * One host's last frames, in the order they were taken, bounded by age, bytes and number.
 * The newest two are always kept: a moment needs them.  Not locked.
 *
 * Age is by boot_ns within an epoch (a clock that is set changes no age), else by wall_ns.
 */
#include "frame.h"

#include <stdbool.h>

struct frame_ring {
	uint64_t keep_ns; /* 0: any age */
	size_t keep_bytes;
	uint32_t keep_n;
	struct frame **list; /* a ring of room, a power of two */
	uint32_t first, n, room;
	size_t bytes;
};

#define FRAME_RING_MAX 262144u /* of keep_n */

void frame_ring_init(struct frame_ring *r, uint64_t keep_ns, size_t keep_bytes, uint32_t keep_n);
void frame_ring_clear(struct frame_ring *r);
void frame_ring_fini(struct frame_ring *r);

/* Adds a reference; one that is not newer (epoch, sequence) than the last is left out. */
void frame_ring_add(struct frame_ring *r, struct frame *f);
/* The i-th, the oldest is 0; still the ring's. */
struct frame *frame_ring_get(const struct frame_ring *r, uint32_t i);
/* How many there are up to wall_ns: the frame at that time is the one before. */
uint32_t frame_ring_count(const struct frame_ring *r, uint64_t wall_ns);

/* Is a later than b? */
static inline bool frame_is_later(const struct frame *a, const struct frame *b)
{
	return a->epoch != b->epoch ? a->epoch > b->epoch : a->sequence > b->sequence;
}

#endif
