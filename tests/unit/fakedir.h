/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FAKEDIR_H
#define TEST_FAKEDIR_H

/*
 * A directory of a test's own that looks like /proc or /sys.  Files are rewritten in place,
 * as the kernel's change below an open descriptor; to give a path to another file remove
 * it first.  What fails ends the test program: there is nothing to test then.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fakedir {
	char path[64];
};

static inline void fake_must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static inline void fake_new(struct fakedir *d)
{
	snprintf(d->path, sizeof(d->path), "/tmp/proxtop-test.XXXXXX");
	fake_must(mkdtemp(d->path), "mkdtemp");
}

static inline int fake_unlink(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* A file, or a directory with what is below; nothing there is fine. */
__attribute__((format(printf, 2, 3))) static inline void fake_remove(const struct fakedir *d,
								     const char *format, ...)
{
	char name[256], path[512];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	nftw(path, fake_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fake_free(struct fakedir *d)
{
	nftw(d->path, fake_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes the directories that lead to path. */
static inline void fake_parents(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		fake_must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
		*p = '/';
	}
}

static inline void fake_write_n(const struct fakedir *d, const char *name, const void *data,
				size_t n)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	fake_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	fake_must(fd >= 0, path);
	fake_must(write(fd, data, n) == (ssize_t)n, path);
	close(fd);
}

static inline void fake_write(const struct fakedir *d, const char *name, const char *text)
{
	fake_write_n(d, name, text, strlen(text));
}

/* The file's path is formatted: fake_put(d, text, "%d/stat", pid). */
__attribute__((format(printf, 3, 4))) static inline void
fake_put(const struct fakedir *d, const char *text, const char *format, ...)
{
	char name[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	fake_write(d, name, text);
}

static inline void fake_link(const struct fakedir *d, const char *target, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	fake_parents(path);
	unlink(path);
	fake_must(symlink(target, path) == 0, path);
}

static inline void fake_mkdir(const struct fakedir *d, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s/", d->path, name);
	fake_parents(path);
}

#endif
