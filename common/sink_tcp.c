/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp, the caller's side: records go into a bounded queue, the thread does the rest.
 */
#include "sink_tcp.h"

#include "log.h"
#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RECORDS_MAX 65536

static void free_all(struct tcp_sink *t)
{
	sink_queue_clear(&t->queue);
	if (t->wake >= 0)
		close(t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t->name);
	free(t->key_lost);
	free(t->key_drop);
	free(t);
}

static void wake(const struct tcp_sink *t)
{
	uint64_t one = 1;
	ssize_t r = write(t->wake, &one, sizeof(one));

	(void)r; /* a full counter has woken it already */
}

static int start(struct tcp_sink *t)
{
	pthread_mutex_init(&t->lock, NULL);
	t->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (t->wake < 0)
		return -errno;
	return thread_start(&t->thread, NULL, tcp_thread, t);
}

static int tcp_open(struct sink **ret, const struct sink_options *o, char *why, size_t why_size)
{
	struct sink_address address;
	struct tcp_sink *t;
	int r = sink_address_parse(&address, o->target, why, why_size);

	if (r < 0)
		return r;
	t = xcalloc(1, sizeof(*t));
	t->address = address;
	t->name = xasprintf("tcp %s", o->target);
	t->key_lost = xasprintf("sink/tcp/lost/%s", o->target);
	t->key_drop = xasprintf("sink/tcp/drop/%s", o->target);
	t->backoff_ms = TCP_BACKOFF_MIN_MS;
	/* Not zero: zero stays zero. */
	t->random = (uint64_t)sink_now_ms() << 32 | (uint64_t)getpid() << 1 | 1;
	sink_queue_init(&t->queue, SINK_QUEUE_MAX, RECORDS_MAX);
	r = start(t);
	if (r < 0) {
		snprintf(why, why_size, "--output=tcp: no thread: %s", strerror(-r));
		free_all(t);
		return r == -EINVAL ? -EIO : r;
	}
	*ret = &t->base;
	return 0;
}

static int tcp_write(struct sink *base, const char *data, size_t n)
{
	struct tcp_sink *t = (struct tcp_sink *)base;
	/* Copied before the lock is taken, unless it can never fit. */
	struct sink_record *r = n <= SINK_QUEUE_MAX ? sink_record_new(data, n) : NULL;
	unsigned dropped = 1;
	int refused = 1;

	pthread_mutex_lock(&t->lock);
	if (r)
		dropped = sink_queue_push(&t->queue, r, &refused);
	t->unsaid += dropped;
	pthread_mutex_unlock(&t->lock);
	wake(t);
	if (dropped) {
		sink_drop(base, dropped);
		log_once(LOG_WARNING, t->key_drop,
			 "%s: the peer is too slow or away; records are dropped, the oldest first",
			 t->name);
	}
	return !refused ? 0 : n <= SINK_QUEUE_MAX ? -ENOBUFS : -EMSGSIZE;
}

static void tcp_close(struct sink *base, int timeout_ms)
{
	struct tcp_sink *t = (struct tcp_sink *)base;

	pthread_mutex_lock(&t->lock);
	t->closing = true;
	t->deadline = sink_now_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	pthread_mutex_unlock(&t->lock);
	wake(t);
	pthread_join(t->thread, NULL);
	if (t->queue.n || t->unsaid)
		log_warning(
			"%s: closed; %u records were not confirmed by the peer in time, %" PRIu64
			" had been dropped before",
			t->name, t->queue.n, t->unsaid);
	log_over(t->key_lost, NULL);
	log_over(t->key_drop, NULL);
	free_all(t);
}

const struct sink_ops sink_tcp = {
	.record_max = SINK_QUEUE_MAX,
	.needs = "host:port, port 1 to 65535",
	.open = tcp_open,
	.write = tcp_write,
	.close = tcp_close,
};
