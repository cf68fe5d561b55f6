/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 4096

static int failed(const char *what, const char *path)
{
	int e = errno;

	fprintf(stderr, "golden: %s %s: %s\n", what, path, strerror(e));
	return -e;
}

static int join(char out[PATH_ROOM], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_ROOM, "%s/%s", dir, name);

	if (n < 0 || n >= PATH_ROOM) {
		errno = ENAMETOOLONG;
		return failed("cannot join", dir);
	}
	return 0;
}

static bool dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static bool is_script(const char *name)
{
	size_t n = strlen(name), s = strlen(".qmp.json");

	return n > s && !strcmp(name + n - s, ".qmp.json");
}

/* Whole file, malloc'ed, NUL-terminated; NULL with errno. */
static char *slurp(const char *path, size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data = NULL;
	size_t n = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && (data = malloc((size_t)st.st_size + 1))) {
		ssize_t r = 0;

		while (n < (size_t)st.st_size &&
		       (r = read(fd, data + n, (size_t)st.st_size - n)) > 0)
			n += (size_t)r;
		if (r < 0) {
			free(data);
			data = NULL;
		} else {
			data[n] = '\0';
		}
	}
	close(fd);
	*ret_n = n;
	return data;
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t w = write(fd, data, n);

		if (w < 0)
			return -1;
		data += w;
		n -= (size_t)w;
	}
	return 0;
}

static int copy_file(const char *from, const char *to)
{
	size_t new_n, old_n = 0;
	char *fresh = slurp(from, &new_n), *old;
	int fd, r = 0;

	if (!fresh)
		return failed("cannot read", from);
	old = slurp(to, &old_n);
	if (!old || old_n != new_n || memcmp(old, fresh, new_n)) {
		fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd < 0 || write_all(fd, fresh, new_n) < 0)
			r = failed("cannot write", to);
		if (fd >= 0)
			close(fd);
	}
	free(old);
	free(fresh);
	return r;
}

static int copy_link(const char *from, const char *to)
{
	char fresh[PATH_ROOM], old[PATH_ROOM];
	ssize_t n = readlink(from, fresh, sizeof(fresh) - 1), o;

	if (n < 0)
		return failed("cannot read the link", from);
	fresh[n] = '\0';
	o = readlink(to, old, sizeof(old) - 1);
	if (o == n && !memcmp(old, fresh, (size_t)n))
		return 0;
	if (o >= 0 && unlink(to) < 0)
		return failed("cannot remove", to);
	return symlink(fresh, to) < 0 ? failed("cannot link", to) : 0;
}

/* Field 22 of DIR/stat, as text in out; false when there is none. */
static bool start_time(const char *dir, char out[32])
{
	char path[PATH_ROOM], *data, *p, *save = NULL;
	size_t n;
	bool found = false;

	if (join(path, dir, "stat") < 0 || !(data = slurp(path, &n)))
		return false;
	p = strrchr(data, ')'); /* field 3 comes behind the last one: proc(5) */
	for (int field = 3; p; field++) {
		char *word = strtok_r(field == 3 ? p + 1 : NULL, " \n", &save);

		if (!word)
			break;
		if (field == 22) {
			snprintf(out, 32, "%s", word);
			found = true;
			break;
		}
	}
	free(data);
	return found;
}

static bool another_task(const char *from, const char *to)
{
	char a[32], b[32];

	return start_time(from, a) && start_time(to, b) && strcmp(a, b);
}

static int remove_entry(const char *path, bool sockets)
{
	struct stat st;
	DIR *d;
	struct dirent *e;
	int r = 0;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : failed("cannot look at", path);
	if (S_ISSOCK(st.st_mode) && !sockets)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return unlink(path) < 0 ? failed("cannot remove", path) : 0;
	d = opendir(path);
	if (!d)
		return failed("cannot open", path);
	while (r == 0 && (e = readdir(d))) {
		char child[PATH_ROOM];

		if (dots(e->d_name))
			continue;
		r = join(child, path, e->d_name);
		if (r == 0)
			r = remove_entry(child, sockets);
	}
	closedir(d);
	if (r == 0 && rmdir(path) < 0 && !(errno == ENOTEMPTY && !sockets))
		r = failed("cannot remove", path);
	return r;
}

int tree_remove(const char *path)
{
	return remove_entry(path, true);
}

static int prune(const char *from, const char *to)
{
	DIR *d = opendir(to);
	struct dirent *e;
	int r = 0;

	if (!d)
		return failed("cannot open", to);
	while (r == 0 && (e = readdir(d))) {
		char source[PATH_ROOM], target[PATH_ROOM];
		struct stat st;

		if (dots(e->d_name))
			continue;
		if (join(source, from, e->d_name) < 0 || join(target, to, e->d_name) < 0)
			r = -ENAMETOOLONG;
		else if (lstat(source, &st) < 0)
			r = remove_entry(target, false);
	}
	closedir(d);
	return r;
}

/* One entry; directories recurse through tree_sync(). */
static int copy_entry(const char *from, const char *to)
{
	struct stat source, target;
	bool there = lstat(to, &target) == 0;
	int r;

	if (lstat(from, &source) < 0)
		return failed("cannot look at", from);
	if (there && (source.st_mode & S_IFMT) != (target.st_mode & S_IFMT)) {
		r = remove_entry(to, false);
		if (r < 0)
			return r;
		there = false;
	}
	if (S_ISREG(source.st_mode))
		return copy_file(from, to);
	if (S_ISLNK(source.st_mode))
		return copy_link(from, to);
	if (!S_ISDIR(source.st_mode)) {
		errno = EINVAL;
		return failed("neither file, directory nor link:", from);
	}
	if (there && another_task(from, to)) {
		r = remove_entry(to, false);
		if (r < 0)
			return r;
	}
	return tree_sync(from, to);
}

int tree_sync(const char *from, const char *to)
{
	DIR *d;
	struct dirent *e;
	int r;

	if (mkdir(to, 0755) < 0 && errno != EEXIST)
		return failed("cannot make", to);
	r = prune(from, to);
	d = opendir(from);
	if (!d)
		return failed("cannot open", from);
	while (r == 0 && (e = readdir(d))) {
		char source[PATH_ROOM], target[PATH_ROOM];

		if (dots(e->d_name) || is_script(e->d_name))
			continue;
		if (join(source, from, e->d_name) < 0 || join(target, to, e->d_name) < 0)
			r = -ENAMETOOLONG;
		else
			r = copy_entry(source, target);
	}
	closedir(d);
	return r;
}
