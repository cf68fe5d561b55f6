/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: who may use it, which segments there are, and the position. */
#include "spool_files.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define POSITION_MAX (1u << 20)
#define SEGMENTS_MAX 100000u

void segment_name(char to[SEGMENT_NAME_SIZE], const struct segment_name *s)
{
	snprintf(to, SEGMENT_NAME_SIZE, "%" PRIu64 "-%" PRIu64 ".spool", s->epoch, s->first);
}

/* Only what segment_name() would write. */
static bool parse_name(const char *name, struct segment_name *ret)
{
	char again[SEGMENT_NAME_SIZE], *end;

	ret->epoch = strtoull(name, &end, 10);
	if (*end != '-')
		return false;
	ret->first = strtoull(end + 1, &end, 10);
	segment_name(again, ret);
	return !strcmp(again, name);
}

int spool_dir_open(struct spool_dir **ret, const char *path, char *why, size_t why_size)
{
	struct spool_dir *d;
	int dir, lock, r;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		r = -errno;
		snprintf(why, why_size, "%s: cannot be made: %s", path, strerror(-r));
		return r;
	}
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		r = -errno;
		snprintf(why, why_size, "%s: cannot be opened: %s", path, strerror(-r));
		return r;
	}
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		snprintf(why, why_size, "%s: %s", path,
			 r == -EBUSY ? "another process uses it; give each one its own"
				     : strerror(-r));
		if (lock >= 0)
			close(lock);
		close(dir);
		return r;
	}
	d = xcalloc(1, sizeof(*d));
	*d = (struct spool_dir){.dir = dir, .lock = lock, .fd = -1};
	*ret = d;
	return 0;
}

void spool_dir_close(struct spool_dir *d)
{
	if (!d)
		return;
	if (d->fd >= 0)
		close(d->fd);
	close(d->lock);
	close(d->dir);
	free(d);
}

static int compare(const void *a, const void *b)
{
	const struct segment_name *x = a, *y = b;

	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

int spool_dir_list(struct spool_dir *d, struct segment_name **ret, unsigned *ret_n)
{
	int fd = openat(d->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	*ret = NULL;
	*ret_n = 0;
	if (!dir) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	while (*ret_n < SEGMENTS_MAX && (entry = readdir(dir))) {
		struct segment_name s;

		if (!parse_name(entry->d_name, &s))
			continue;
		*ret = xrealloc(*ret, *ret_n + 1, sizeof(**ret));
		(*ret)[(*ret_n)++] = s;
	}
	closedir(dir);
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof(**ret), compare);
	return 0;
}

/* ---- position ---- */

int write_whole(int fd, struct iovec *v, int n)
{
	while (n) {
		ssize_t r = writev(fd, v, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		for (; n && (size_t)r >= v->iov_len; n--, v++)
			r -= (ssize_t)v->iov_len;
		if (n) {
			v->iov_base = (uint8_t *)v->iov_base + r;
			v->iov_len -= (size_t)r;
		}
	}
	return 0;
}

int spool_dir_read_position(struct spool_dir *d, struct buf *to)
{
	int fd = openat(d->dir, "position", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), r = 0;
	char *room = buf_room(to, POSITION_MAX);
	ssize_t n = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	while (room &&
	       (n = pread(fd, room + to->used, POSITION_MAX - to->used, (off_t)to->used)) > 0)
		to->used += (size_t)n;
	if (n < 0)
		r = -errno;
	close(fd);
	return r;
}

int spool_dir_write_position(struct spool_dir *d, const struct buf *text)
{
	struct iovec v = {text->data, text->used};
	int fd = openat(d->dir, "position.new",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = text->used ? write_whole(fd, &v, 1) : 0;
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(d->dir, "position.new", d->dir, "position") < 0)
		r = -errno;
	return r;
}
