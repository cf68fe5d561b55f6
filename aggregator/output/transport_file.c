/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file, a FIFO, or stdout: records are appended; a parcel is done when it is written.
 * Nothing is lost while that does not work (no space, nobody reads): it waits.
 *
 * whole_file (openmetrics): each parcel replaces the file; common's sink does that.
 */
#include "sink.h"
#include "transport.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0644

struct file_transport {
	struct transport base;
	int fd;
	bool own;       /* the descriptor is ours, not stdout */
	bool may_block; /* a pipe, a terminal, a socket */
	bool torn;      /* the file does not end with a whole line */
	bool blocked, reopen;
	size_t sent;       /* of the parcel that is being written */
	struct sink *sink; /* whole_file */
};

/* A crash may have left half a line behind. */
static bool ends_torn(const char *path, const struct stat *st)
{
	char last = '\n';
	int fd;

	if (!S_ISREG(st->st_mode) || !st->st_size)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return false;
	if (pread(fd, &last, 1, st->st_size - 1) != 1)
		last = '\n';
	close(fd);
	return last != '\n';
}

static int open_append(struct file_transport *t, const char *path)
{
	/* O_NONBLOCK is for a FIFO: without a reader it is an error, not a wait. */
	int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, MODE);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		memset(&st, 0, sizeof(st));
	if (t->fd >= 0)
		close(t->fd);
	t->fd = fd;
	t->may_block = !S_ISREG(st.st_mode);
	t->torn = ends_torn(path, &st);
	t->sent = 0;
	return 0;
}

static int file_open(struct transport **ret, const struct output_url *u, char *why, size_t why_size)
{
	struct file_transport *t = xcalloc(1, sizeof(*t));
	struct stat st;
	int r;

	*ret = &t->base;
	t->own = u->transport == BY_FILE;
	t->fd = t->own ? -1 : STDOUT_FILENO;
	if (!t->own) {
		t->may_block = fstat(t->fd, &st) == 0 && !S_ISREG(st.st_mode);
		return 0;
	}
	r = open_append(t, u->target);
	if (r == 0 || r == -ENXIO) /* a FIFO that nobody reads yet */
		return 0;
	snprintf(why, why_size, "--output: \"%.150s\" cannot be opened for appending: %s",
		 u->target, strerrordesc_np(-r));
	/* -EINVAL is for what is wrong in the option itself. */
	return r == -EINVAL ? -EIO : r;
}

/* 1 written, 0 it would wait, or negative errno. */
static int write_piece(struct file_transport *t, const char *data, size_t n, size_t *done)
{
	struct pollfd p = {.fd = t->fd, .events = POLLOUT};
	ssize_t w;

	if (t->may_block) {
		if (poll(&p, 1, 0) <= 0)
			return 0;
		/* A pipe that has room takes so much without waiting (pipe(7)). */
		if (n > PIPE_BUF)
			n = PIPE_BUF;
	}
	w = write(t->fd, data, n);
	if (w < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	*done += (size_t)w;
	return w ? 1 : -EIO;
}

static int write_parcel(struct file_transport *t, const struct parcel *p)
{
	size_t newline = 0;
	int r = 1;

	if (t->torn)
		r = write_piece(t, "\n", 1, &newline);
	if (newline)
		t->torn = false;
	while (r == 1 && t->sent < p->size)
		r = write_piece(t, p->data + t->sent, p->size - t->sent, &t->sent);
	if (r == -EPIPE) {
		/* Whoever reads next begins with a whole record. */
		if (t->own)
			close(t->fd);
		t->fd = t->own ? -1 : t->fd;
		t->sent = 0;
	}
	return r;
}

static void do_reopen(struct file_transport *t)
{
	int r = open_append(t, t->base.u->target);

	if (r < 0 && t->fd < 0)
		transport_failed(&t->base, "cannot be opened", strerrordesc_np(-r));
	else if (r < 0)
		transport_failed(&t->base, "cannot be reopened, the old file is still written",
				 strerrordesc_np(-r));
	else
		t->reopen = false;
}

static void file_step(struct transport *base)
{
	struct file_transport *t = (struct file_transport *)base;
	struct parcel *p;
	int r = 1;

	t->blocked = false;
	if (output_now_ms() < base->retry_ms)
		return;
	if (t->own && (t->reopen || t->fd < 0))
		do_reopen(t);
	while (t->fd >= 0 && (p = transport_next(base))) {
		r = write_parcel(t, p);
		if (r != 1)
			break;
		t->sent = 0;
		p->sent = p->done = true;
		if (!t->reopen)
			transport_works(base);
	}
	if (r == 0)
		t->blocked = true;
	else if (r < 0)
		transport_failed(base, "cannot write", strerrordesc_np(-r));
}

static void file_wait(struct transport *base, int wake_fd, int64_t until_ms)
{
	struct file_transport *t = (struct file_transport *)base;

	if (t->blocked)
		transport_poll(wake_fd, t->fd, POLLOUT, until_ms, OUTPUT_FOREVER_MS);
	else
		transport_poll(wake_fd, -1, 0, until_ms,
			       transport_next(base) || t->reopen ? base->retry_ms
								 : OUTPUT_FOREVER_MS);
}

static void file_reopen(struct transport *base)
{
	struct file_transport *t = (struct file_transport *)base;

	t->reopen = t->own;
	base->retry_ms = 0;
}

static void file_close(struct transport *base)
{
	struct file_transport *t = (struct file_transport *)base;

	if (t->own && t->fd >= 0)
		close(t->fd);
	sink_close(t->sink, 0);
	free(t);
}

const struct transport_ops transport_file = {
	.record_max = SIZE_MAX,
	.window = 1u << 20,
	.open = file_open,
	.step = file_step,
	.wait = file_wait,
	.reopen = file_reopen,
	.close = file_close,
};

/* ---- whole files ---- */

static int whole_open(struct transport **ret, const struct output_url *u, char *why,
		      size_t why_size)
{
	static const char says[] = "--target: ", ours[] = "--output: ";
	const struct sink_options o = {.output = "file", .target = u->target, .whole_file = true};
	struct file_transport *t = xcalloc(1, sizeof(*t));
	int r;

	*ret = &t->base;
	t->fd = -1;
	t->own = true;
	r = sink_open(&t->sink, &o, why, why_size);
	if (r < 0 && !strncmp(why, says, sizeof(says) - 1))
		memcpy(why, ours, sizeof(ours) - 1);
	return r;
}

static void whole_step(struct transport *base)
{
	struct file_transport *t = (struct file_transport *)base;
	struct parcel *p;
	int r;

	if (output_now_ms() < base->retry_ms)
		return;
	while ((p = transport_next(base))) {
		r = sink_write(t->sink, p->data, p->size);
		if (r < 0) {
			transport_failed(base, "cannot be replaced", strerrordesc_np(-r));
			return;
		}
		p->sent = p->done = true;
		transport_works(base);
	}
}

const struct transport_ops transport_whole_file = {
	.record_max = SIZE_MAX,
	.window = 1,
	.open = whole_open,
	.step = whole_step,
	.wait = file_wait,
	.close = file_close,
};
