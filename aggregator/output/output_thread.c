/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output's thread: items become parcels, the transport moves them, and what it has
 * done is committed, in order.
 */
#include "output_internal.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* True when the thread is to end.  *ret_until: until when it may wait. */
static bool orders(struct output *o, int64_t *ret_until)
{
	bool reopen, closing, begins, end;

	pthread_mutex_lock(&o->lock);
	reopen = o->reopen;
	o->reopen = false;
	closing = o->closing;
	begins = closing && !o->transport->closing;
	*ret_until = closing ? o->deadline_ms : OUTPUT_FOREVER_MS;
	end = closing && (!o->items || output_now_ms() >= o->deadline_ms);
	pthread_mutex_unlock(&o->lock);
	o->transport->closing = closing;
	/* Whoever closes shall not wait for the back-off: try at once. */
	if (begins)
		o->transport->retry_ms = 0;
	if (reopen && o->transport->ops->reopen)
		o->transport->ops->reopen(o->transport);
	return end;
}

static bool take(struct output *o, struct output_item *ret)
{
	struct output_waiting *w;

	pthread_mutex_lock(&o->lock);
	w = o->first;
	if (w) {
		o->first = w->next;
		if (!o->first)
			o->last = NULL;
	}
	pthread_mutex_unlock(&o->lock);
	if (!w)
		return false;
	*ret = w->item;
	free(w);
	return true;
}

static void commit(struct output *o, const struct parcel_commit *c, unsigned n, uint64_t bytes)
{
	uint64_t frames = 0;
	bool room;

	for (unsigned i = 0; i < n; i++) {
		frames += c[i].bytes;
		o->calls.committed(o->calls.arg, o, c[i].stream, c[i].epoch, c[i].sequence);
	}
	output_report_sent(&o->report, n, bytes);
	pthread_mutex_lock(&o->lock);
	o->items -= n;
	o->bytes -= frames;
	o->progress_ns = output_now_ns();
	room = o->full && !o->closing && o->items <= o->items_max / 2 &&
	       o->bytes <= o->bytes_max / 2;
	if (room)
		o->full = false;
	pthread_mutex_unlock(&o->lock);
	if (room)
		o->calls.room(o->calls.arg, o);
}

static void render_failed(struct output *o, int error)
{
	output_report_refused(&o->report, 1,
			      error == -EMSGSIZE ? "too large to be written"
						 : "not a sample of a version that is known here");
}

/* The item's records join the line, or its commit joins that of what was before it. */
static void enqueue(struct output *o, const struct parcel_commit *c)
{
	struct render *r = o->render;
	struct parcel *p;

	if (r->dropped)
		output_report_refused(&o->report, r->dropped, "too large for this transport");
	if (r->out.used) {
		p = parcel_new(r->out.data, r->out.used, r->cut, r->n_cuts);
		parcel_add_commit(p, c);
		parcel_append(&o->line, p);
	} else if (o->line.last) {
		parcel_add_commit(o->line.last, c);
	} else {
		commit(o, c, 1, 0);
	}
}

static void render_one(struct output *o, struct output_item *item)
{
	struct parcel_commit c = {
		.stream = item->stream,
		.bytes = item->now->size,
		.epoch = item->now->epoch,
		.sequence = item->now->sequence,
	};
	int r = render_item(o->render, item);

	frame_unref(item->before);
	frame_unref(item->now);
	if (r < 0)
		render_failed(o, r);
	if (!render_is_whole(o->render)) {
		enqueue(o, &c);
		return;
	}
	if (!o->kept) {
		o->kept = parcel_new(NULL, 0, NULL, 0);
		if (output_now_ms() >= o->whole_ms)
			o->whole_ms = output_now_ms() + render_whole_in_ms(o->render, true);
	}
	parcel_add_commit(o->kept, &c);
}

/* When a text of all hosts is to be made: something came, or a host that it shows fell silent. */
static int64_t whole_due_ms(const struct output *o)
{
	int64_t stale_ms;

	if (!render_is_whole(o->render) || o->line.first)
		return OUTPUT_FOREVER_MS;
	if (o->kept)
		return o->transport->closing ? 0 : o->whole_ms;
	stale_ms = render_whole_stale_ms(o->render);
	return stale_ms > o->whole_ms ? stale_ms : o->whole_ms;
}

/* A text of all hosts, which commits everything that was kept for it. */
static void whole_file(struct output *o)
{
	struct parcel *p, *kept = o->kept;
	int r;

	if (output_now_ms() < whole_due_ms(o))
		return;
	o->kept = NULL;
	o->whole_ms = output_now_ms() + render_whole_in_ms(o->render, false);
	r = render_whole(o->render);
	if (r < 0)
		render_failed(o, r);
	if (!o->render->out.used) {
		if (kept)
			commit(o, kept->commit, kept->n_commits, 0);
		parcel_free(kept);
		return;
	}
	p = parcel_new(o->render->out.data, o->render->out.used, o->render->cut, o->render->n_cuts);
	if (kept) {
		p->commit = kept->commit;
		p->n_commits = kept->n_commits;
		p->commit_room = kept->commit_room;
		kept->commit = NULL;
	}
	parcel_free(kept);
	parcel_append(&o->line, p);
}

static bool line_has_room(const struct output *o)
{
	if (render_is_whole(o->render))
		return !o->line.first;
	return o->line.bytes < o->transport->ops->window;
}

static void fill(struct output *o)
{
	struct output_item item;

	while (line_has_room(o) && take(o, &item))
		render_one(o, &item);
	whole_file(o);
}

static void settle(struct output *o)
{
	struct parcel *p;

	while ((p = parcel_take_done(&o->line))) {
		commit(o, p->commit, p->n_commits, p->size);
		parcel_free(p);
	}
	if (o->transport->refused) {
		o->transport->refused = false;
		render_forget(o->render);
	}
}

/* Is there anything to do without waiting? */
static bool more(struct output *o)
{
	bool waiting, finished;

	pthread_mutex_lock(&o->lock);
	waiting = o->first != NULL;
	finished = o->closing && !o->items;
	pthread_mutex_unlock(&o->lock);
	return finished || (waiting && line_has_room(o));
}

static void drain(int fd)
{
	uint64_t count;
	ssize_t r = read(fd, &count, sizeof(count));

	(void)r; /* whoever looks next sees what changed */
}

void *output_thread(void *arg)
{
	struct output *o = arg;
	int64_t until;

	while (!orders(o, &until)) {
		fill(o);
		o->transport->ops->step(o->transport);
		settle(o);
		if (more(o))
			continue;
		if (whole_due_ms(o) < until)
			until = whole_due_ms(o);
		o->transport->ops->wait(o->transport, o->wake, until);
		drain(o->wake);
	}
	return NULL;
}
