/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_FILE_H
#define PROXTOP_RECORD_FILE_H

/*
 * The file of a recording.  Who writes it holds a lock (flock(2)) until it is closed, so that
 * a reader knows a file that grows from one that was cut off.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new file with mode 0600, its head written.  The descriptor, or negative errno with one
 * line in why. */
int record_file_create(const char *path, uint64_t created_wall_ns, const char *program, char *why,
		       size_t why_size);
/* For reading.  The descriptor, or negative errno with one line in why. */
int record_file_open(const char *path, uint64_t *ret_size, char *why, size_t why_size);
void record_file_close(int fd);

/* All of it.  0 or negative errno. */
int record_file_write(int fd, const void *bytes, size_t n, uint64_t offset);
/* 0; -ENODATA when the file ends before, or another negative errno. */
int record_file_read(int fd, void *to, size_t n, uint64_t offset);
/* Cuts off what is behind end, and waits until all is on the disk. */
int record_file_finish(int fd, uint64_t end);
/* 0 or negative errno. */
int record_file_size(int fd, uint64_t *ret);
/* Does somebody write it? */
bool record_file_is_written(int fd);

#endif
