/* SPDX-License-Identifier: Apache-2.0 */
#include "floor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define READ_SIZE 65536

static const char *const host_files[] = {
	"/proc/stat",         "/proc/meminfo",     "/proc/diskstats",      "/proc/net/dev",
	"/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory"};

static const char question[] =
	"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-blockstats\"}";
#define ANSWER_LINES 3u /* greeting, capabilities, block statistics */

static int hold(struct floor_host *h, struct floor_files *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		int err = -errno;

		snprintf(h->failed_path, sizeof h->failed_path, "%s", path);
		return err;
	}
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 64;
		f->fds = realloc(f->fds, f->room * sizeof *f->fds);
		if (!f->fds)
			abort();
	}
	f->fds[f->n++] = fd;
	return 0;
}

static int hold_threads(struct floor_host *h, int pid)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;
	int err = 0;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	d = opendir(path);
	if (!d) {
		snprintf(h->failed_path, sizeof h->failed_path, "%s", path);
		return -errno;
	}
	while (!err && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%.32s/schedstat", pid, e->d_name);
		err = hold(h, &h->threads, path);
	}
	closedir(d);
	return err;
}

/* The cgroup v2 of a process, below one of the usual mount points. */
static int hold_cgroup(struct floor_host *h, int pid)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	static const char *const names[] = {"cpu.pressure", "io.pressure", "memory.pressure",
					    "cpu.stat"};
	char path[PATH_MAX], line[2048], group[2048] = "";
	const char *mount;
	FILE *f;
	int err = 0;

	snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof line, f))
		if (!strncmp(line, "0::", 3))
			snprintf(group, sizeof group, "%.*s", (int)strcspn(line + 3, "\n"),
				 line + 3);
	fclose(f);
	mount = mounts[!!access("/sys/fs/cgroup/cgroup.controllers", F_OK)];
	for (size_t i = 0; i < sizeof names / sizeof *names && !err; i++) {
		snprintf(path, sizeof path, "%s%s/%s", mount, group, names[i]);
		err = hold(h, &h->cgroups, path);
	}
	return err;
}

static int add_vm(struct floor_host *h, const char *dir, unsigned id, bool cgroups)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char path[PATH_MAX];
	int pid = 0, err;
	FILE *f;

	snprintf(path, sizeof path, "%s/run/qemu-server/%u.pid", dir, id);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%d", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	if (pid <= 0) {
		snprintf(h->failed_path, sizeof h->failed_path, "%s", path);
		return -EINVAL;
	}
	err = hold_threads(h, pid);
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (!err)
		err = hold(h, &h->processes, path);
	snprintf(path, sizeof path, "/proc/%d/io", pid);
	if (!err)
		err = hold(h, &h->processes, path);
	if (!err && cgroups)
		err = hold_cgroup(h, pid);
	if (err)
		return err;
	if (snprintf(a.sun_path, sizeof a.sun_path, "%s/run/qemu-server/%u.qmp", dir, id) >=
	    (int)sizeof a.sun_path)
		return -ENAMETOOLONG;
	h->monitors = realloc(h->monitors, (h->n_vms + 1) * sizeof *h->monitors);
	if (!h->monitors)
		abort();
	h->monitors[h->n_vms++] = a;
	return 0;
}

int floor_open(struct floor_host *h, const char *dir, bool cgroups)
{
	struct rlimit limit;
	char path[PATH_MAX];
	struct dirent *e;
	int err = 0, used;
	unsigned id;
	DIR *d;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	for (size_t i = 0; i < sizeof host_files / sizeof *host_files && !err; i++)
		err = hold(h, &h->host, host_files[i]);
	if (err)
		return err;
	snprintf(path, sizeof path, "%s/run/qemu-server", dir);
	snprintf(h->failed_path, sizeof h->failed_path, "%s", path);
	d = opendir(path);
	if (!d)
		return -errno;
	while (!err && (e = readdir(d))) {
		used = 0;
		if (sscanf(e->d_name, "%u.pid%n", &id, &used) == 1 && used && !e->d_name[used])
			err = add_vm(h, dir, id, cgroups);
	}
	closedir(d);
	if (!err && !h->n_vms)
		err = -ENOENT;
	h->sockets = calloc(h->n_vms + 1, sizeof *h->sockets);
	if (!h->sockets)
		abort();
	return err;
}

void floor_read(struct floor_host *h, const struct floor_files *f)
{
	static char buffer[READ_SIZE];

	for (size_t i = 0; i < f->n; i++) {
		ssize_t n = pread(f->fds[i], buffer, 1024, 0);

		h->calls++;
		if (n > 0)
			h->bytes += (uint64_t)n;
	}
}

void floor_read_whole(struct floor_host *h, const struct floor_files *f)
{
	static char buffer[READ_SIZE];

	for (size_t i = 0; i < f->n; i++) {
		off_t at = 0;
		ssize_t n;

		/* procfs hands out a few KB at a time, and says the end by giving nothing. */
		do {
			n = pread(f->fds[i], buffer, sizeof buffer, at);
			h->calls++;
			if (n > 0)
				at += n;
		} while (n > 0);
		h->bytes += (uint64_t)at;
	}
}

static unsigned count_lines(const char *s, size_t n)
{
	const char *end = s + n;
	unsigned lines = 0;

	while ((s = memchr(s, '\n', (size_t)(end - s)))) {
		lines++;
		s++;
	}
	return lines;
}

static bool receive(int fd)
{
	static char buffer[READ_SIZE];

	for (unsigned lines = 0; lines < ANSWER_LINES;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, 0);

		if (n <= 0)
			return false;
		lines += count_lines(buffer, (size_t)n);
	}
	return true;
}

void floor_ask(struct floor_host *h, unsigned remainder, unsigned every)
{
	const struct timeval patience = {.tv_usec = 500000};

	for (unsigned i = remainder; i < h->n_vms; i += every) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		h->sockets[i] = fd;
		if (connect(fd, (struct sockaddr *)&h->monitors[i], sizeof h->monitors[i]) < 0 ||
		    send(fd, question, sizeof question - 1, MSG_NOSIGNAL) < 0) {
			close(fd);
			h->sockets[i] = -1;
			h->failed++;
		}
	}
	for (unsigned i = remainder; i < h->n_vms; i += every) {
		if (h->sockets[i] < 0)
			continue;
		if (receive(h->sockets[i]))
			h->exchanges++;
		else
			h->failed++;
		close(h->sockets[i]);
	}
}
