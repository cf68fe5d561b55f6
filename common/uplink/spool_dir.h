/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SPOOL_DIR_H
#define PROXTOP_SPOOL_DIR_H

/*
 * A spool's directory: its files, and nothing of what they mean.  README.md has the
 * format.
 *
 *   lock                 locked while a process uses the directory
 *   EPOCH-FIRST.spool    frames of one epoch from sequence FIRST on, appended
 *   position             what is committed and lost, replaced as a whole
 *
 * Used by one thread at a time, but for spool_dir_read().  All functions return 0 or
 * negative errno.
 */
#include "buf.h"
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_HEAD 16u /* bytes before the first record */
#define RECORD_HEAD  8u  /* bytes before each frame: its length, crc32c; little endian */

struct spool_dir;

int spool_dir_open(struct spool_dir **ret, const char *path, char *why, size_t why_size);
void spool_dir_close(struct spool_dir *d);

struct segment_name {
	uint64_t epoch, first;
};
/* All segments by epoch and sequence; *ret is allocated. */
int spool_dir_list(struct spool_dir *d, struct segment_name **ret, unsigned *ret_n);

/* Calls found() for every record in order until one is damaged, returns what found()
 * answers when that is negative.  *ret_good: up to which byte it is whole; *ret_size: the
 * file's.  -EBADMSG: not even the head is ours. */
int spool_dir_scan(struct spool_dir *d, const struct segment_name *s,
		   int (*found)(void *arg, const struct frame_head *head, uint32_t size,
				uint32_t offset),
		   void *arg, uint64_t *ret_good, uint64_t *ret_size);

int spool_dir_unlink(struct spool_dir *d, const struct segment_name *s);

/* One frame of n bytes, by any thread. -EBADMSG: damaged. */
int spool_dir_read(const struct spool_dir *d, const struct segment_name *s, uint32_t offset,
		   uint32_t n, struct frame **ret);

/* Appends to the segment, which is made when *offset is 0; *offset then is the record's,
 * *end the file's size.  After an error the file is as it was, or closed for good (-EIO
 * then, whatever the error was: begin another one). */
int spool_dir_append(struct spool_dir *d, const struct segment_name *s, const void *bytes,
		     uint32_t n, uint32_t *offset, uint32_t *end);
/* Asks the kernel to bring what was appended to the disk; waits for nothing. */
void spool_dir_push_out(struct spool_dir *d);

/* The text of `position`; emptied when there is none. */
int spool_dir_read_position(struct spool_dir *d, struct buf *to);
int spool_dir_write_position(struct spool_dir *d, const struct buf *text);

#endif
