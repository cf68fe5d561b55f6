/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told, heard at a socket like its own. */
#include "notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* An abstract socket with this name, as in NOTIFY_SOCKET=@name. */
static int listen_at(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, name, strlen(name));
	a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	return fd;
}

/* The next one that was said, "" for none. */
static const char *heard(int fd)
{
	static _Thread_local char got[256];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static int begin(struct notify *n, const char *watchdog_usec, const char *watchdog_pid)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "@proxtop-test-%d", getpid());
	fd = listen_at(name);
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", watchdog_usec, 1);
	setenv("WATCHDOG_PID", watchdog_pid, 1);
	notify_open(n);
	return fd;
}

static const char *own_pid(void)
{
	static _Thread_local char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	return pid;
}

static void test_said(void **state)
{
	struct notify n;
	int fd = begin(&n, "3000000", own_pid());

	(void)state;
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_int_equal(n.watchdog_ns, 3000000000ull);
	notify_say(&n, "READY=1");
	assert_string_equal(heard(fd), "READY=1");
	notify_close(&n);
	notify_say(&n, "READY=1");
	assert_string_equal(heard(fd), "");
	close(fd);
}

static void test_alive(void **state)
{
	struct notify n;
	int fd = begin(&n, "200000", own_pid());
	char too_long[2 * NOTIFY_STATUS_MAX];

	(void)state;
	notify_alive(&n, "1 VM");
	assert_string_equal(heard(fd), "WATCHDOG=1");
	assert_string_equal(heard(fd), "STATUS=1 VM");
	notify_alive(&n, "1 VM");
	assert_string_equal(heard(fd), "");
	notify_alive(&n, "2 VMs");
	assert_string_equal(heard(fd), "STATUS=2 VMs");
	nanosleep(&(struct timespec){0, 60000000}, NULL);
	notify_alive(&n, NULL);
	assert_string_equal(heard(fd), "WATCHDOG=1");
	assert_string_equal(heard(fd), "");
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	notify_alive(&n, too_long);
	assert_int_equal(strlen(heard(fd)), strlen("STATUS=") + NOTIFY_STATUS_MAX - 1);
	notify_alive(&n, too_long);
	assert_string_equal(heard(fd), "");
	notify_close(&n);
	close(fd);
}

static void test_wait(void **state)
{
	struct notify n = {.fd = -1};

	(void)state;
	assert_int_equal(notify_wait_ms(&n, -1), -1);
	assert_int_equal(notify_wait_ms(&n, 1000), 1000);
	n.watchdog_ns = 60000000000ull;
	assert_int_equal(notify_wait_ms(&n, -1), 15000);
	assert_int_equal(notify_wait_ms(&n, 1000), 1000);
	assert_int_equal(notify_wait_ms(&n, 20000), 15000);
	n.watchdog_ns = 1;
	assert_int_equal(notify_wait_ms(&n, -1), 1);
	n.watchdog_ns = UINT64_MAX;
	assert_int_equal(notify_wait_ms(&n, -1), 2147483647);
}

/* A watchdog that is meant for another process, and a socket where nobody listens. */
static void test_others(void **state)
{
	struct notify n;
	int fd = begin(&n, "3000000", "1");

	(void)state;
	assert_int_equal(n.watchdog_ns, 0);
	notify_alive(&n, NULL);
	assert_string_equal(heard(fd), "");
	notify_close(&n);
	close(fd);
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	notify_open(&n);
	assert_int_equal(n.fd, -1);
	notify_say(&n, "READY=1");
	notify_alive(&n, "1 VM");
	notify_open(&n);
	assert_int_equal(n.fd, -1);
	notify_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_alive),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
