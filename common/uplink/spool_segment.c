/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files: records that are appended, scanned, and read one by one. */
#include "crc32c.h"
#include "spool_files.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_MAX (1u << 30) /* a larger file is not one of ours */

static const char magic[SEGMENT_HEAD + 1] = "proxtop-spool 1\n";

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Over the length too: a length that was damaged must not find a fitting sum. */
static uint32_t sum_of(const uint8_t length[4], const void *bytes, uint32_t n)
{
	return crc32c(crc32c(0, length, 4), bytes, n);
}

/* Is there a whole record at p, of left bytes? */
static bool record_at(const uint8_t *p, uint64_t left, uint32_t *ret_n)
{
	if (left < RECORD_HEAD)
		return false;
	*ret_n = get32(p);
	if (!*ret_n || *ret_n > FRAME_MAX || *ret_n > left - RECORD_HEAD)
		return false;
	return get32(p + 4) == sum_of(p, p + RECORD_HEAD, *ret_n);
}

static int read_all(int fd, uint8_t *to, size_t n, off_t from)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pread(fd, to + done, n - done, from + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EBADMSG;
		done += (size_t)r;
	}
	return 0;
}

static int open_segment(const struct spool_dir *d, const struct segment_name *s, int flags)
{
	char name[SEGMENT_NAME_SIZE];
	int fd;

	segment_name(name, s);
	fd = openat(d->dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* The whole file, allocated. */
static int load(const struct spool_dir *d, const struct segment_name *s, uint8_t **ret,
		uint64_t *ret_size)
{
	int fd = open_segment(d, s, O_RDONLY), r;
	struct stat st;

	*ret = NULL;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > SEGMENT_MAX)
		r = -EBADMSG;
	else {
		*ret_size = (uint64_t)st.st_size;
		*ret = xcalloc(1, *ret_size + 1);
		r = read_all(fd, *ret, *ret_size, 0);
	}
	close(fd);
	if (r < 0) {
		free(*ret);
		*ret = NULL;
	}
	return r;
}

int spool_dir_scan(struct spool_dir *d, const struct segment_name *s,
		   int (*found)(void *arg, const struct frame_head *head, uint32_t size,
				uint32_t offset),
		   void *arg, uint64_t *ret_good, uint64_t *ret_size)
{
	uint8_t *bytes;
	uint64_t size = 0, at = SEGMENT_HEAD;
	uint32_t n;
	int r = load(d, s, &bytes, &size);

	*ret_good = 0;
	*ret_size = size;
	if (r < 0)
		return r;
	if (size < SEGMENT_HEAD || memcmp(bytes, magic, SEGMENT_HEAD) != 0)
		r = -EBADMSG;
	while (r >= 0 && record_at(bytes + at, size - at, &n)) {
		struct frame_head head;

		if (frame_head_decode(&head, bytes + at + RECORD_HEAD, n) < 0 ||
		    head.epoch != s->epoch)
			break;
		r = found(arg, &head, n, (uint32_t)at);
		at += RECORD_HEAD + n;
	}
	if (r >= 0)
		*ret_good = at;
	free(bytes);
	return r < 0 ? r : 0;
}

int spool_dir_unlink(struct spool_dir *d, const struct segment_name *s)
{
	char name[SEGMENT_NAME_SIZE];

	segment_name(name, s);
	return unlinkat(d->dir, name, 0) < 0 ? -errno : 0;
}

int spool_dir_read(const struct spool_dir *d, const struct segment_name *s, uint32_t offset,
		   uint32_t n, struct frame **ret)
{
	int fd = open_segment(d, s, O_RDONLY), r;
	struct frame_head head;
	uint8_t *bytes;
	uint32_t found = 0;

	if (fd < 0)
		return fd;
	bytes = xcalloc(1, (size_t)RECORD_HEAD + n);
	r = read_all(fd, bytes, (size_t)RECORD_HEAD + n, offset);
	close(fd);
	if (!r && (!record_at(bytes, (uint64_t)RECORD_HEAD + n, &found) || found != n ||
		   frame_head_decode(&head, bytes + RECORD_HEAD, n) < 0 || head.epoch != s->epoch))
		r = -EBADMSG;
	if (!r)
		*ret = frame_new(&head, bytes + RECORD_HEAD, n);
	free(bytes);
	return r;
}

/* ---- appending ---- */

static void close_segment(struct spool_dir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static int begin_segment(struct spool_dir *d, const struct segment_name *s)
{
	struct iovec v = {(void *)magic, SEGMENT_HEAD};
	int r;

	close_segment(d);
	d->fd = open_segment(d, s, O_RDWR | O_CREAT | O_TRUNC | O_APPEND);
	if (d->fd < 0) {
		r = d->fd;
		d->fd = -1;
		return r;
	}
	r = write_whole(d->fd, &v, 1);
	if (r < 0) {
		close_segment(d);
		spool_dir_unlink(d, s);
		return r;
	}
	d->open = *s;
	d->end = SEGMENT_HEAD;
	d->pushed = 0;
	return 0;
}

int spool_dir_append(struct spool_dir *d, const struct segment_name *s, const void *bytes,
		     uint32_t n, uint32_t *offset, uint32_t *end)
{
	uint8_t head[RECORD_HEAD];
	struct iovec v[2] = {{head, sizeof(head)}, {(void *)bytes, n}};
	int r;

	if (!*offset) {
		r = begin_segment(d, s);
		if (r < 0)
			return r;
	} else if (d->fd < 0 || d->open.epoch != s->epoch || d->open.first != s->first) {
		return -EIO;
	}
	put32(head, n);
	put32(head + 4, sum_of(head, bytes, n));
	r = write_whole(d->fd, v, 2);
	if (r < 0) {
		bool fresh = !*offset;

		if (ftruncate(d->fd, (off_t)d->end) < 0 || fresh) {
			close_segment(d);
			if (fresh)
				spool_dir_unlink(d, s);
			else
				r = -EIO;
		}
		return r;
	}
	*offset = (uint32_t)d->end;
	d->end += RECORD_HEAD + n;
	*end = (uint32_t)d->end;
	return 0;
}

void spool_dir_push_out(struct spool_dir *d)
{
	if (d->fd < 0 || d->pushed == d->end)
		return;
	sync_file_range(d->fd, (off64_t)d->pushed, (off64_t)(d->end - d->pushed),
			SYNC_FILE_RANGE_WRITE);
	d->pushed = d->end;
}
