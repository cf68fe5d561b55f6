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
struct gathered {
	char id[HOST_ID_MAX + 1], name[HOST_NAME_BYTES + 1];
	struct frame *frame; /* NULL: nothing that is shown as what is now */
	struct status_of_host here;
};

struct gathering {
	const struct status *status;
	const char *host;
	uint64_t now_ns;
	struct gathered *one;
	unsigned n, room;
};

static void gather(void *arg, struct host *h)
{
	struct gathering *g = arg;
	struct gathered *o;

	if (g->host && strcmp(g->host, h->id) && strcmp(g->host, h->name))
		return;
	if (g->n == g->room) {
		g->room = g->room * 2 + 16;
		g->one = xrealloc(g->one, g->room, sizeof(*g->one));
	}
	o = &g->one[g->n++];
	memcpy(o->id, h->id, sizeof(o->id));
	memcpy(o->name, h->name, sizeof(o->name));
	o->frame = NULL;
	if (!host_is_stale(h, g->now_ns) && !h->senders.conflict)
		o->frame = frame_ref(h->latest);
	status_of_host(g->status, h, g->now_ns, &o->here);
}

/* Of one that is silent only what is known of it here: its own values stop. */
static int add(struct exposition *e, struct sample *s, const struct gathered *o,
	       const struct status *status)
{
	struct printer_origin origin = {.host_name = o->name, .host_id = o->id};
	struct frame_head head;

	/* It was whole when it was received. */
	if (!o->frame || frame_decode(s, &head, o->frame->bytes, o->frame->size) < 0)
		sample_clear(s);
	vms_annotate(status->vms, o->id, s);
	if (status->profiling)
		profiling_annotate(status->profiling, o->id, s);
	status_self_host(&o->here, s);
	return exposition_add(e, s, &origin);
}

/* Without labels of a host. */
static int add_self(struct exposition *e, struct sample *s, const struct status *status)
{
	sample_clear(s);
	status_self(status, s);
	return exposition_add(e, s, NULL);
}

int status_metrics(const struct status *s, const char *host, struct buf *to)
{
	struct gathering g = {.status = s, .host = host, .now_ns = clock_monotonic_ns()};
	struct exposition *e = exposition_new(EXPOSITION_MAX);
	struct sample *scratch = sample_new();
	int r = 0;

	hosts_each(s->hosts, gather, &g);
	if (!host)
		r = add_self(e, scratch, s);
	for (unsigned i = 0; i < g.n; i++) {
		if (!r)
			r = add(e, scratch, &g.one[i], s);
		frame_unref(g.one[i].frame);
	}
	if (!r)
		exposition_finish(e, to);
	free(g.one);
	sample_free(scratch);
	exposition_free(e);
	if (!r && to->error)
		r = to->error;
	return r < 0 ? r : (int)g.n;
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
