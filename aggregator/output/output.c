/* SPDX-License-Identifier: Apache-2.0 */
#include "output_internal.h"

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

#define SLOW_NS (UINT64_C(3) * 1000000000)

static void wake(struct output *o)
{
	uint64_t one = 1;
	ssize_t r = write(o->wake, &one, sizeof(one));

	(void)r; /* full means awake */
}

static void free_all(struct output *o)
{
	struct output_waiting *w;

	while ((w = o->first)) {
		o->first = w->next;
		frame_unref(w->item.before);
		frame_unref(w->item.now);
		free(w);
	}
	if (o->transport)
		transport_ops_of(&o->url)->close(o->transport);
	parcel_line_clear(&o->line);
	parcel_free(o->kept);
	render_free(o->render);
	output_report_fini(&o->report);
	output_url_fini(&o->url);
	pthread_mutex_destroy(&o->lock);
	if (o->wake >= 0)
		close(o->wake);
	free(o);
}

static int start_thread(struct output *o)
{
	return thread_start(&o->thread, NULL, output_thread, o);
}

static void set_bounds(struct output *o)
{
	bool whole = render_is_whole(o->render);

	o->items_max = whole ? OUTPUT_WHOLE_ITEMS_MAX : OUTPUT_ITEMS_MAX;
	o->bytes_max = whole ? OUTPUT_WHOLE_BYTES_MAX : OUTPUT_BYTES_MAX;
	o->slow_ns = SLOW_NS + (whole ? o->info.interval_ns : 0);
}

static int open_all(struct output *o, char *why, size_t why_size)
{
	int r;

	o->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->wake < 0) {
		r = -errno;
		snprintf(why, why_size, "--output: %s", strerrordesc_np(-r));
		return r;
	}
	r = transport_open(&o->transport, &o->url, &o->line, &o->report, why, why_size);
	if (r < 0)
		return r;
	o->render = render_new(&o->url, transport_ops_of(&o->url)->record_max);
	set_bounds(o);
	o->render->annotate = o->calls.annotate;
	o->render->annotate_arg = o->calls.arg;
	r = start_thread(o);
	if (r < 0)
		snprintf(why, why_size, "--output: no thread: %s", strerrordesc_np(-r));
	return r;
}

int output_open(struct output **ret, const char *url, const struct output_calls *calls, char *why,
		size_t why_size)
{
	struct output *o = xcalloc(1, sizeof(*o));
	int r = output_url_parse(&o->url, url, why, why_size);

	*ret = NULL;
	if (r < 0) {
		output_url_fini(&o->url);
		free(o);
		return r;
	}
	o->wake = -1;
	o->calls = *calls;
	o->info = (struct output_info){.url = o->url.shown,
				       .interval_ns = o->url.interval_ns,
				       .give_up_ns = o->url.give_up_ns,
				       .required = o->url.required};
	output_report_init(&o->report, o->url.shown);
	pthread_mutex_init(&o->lock, NULL);
	r = open_all(o, why, why_size);
	if (r < 0)
		free_all(o);
	else
		*ret = o;
	return r;
}

const struct output_info *output_info(const struct output *o)
{
	return &o->info;
}

bool output_put(struct output *o, const struct output_item *item)
{
	struct output_waiting *w;

	pthread_mutex_lock(&o->lock);
	/* A single frame always fits: it may be larger than all that is allowed. */
	if (o->closing || o->items >= o->items_max ||
	    (o->items && o->bytes + item->now->size > o->bytes_max)) {
		o->full = true;
		pthread_mutex_unlock(&o->lock);
		return false;
	}
	w = xcalloc(1, sizeof(*w));
	w->item = *item;
	frame_ref(w->item.now);
	if (w->item.before)
		frame_ref(w->item.before);
	if (o->last)
		o->last->next = w;
	else
		o->first = w;
	o->last = w;
	if (!o->items++)
		o->progress_ns = output_now_ns();
	o->bytes += item->now->size;
	pthread_mutex_unlock(&o->lock);
	wake(o);
	return true;
}

void output_stats(struct output *o, struct output_stats *ret)
{
	uint64_t since, now = output_now_ns();
	bool failing;

	pthread_mutex_lock(&o->report.lock);
	*ret = o->report.stats;
	failing = o->report.failing;
	pthread_mutex_unlock(&o->report.lock);
	pthread_mutex_lock(&o->lock);
	ret->queued = o->items;
	ret->queued_bytes = o->bytes;
	since = now > o->progress_ns ? now - o->progress_ns : 0;
	pthread_mutex_unlock(&o->lock);
	ret->dead_for_ns = ret->queued && (failing || since > o->slow_ns) ? since : 0;
}

void output_reopen(struct output *o)
{
	pthread_mutex_lock(&o->lock);
	o->reopen = true;
	pthread_mutex_unlock(&o->lock);
	wake(o);
}

void output_close(struct output *o, int timeout_ms)
{
	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->closing = true;
	o->deadline_ms = output_now_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	pthread_mutex_unlock(&o->lock);
	wake(o);
	pthread_join(o->thread, NULL);
	if (o->items)
		log_warning("%s: closed; %" PRIu64 " samples had not arrived in time",
			    o->report.name, o->items);
	free_all(o);
}
