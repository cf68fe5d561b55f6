/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HOST_TABLE_H
#define PROXTOP_HOST_TABLE_H

/*
 * Hosts by id, of each the newest frame and the one before it, and what a feed tells of it.
 * Bounded in hosts and bytes.  Not locked; frames are held by reference.
 */
#include "frame.h"
#include "message.h"
#include "moment.h"

#include <stdbool.h>

#define HOST_TABLE_HOSTS 16384u
#define HOST_TABLE_BYTES ((size_t)512 << 20) /* of frames */

struct host_entry {
	struct feed_host about; /* as it was told; the id is always there */
	uint64_t told_ns;       /* when (CLOCK_MONOTONIC); 0: only its frames tell of it */
	unsigned unlisted;      /* answers in which it should have been told, and was not */
	bool fresh;             /* its newest frame is in no moment yet */
	struct frame *now, *before;
	struct frame *notes; /* about.notes, kept; NULL: none */
};

struct host_table {
	struct host_entry *list;
	uint32_t n, room;
	uint32_t *slots; /* index + 1 into list by the id's hash; 0: free */
	uint32_t n_slots;
	size_t bytes;
	uint32_t fresh; /* how many are */
};

void host_table_clear(struct host_table *t); /* and gives back all memory */

struct host_entry *host_table_find(const struct host_table *t, const char *id); /* NULL: none */
/* Found or made; NULL when there are too many. */
struct host_entry *host_table_get(struct host_table *t, const char *id);
/* All of which gone() says so; it may change the entry's unlisted. */
void host_table_remove(struct host_table *t, bool (*gone)(void *arg, struct host_entry *e),
		       void *arg);

enum put_result { PUT_NEWEST, PUT_BEFORE, PUT_OLD, PUT_FULL };
/* Adds a reference where it is the newest of its host (what was newest is then the one
 * before), or goes between the two.  PUT_OLD: it is neither; PUT_FULL: beyond a bound. */
enum put_result host_table_put(struct host_table *t, const struct frame_head *head,
			       struct frame *f);
/* What was told; when: CLOCK_MONOTONIC. */
void host_table_tell(struct host_table *t, const struct feed_host *about, uint64_t when_ns);

/* All hosts with a frame into m, unsorted.  At now_ns, their ages as they have grown since
 * they were told; now_wall_ns is for those of which only their frames tell. */
void host_table_moment(struct host_table *t, struct moment *m, uint64_t now_ns,
		       uint64_t now_wall_ns);

#endif
