/* SPDX-License-Identifier: Apache-2.0 */
#include "notify.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	int fd;

	if (n < 2 || n >= sizeof(a.sun_path) || (*path != '/' && *path != '@'))
		return -1;
	memcpy(a.sun_path, path, n);
	if (*path == '@')
		a.sun_path[0] = '\0'; /* abstract, unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&a,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	*n = (struct notify){.fd = path ? connect_to(path) : -1};
	if (n->fd >= 0 && usec && (!pid || strtol(pid, NULL, 10) == getpid()))
		n->watchdog_ns = strtoull(usec, NULL, 10) * 1000;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void notify_say(const struct notify *n, const char *state)
{
	if (n->fd >= 0)
		send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void notify_alive(struct notify *n, const char *status)
{
	char state[sizeof(n->status) + 8];
	uint64_t now = monotonic_ns();

	if (n->fd < 0)
		return;
	if (n->watchdog_ns && now - n->alive_ns >= n->watchdog_ns / 4) {
		n->alive_ns = now;
		notify_say(n, "WATCHDOG=1");
	}
	if (!status || !strncmp(status, n->status, sizeof(n->status) - 1))
		return;
	snprintf(n->status, sizeof(n->status), "%s", status);
	snprintf(state, sizeof(state), "STATUS=%s", n->status);
	notify_say(n, state);
}

int notify_wait_ms(const struct notify *n, int most_ms)
{
	uint64_t ms = n->watchdog_ns / 4 / 1000000u;

	if (!n->watchdog_ns || (most_ms >= 0 && ms >= (uint64_t)most_ms))
		return most_ms;
	return !ms ? 1 : ms > INT_MAX ? INT_MAX : (int)ms;
}
