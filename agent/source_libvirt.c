/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing, the worker's schedule and the watchdog; see libvirt_internal.h. */
#include "libvirt_internal.h"
#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SILENT_AFTER   (3 * SECOND)
#define PROBE_AFTER    (1 * SECOND)
#define ASK_LIMIT_MIN  (2500 * MILLI)
#define ASK_LIMIT_MAX  (15 * SECOND)
#define CLOSE_DEADLINE (1500 * MILLI)
#define LIST_SPACING   (200 * MILLI) /* events come in bursts */

uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t boot_ns(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

void source_ref(struct source *s)
{
	pthread_mutex_lock(&s->lock);
	s->refs++;
	pthread_mutex_unlock(&s->lock);
}

void source_unref(void *opaque)
{
	struct source *s = opaque;
	bool last;

	pthread_mutex_lock(&s->lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	libvirt_forget(s, true);
	pthread_cond_destroy(&s->changed);
	pthread_cond_destroy(&s->watched);
	pthread_mutex_destroy(&s->lock);
	free(s->uri);
	free(s->rootfs);
	free(s);
}

static struct worker *worker_new(struct source *s)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->source = s;
	w->refs = 1;
	for (unsigned i = 0; i < 3; i++)
		w->events[i] = -1;
	return w;
}

void worker_ref(struct worker *w)
{
	pthread_mutex_lock(&w->source->lock);
	w->refs++;
	pthread_mutex_unlock(&w->source->lock);
}

void worker_unref(void *opaque)
{
	struct worker *w = opaque;
	struct source *s = w->source;
	bool last;

	pthread_mutex_lock(&s->lock);
	last = --w->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	free(w);
	source_unref(s);
}

bool is_connected(struct worker *w)
{
	if (virConnectIsAlive(w->connection) > 0)
		return true;
	pthread_mutex_lock(&w->source->lock);
	w->lost = true;
	pthread_mutex_unlock(&w->source->lock);
	return false;
}

bool call_begin(struct worker *w, enum call call)
{
	struct source *s = w->source;
	bool go;

	pthread_mutex_lock(&s->lock);
	go = s->current == w && (!s->closing || call == CALL_CLOSE);
	if (go) {
		w->call = call;
		w->since = monotonic_ns();
		pthread_cond_signal(&s->watched);
	}
	pthread_mutex_unlock(&s->lock);
	return go;
}

/* A question may take three times as long as the last one did, within bounds. */
static void learn_limit(struct source *s, const struct worker *w, uint64_t now)
{
	uint64_t limit = (now - w->since) * 3;

	s->ask_limit = limit < ASK_LIMIT_MIN   ? ASK_LIMIT_MIN
		       : limit > ASK_LIMIT_MAX ? ASK_LIMIT_MAX
					       : limit;
}

bool call_end(struct worker *w, bool answered)
{
	struct source *s = w->source;
	bool go, back = false;

	pthread_mutex_lock(&s->lock);
	go = s->current == w && (!s->closing || w->call == CALL_CLOSE);
	if (w->call == CALL_ASK)
		learn_limit(s, w, monotonic_ns());
	w->call = CALL_NONE;
	if (s->current == w) {
		s->probing = false;
		back = s->silent && answered;
		s->silent = s->silent && !answered;
	}
	pthread_mutex_unlock(&s->lock);
	if (back)
		log_over("libvirt", "libvirt (%s) answers again", s->uri);
	return go;
}

struct hub *hub_enter(struct source *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->hub)
		return s->hub;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

void hub_leave(struct source *s)
{
	pthread_mutex_unlock(&s->lock);
}

/* ---- the worker ---- */

enum step { STEP_WAIT, STEP_CONNECT, STEP_DISCONNECT, STEP_LIST, STEP_ASK };

/* Under the lock. */
static enum step next_step(const struct worker *w, uint64_t now, uint64_t *ret_due)
{
	struct source *s = w->source;
	uint64_t ask;

	if (!w->connection) {
		*ret_due = s->connect_due;
		return now >= s->connect_due ? STEP_CONNECT : STEP_WAIT;
	}
	if (w->lost)
		return STEP_DISCONNECT;
	if (s->list_wanted) {
		s->list_wanted = false;
		if (s->list_due > now + LIST_SPACING)
			s->list_due = now + LIST_SPACING / 2;
	}
	if (now >= s->list_due)
		return STEP_LIST;
	ask = libvirt_ask_due(s);
	if (now >= ask)
		return STEP_ASK;
	*ret_due = ask < s->list_due ? ask : s->list_due;
	return STEP_WAIT;
}

static void wait_until(struct source *s, pthread_cond_t *cond, uint64_t due)
{
	struct timespec t = {(time_t)(due / SECOND), (long)(due % SECOND)};

	if (due == UINT64_MAX)
		pthread_cond_wait(cond, &s->lock);
	else
		pthread_cond_timedwait(cond, &s->lock, &t);
}

static void do_step(struct worker *w, enum step step)
{
	struct source *s = w->source;

	switch (step) {
	case STEP_CONNECT:
		libvirt_connect(w);
		break;
	case STEP_DISCONNECT:
		log_once(LOG_WARNING, "libvirt",
			 "The connection to libvirt (%s) was lost; trying again", s->uri);
		libvirt_disconnect(w);
		break;
	case STEP_LIST:
		libvirt_list(w);
		break;
	case STEP_ASK:
		libvirt_ask(w, false);
		break;
	case STEP_WAIT:
		break;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct source *s = w->source;
	bool orphan;

	libvirt_forget(s, false); /* handles of the worker before */
	pthread_mutex_lock(&s->lock);
	while (s->current == w && !s->closing) {
		uint64_t due = UINT64_MAX;
		enum step step = next_step(w, monotonic_ns(), &due);

		if (step == STEP_WAIT) {
			wait_until(s, &s->changed, due);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		do_step(w, step);
		pthread_mutex_lock(&s->lock);
	}
	orphan = s->current != w;
	/* From here on its question holds nothing any more. */
	s->orphans -= orphan;
	pthread_mutex_unlock(&s->lock);

	libvirt_disconnect(w);

	pthread_mutex_lock(&s->lock);
	s->workers -= !orphan;
	if (!orphan)
		s->current = NULL;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	worker_unref(w);
	return NULL;
}

/* Under the lock. 0 or negative errno. */
static int worker_start(struct source *s)
{
	struct worker *w = worker_new(s);
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	if (r) {
		free(w);
		return -r;
	}
	s->refs++;
	s->workers++;
	s->current = w;
	return 0;
}

/* ---- the watchdog ---- */

/* Under the lock. Leaves the stuck worker to its call. */
static void replace_worker(struct source *s)
{
	if (worker_start(s) < 0)
		return;
	s->orphans++;
	s->workers--;
	/* To connect and to list asks no VM: answers say that libvirt itself is well. */
	s->probing = true;
	s->connect_due = 0;
}

/* Under the lock: looks at the call that is going on.  true: libvirt is silent, and that
 * is to be said.  *ret_due: when to look again, unless another call begins before. */
static bool look(struct source *s, uint64_t now, uint64_t *ret_due)
{
	const struct worker *w = s->current;
	bool may_replace, ask;
	uint64_t limit;

	*ret_due = UINT64_MAX;
	if (!w || w->call == CALL_NONE)
		return false;
	ask = w->call == CALL_ASK;
	may_replace = ask && s->orphans < ORPHANS_MAX;
	limit = may_replace ? s->ask_limit : s->probing ? PROBE_AFTER : SILENT_AFTER;
	if (now < w->since + limit) {
		*ret_due = w->since + limit;
		return false;
	}
	if (may_replace) {
		replace_worker(s);
		*ret_due = now + SECOND; /* if there was no thread to be had */
		return false;
	}
	if (s->silent)
		return false;
	s->silent = true;
	return true;
}

static void *watchdog_main(void *arg)
{
	struct source *s = arg;
	uint64_t due;

	pthread_mutex_lock(&s->lock);
	while (!s->closing) {
		if (!look(s, monotonic_ns(), &due)) {
			wait_until(s, &s->watched, due);
			continue;
		}
		pthread_mutex_unlock(&s->lock);
		log_once(
			LOG_WARNING, "libvirt",
			"libvirt (%s) does not answer; what it says of VMs is absent until it does",
			s->uri);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int threads_start(struct source *s)
{
	int r = libvirt_loop_start();

	if (r < 0)
		return r;
	r = -pthread_create(&s->watchdog, NULL, watchdog_main, s);
	if (r < 0)
		return r;
	s->has_watchdog = true;
	pthread_mutex_lock(&s->lock);
	r = worker_start(s);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- source_ops ---- */

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
	uint64_t deadline = monotonic_ns() + CLOSE_DEADLINE;

	if (!s)
		return;
	if (!s->threaded) {
		s->closing = true;
		libvirt_disconnect(s->current);
		worker_unref(s->current);
		source_unref(s);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->closing = true;
	s->hub = NULL;
	pthread_cond_broadcast(&s->changed);
	pthread_cond_broadcast(&s->watched);
	/* Whoever hangs in libvirt keeps the source alive until the call returns. */
	while (s->workers && monotonic_ns() < deadline)
		wait_until(s, &s->changed, deadline);
	pthread_mutex_unlock(&s->lock);
	if (s->has_watchdog)
		pthread_join(s->watchdog, NULL);
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
		do_step(w, STEP_DISCONNECT);
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
