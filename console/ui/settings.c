/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include "settings_json.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX  (1u << 20)
#define FILE_NAME "console.json"

static int fail(int r, const char *path, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%.200s: %s", path, what);
	return r;
}

void settings_default(struct settings *s)
{
	*s = (struct settings){0};
}

static const char *variable(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++)
		if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

int settings_path(char *const *envp, char *to, size_t size)
{
	const char *base = variable(envp, "XDG_CONFIG_HOME"), *below = "";
	int n;

	/* Relative ones are to be ignored: XDG Base Directory Specification. */
	if (!base || *base != '/') {
		base = variable(envp, "HOME");
		below = "/.config";
	}
	if (!base || *base != '/')
		return -ENOENT;
	n = snprintf(to, size, "%s%s/proxtop/" FILE_NAME, base, below);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* A link that somebody else put there could point anywhere. */
static bool is_foreign_link(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode) && st.st_uid != geteuid() && st.st_uid != 0;
}

/* *ret freed by the caller; bytes, or a negative errno. */
static ssize_t read_whole(int fd, char **ret)
{
	size_t used = 0;
	ssize_t n;

	*ret = malloc(FILE_MAX + 1);
	if (!*ret)
		return -ENOMEM;
	while (used <= FILE_MAX) {
		n = read(fd, *ret + used, FILE_MAX + 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return (ssize_t)used;
		used += (size_t)n;
	}
	return -EFBIG;
}

static int load_from(struct settings *s, int fd, const char *path, char *why, size_t why_size)
{
	char *text = NULL, what[256] = "";
	struct stat st;
	ssize_t n;
	int r = 0;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return fail(-EBADMSG, path, "is not a file", why, why_size);
	n = read_whole(fd, &text);
	if (n == -EFBIG)
		r = fail(-EBADMSG, path, "is larger than 1 MiB", why, why_size);
	else if (n < 0)
		r = fail((int)n, path, strerror((int)-n), why, why_size);
	else if (settings_from_json(s, text, (size_t)n, what, sizeof(what)) < 0)
		r = fail(-EBADMSG, path, what, why, why_size);
	free(text);
	return r;
}

int settings_load(struct settings *s, const char *path, char *why, size_t why_size)
{
	int fd, r;

	settings_default(s);
	if (is_foreign_link(path))
		return fail(-EPERM, path, "is a symbolic link of another user", why, why_size);
	/* Whatever stands there must not keep us waiting. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : fail(-errno, path, strerror(errno), why, why_size);
	r = load_from(s, fd, path, why, why_size);
	close(fd);
	if (r < 0)
		settings_default(s);
	return r;
}

/* Makes path and what is missing above it.  Nothing is made in another user's place (sudo
 * keeps HOME). */
static int make_directories(const char *path)
{
	struct stat st;
	char *copy;
	int r;

	if (is_foreign_link(path))
		return -EPERM;
	if (!stat(path, &st)) {
		if (!S_ISDIR(st.st_mode))
			return -ENOTDIR;
		return st.st_uid == geteuid() || st.st_uid == 0 ? 0 : -EPERM;
	}
	if (errno != ENOENT)
		return -errno;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	r = strcmp(path, "/") ? make_directories(dirname(copy)) : -ENOENT;
	free(copy);
	if (r < 0)
		return r;
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		text += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Whole under another name first, so that a crash leaves the old one. */
static int replace(int dir, const char *text)
{
	char name[64];
	int fd, r;

	snprintf(name, sizeof(name), "." FILE_NAME ".%ld", (long)getpid());
	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (!r && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	if (!r && renameat(dir, name, dir, FILE_NAME) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, name, 0);
	return r;
}

static int save_in(const char *directory, const char *text)
{
	struct stat st;
	int dir, r = make_directories(directory);

	if (r < 0)
		return r;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (fstat(dir, &st) < 0 || st.st_uid != geteuid())
		r = -EPERM;
	else
		r = replace(dir, text);
	close(dir);
	return r;
}

int settings_save(const struct settings *s, const char *path, char *why, size_t why_size)
{
	char *copy = strdup(path), *text = settings_to_json(s);
	int r = -ENOMEM;

	if (copy && text)
		r = save_in(dirname(copy), text);
	if (r == -EPERM)
		fail(r, path, "not written: the directory is another user's", why, why_size);
	else if (r < 0)
		fail(r, path, strerror(-r), why, why_size);
	free(copy);
	free(text);
	return r;
}
