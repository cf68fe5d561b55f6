/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SPOOL_FILES_H
#define PROXTOP_SPOOL_FILES_H

/* Between spool_dir.c (the directory, its list and position) and spool_segment.c (the
 * segments and their records). */
#include "spool_dir.h"

#include <sys/uio.h>

struct spool_dir {
	int dir, lock;
	/* The segment that is being appended to; -1: none. */
	int fd;
	struct segment_name open;
	uint64_t end, pushed;
};

#define SEGMENT_NAME_SIZE 64u
void segment_name(char to[SEGMENT_NAME_SIZE], const struct segment_name *s);

/* All of it, or negative errno; v is used up. */
int write_whole(int fd, struct iovec *v, int n);

#endif
