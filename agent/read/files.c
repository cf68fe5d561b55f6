/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include "log.h"
#include "sample.h"
#include "scan.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors left to sockets, libraries and files that come and go. */
#define RESERVE 256u

static const char *root_path(const char *path, const char *usual)
{
	char *copy = xstrdup(path ? path : usual);
	size_t n = strlen(copy);

	while (n && copy[n - 1] == '/')
		copy[--n] = '\0';
	return copy;
}

void files_init(struct files *f, const char *procfs, const char *sysfs, const char *rootfs)
{
	struct rlimit limit;

	f->procfs = root_path(procfs, "/proc");
	f->sysfs = root_path(sysfs, "/sys");
	f->rootfs = root_path(rootfs, "/");
	f->held = 0;
	f->most = 256;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		/* What the administrator allows is ours to use. */
		if (limit.rlim_cur < limit.rlim_max) {
			struct rlimit more = {limit.rlim_max, limit.rlim_max};

			if (setrlimit(RLIMIT_NOFILE, &more) == 0)
				limit = more;
		}
		if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 1u << 20)
			f->most = 1u << 20;
		else
			f->most = limit.rlim_cur > 2 * RESERVE ? (unsigned)limit.rlim_cur - RESERVE
							       : (unsigned)limit.rlim_cur / 2;
	}
}

void files_fini(struct files *f)
{
	free((char *)f->procfs);
	free((char *)f->sysfs);
	free((char *)f->rootfs);
}

int held_open(struct files *f, struct held *h, const char *format, ...)
{
	char path[PATH_MAX_OURS];
	va_list args;
	int n, fd;

	*h = HELD_NONE;
	va_start(args, format);
	n = vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno != EMFILE && errno != ENFILE)
		return -errno;
	if (fd >= 0 && f->held < f->most) {
		h->fd = fd;
		f->held++;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	log_once(LOG_WARNING, "nofile",
		 "%u files are held open, more are not allowed (RLIMIT_NOFILE): the others are "
		 "opened for each reading, which costs more CPU; raise it with ulimit -n",
		 f->held);
	h->path = xstrdup(path);
	return 0;
}

void held_close(struct files *f, struct held *h)
{
	if (h->fd >= 0) {
		close(h->fd);
		f->held--;
	}
	free(h->path);
	*h = HELD_NONE;
}

static long read_some(int fd, char *buf, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static long read_fd(int fd, char *buf, size_t size, bool all)
{
	long used = 0, n;

	do {
		n = read_some(fd, buf + used, size - 1 - (size_t)used, used);
		if (n < 0)
			return n;
		used += n;
	} while (all && n > 0 && (size_t)used < size - 1);
	buf[used] = '\0';
	return used ? used : -ENODATA;
}

static long held_read_how(struct held *h, char *buf, size_t size, bool all)
{
	long n;
	int fd;

	buf[0] = '\0';
	if (h->fd >= 0)
		return read_fd(h->fd, buf, size, all);
	if (!h->path)
		return -ENOENT;
	fd = open(h->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read_fd(fd, buf, size, all);
	close(fd);
	return n;
}

long held_read(struct held *h, char *buf, size_t size)
{
	return held_read_how(h, buf, size, false);
}

long held_read_all(struct held *h, char *buf, size_t size)
{
	return held_read_how(h, buf, size, true);
}

static long read_path(char *buf, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
static long read_path(char *buf, size_t size, const char *format, va_list args)
{
	char path[PATH_MAX_OURS];
	int n = vsnprintf(path, sizeof(path), format, args), fd;
	long got;

	buf[0] = '\0';
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	/* O_NONBLOCK: somebody may have put a pipe there. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	got = read_fd(fd, buf, size, true);
	close(fd);
	return got;
}

long file_read(char *buf, size_t size, const char *format, ...)
{
	va_list args;
	long n;

	va_start(args, format);
	n = read_path(buf, size, format, args);
	va_end(args);
	return n;
}

uint64_t file_number(const char *format, ...)
{
	char buf[64];
	const char *p = buf;
	va_list args;
	uint64_t v;
	long n;

	va_start(args, format);
	n = read_path(buf, sizeof(buf), format, args);
	va_end(args);
	return n > 0 && scan_u64(&p, &v) ? v : ABSENT;
}
