/* SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* With 0, 1 or 2 closed, a file opened later would get its number and its output. */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(1);
}

static sigset_t taken_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void program_begin(const char *name)
{
	sigset_t set = taken_signals();

	fill_standard_descriptors();
	log_set_program(name);
	/* How names are compared; numbers keep their decimal point. */
	setlocale(LC_CTYPE, "");
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, not the end */
}

int program_signals(void)
{
	return program_signals_and(NULL, 0);
}

int program_signals_and(const int *more, unsigned n)
{
	sigset_t set = taken_signals();
	int fd;

	for (unsigned i = 0; i < n; i++)
		sigaddset(&set, more[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

bool program_is_to_end(void)
{
	sigset_t set;

	return !sigpending(&set) && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM));
}

int program_finish_stdout(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	if (errno == EPIPE)
		return status;
	log_error("cannot write to stdout: %s", strerror(errno));
	return 1;
}
