/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
#include "world_cache.h"

#include "xalloc.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define NOTES_APART 256u /* rows */

static_assert(offsetof(struct host_slot, host) == 0, "hosts[] points to slots");

struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->cache = xcalloc(1, sizeof(*w->cache));
	w->cache->moves = moves_new();
	return w;
}

static struct world_host *slot_new(uint64_t id)
{
	struct host_slot *s = xcalloc(1, sizeof(*s));

	s->host.id = id;
	s->host.now = sample_new();
	s->host.view = view_new();
	return &s->host;
}

static void slot_free(struct world_host *h)
{
	if (!h)
		return;
	sample_free(h->now);
	view_free(h->view);
	free(h);
}

void world_free(struct world *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->n_hosts; i++)
		slot_free(w->hosts[i]);
	free(w->hosts);
	for (int i = 0; i < SCRATCH_SIZES; i++)
		sample_free(w->cache->scratch[i]);
	sample_free(w->cache->before);
	sample_free(w->cache->notes);
	free(w->cache->old);
	ids_fini(w->cache);
	moves_free(w->cache->moves);
	free(w->cache);
	moment_unref(w->moment);
	free(w);
}

/* ---- samples that are between two owners ---- */

static unsigned size_of(const struct sample *s)
{
	uint64_t rows = 0;

	for (int i = 0; i < SCOPES; i++)
		rows += s->table[i].room;
	return rows ? 64 - (unsigned)__builtin_clzll(rows) : 0;
}

static struct sample *scratch_take(struct world_cache *c, const struct sample *like)
{
	struct sample **at = &c->scratch[size_of(like)], *s = *at;

	*at = NULL;
	return s ? s : sample_new();
}

static void scratch_give(struct world_cache *c, struct sample *s)
{
	struct sample **at = &c->scratch[size_of(s)];

	if (*at)
		sample_free(s);
	else
		*at = s;
}

/* ---- one host ---- */

static bool decode(struct sample *s, const struct frame *f)
{
	struct frame_head head;

	return f && !frame_decode(s, &head, f->bytes, f->size);
}

/* VMs come and go between the two: the row is there or thereabouts. */
static uint32_t row_of(const struct table *t, uint32_t like, uint64_t id)
{
	uint32_t from = like > NOTES_APART ? like - NOTES_APART : 0;

	if (like < t->rows && t->id[like] == id)
		return like;
	for (uint32_t r = from; r < t->rows && r <= like + NOTES_APART; r++)
		if (t->id[r] == id)
			return r;
	return NO_ROW;
}

static void note_row(struct sample *to, const struct sample *notes, uint32_t from)
{
	const struct table *t = &notes->table[SCOPE_VM];
	uint32_t row = row_of(&to->table[SCOPE_VM], from, t->id[from]);

	if (row == NO_ROW)
		return;
	for (unsigned m = table_column_from(t, 0); m < METRICS; m = table_column_from(t, m + 1)) {
		if (metrics[m].show != CLUSTER || !(metrics[m].scopes & VM))
			continue;
		if (metrics[m].kind == INFO)
			sample_set_text(to, SCOPE_VM, row, m,
					sample_text(notes, SCOPE_VM, from, m));
		else if (sample_get(notes, SCOPE_VM, from, m) != ABSENT)
			sample_set(to, SCOPE_VM, row, m, sample_get(notes, SCOPE_VM, from, m));
	}
}

/* What an aggregator knows of the VMs, as if their host's sample had it. */
static void note(struct world_cache *c, struct sample *to, const struct frame *notes)
{
	if (!notes)
		return;
	if (!c->notes)
		c->notes = sample_new();
	if (!decode(c->notes, notes))
		return;
	for (uint32_t r = 0; r < c->notes->table[SCOPE_VM].rows; r++)
		note_row(to, c->notes, r);
}

/* What was the newer frame is now the older one: its sample is there already. */
static void go_on(struct world_cache *c, struct world_host *h, const struct frame *now,
		  const struct frame *notes)
{
	struct sample *was = h->now;

	h->now = scratch_take(c, was);
	h->readable = decode(h->now, now);
	note(c, h->now, notes);
	view_derive(h->view, h->readable ? was : NULL, h->now);
	scratch_give(c, was);
}

