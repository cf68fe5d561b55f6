/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SPOOL_INTERNAL_H
#define PROXTOP_SPOOL_INTERNAL_H

/* Between the spool's own files: spool.c and spool_get.c (what callers do), spool_pieces.c
 * (what there is, and what goes), spool_load.c (what an earlier run left), spool_writer.c
 * (the thread that writes). */
#include "spool.h"
#include "spool_dir.h"
#include "spool_epoch.h"

#include <pthread.h>

struct spool {
	pthread_mutex_t lock;
	unsigned refs; /* __atomic */
	size_t size;
	/* By number.  Where samples are missing in between (a receiver that passed over what a
	 * sender had lost), an epoch is in several pieces, which are handed out one by one. */
	struct epoch **epochs;
	unsigned n_epochs;
	uint64_t last_epoch; /* the greatest ever given or seen */
	uint64_t lost_epochs;
	uint64_t lost_gone;  /* of epochs that are not here any more */
	uint64_t committed;  /* frames, since it was opened */
	uint64_t file_bytes; /* of the segments of all epochs */
	bool full_said;

	/* With a directory only.  The thread alone writes; what it owes stands here. */
	struct spool_dir *dir;
	char *path;
	pthread_t thread;
	pthread_cond_t work, done; /* CLOCK_MONOTONIC */
	struct segment_name *dead; /* to be unlinked once the position is written */
	unsigned n_dead;
	bool position_dirty, position_now, stop;
	uint64_t positions; /* how often it was written */
	int failing;        /* negative errno: why the directory cannot be written */
};

#define SEGMENT_PARTS 8u         /* a spool is at least so many segments, ... */
#define SEGMENT_LEAST (4u << 10) /* ... each of at least and at most so many bytes */
#define SEGMENT_MOST  (4u << 20)
#define CACHE_BYTES   (1u << 20) /* what is on disk and in memory too */
#define EPOCHS_MAX    1024u

struct epoch *spool_first_piece(const struct spool *s, uint64_t number);
struct epoch *spool_last_piece(const struct spool *s, uint64_t number);
/* A new piece of it, in order; those before it are ended. */
struct epoch *spool_add_piece(struct spool *s, uint64_t number);

void spool_fill_state(const struct spool *s, struct spool_state *ret, const struct epoch *e);
uint64_t spool_lost(const struct spool *s); /* of all epochs, also those that have gone */

/* The oldest frame goes, and is counted when nobody has it. */
void spool_drop_first(struct spool *s, struct epoch *e);
/* Drops what is too much; called with the lock. */
void spool_make_room(struct spool *s);
/* Forgets the epoch's segments before the one its oldest frame is in; all when empty. */
void spool_free_segments(struct spool *s, struct epoch *e);
/* Takes it out and frees it, with all its files. */
void spool_remove_piece(struct spool *s, struct epoch *e);

int spool_load(struct spool *s, char *why, size_t why_size);
int spool_writer_start(struct spool *s);
void spool_writer_stop(struct spool *s);

#endif
