/* SPDX-License-Identifier: Apache-2.0 */
/* What every program does first and last; each case in a process of its own. */
#include "program.h"

#include "log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What it returns there: its exit status, or the signal that ended it plus 256. */
static int in_child(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(what());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) + 256 : WEXITSTATUS(status);
}

static int descriptors(void)
{
	close(0);
	close(1);
	close(2);
	program_begin("test");
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return 10 + fd;
	return open("/dev/null", O_RDONLY | O_CLOEXEC) > 2 ? 0 : 1;
}

static int name(void)
{
	program_begin("test-program");
	return strcmp(log_program(), "test-program") != 0;
}

/* None of the three ends it any more; each is read. */
static int signals(void)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGHUP};
	struct signalfd_siginfo info;
	int fd;

	program_begin("test");
	fd = program_signals();
	if (fd < 0 || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		return 1;
	if (read(fd, &info, sizeof(info)) >= 0)
		return 2;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		raise(taken[i]);
		if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info) ||
		    info.ssi_signo != (uint32_t)taken[i])
			return 3;
	}
	return 0;
}

/* A reader that has gone, and a file at its limit, are errors of the write. */
static int survives(void)
{
	struct rlimit none = {0, 0};
	char path[] = "/tmp/test_program.XXXXXX";
	int fds[2], fd = mkstemp(path);

	unlink(path);
	program_begin("test");
	if (fd < 0 || pipe2(fds, O_CLOEXEC))
		return 1;
	close(fds[0]);
	if (write(fds[1], "x", 1) >= 0)
		return 2;
	setrlimit(RLIMIT_FSIZE, &none);
	return write(fd, "x", 1) >= 0 ? 3 : 0;
}

static int full_disk(void)
{
	if (!freopen("/dev/full", "we", stdout))
		return 2;
	log_set_level(LOG_ERROR);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	puts("text");
	return program_finish_stdout(0);
}

static int reader_gone(void)
{
	int fds[2];

	program_begin("test");
	if (pipe2(fds, O_CLOEXEC) || dup2(fds[1], STDOUT_FILENO) < 0)
		return 2;
	close(fds[0]);
	puts("text");
	return program_finish_stdout(7);
}

static void test_begin(void **state)
{
	(void)state;
	assert_int_equal(in_child(descriptors), 0);
	assert_int_equal(in_child(name), 0);
	assert_int_equal(in_child(signals), 0);
	assert_int_equal(in_child(survives), 0);
}

static void test_end(void **state)
{
	(void)state;
	assert_int_equal(in_child(full_disk), 1);
	assert_int_equal(in_child(reader_gone), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
