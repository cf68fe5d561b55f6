/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed, an agent's or an aggregator's: the console's side of it.
 */
#include "clock.h"
#include "feed_source.h"
#include "log.h"
#include "thread_start.h"
#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct feed *feed_of(struct console_source *s)
{
	return (struct feed *)s;
}

static int feed_fd(const struct console_source *s)
{
	return ((const struct feed *)s)->desk.fd;
}

static struct moment *feed_take(struct console_source *s)
{
	return desk_take(&feed_of(s)->desk);
}

static void feed_go(struct console_source *s, enum source_where where, uint64_t wall_ns)
{
	struct feed *f = feed_of(s);

	if (!f->opened_ns)
		f->opened_ns = clock_monotonic_ns();
	desk_go(&f->desk, where, wall_ns);
	if (!f->polling)
		f->polling = !thread_start(&f->poller, NULL, feed_poll, f);
	if (!f->making)
		f->making = !thread_start(&f->maker, NULL, feed_make, f);
	if (!f->polling || !f->making)
		log_error("no thread to read the feed with");
}

static void feed_follow(struct console_source *s, const char *host_id, uint32_t n)
{
	desk_follow(&feed_of(s)->desk, host_id, n);
}

static void feed_set_interval(struct console_source *s, uint64_t interval_ns)
{
	desk_set_interval(&feed_of(s)->desk, interval_ns);
}

static void feed_on_frame(struct console_source *s, void (*each)(void *arg, struct frame *f),
			  void *arg)
{
	feed_of(s)->each = each;
	feed_of(s)->each_arg = arg;
}

static void feed_status(struct console_source *s, struct source_status *ret)
{
	struct feed *f = feed_of(s);

	snprintf(ret->name, sizeof(ret->name), "%s", f->url);
	pthread_mutex_lock(&f->desk.lock);
	snprintf(ret->error, sizeof(ret->error), "%s", *f->error ? f->error : f->past_error);
	ret->oldest_wall_ns = f->oldest_wall_ns;
	ret->newest_wall_ns = f->newest_wall_ns;
	ret->skipped = f->skipped;
	pthread_mutex_unlock(&f->desk.lock);
}

static void free_all(struct feed *f)
{
	feed_client_close(f->live);
	feed_client_close(f->past);
	host_table_clear(&f->hosts);
	frame_ring_fini(&f->series);
	desk_fini(&f->desk);
	free(f->url);
	free(f);
}

static void feed_close(struct console_source *s)
{
	struct feed *f = feed_of(s);

	desk_stop(&f->desk);
	feed_client_cancel(f->live);
	feed_client_cancel(f->past);
	if (f->polling)
		pthread_join(f->poller, NULL);
	if (f->making)
		pthread_join(f->maker, NULL);
	free_all(f);
}

static const struct source_ops ops = {
	.close = feed_close,
	.fd = feed_fd,
	.take = feed_take,
	.go = feed_go,
	.follow = feed_follow,
	.set_interval = feed_set_interval,
	.on_frame = feed_on_frame,
	.status = feed_status,
};

int source_open_feed(struct console_source **ret, const struct source_feed_options *o, char *why,
		     size_t why_size)
{
	struct feed *f = xcalloc(1, sizeof(*f));
	int r = desk_init(&f->desk, o->interval_ns);

	if (r < 0) {
		snprintf(why, why_size, "no descriptor: %s", strerror(-r));
		free(f);
		return r;
	}
	f->base.ops = &ops;
	f->url = xstrdup(o->url);
	f->keys = o->keys;
	frame_ring_init(&f->series, 0, 0, 0);
	r = feed_client_open(&f->live, o->url, o->keys, why, why_size);
	if (!r)
		r = feed_client_open(&f->past, o->url, o->keys, why, why_size);
	if (r < 0) {
		free_all(f);
		return r;
	}
	*ret = &f->base;
	return 0;
}
