/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The latest sample of every host, kept; and openmetrics, which is one exposition of them.  A host
 * that has been silent for STALE of its intervals is left out: its values stop, they do not freeze.
 */
#include "exposition.h"
#include "output_time.h"
#include "prometheus_text.h"
#include "render.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS   1024u
#define HOSTS_MAX 65536u
#define CEILING   (256u << 20)
#define STALE     3
#define SECOND    UINT64_C(1000000000)

struct whole {
	struct whole_host *bucket[BUCKETS];
	unsigned n;
	uint64_t stale_ns; /* when the first of those that whole_each() found will be stale */
};

struct whole *whole_new(void)
{
	struct whole *w = xcalloc(1, sizeof(*w));

	w->stale_ns = UINT64_MAX;
	return w;
}

static void remove_host(struct whole *w, struct whole_host **at)
{
	struct whole_host *h = *at;

	*at = h->next;
	frame_unref(h->frame);
	frame_unref(h->before);
	free(h);
	w->n--;
}

void whole_free(struct whole *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		while (w->bucket[i])
			remove_host(w, &w->bucket[i]);
	free(w);
}

/* When it has been silent for too long. */
static uint64_t stale_at(const struct whole_host *h)
{
	return h->seen_ns + STALE * (h->interval_ns < SECOND ? SECOND : h->interval_ns);
}

/* What an outage delayed is not what is now: the rest of an earlier run may come beside the
 * samples of this one. */
static bool is_past(const struct whole_host *h, const struct frame *f, uint64_t now_ns)
{
	if (!h->frame || now_ns > stale_at(h))
		return false;
	return f->epoch != h->frame->epoch ? f->epoch < h->frame->epoch
					   : f->sequence < h->frame->sequence;
}

int whole_keep(struct render *r, const struct output_item *item)
{
	uint64_t now_ns = output_now_ns();
	struct frame *f = item->now;
	struct whole *w = r->whole;
	struct frame_head head;
	struct whole_host **at, *h;
	int e = frame_head_decode(&head, f->bytes, f->size);

	if (e < 0)
		return e;
	at = &w->bucket[id_hash(0, head.host_id) % BUCKETS];
	while (*at && strcmp((*at)->id, head.host_id))
		at = &(*at)->next;
	h = *at;
	if (!h) {
		if (w->n >= HOSTS_MAX)
			return -EMSGSIZE;
		h = *at = xcalloc(1, sizeof(*h));
		memcpy(h->id, head.host_id, sizeof(h->id));
		w->n++;
	}
	if (is_past(h, f, now_ns))
		return 0;
	frame_unref(h->frame);
	h->frame = frame_ref(f);
	frame_unref(h->before);
	h->before = item->before ? frame_ref(item->before) : NULL;
	h->seen_ns = now_ns;
	h->interval_ns =
		head.interval_ns > r->u->interval_ns ? head.interval_ns : r->u->interval_ns;
	return 0;
}

static bool wants(void *arg, enum metric_id m)
{
	return output_url_wants(arg, m);
}

int whole_each(struct whole *w, int (*each)(void *arg, const struct whole_host *h), void *arg)
{
	uint64_t now_ns = output_now_ns();
	int err = 0;

	w->stale_ns = UINT64_MAX;
	for (unsigned i = 0; i < BUCKETS && err == 0; i++)
		for (struct whole_host **at = &w->bucket[i]; *at && err == 0;) {
			if (now_ns > stale_at(*at)) {
				remove_host(w, at);
				continue;
			}
			if (stale_at(*at) < w->stale_ns)
				w->stale_ns = stale_at(*at);
			err = each(arg, *at);
			at = &(*at)->next;
		}
	return err;
}

int64_t whole_stale_ms(const struct whole *w)
{
	return w->stale_ns == UINT64_MAX ? INT64_MAX : (int64_t)(w->stale_ns / 1000000u) + 1;
}

struct adding {
	struct render *r;
	struct exposition *e;
};

static int add(void *arg, const struct whole_host *h)
{
	struct adding *a = arg;

	if (render_decode(a->r, h->frame) < 0)
		return 0; /* its head was well, the rest is not: nothing to be shown */
	return exposition_add(a->e, a->r->now, &a->r->origin);
}

static void finish(struct render *r, struct exposition *e)
{
	if (!prometheus_text_is_for(r->u->target)) {
		exposition_finish(e, &r->out);
		return;
	}
	exposition_finish_prometheus(e, &r->out);
	if (!r->out.used)
		buf_lit(&r->out, "# no host is live\n");
}

int whole_print(struct render *r)
{
	struct adding a = {.r = r, .e = exposition_new(CEILING)};
	int err;

	exposition_only(a.e, wants, (void *)(uintptr_t)r->u);
	err = whole_each(r->whole, add, &a);
	if (err == 0) {
		finish(r, a.e);
		render_cut(r);
		err = r->out.error;
	}
	exposition_free(a.e);
	return err;
}
