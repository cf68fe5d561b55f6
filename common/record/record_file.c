/* SPDX-License-Identifier: Apache-2.0 */
#include "record_file.h"

#include "record_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int record_file_write(int fd, const void *bytes, size_t n, uint64_t offset)
{
	const char *p = bytes;

	while (n) {
		ssize_t r = pwrite(fd, p, n, (off_t)offset);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ENOSPC;
		p += r;
		offset += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

int record_file_read(int fd, void *to, size_t n, uint64_t offset)
{
	char *p = to;

	while (n) {
		ssize_t r = pread(fd, p, n, (off_t)offset);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ENODATA;
		p += r;
		offset += (uint64_t)r;
		n -= (size_t)r;
	}
	return 0;
}

int record_file_finish(int fd, uint64_t end)
{
	if (ftruncate(fd, (off_t)end) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

int record_file_size(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return 0;
}

bool record_file_is_written(int fd)
{
	/* A shared lock that is let go at once: the writer's lock excludes it. */
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(fd, LOCK_UN);
	return false;
}

void record_file_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

int record_file_create(const char *path, uint64_t created_wall_ns, const char *program, char *why,
		       size_t why_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0600), r;
	uint8_t head[RECORD_FILE_HEAD];

	if (fd < 0) {
		r = -errno;
		if (r == -EEXIST)
			snprintf(why, why_size,
				 "%s: exists already; a recording never replaces a file: give "
				 "another name or remove it",
				 path);
		else
			snprintf(why, why_size, "%s: %s", path, strerrordesc_np(-r));
		return r;
	}
	flock(fd, LOCK_EX | LOCK_NB);
	record_file_head_put(head, created_wall_ns, program);
	r = record_file_write(fd, head, sizeof(head), 0);
	if (r < 0) {
		snprintf(why, why_size, "%s: cannot be written: %s", path, strerrordesc_np(-r));
		unlink(path);
		close(fd);
		return r;
	}
	return fd;
}

int record_file_open(const char *path, uint64_t *ret_size, char *why, size_t why_size)
{
	/* Without waiting: it may be a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		snprintf(why, why_size, "%s: %s", path, strerrordesc_np(-r));
		record_file_close(fd);
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "%s: not a recording: not a regular file", path);
		close(fd);
		return -EBADMSG;
	}
	*ret_size = (uint64_t)st.st_size;
	return fd;
}
