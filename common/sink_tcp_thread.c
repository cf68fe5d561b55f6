/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp, the thread's side: resolve, connect, write, and all of it again when the peer is
 * lost.
 */
#include "log.h"
#include "sink_connect.h"
#include "sink_lookup.h"
#include "sink_tcp.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define STABLE_MS  5000 /* a connection that lived so long ends the back-off */
#define ACK_MIN_MS 50   /* how soon after a write its acknowledgement is looked for */
#define ACK_MAX_MS 1000
#define FOREVER    INT64_MAX

/* Until when the thread may go on: FOREVER unless the sink is being closed. */
static int64_t limit(struct tcp_sink *t)
{
	int64_t until;

	pthread_mutex_lock(&t->lock);
	until = t->closing ? t->deadline : FOREVER;
	pthread_mutex_unlock(&t->lock);
	return until;
}

/* The sink is being closed, and nothing is left to do or no time left for it. */
static bool finished(struct tcp_sink *t)
{
	bool end;

	pthread_mutex_lock(&t->lock);
	end = t->closing && (!t->queue.n || sink_now_ms() >= t->deadline);
	pthread_mutex_unlock(&t->lock);
	return end;
}

/* Waits for events on fd, for a wake-up, or until a time; returns fd's events. */
static short wait_for(struct tcp_sink *t, int fd, short events, int64_t until)
{
	struct pollfd p[] = {{.fd = t->wake, .events = POLLIN}, {.fd = fd, .events = events}};
	int64_t end = limit(t), now = sink_now_ms(), ms = -1;
	uint64_t count;

	if (end < until)
		until = end;
	if (until != FOREVER)
		ms = until <= now ? 0 : until - now;
	if (ms > TCP_BACKOFF_MAX_MS)
		ms = TCP_BACKOFF_MAX_MS;
	if (poll(p, 2, (int)ms) <= 0)
		return 0;
	if (p[0].revents) {
		ssize_t r = read(t->wake, &count, sizeof(count));

		(void)r; /* whoever looks next sees what changed */
	}
	return p[1].revents;
}

static void say_lost(struct tcp_sink *t, const char *what, const char *why)
{
	if (finished(t))
		return;
	if (log_once(LOG_WARNING, t->key_lost,
		     "%s: %s: %s; trying again, records wait (at most %u MiB)", t->name, what, why,
		     SINK_QUEUE_MAX >> 20))
		t->lost_said = true;
}

static void say_back(struct tcp_sink *t)
{
	uint64_t n;

	if (!t->lost_said)
		return;
	t->lost_said = false;
	pthread_mutex_lock(&t->lock);
	n = t->unsaid;
	t->unsaid = 0;
	pthread_mutex_unlock(&t->lock);
	if (!n) {
		log_over(t->key_lost, "%s: connected", t->name);
		return;
	}
	log_over(t->key_drop, NULL);
	log_over(t->key_lost, "%s: connected; %" PRIu64 " records had to be dropped", t->name, n);
}

static void count_done(void *arg, size_t n)
{
	sink_count(arg, n);
}

/* Takes what has been acknowledged off the queue. */
static void settle(struct tcp_sink *t, int fd)
{
	size_t unacked = tcp_unacked(fd);
	uint64_t n = 0;

	pthread_mutex_lock(&t->lock);
	sink_queue_acked(&t->queue, unacked, count_done, &t->base);
	if (!t->queue.n) {
		n = t->unsaid;
		t->unsaid = 0;
	}
	pthread_mutex_unlock(&t->lock);
	if (n)
		log_over(t->key_drop, "%s: has caught up; %" PRIu64 " records had to be dropped",
			 t->name, n);
}

/* Writes as much as goes.  0 when nothing waits any more, -EAGAIN when the peer is slow,
 * or another negative errno. */
static int write_some(struct tcp_sink *t, int fd)
{
	for (;;) {
		const char *data;
		ssize_t written;
		size_t n;

		pthread_mutex_lock(&t->lock);
		n = sink_queue_next(&t->queue, &data);
		pthread_mutex_unlock(&t->lock);
		if (!n)
			return 0;
		written = tcp_send(fd, data, n);
		if (written < 0)
			return (int)written;
		pthread_mutex_lock(&t->lock);
		sink_queue_sent(&t->queue, (size_t)written);
		pthread_mutex_unlock(&t->lock);
	}
}

static bool acks_missing(struct tcp_sink *t)
{
	bool missing;

	pthread_mutex_lock(&t->lock);
	missing = t->queue.flying.first != NULL;
	pthread_mutex_unlock(&t->lock);
	return missing;
}

