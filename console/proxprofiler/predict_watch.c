/* SPDX-License-Identifier: Apache-2.0 */
#include "predict_watch.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct watched {
	char *uuid;
	uint64_t ticks; /* of its profile, before the sample */
	uint64_t states_seen[PROFILE_METRICS_MAX];
	struct predict_error error[]; /* n_metrics */
};

struct predict_watch {
	struct profiler *profiler;
	const struct profile_settings *settings;
	struct watched **list; /* by UUID */
	uint32_t n, room;
	struct watched *now; /* whose sample is being counted; NULL: it has no profile yet */
};

struct predict_watch *predict_watch_new(struct profiler *p)
{
	struct predict_watch *w = xcalloc(1, sizeof(*w));

	w->profiler = p;
	w->settings = profiler_settings(p);
	return w;
}

void predict_watch_free(struct predict_watch *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->n; i++) {
		free(w->list[i]->uuid);
		free(w->list[i]);
	}
	free(w->list);
	free(w);
}

/* Where the UUID is, or belongs. */
static uint32_t place_of(const struct predict_watch *w, const char *uuid)
{
	uint32_t low = 0, high = w->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(w->list[middle]->uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct watched *find(const struct predict_watch *w, const char *uuid)
{
	uint32_t at = place_of(w, uuid);

	return at < w->n && !strcmp(w->list[at]->uuid, uuid) ? w->list[at] : NULL;
}

static struct watched *add(struct predict_watch *w, const char *uuid)
{
	uint32_t at = place_of(w, uuid);
	struct watched *v =
		xcalloc(1, sizeof(*v) + w->settings->n_metrics * sizeof(struct predict_error));

	v->uuid = xstrdup(uuid);
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 64;
		w->list = xrealloc(w->list, w->room, sizeof(struct watched *));
	}
	memmove(w->list + at + 1, w->list + at, (w->n - at) * sizeof(struct watched *));
	w->list[at] = v;
	w->n++;
	return v;
}

static void look_before(void *arg, const struct profiler_one *vm)
{
	struct predict_watch *w = arg;
	struct watched *v = find(w, vm->uuid);

	w->now = v ? v : add(w, vm->uuid);
	w->now->ticks = vm->profile->ticks;
	for (unsigned i = 0; i < w->settings->n_metrics; i++) {
		w->now->states_seen[i] = vm->profile->metric[i].states_seen;
		predict_error_before(&w->now->error[i], &vm->profile->metric[i],
				     &w->settings->markov);
	}
}

void predict_watch_before(struct predict_watch *w, const char *uuid)
{
	w->now = NULL;
	profiler_find(w->profiler, uuid, look_before, w);
}

static void look_after(void *arg, const struct profiler_one *vm)
{
	struct predict_watch *w = arg;

	/* More than one tick: some were missing. */
	if (vm->profile->ticks != w->now->ticks + 1)
		return;
	for (unsigned i = 0; i < w->settings->n_metrics; i++) {
		const struct markov *m = &vm->profile->metric[i];
		bool came = m->states_seen != w->now->states_seen[i] && m->tail_length > 1;

		predict_error_after(&w->now->error[i], m, came ? m->tail[m->tail_length - 1] : -1);
	}
}

void predict_watch_after(struct predict_watch *w)
{
	if (w->now)
		profiler_find(w->profiler, w->now->uuid, look_after, w);
	w->now = NULL;
}

const struct predict_error *predict_watch_errors(const struct predict_watch *w, const char *uuid)
{
	const struct watched *v = find(w, uuid);

	return v ? v->error : NULL;
}
