/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdout: written whole, whoever reads it, as slowly as he likes; but while the reader
 * keeps us waiting, a signal that asks the program to end is heeded.  (The program keeps
 * these signals blocked and reads them from a descriptor, so a write that waits would not
 * notice.)
 */
#include "log.h"
#include "sink_ops.h"
#include "xalloc.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY     "sink/stdout"
#define LOOK_MS 200 /* how long an asked-for end may go unnoticed */

struct stdout_sink {
	struct sink base;
	bool may_block; /* a pipe, a terminal, a socket */
	bool torn;      /* the last record was cut: the next one begins on a line of its own */
};

static int stdout_open(struct sink **ret, const struct sink_options *o, char *why, size_t why_size)
{
	struct stdout_sink *s = xcalloc(1, sizeof(*s));
	struct stat st;

	(void)o;
	(void)why;
	(void)why_size;
	s->may_block = fstat(STDOUT_FILENO, &st) == 0 && !S_ISREG(st.st_mode);
	*ret = &s->base;
	return 0;
}

static bool end_wanted(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGTERM) || sigismember(&set, SIGINT) ||
					 sigismember(&set, SIGQUIT));
}

/* 0 when the reader has room, -EINTR when the program should end. */
static int wait_for_room(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	for (;;) {
		int r = poll(&p, 1, LOOK_MS);

		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (end_wanted())
			return -EINTR;
	}
}

/* *done is how much went out, also with an error. */
static int write_all(const struct stdout_sink *s, const char *data, size_t n, size_t *done)
{
	for (*done = 0; *done < n;) {
		size_t piece = n - *done;
		ssize_t w;

		if (s->may_block) {
			int r = wait_for_room();

			if (r < 0)
				return r;
			/* A pipe that has room takes so much without waiting (pipe(7)). */
			if (piece > PIPE_BUF)
				piece = PIPE_BUF;
		}
		w = write(STDOUT_FILENO, data + *done, piece);
		if (w > 0)
			*done += (size_t)w;
		else if (w == 0)
			return -EIO;
		else if (errno != EINTR && !(errno == EAGAIN && s->may_block))
			return -errno;
	}
	return 0;
}

static int stdout_write(struct sink *base, const char *data, size_t n)
{
	struct stdout_sink *s = (struct stdout_sink *)base;
	size_t done = 0;
	int r = 0;

	if (s->torn)
		r = write_all(s, "\n", 1, &done);
	if (r == 0) {
		r = write_all(s, data, n, &done);
		s->torn = r < 0 && done;
	}
	if (r < 0) {
		sink_drop(base, 1);
		if (r != -EPIPE && r != -EINTR)
			log_once(LOG_WARNING, KEY, "stdout: cannot write, output is lost: %s",
				 strerror(-r));
		return r;
	}
	sink_count(base, n);
	log_over(KEY, "stdout: can be written again");
	return 0;
}

static void stdout_close(struct sink *base, int timeout_ms)
{
	(void)timeout_ms;
	free(base);
}

const struct sink_ops sink_stdout = {
	.record_max = SIZE_MAX,
	.open = stdout_open,
	.write = stdout_write,
	.close = stdout_close,
};
