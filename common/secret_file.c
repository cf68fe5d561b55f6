/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* systemd gives a service's user its credentials by an access list (systemd.exec(5)), whose
 * mask looks like a right of the group.  Nobody else gets into that directory. */
static bool is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t n = dir ? strlen(dir) : 0;

	return n && !strncmp(path, dir, n) && path[n] == '/' && !strchr(path + n + 1, '/');
}

static int check(int fd, const char *path, size_t size, char *why, size_t why_size)
{
	mode_t others = is_credential(path) ? S_IWGRP | S_IRWXO : S_IRWXG | S_IRWXO;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int e = errno;

		snprintf(why, why_size, "%s: %s", path, strerrordesc_np(e));
		return -e;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "%s: not a regular file", path);
		return -EINVAL;
	}
	if (st.st_mode & others) {
		snprintf(why, why_size,
			 "%s: others than its owner can get at it (mode %04o); allowed is 0600 or "
			 "0400: chmod 600 %s",
			 path, (unsigned)st.st_mode & 07777u, path);
		return -EACCES;
	}
	if (st.st_size < 0 || (size_t)st.st_size >= size) {
		snprintf(why, why_size, "%s: more than the %zu bytes that are allowed", path,
			 size - 1);
		return -EFBIG;
	}
	return 0;
}

static int read_all(int fd, const char *path, char *to, size_t size, size_t *ret_n, char *why,
		    size_t why_size)
{
	size_t n = 0;

	while (n < size - 1) {
		ssize_t r = read(fd, to + n, size - 1 - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			int e = errno;

			snprintf(why, why_size, "%s: %s", path, strerrordesc_np(e));
			return -e;
		}
		if (r == 0)
			break;
		n += (size_t)r;
	}
	to[n] = '\0';
	*ret_n = n;
	return 0;
}

int secret_file_read(const char *path, char *to, size_t size, size_t *ret_n, char *why,
		     size_t why_size)
{
	/* Without waiting: it may be a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0) {
		int e = errno;

		snprintf(why, why_size, "%s: %s", path, strerrordesc_np(e));
		return -e;
	}
	r = check(fd, path, size, why, why_size);
	if (r == 0)
		r = read_all(fd, path, to, size, ret_n, why, why_size);
	close(fd);
	return r;
}
