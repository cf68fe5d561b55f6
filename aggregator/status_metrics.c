/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include "aggregator_clock.h"
#include "exposition.h"
#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The text of 2,000 hosts with 100 VMs each. */
#define EXPOSITION_MAX (1u << 30)

/* Frames are taken by reference under the hosts' locks and decoded afterwards. */
struct gathering {
	const char *host;
	uint64_t now_ns;
	struct frame **frame;
	unsigned n, room, matched;
};

static void gather(void *arg, struct host *h)
{
	struct gathering *g = arg;

	if (g->host && strcmp(g->host, h->id) && strcmp(g->host, h->name))
		return;
	g->matched++;
	if (host_is_stale(h, g->now_ns) || h->senders.conflict)
		return;
	if (g->n == g->room) {
		g->room = g->room * 2 + 16;
		g->frame = xrealloc(g->frame, g->room, sizeof(struct frame *));
	}
	g->frame[g->n++] = frame_ref(h->latest);
}

static int add(struct exposition *e, struct sample *s, const struct frame *f)
{
	struct frame_head head;
	struct printer_origin origin = {.host_name = head.host_name, .host_id = head.host_id};

	/* It was whole when it was received. */
	if (frame_decode(s, &head, f->bytes, f->size) < 0)
		return 0;
	return exposition_add(e, s, &origin);
}

/* This program's own cost, without labels of a host. */
static int add_self(struct exposition *e, struct sample *s)
{
	uint32_t row;

	sample_clear(s);
	row = sample_row(s, SCOPE_SELF, NO_ROW, 1);
	sample_set_text(s, SCOPE_SELF, row, M_SELF_PART, "aggregator");
	sample_set(s, SCOPE_SELF, row, M_SELF_CPU, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return exposition_add(e, s, NULL);
}

int status_metrics(const struct status *s, const char *host, struct buf *to)
{
	struct gathering g = {.host = host, .now_ns = clock_monotonic_ns()};
	struct exposition *e = exposition_new(EXPOSITION_MAX);
	struct sample *scratch = sample_new();
	int r = 0;

	hosts_each(s->hosts, gather, &g);
	if (!host)
		r = add_self(e, scratch);
	for (unsigned i = 0; i < g.n; i++) {
		if (!r)
			r = add(e, scratch, g.frame[i]);
		frame_unref(g.frame[i]);
	}
	if (!r)
		exposition_finish(e, to);
	free(g.frame);
	sample_free(scratch);
	exposition_free(e);
	if (!r && to->error)
		r = to->error;
	return r < 0 ? r : (int)g.matched;
}

bool status_feed_host(const struct status *s, uint32_t number, struct feed_host *ret)
{
	struct host *h = hosts_at(s->hosts, number);
	uint64_t now_ns = clock_monotonic_ns();
	const struct host_stream *st;

	if (!h)
		return false;
	pthread_mutex_lock(&h->lock);
	st = host_current(h);
	*ret = (struct feed_host){
		.age_ms = h->latest ? clock_since(now_ns, h->arrived_ns) / 1000000u : 0,
		.interval_ns = h->interval_ns,
		.lost = host_lost(h),
		.repeated = h->repeated,
		.spool_bytes = st ? st->spool_bytes : 0,
		.skew_ms = h->skew_ns / 1000000,
		.stale = host_is_stale(h, now_ns),
		.conflict = h->senders.conflict,
	};
	memcpy(ret->host_id, h->id, sizeof(ret->host_id));
	memcpy(ret->host_name, h->name, sizeof(ret->host_name));
	memcpy(ret->version, h->version, sizeof(ret->version));
	pthread_mutex_unlock(&h->lock);
	hosts_put(h);
	return true;
}
