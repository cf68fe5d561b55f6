/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's schedule, the watchdog, and what both have in common. */
#include "clock.h"
#include "libvirt_internal.h"
#include "log.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SILENT_AFTER   (3 * SECOND)
#define PROBE_AFTER    (1 * SECOND)
#define ASK_LIMIT_MAX  (15 * SECOND)
#define CLOSE_DEADLINE (1500 * MILLI)
#define LIST_SPACING   (200 * MILLI) /* events come in bursts */

uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

void source_unref(struct source *s)
{
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

struct worker *worker_new(struct source *s)
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

/* Under the lock.  A call that hangs is a failure as soon as somebody waits no longer. */
static void count(struct source *s, unsigned questions, unsigned failures, uint64_t ns)
{
	struct hub_work w = {.questions = questions, .failures = failures, .ns = ns};

	if (s->hub)
		hub_count(s->hub, &w);
}

bool call_end(struct worker *w, bool answered)
{
	struct source *s = w->source;
	bool go, back = false;
	enum call call;

	pthread_mutex_lock(&s->lock);
	call = w->call;
	go = s->current == w && (!s->closing || w->call == CALL_CLOSE);
	if (w->call == CALL_ASK)
		learn_limit(s, w, monotonic_ns());
	w->call = CALL_NONE;
	if (s->current == w) {
		if (call != CALL_CLOSE)
			count(s, 1, !answered, monotonic_ns() - w->since);
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
	switch (step) {
	case STEP_CONNECT:
		libvirt_connect(w);
		break;
	case STEP_DISCONNECT:
		libvirt_lost(w);
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
	uint64_t since = s->current->since;

	if (worker_start(s) < 0)
		return;
	count(s, 1, 1, monotonic_ns() - since);
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

int threads_start(struct source *s)
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

void threads_stop(struct source *s)
{
	uint64_t deadline = monotonic_ns() + CLOSE_DEADLINE;

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
}
