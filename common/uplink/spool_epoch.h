/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SPOOL_EPOCH_H
#define PROXTOP_SPOOL_EPOCH_H

/*
 * One epoch's frames within a spool: a ring without gaps, oldest first, and the segment
 * files they lie in.  No locks, no files; what is dropped goes through epoch_pop().
 */
#include "frame.h"

#include <stdbool.h>

#define NOT_ON_DISK UINT32_MAX

struct entry {
	struct frame *frame; /* NULL: on disk only */
	uint32_t size;       /* of the frame's bytes */
	uint32_t offset;     /* of its record in its segment, or NOT_ON_DISK */
};

struct segment {
	uint64_t first; /* sequence, also in the file's name */
	uint64_t bytes; /* of the file */
};

struct epoch {
	uint64_t number, newest, committed, lost;
	struct frame_head head; /* of its first frame here; sequence 0: none yet */
	struct entry *ring;
	size_t first, used, room; /* room: a power of two */
	uint64_t bytes;           /* of all frames in the ring */
	uint64_t memory;          /* of those that are not on disk */
	uint64_t cached;          /* of those that are on disk and in memory */
	uint64_t cached_from;     /* sequence: nothing before it is cached */
	uint64_t written;         /* up to here all is on disk, dropped or committed */
	struct segment *segments;
	unsigned n_segments;
	bool ended;
};

struct epoch *epoch_new(uint64_t number);
void epoch_free(struct epoch *e);

/* Sequence of the first entry; newest + 1 when there is none. */
static inline uint64_t epoch_oldest(const struct epoch *e)
{
	return e->newest - e->used + 1;
}

/* sequence must be within [oldest, newest]. */
struct entry *epoch_entry(const struct epoch *e, uint64_t sequence);

/* Appends what is numbered newest + 1 (or begins the ring anywhere when it is empty).
 * Takes the frame's reference. */
void epoch_push(struct epoch *e, uint64_t sequence, struct frame *f, uint32_t size,
		uint32_t offset);
void epoch_pop(struct epoch *e);

/* It has been written there. */
void epoch_on_disk(struct epoch *e, uint64_t sequence, uint32_t offset);
/* Lets go of the memory of what is also on disk, until at most max bytes are so. */
void epoch_uncache(struct epoch *e, uint64_t max);

/* The segment of a sequence that is on disk; NULL when there is none. */
struct segment *epoch_segment(const struct epoch *e, uint64_t sequence);
void epoch_add_segment(struct epoch *e, uint64_t first, uint64_t bytes);
void epoch_shift_segment(struct epoch *e); /* forgets the first one */

#endif
