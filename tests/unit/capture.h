/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_CAPTURE_H
#define TEST_CAPTURE_H

/*
 * What is said on stderr while a test runs: begin, do things, look or wait, end.  stderr
 * goes to a file without a name meanwhile.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct capture {
	bool on;
	int file, before;
};

/* Long enough for any machine; a test that waits so long has failed. */
#define PATIENCE_S 60

static inline void capture_begin(struct capture *c)
{
	c->on = true;
	c->file = memfd_create("stderr", MFD_CLOEXEC);
	c->before = dup(STDERR_FILENO);
	/* Without it, threads that write at once may write over each other: a memfd's
	 * position has no lock. */
	fcntl(c->file, F_SETFL, O_APPEND);
	if (c->file < 0 || c->before < 0 || dup2(c->file, STDERR_FILENO) < 0)
		abort();
}

/* Also for a teardown, so that a test that failed does not keep stderr. */
static inline void capture_end(struct capture *c)
{
	if (!c->on)
		return;
	c->on = false;
	dup2(c->before, STDERR_FILENO);
	close(c->before);
	close(c->file);
}

/* All of it so far; the caller's to free. */
static inline char *capture_text(const struct capture *c)
{
	off_t size = lseek(c->file, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	if (!text || pread(c->file, text, (size_t)size, 0) < 0)
		abort();
	return text;
}

/* How many times is it in there? */
static inline unsigned capture_count(const struct capture *c, const char *what)
{
	char *text = capture_text(c);
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	free(text);
	return n;
}

static inline void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* Waits until it has been said. */
static inline bool capture_wait(const struct capture *c, const char *what)
{
	for (int i = 0; i < PATIENCE_S * 100; i++) {
		if (capture_count(c, what))
			return true;
		pause_ms(10);
	}
	return false;
}

#endif
