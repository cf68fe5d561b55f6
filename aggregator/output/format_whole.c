/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The latest sample of every host, kept; and openmetrics, which is one exposition of them.  A host
 * that has been silent for STALE of its intervals is left out: its values stop, they do not freeze.
 */
#include "exposition.h"
#include "output_time.h"
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
};

struct whole *whole_new(void)
{
	return xcalloc(1, sizeof(struct whole));
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

int whole_keep(struct render *r, const struct output_item *item)
{
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
	frame_unref(h->frame);
	h->frame = frame_ref(f);
	frame_unref(h->before);
	h->before = item->before ? frame_ref(item->before) : NULL;
	h->seen_ns = output_now_ns();
	h->interval_ns =
		head.interval_ns > r->u->interval_ns ? head.interval_ns : r->u->interval_ns;
	return 0;
}

static bool is_stale(const struct whole_host *h, uint64_t now_ns)
{
	uint64_t interval = h->interval_ns < SECOND ? SECOND : h->interval_ns;

	return now_ns - h->seen_ns > STALE * interval;
}

static bool wants(void *arg, enum metric_id m)
{
	return output_url_wants(arg, m);
}

int whole_each(struct whole *w, int (*each)(void *arg, const struct whole_host *h), void *arg)
{
	uint64_t now_ns = output_now_ns();
	int err = 0;

	for (unsigned i = 0; i < BUCKETS && err == 0; i++)
		for (struct whole_host **at = &w->bucket[i]; *at && err == 0;) {
			if (is_stale(*at, now_ns)) {
				remove_host(w, at);
				continue;
			}
			err = each(arg, *at);
			at = &(*at)->next;
		}
	return err;
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

int whole_print(struct render *r)
{
	struct adding a = {.r = r, .e = exposition_new(CEILING)};
	int err;

	exposition_only(a.e, wants, (void *)(uintptr_t)r->u);
	err = whole_each(r->whole, add, &a);
	if (err == 0) {
		exposition_finish(a.e, &r->out);
		render_cut(r);
		err = r->out.error;
	}
	exposition_free(a.e);
	return err;
}
