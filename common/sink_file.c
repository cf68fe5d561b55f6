/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file: records are appended, or (whole_file) each one replaces the file.
 *
 * Appending: one write per record, so that others who append do not get in between.  A
 * file system that is full, or a FIFO whose reader is slow, may take a part of a record:
 * then the next one begins on a line of its own.
 */
#include "log.h"
#include "sink_ops.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0644

struct file_sink {
	struct sink base;
	char *path, *beside; /* beside: whole_file only, what is renamed to path */
	char *key_write, *key_reopen;
	int fd;    /* appending only */
	bool torn; /* the file does not end with a whole line */
};

static int write_all(int fd, const char *data, size_t n, size_t *done)
{
	for (*done = 0; *done < n;) {
		ssize_t r = write(fd, data + *done, n - *done);

		if (r > 0)
			*done += (size_t)r;
		else if (r == 0)
			return -EIO;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* A crash or a full disk may have left half a line behind. */
static bool ends_torn(const char *path, const struct stat *st)
{
	char last = '\n';
	int fd;

	if (!S_ISREG(st->st_mode) || st->st_size == 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	if (pread(fd, &last, 1, st->st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

/* The descriptor, or negative errno. */
static int open_append(const char *path, bool *torn)
{
	/* O_NONBLOCK is for a FIFO: without a reader it is an error, not a wait. */
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, MODE);
	struct stat st;

	if (fd < 0)
		return -errno;
	*torn = fstat(fd, &st) == 0 && ends_torn(path, &st);
	return fd;
}

/* What may be left there of a process that had our number is removed first, and a link
 * that somebody placed there is not followed. */
static int open_beside(const struct file_sink *s)
{
	int fd;

	if (unlink(s->beside) < 0 && errno != ENOENT)
		return -errno;
	fd = open(s->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, MODE);
	return fd < 0 ? -errno : fd;
}

/* Where a record is to replace a file: behind links, so that a link stays a link.  Devices
 * and pipes are refused: a rename would remove them. */
static int find_replaced(struct file_sink *s, const char *target)
{
	struct stat st;
	int fd;

	s->path = realpath(target, NULL);
	if (!s->path && errno != ENOENT)
		return -errno;
	if (!s->path)
		s->path = xstrdup(target);
	else if (stat(s->path, &st) < 0)
		return -errno;
	else if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
	s->beside = xasprintf("%s.tmp-%ld", s->path, (long)getpid());
	fd = open_beside(s); /* only to see whether that works */
	if (fd < 0)
		return fd;
	close(fd);
	unlink(s->beside);
	return 0;
}

static void file_close(struct sink *base, int timeout_ms)
{
	struct file_sink *s = (struct file_sink *)base;

	(void)timeout_ms;
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s->beside);
	free(s->key_write);
	free(s->key_reopen);
	free(s);
}

static int file_open(struct sink **ret, const struct sink_options *o, char *why, size_t why_size)
{
	struct file_sink *s = xcalloc(1, sizeof(*s));
	int r;

	s->fd = -1;
	s->key_write = xasprintf("sink/file/write/%s", o->target);
	s->key_reopen = xasprintf("sink/file/reopen/%s", o->target);
	if (o->whole_file) {
		r = find_replaced(s, o->target);
	} else {
		s->path = xstrdup(o->target);
		r = s->fd = open_append(s->path, &s->torn);
	}
	if (r < 0) {
		snprintf(why, why_size, "--target: \"%.150s\" cannot be %s: %s", o->target,
			 o->whole_file ? "replaced" : "opened for appending",
			 r == -ENOTSUP ? "not a regular file" : strerror(-r));
		file_close(&s->base, 0);
		/* -EINVAL is for what is wrong in the option itself. */
		return r == -EINVAL ? -EIO : r;
	}
	*ret = &s->base;
	return 0;
}

static int append(struct file_sink *s, const char *data, size_t n)
{
	size_t done;
	int r;

	if (s->torn) {
		r = write_all(s->fd, "\n", 1, &done);
		if (r < 0)
			return r;
	}
	r = write_all(s->fd, data, n, &done);
	s->torn = r < 0 && done;
	return r;
}

static int replace(const struct file_sink *s, const char *data, size_t n)
{
	int fd = open_beside(s), r;
	size_t done;

	if (fd < 0)
		return fd;
	r = write_all(fd, data, n, &done);
	/* Some file systems say only here that there was no room. */
	if (close(fd) < 0 && r == 0 && errno != EINTR)
		r = -errno;
	if (r == 0 && rename(s->beside, s->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(s->beside);
	return r;
}

static int file_write(struct sink *base, const char *data, size_t n)
{
	struct file_sink *s = (struct file_sink *)base;
	int r = s->beside ? replace(s, data, n) : append(s, data, n);

	if (r < 0) {
		sink_drop(base, 1);
		log_once(LOG_WARNING, s->key_write, "%s: cannot be written, output is lost: %s",
			 s->path, strerror(-r));
		/* That one would end the program: here it is a FIFO without a reader. */
		return r == -EPIPE ? -EIO : r;
	}
	sink_count(base, n);
	log_over(s->key_write, "%s: can be written again", s->path);
	return 0;
}

static void file_reopen(struct sink *base)
{
	struct file_sink *s = (struct file_sink *)base;
	bool torn;
	int fd;

	if (s->beside)
		return; /* each record opens its own */
	fd = open_append(s->path, &torn);
	if (fd < 0) {
		log_once(LOG_WARNING, s->key_reopen,
			 "%s: cannot be reopened, the old file is still written: %s", s->path,
			 strerror(-fd));
		return;
	}
	close(s->fd);
	s->fd = fd;
	s->torn = torn;
	log_over(s->key_reopen, "%s: reopened", s->path);
}

const struct sink_ops sink_file = {
	.record_max = SIZE_MAX,
	.needs = "a path",
	.open = file_open,
	.write = file_write,
	.reopen = file_reopen,
	.close = file_close,
};
