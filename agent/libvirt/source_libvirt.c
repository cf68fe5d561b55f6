/* SPDX-License-Identifier: Apache-2.0 */
/* The libvirt source from outside: opening, closing, one step at a time. */
#include "clock.h"
#include "libvirt_internal.h"
#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t boot_ns(void *arg)
{
	(void)arg;
	return clock_ns(CLOCK_BOOTTIME);
}

/* Without a host part (scheme:///path) the domains are here. */
static bool is_local(const char *uri)
{
	const char *authority = strstr(uri, "://");

	return !authority || authority[3] == '/';
}

static uint64_t random_below(uint64_t bound)
{
	uint64_t v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) < 0)
		v = monotonic_ns();
	return v % bound;
}

static void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->threaded) {
		threads_stop(s);
	} else {
		s->closing = true;
		libvirt_disconnect(s->current);
		worker_unref(s->current);
	}
	source_unref(s);
}

static int source_open(struct source **ret, const struct source_options *o, struct hub *h)
{
	struct source *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int r;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_cond_init(&s->watched, &attr);
	pthread_condattr_destroy(&attr);
	s->refs = 1;
	s->hub = h;
	s->uri = xstrdup(o->connection ? o->connection : DEFAULT_URI);
	s->rootfs = xstrdup(o->rootfs);
	s->local = is_local(s->uri);
	s->threaded = !o->synchronous;
	s->families = o->families;
	s->interval = o->interval > 0 ? (uint64_t)(o->interval * (double)SECOND) : 5 * SECOND;
	s->now_ns = o->now_ns ? o->now_ns : boot_ns;
	s->now_arg = o->now_arg;
	s->ask_limit = ASK_LIMIT_MIN;
	s->grid = monotonic_ns() + random_below(s->interval);

	if (s->threaded) {
		r = threads_start(s);
	} else {
		r = libvirt_init();
		s->refs++;
		s->current = worker_new(s);
	}
	if (r < 0) {
		log_error("Cannot start the threads that ask libvirt: %s", strerror(-r));
		source_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void source_step(struct source *s)
{
	struct worker *w = s->current;

	if (w->connection && !is_connected(w))
		libvirt_lost(w);
	if (!w->connection)
		libvirt_connect(w);
	if (w->connection)
		libvirt_list(w);
	if (w->connection && !w->lost)
		libvirt_ask(w, true);
}

const struct source_ops source_libvirt = {
	.name = "libvirt",
	.open = source_open,
	.step = source_step,
	.close = source_close,
	.check = libvirt_check,
};
