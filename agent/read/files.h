/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FILES_H
#define PROXTOP_FILES_H

/*
 * Reading below procfs, sysfs and the root: paths, descriptors that stay open, and
 * whole small files.
 *
 * A held file is opened once and read with pread(2) each cycle: 3 to 4 times cheaper
 * than opening it again.  Where descriptors run out (RLIMIT_NOFILE) further files are
 * opened for each read, which is said once.  /proc/PID files that are held belong to
 * that process for good: when it ends they give -ESRCH, also if the PID is used again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct files {
	const char *procfs, *sysfs, *rootfs; /* no trailing slash; rootfs "" for / */
	unsigned held, most;                 /* descriptors in use, and how many may be */
};

#define PATH_MAX_OURS 512

/* procfs, sysfs, rootfs: NULL for the usual ones; strings are copied. */
void files_init(struct files *f, const char *procfs, const char *sysfs, const char *rootfs);
void files_fini(struct files *f);

struct held {
	int fd;     /* -1: opened for each read */
	char *path; /* only then */
};

#define HELD_NONE ((struct held){-1, NULL})

/* 0, or negative errno when the file cannot be opened now. */
int held_open(struct files *f, struct held *h, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void held_close(struct files *f, struct held *h);
static inline bool held_is_open(const struct held *h)
{
	return h->fd >= 0 || h->path;
}

/* One pread: for files that the kernel hands out whole.  Bytes read (buf is then
 * NUL-terminated), or negative errno; -ENODATA for an empty file. */
long held_read(struct held *h, char *buf, size_t size);

/* Reads to the end: for files handed out in pieces (net/dev, diskstats).  What does
 * not fit is cut. */
long held_read_all(struct held *h, char *buf, size_t size);

/* A file read whole at once; same results. */
long file_read(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, as one number; ABSENT (sample.h) when it is none. */
uint64_t file_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
