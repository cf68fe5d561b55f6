/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_H
#define PROXTOP_RECORD_H

/*
 * A recording: the frames of one or many hosts in a file, to be looked at later.
 *
 * The file is a row of blocks; a block holds the frames that arrived in a short time, in the
 * order they arrived, compressed with zstd, behind a head with its size, its times and a
 * checksum.  An index of all blocks ends the file; where it is missing (a crash, a full
 * disk) or lies, the heads are walked.  README.md beside this file is the format.
 *
 * Writing goes through a thread of the writer: record_add() never waits for a disk.  Reading
 * believes nothing: sizes are bounded, a damaged block is passed over and said with its
 * place, a file that is cut off is read up to the cut.
 *
 * Times are the frames' wall_ns.  One thread at a time per reader or writer.
 */
#include "frame.h"

#include <stdbool.h>

struct record_writer;

struct record_writer_options {
	uint64_t flush_ns;   /* a block is closed at the latest then; 0: 30 s (in the first
				minutes sooner) */
	size_t block_bytes;  /* and when it has so many bytes, uncompressed; 0: 4 MiB */
	const char *version; /* of the program, for people */
};

/* A new file; -EEXIST (said in why) when there is one already: recordings are never
 * overwritten.  0 or negative errno with one line for the user. */
int record_create(struct record_writer **ret, const char *path,
		  const struct record_writer_options *o, char *why, size_t why_size);
/* Adds a reference.  What cannot be written (disk full) is dropped, counted, and said. */
void record_add(struct record_writer *w, struct frame *f);

struct record_stats {
	uint64_t frames, dropped, bytes; /* bytes of the file so far */
	uint64_t waiting;                /* bytes that the thread has not looked at yet */
	int error;                       /* negative errno of the last write that failed, or 0 */
};
void record_stats(struct record_writer *w, struct record_stats *ret);
/* Writes what is left, and the index.  0 or the negative errno that spoiled it; -ENOBUFS: some
 * were dropped. */
int record_close(struct record_writer *w); /* NULL is fine */

struct record_reader;

/* Opens for reading.  -EBADMSG: no recording; -EPROTO: of a newer version; each with one line
 * in why.  A file that is damaged or cut off opens: record_damage() says where. */
int record_open(struct record_reader **ret, const char *path, char *why, size_t why_size);
/* The same, and stop() is asked again and again while a file without an index is looked through
 * (1 GiB takes about a second): true ends it with -ECANCELED. */
int record_open_until(struct record_reader **ret, const char *path, bool (*stop)(void *arg),
		      void *arg, char *why, size_t why_size);
void record_reader_close(struct record_reader *r); /* NULL is fine */

/* One line about what is damaged or missing so far, with its place; NULL: nothing is.  Valid
 * until the next question. */
const char *record_damage(const struct record_reader *r);

/* Is it damage, or only that the file was not closed, or is still written? */
bool record_is_damaged(const struct record_reader *r);

struct record_span {
	uint64_t from_wall_ns, to_wall_ns; /* of the oldest and the newest frame; 0: empty */
	uint64_t blocks, frames, bytes;
};
void record_span(const struct record_reader *r, struct record_span *ret);

/* Is somebody still writing it, as far as was seen?  What is added then is not known until
 * record_grow() looks: only at what is new.  True: there is more than before. */
bool record_grows(const struct record_reader *r);
bool record_grow(struct record_reader *r);

/* All frames with from <= wall_ns <= to, in the order they were recorded, handed to each()
 * as they are found (a reference that each() keeps with frame_ref()).  Whole blocks out of
 * reach are not read.  host_id NULL: all hosts.  Blocks that are damaged are left out and
 * said (record_damage).  each() answers false to end it, and asks nothing of r meanwhile.
 * 0, or -ECANCELED (record_interrupt). */
int record_read(struct record_reader *r, uint64_t from_wall_ns, uint64_t to_wall_ns,
		const char *host_id, bool (*each)(void *arg, struct frame *f), void *arg);

/* Of each host the newest frame with wall_ns <= t, and the one before it in the same epoch
 * (NULL: not there).  References that each() keeps with frame_ref().  A host that was silent
 * for longer than 10 minutes and three of its intervals is left out.  At most 512 MiB of frames
 * and 16,384 hosts; what is beyond is said (record_damage).  -ECANCELED when it was interrupted;
 * nothing is given then. */
int record_at(struct record_reader *r, uint64_t wall_ns,
	      void (*each)(void *arg, struct frame *now, struct frame *before), void *arg);

/* The last n frames of a host with wall_ns <= t, oldest first, each once; how many.  They are
 * the caller's (frame_unref). */
uint32_t record_series(struct record_reader *r, const char *host_id, uint64_t wall_ns,
		       struct frame **frames, uint32_t n);

/* The time of the next moment after (direction > 0) or before (< 0) t.  Frames whose times
 * differ by less than min_step_ns are one moment, so that hosts that sampled at one instant
 * are one step; its time is that of the last of them.  0: there is none. */
uint64_t record_step(struct record_reader *r, uint64_t wall_ns, int direction,
		     uint64_t min_step_ns);

/* From any thread: the question that is being answered, and those that follow, end early
 * until it is called with false. */
void record_interrupt(struct record_reader *r, bool yes);
bool record_is_interrupted(const struct record_reader *r);

#endif
