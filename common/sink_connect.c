/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tcp connection: made without blocking, and looked at.
 */
#include "sink_connect.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Until a host that has gone silently is noticed while nothing is sent: a minute. */
#define KEEP_IDLE_S     30
#define KEEP_INTERVAL_S 10
#define KEEP_PROBES     3

/* What our kernel holds for a peer that does not read; the rest stays in the queue, where
 * the oldest can be dropped. */
#define UNSENT_MAX (256 << 10)

static void set(int fd, int level, int option, int value)
{
	/* A kernel without it still carries bytes. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

int tcp_connect_begin(const struct sink_peer *p)
{
	int fd = socket(p->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e;

	if (fd < 0)
		return -errno;
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_MAX);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBES);
	if (connect(fd, (const struct sockaddr *)&p->address, p->size) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return fd;
	e = errno;
	close(fd);
	return -e;
}

/* A port nobody listens on can be given to our own end: then we talk to ourselves. */
static bool to_itself(int fd)
{
	struct sockaddr_storage a, b;
	socklen_t na = sizeof(a), nb = sizeof(b);

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	return getsockname(fd, (struct sockaddr *)&a, &na) == 0 &&
	       getpeername(fd, (struct sockaddr *)&b, &nb) == 0 && na == nb && !memcmp(&a, &b, na);
}

int tcp_connect_end(int fd)
{
	int e = 0;
	socklen_t n = sizeof(e);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0)
		return -errno;
	if (e)
		return -e;
	return to_itself(fd) ? -ECONNREFUSED : 0;
}

int tcp_peer_gone(int fd)
{
	char ignored[4096];

	/* What the peer says is not for us, but it must be taken: closing with it unread
	 * would reset the connection and lose what is on the way.  Bounded, so that a peer
	 * that talks does not keep us from writing. */
	for (int i = 0; i < 16; i++) {
		ssize_t r = recv(fd, ignored, sizeof(ignored), MSG_DONTWAIT);

		if (r == 0)
			return -ESHUTDOWN;
		if (r < 0 && errno == EAGAIN)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

size_t tcp_unacked(int fd)
{
	int n;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

ssize_t tcp_send(int fd, const char *data, size_t n)
{
	ssize_t r;

	do
		r = send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