/* Until the connection breaks (negative errno) or everything is done (0). */
static int serve(struct tcp_sink *t, int fd)
{
	int64_t ack_ms = ACK_MIN_MS;

	while (!finished(t)) {
		int64_t until = FOREVER;
		/* Before writing: an idle connection may have ended meanwhile. */
		int r = tcp_peer_gone(fd);

		if (r == 0)
			r = write_some(t, fd);
		/* Of a connection that was reset nothing is believed: rather twice than never. */
		if (r < 0 && r != -EAGAIN)
			return r;
		settle(t, fd);
		if (finished(t))
			break;
		if (acks_missing(t)) {
			until = sink_now_ms() + ack_ms;
			ack_ms = ack_ms * 2 < ACK_MAX_MS ? ack_ms * 2 : ACK_MAX_MS;
		} else {
			ack_ms = ACK_MIN_MS;
		}
		wait_for(t, fd, (short)(POLLIN | POLLRDHUP | (r == -EAGAIN ? POLLOUT : 0)), until);
	}
	return 0;
}

/* A connected descriptor, or negative errno. */
static int connect_one(struct tcp_sink *t, const struct sink_peer *p)
{
	int64_t until = sink_now_ms() + CONNECT_MS;
	int fd = tcp_connect_begin(p), r = -ETIMEDOUT;

	if (fd < 0)
		return fd;
	while (sink_now_ms() < until && !finished(t)) {
		if (!wait_for(t, fd, POLLOUT, until))
			continue;
		r = tcp_connect_end(fd);
		break;
	}
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

/* False when it does not know any; that has been said. */
static bool resolve(struct tcp_sink *t, struct sink_peers *ret)
{
	struct sink_lookup *l = sink_lookup_start(&t->address, SOCK_STREAM);
	const char *why = NULL;

	if (!l) {
		say_lost(t, "the name cannot be resolved", strerror(errno));
		return false;
	}
	while (!sink_lookup_take(l, ret, &why)) {
		if (finished(t)) {
			sink_lookup_leave(l);
			return false;
		}
		wait_for(t, sink_lookup_fd(l), POLLIN, FOREVER);
	}
	if (why)
		say_lost(t, "the name cannot be resolved", why);
	return !why;
}

/* A connected descriptor, or -1, and that has been said. */
static int connect_any(struct tcp_sink *t)
{
	struct sink_peers peers;
	int fd = -ENOENT;

	if (!resolve(t, &peers))
		return -1;
	for (unsigned i = 0; i < peers.n && fd < 0 && !finished(t); i++)
		fd = connect_one(t, &peers.peer[i]);
	if (fd < 0) {
		say_lost(t, "cannot connect", strerror(-fd));
		return -1;
	}
	return fd;
}

/* Exponential, and not the same for everyone who lost the same peer: three quarters to
 * five quarters of it. */
static int64_t next_delay(struct tcp_sink *t)
{
	int64_t ms = t->backoff_ms;

	/* xorshift64 */
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	t->backoff_ms = ms * 2 < TCP_BACKOFF_MAX_MS ? ms * 2 : TCP_BACKOFF_MAX_MS;
	ms = ms * 3 / 4 + (int64_t)(t->random % (uint64_t)(ms / 2));
	if (ms < TCP_BACKOFF_MIN_MS)
		return TCP_BACKOFF_MIN_MS;
	return ms > TCP_BACKOFF_MAX_MS ? TCP_BACKOFF_MAX_MS : ms;
}

static void back_off(struct tcp_sink *t)
{
	bool was_open = limit(t) == FOREVER;
	int64_t until = sink_now_ms() + (was_open ? next_delay(t) : TCP_BACKOFF_MIN_MS);

	while (sink_now_ms() < until && !finished(t)) {
		wait_for(t, -1, 0, until);
		/* Whoever closes shall not wait for the back-off: try at once. */
		if (was_open && limit(t) != FOREVER)
			return;
	}
}

static void one_connection(struct tcp_sink *t, int fd)
{
	int64_t since = sink_now_ms();
	int r;

	say_back(t);
	r = serve(t, fd);
	/* When it was finished in order, the kernel goes on delivering what it holds. */
	close(fd);
	if (r == 0)
		return;
	if (sink_now_ms() - since >= STABLE_MS)
		t->backoff_ms = TCP_BACKOFF_MIN_MS;
	pthread_mutex_lock(&t->lock);
	sink_queue_rewind(&t->queue);
	pthread_mutex_unlock(&t->lock);
	say_lost(t, "connection lost", r == -ESHUTDOWN ? "closed by the peer" : strerror(-r));
}

void *tcp_thread(void *tcp_sink)
{
	struct tcp_sink *t = tcp_sink;

	while (!finished(t)) {
		int fd = connect_any(t);

		if (fd >= 0)
			one_connection(t, fd);
		if (!finished(t))
			back_off(t);
	}
	return NULL;
}