static void start(struct world_cache *c, struct world_host *h, const struct frame *now,
		  const struct frame *before, const struct frame *notes)
{
	bool based;

	if (!c->before)
		c->before = sample_new();
	h->readable = decode(h->now, now);
	if (!h->readable)
		sample_clear(h->now);
	based = h->readable && decode(c->before, before);
	note(c, h->now, notes);
	view_derive(h->view, based ? c->before : NULL, h->now);
}

static void update(struct world_cache *c, struct world_host *h, const struct moment_host *m)
{
	struct host_slot *s = (struct host_slot *)h;
	uint64_t cpus;

	h->about = m->about;
	h->told = m->told;
	h->wall_ns = m->now ? m->now->wall_ns : 0;
	if (s->now == m->now && s->before == m->before && s->notes == m->notes && m->now)
		return;
	if (m->before && s->now == m->before && h->readable)
		go_on(c, h, m->now, m->notes);
	else
		start(c, h, m->now, m->before, m->notes);
	s->notes = m->notes;
	s->now = m->now;
	s->before = m->before;
	cpus = sample_get(h->now, SCOPE_HOST, 0, M_CPU_CORES);
	h->cpus = cpus == ABSENT ? 0 : cpus;
}

/* ---- all of them ---- */

struct by_id {
	uint64_t id;
	uint32_t at;
};

static int compare_id(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	return x->id != y->id ? (x->id < y->id ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

/* The hosts of the moment before, which mostly come in the same order again. */
struct leaving {
	struct world_host **host;
	uint32_t n, next;
	struct by_id *index; /* made when one comes out of turn */
};

static void leaving_index(struct leaving *l)
{
	uint32_t n = 0;

	l->index = xcalloc(l->n + 1, sizeof(*l->index));
	for (uint32_t i = 0; i < l->n; i++)
		if (l->host[i])
			l->index[n++] = (struct by_id){l->host[i]->id, i};
	qsort(l->index, n, sizeof(*l->index), compare_id);
	for (; n < l->n; n++)
		l->index[n] = (struct by_id){UINT64_MAX, UINT32_MAX};
}

static uint32_t leaving_find(struct leaving *l, uint64_t id)
{
	uint32_t low = 0, high = l->n;

	if (!l->index)
		leaving_index(l);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (l->index[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->n && l->index[low].id == id && l->index[low].at < l->n ? l->index[low].at
									       : l->n;
}

static struct world_host *leaving_take(struct leaving *l, uint64_t id)
{
	uint32_t at = l->next;
	struct world_host *h;

	if (at >= l->n || !l->host[at] || l->host[at]->id != id)
		at = leaving_find(l, id);
	/* Two of one id: the second one is new each time. */
	if (at >= l->n || !l->host[at])
		return NULL;
	h = l->host[at];
	l->host[at] = NULL;
	l->next = at + 1;
	return h;
}

static void leaving_end(struct leaving *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		slot_free(l->host[i]);
	free(l->index);
}

static void make_room(struct world *w, uint32_t n)
{
	struct world_cache *c = w->cache;
	struct world_host **hosts = c->old;
	uint32_t room = c->old_room;

	c->old = w->hosts;
	c->old_room = c->room;
	if (n > room) {
		room = n + n / 8 + 4;
		hosts = xrealloc(hosts, room, sizeof(*hosts));
	}
	w->hosts = hosts;
	c->room = room;
}

void world_set(struct world *w, struct moment *m)
{
	struct leaving l = {.n = w->n_hosts};
	struct moment *was = w->moment;

	w->moment = moment_ref(m);
	make_room(w, m->n);
	l.host = w->cache->old;
	w->n_hosts = m->n;
	w->n_vms = 0;
	w->wall_ns = m->wall_ns;
	w->live = m->live;
	for (uint32_t i = 0; i < m->n; i++) {
		uint64_t id = id_hash(0, m->hosts[i].about.host_id);
		struct world_host *h = leaving_take(&l, id);

		w->hosts[i] = h ? h : slot_new(id);
		update(w->cache, w->hosts[i], &m->hosts[i]);
		w->n_vms += w->hosts[i]->now->table[SCOPE_VM].rows;
	}
	leaving_end(&l);
	/* Not earlier: frames are known by where they are. */
	moment_unref(was);
	ids_forget(w->cache);
	moves_see(w);
}
