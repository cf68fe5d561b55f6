/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp.h"

#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_MAX 512
#define READS_MAX   8 /* in one call, so that one QEMU cannot keep the others waiting */

/* A path too long for sun_path is reached through its directory's descriptor. */
static int address(struct sockaddr_un *a, const char *dir, unsigned vmid, int *ret_fd)
{
	int n;

	*ret_fd = -1;
	a->sun_family = AF_UNIX;
	n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/%u.qmp", dir, vmid);
	if (n > 0 && (size_t)n < sizeof(a->sun_path))
		return 0;
	*ret_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return -errno;
	snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%u.qmp", *ret_fd, vmid);
	return 0;
}

static int connect_to(const char *dir, unsigned vmid)
{
	struct sockaddr_un a;
	int dir_fd, fd, r = address(&a, dir, vmid, &dir_fd);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		r = -errno;
	} else if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		r = -errno;
		close(fd);
	}
	if (dir_fd >= 0)
		close(dir_fd);
	return r < 0 ? r : fd;
}

/* Writes the command behind text[used] and notes the question. */
static size_t add(struct qmp_visit *v, char *text, size_t used, enum qmp_command c,
		  const char *guest_path)
{
	static const char *const names[] = {
		[QMP_CAPABILITIES] = "qmp_capabilities", [QMP_BLOCKSTATS] = "query-blockstats",
		[QMP_BALLOON] = "query-balloon",         [QMP_GUEST_STATS] = "qom-get",
		[QMP_STATUS] = "query-status",
	};
	int n;

	if (c == QMP_GUEST_STATS)
		n = snprintf(text + used, REQUEST_MAX - used,
			     "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"%s\","
			     "\"property\":\"guest-stats\"}}",
			     guest_path);
	else
		n = snprintf(text + used, REQUEST_MAX - used, "{\"execute\":\"%s\"}", names[c]);
	v->question[v->asked++] = (uint8_t)c;
	return used + (size_t)n;
}

static int send_all(struct qmp_visit *v, const char *text, size_t n)
{
	ssize_t sent = send(v->fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return -errno;
	return (size_t)sent == n ? 0 : -EAGAIN;
}

int qmp_start(struct qmp_visit *v, const char *dir, unsigned vmid, unsigned commands,
	      const char *guest_path)
{
	char text[REQUEST_MAX];
	size_t n;
	int r;

	*v = (struct qmp_visit)QMP_NO_VISIT;
	v->fd = connect_to(dir, vmid);
	if (v->fd < 0) {
		r = v->fd;
		v->fd = -1;
		return r;
	}
	n = add(v, text, 0, QMP_CAPABILITIES, NULL);
	for (unsigned c = QMP_CAPABILITIES + 1; c < QMP_COMMANDS; c++) {
		if (commands & 1u << c)
			n = add(v, text, n, (enum qmp_command)c, guest_path);
	}
	r = send_all(v, text, n);
	if (r < 0)
		qmp_close(v);
	return r;
}

int qmp_ask(struct qmp_visit *v, enum qmp_command command, const char *guest_path)
{
	char text[REQUEST_MAX];

	if (v->asked == QMP_QUESTIONS)
		return -E2BIG;
	return send_all(v, text, add(v, text, 0, command, guest_path));
}

/* One whole line. 0 or negative errno. */
static int take_line(struct qmp_visit *v, const char *line, size_t n, struct qmp_scratch *scratch)
{
	enum qmp_command c;

	while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (!n)
		return 0;
	c = v->answered < v->asked ? (enum qmp_command)v->question[v->answered] : QMP_CAPABILITIES;
	v->answer.disks = &scratch->disks;
	switch (qmp_parse(line, n, v->greeted ? c : QMP_CAPABILITIES, &v->answer)) {
	case QMP_GREETING:
		v->greeted = true;
		return 0;
	case QMP_EVENT:
		return v->greeted ? 0 : -EPROTO;
	case QMP_ERROR:
		v->failed |= 1u << c;
		break;
	case QMP_RETURN:
		v->done |= 1u << c;
		v->failed &= ~(1u << c);
		break;
	default:
		return -EPROTO;
	}
	if (!v->greeted || v->answered == v->asked ||
	    (c == QMP_CAPABILITIES && !(v->done & 1u << QMP_CAPABILITIES)))
		return -EPROTO;
	if (c == QMP_BLOCKSTATS && v->done & 1u << c)
		scratch->take_disks(scratch->arg, &scratch->disks);
	v->answered++;
	return 0;
}

/* Keeps an incomplete line for the next read. */
static void keep(struct qmp_visit *v, const char *text, size_t n)
{
	if (v->rest_used + n > v->rest_room) {
		v->rest_room = (v->rest_used + n) * 2; /* both below QMP_BYTES_MAX */
		v->rest = xrealloc(v->rest, v->rest_room, 1);
	}
	memcpy(v->rest + v->rest_used, text, n);
	v->rest_used += n;
}

static int take_bytes(struct qmp_visit *v, const char *text, size_t n, struct qmp_scratch *scratch)
{
	const char *end = text + n, *nl;
	int r;

	while (text < end && (nl = memchr(text, '\n', (size_t)(end - text)))) {
		const char *line = text;
		size_t length = (size_t)(nl - text);

		text = nl + 1;
		if (v->rest_used) {
			keep(v, line, length);
			line = v->rest;
			length = v->rest_used;
			v->rest_used = 0;
		}
		r = take_line(v, line, length, scratch);
		if (r < 0)
			return r;
	}
	if (text < end)
		keep(v, text, (size_t)(end - text));
	return 0;
}

int qmp_read(struct qmp_visit *v, struct qmp_scratch *scratch)
{
	for (unsigned i = 0; i < READS_MAX; i++) {
		ssize_t n = recv(v->fd, scratch->bytes, sizeof(scratch->bytes), MSG_DONTWAIT);
		int r;

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		if (!n)
			return -ECONNRESET;
		v->total += (size_t)n;
		if (v->total > QMP_BYTES_MAX)
			return -EMSGSIZE;
		r = take_bytes(v, scratch->bytes, (size_t)n, scratch);
		if (r < 0)
			return r;
		if (v->greeted && v->answered == v->asked)
			return 1;
	}
	return 0;
}

void qmp_close(struct qmp_visit *v)
{
	if (v->fd >= 0)
		close(v->fd);
	free(v->rest);
	*v = (struct qmp_visit)QMP_NO_VISIT;
}
