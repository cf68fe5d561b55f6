/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SPOOL_H
#define PROXTOP_SPOOL_H

/*
 * What one host's samples still owe their receiver: frames in order, per epoch, in memory,
 * and below a directory when one is given.
 *
 * It keeps every frame that is not committed, and the last committed one (the base of
 * the first rate).  Beyond its size the oldest are dropped, counted per epoch, and said.
 *
 * With a directory each frame is written to a segment file (spool_dir.h, README.md) by a
 * thread of the spool; spool_add() waits for that, but not longer than 100 ms: a disk that
 * hangs or is full delays no sample, they go on in memory, and that is said.  Opening
 * reads what earlier runs left, cut off at the first damaged record.  Without a directory
 * what earlier runs had is not known.
 *
 * Threads: one lock inside; frames handed out are references (frame_unref).
 */
#include "frame.h"

#include <stdbool.h>

struct spool;

struct spool_options {
	size_t size;     /* bytes of frames; with a directory: of files too */
	const char *dir; /* NULL: memory only.  Made if missing; one process may use it (lock) */
};

/* 0 or negative errno with one line for the user in why. */
int spool_open(struct spool **ret, const struct spool_options *o, char *why, size_t why_size);
/* A spool has one owner and any number of references (the uplink's); the last one to close
 * it ends it.  What is in the directory stays.  NULL is fine. */
struct spool *spool_ref(struct spool *s);
void spool_close(struct spool *s);

/* For a new run: microseconds since 1970 (exact as a double, as JSON has it), and greater
 * than all epochs the directory knows of. */
uint64_t spool_new_epoch(struct spool *s, uint64_t wall_ns);

/* Takes the reference.  Sequences of an epoch follow each other without gaps; a new epoch
 * ends the earlier ones. */
void spool_add(struct spool *s, struct frame *f);

struct spool_state {
	uint64_t epoch, oldest, newest, committed, lost; /* as in uplink_stream */
	uint64_t frames, bytes;
	bool ended; /* not the epoch that is being written */
	/* As the first frame of the epoch has them. */
	char host_id[HOST_ID_MAX + 1], host_name[HOST_NAME_BYTES + 1],
		version[AGENT_VERSION_MAX + 1];
	uint64_t interval_ns;
};
/* Per epoch, in order.  Returns how many there are, fills at most max. */
unsigned spool_states(struct spool *s, struct spool_state *ret, unsigned max);

/* All epochs together; lost counts every sample that was dropped since it was opened, or
 * that the directory remembers; committed those since it was opened; lost_epochs as in
 * uplink_stream. */
struct spool_stats {
	uint64_t frames, bytes, uncommitted, committed, lost, lost_epochs;
	bool failing; /* the directory cannot be written */
};
void spool_stats(struct spool *s, struct spool_stats *ret);

/* Up to max frames from sequence on, at most max_bytes (one at least).  What is asked for
 * from before the oldest begins there.  ret_state, if not NULL, is the epoch's at that
 * moment (n: after what was unreadable has been dropped). */
unsigned spool_get(struct spool *s, uint64_t epoch, uint64_t sequence, struct frame **ret,
		   unsigned max, size_t max_bytes, struct spool_state *ret_state);

/* Everything of the epoch up to sequence is committed: it goes, but for the last one.  An
 * ended epoch that is committed whole goes altogether. */
void spool_commit(struct spool *s, uint64_t epoch, uint64_t sequence);

/* For tests: waits until the directory's state (positions) is written. */
void spool_sync(struct spool *s);

#endif
