/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: one client at a time, the next ones wait in the kernel's queue, as with a
 * chardev "server=on,wait=off" of QEMU.  What it says is in fakevm_answer.c.
 */
#include "fakevm.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 16384u
#define ANSWER_MAX  65536u

static const char greeting[] = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 0, "
			       "\"major\": 9}, \"package\": "
			       "\"pve-qemu-kvm_9.0.2\"}, \"capabilities\": [\"oob\"]}}\r\n";

/* The request being received.  QMP needs no newline: an object ends where its brackets do. */
struct request {
	char text[REQUEST_MAX];
	size_t length;
	unsigned depth;
	char quote; /* inside a string: what ends it, " or ' */
	bool escaped;
};

/* Takes one byte; true when it completes a request. */
static bool request_byte(struct request *r, char c)
{
	if (!r->depth && c != '{')
		return false; /* blanks between the objects */
	if (r->length < sizeof r->text)
		r->text[r->length++] = c;
	if (r->escaped) {
		r->escaped = false;
	} else if (r->quote) {
		if (c == '\\')
			r->escaped = true;
		else if (c == r->quote)
			r->quote = 0;
	} else if (c == '"' || c == '\'') {
		r->quote = c;
	} else if (c == '{' || c == '[') {
		r->depth++;
	} else if (c == '}' || c == ']') {
		r->depth--;
	}
	return !r->depth;
}

static bool send_all(struct qmp_server *s, int fd, const char *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = send(fd, data + done, n - done, MSG_NOSIGNAL);

		if (r < 0)
			return false; /* the client left, or does not read for a second */
		done += (size_t)r;
	}
	s->counters->bytes_out += n;
	return true;
}

/* Until fd has something to read (-1: for ever); meanwhile the main thread has its turns. */
static void wait_readable(struct qmp_server *s, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	while ((n = poll(&p, fd >= 0, (int)s->timeout_ms)) <= 0) {
		if (n == 0)
			s->timeout_ms = s->idle(s->arg);
	}
}

static void serve_client(struct qmp_server *s, int fd)
{
	static struct request r; /* one client at a time */
	static char answer[ANSWER_MAX];
	char in[4096];
	bool negotiated = false;
	ssize_t n;

	r.length = r.depth = 0;
	r.quote = 0;
	r.escaped = false;
	if (s->vm->monitor != MONITOR_DUMB && !send_all(s, fd, greeting, sizeof greeting - 1))
		return;
	for (;;) {
		wait_readable(s, fd);
		n = recv(fd, in, sizeof in, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return;
		if (n < 0)
			continue;
		s->counters->bytes_in += (uint64_t)n;
		if (s->vm->monitor != MONITOR_ANSWERS)
			continue;
		for (ssize_t i = 0; i < n; i++) {
			size_t length;

			if (!request_byte(&r, in[i]) || !r.length)
				continue;
			if (r.length == sizeof r.text)
				return; /* nobody asks for that much */
			s->counters->requests++;
			length = qmp_answer(s->vm, r.text, r.length, &negotiated, answer,
					    sizeof answer);
			r.length = 0;
			if (!send_all(s, fd, answer, length))
				return;
		}
	}
}

void qmp_serve(struct qmp_server *s)
{
	for (;;) {
		const struct timeval patience = {.tv_sec = 1};
		int fd;

		wait_readable(s, s->vm->monitor == MONITOR_CLOSED ? -1 : s->listen_fd);
		fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		s->counters->sessions++;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		serve_client(s, fd);
		close(fd);
	}
}
