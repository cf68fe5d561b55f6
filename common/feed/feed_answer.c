/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_answer.h"

#include "xalloc.h"

#include <stdlib.h>

#define FRAMES_MOST 1024u
#define WAIT_MOST   30000u /* ms */

void feed_reader_begin(struct feed_reader *r, const struct feed_server_options *o)
{
	struct feed_request *q = &r->q;

	if (q->wait_ms > WAIT_MOST)
		q->wait_ms = WAIT_MOST;
	if (!q->max_bytes || q->max_bytes > REPLY_MOST)
		q->max_bytes = REPLY_MOST;
	/* A cursor means something only to who gave it. */
	if (q->cursor && q->instance != o->instance)
		q->cursor = FEED_LIVE;
	r->first = q->instance != o->instance || q->cursor == FEED_LIVE || !q->cursor;
}

void feed_reader_end(struct feed_reader *r)
{
	free(r->wants);
	feed_request_fini(&r->q);
}

/* Anew each time: a host it asked for may have come meanwhile. */
static void find_wanted(struct feed_reader *r, const struct feed_server_options *o)
{
	free(r->wants);
	r->wants = NULL;
	r->n_wants = o->hosts(o->arg);
	if (!r->q.n_hosts)
		return;
	r->wants = xcalloc(r->n_wants ? r->n_wants : 1, sizeof(*r->wants));
	for (uint32_t i = 0; i < r->q.n_hosts; i++) {
		long number = o->host_number(o->arg, r->q.hosts[i]);

		if (number >= 0 && number < (long)r->n_wants)
			r->wants[number] = true;
	}
}

void feed_answer_frames(struct feed_answer *a, struct feed_reader *r,
			const struct feed_server_options *o)
{
	struct feed_request *q = &r->q;
	struct history_query h = {
		.cursor = q->cursor,
		.from_wall_ns = q->from_wall_ns,
		.to_wall_ns = q->to_wall_ns,
		.latest_only = q->latest_only,
		.max_frames = FRAMES_MOST,
		.max_bytes = q->max_bytes,
	};
	struct history_answer got;

	if (!a->frames) {
		a->frames = xcalloc(FRAMES_MOST, sizeof(struct frame *));
		a->owners = xcalloc(FRAMES_MOST, sizeof(*a->owners));
		a->reply.frames = xcalloc(FRAMES_MOST, sizeof(*a->reply.frames));
	}
	find_wanted(r, o);
	h.wants = r->wants;
	h.n_wants = r->n_wants;
	history_get(o->history, &h, a->frames, a->owners, &got);
	for (unsigned i = 0; i < got.n; i++)
		a->reply.frames[i] =
			(struct message_bytes){a->frames[i]->bytes, a->frames[i]->size};
	a->reply.n_frames = got.n;
	a->reply.n_hosts = 0;
	a->reply.instance = o->instance;
	a->reply.cursor = got.cursor;
	a->reply.skipped = r->skipped + got.skipped;
	a->reply.oldest_wall_ns = got.oldest_wall_ns;
	if (got.n)
		return;
	r->skipped = a->reply.skipped;
	/* Who waits for live samples waits on for the newest of every host. */
	if (q->cursor != FEED_LIVE)
		q->cursor = got.cursor;
}

static void add_notes(struct feed_answer *a, struct feed_host *h, uint32_t number,
		      const struct feed_server_options *o)
{
	struct frame *f = o->notes ? o->notes(o->arg, number) : NULL;

	if (!f)
		return;
	a->notes[a->n_notes++] = f;
	h->notes = (struct message_bytes){f->bytes, f->size};
}

void feed_answer_hosts(struct feed_answer *a, const struct feed_reader *r,
		       const struct feed_server_options *o)
{
	bool all = r->first || !a->reply.n_frames;
	uint32_t n = r->n_wants;
	bool *has = xcalloc(n ? n : 1, sizeof(*has));

	for (uint32_t i = 0; i < a->reply.n_frames; i++)
		if (a->owners[i] < n)
			has[a->owners[i]] = true;
	if (n > a->room_hosts) {
		a->reply.hosts = xrealloc(a->reply.hosts, n, sizeof(*a->reply.hosts));
		a->notes = xrealloc(a->notes, n, sizeof(struct frame *));
		a->room_hosts = n;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct feed_host *h = &a->reply.hosts[a->reply.n_hosts];

		if (r->wants && !r->wants[i])
			continue;
		if (!o->host(o->arg, i, h) || !(all || has[i] || h->stale || h->conflict))
			continue;
		add_notes(a, h, i, o);
		a->reply.n_hosts++;
	}
	free(has);
}

void feed_answer_clear(struct feed_answer *a)
{
	for (uint32_t i = 0; i < a->reply.n_frames; i++)
		frame_unref(a->frames[i]);
	a->reply.n_frames = 0;
	while (a->n_notes)
		frame_unref(a->notes[--a->n_notes]);
}

void feed_answer_fini(struct feed_answer *a)
{
	feed_answer_clear(a);
	free(a->frames);
	free(a->owners);
	free(a->notes);
	free(a->reply.frames);
	free(a->reply.hosts);
}
