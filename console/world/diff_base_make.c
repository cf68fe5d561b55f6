/* SPDX-License-Identifier: Apache-2.0 */
#include "diff_base_table.h"
#include "world_cache.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static void *grown(void *p, uint32_t room, size_t size)
{
	return p ? xrealloc(p, room, size) : NULL;
}

static void table_room(struct base_table *t, uint32_t room)
{
	t->room = room;
	t->host = xrealloc(t->host, room + 1, sizeof(*t->host));
	t->id = xrealloc(t->id, room + 1, sizeof(*t->id));
	t->by = xrealloc(t->by, room + 1, sizeof(*t->by));
	for (int m = 0; m < METRICS; m++) {
		t->value[m] = grown(t->value[m], room + 1, sizeof(**t->value));
		t->text[m] = grown(t->text[m], room + 1, sizeof(**t->text));
	}
}

/* Room for n more rows of which nothing is known. */
static void table_more(struct base_table *t, uint32_t n)
{
	if (t->n + n > t->room)
		table_room(t, t->n + n + t->room);
	for (int m = 0; m < METRICS; m++) {
		for (uint32_t i = t->n; t->value[m] && i < t->n + n; i++)
			t->value[m][i] = NAN;
		for (uint32_t i = t->n; t->text[m] && i < t->n + n; i++)
			t->text[m][i] = 0;
	}
}

/* What a base is made of: a world with all hosts of the moment, or one after the other. */
struct making {
	struct diff_base *b;
	const struct world *w;
	uint32_t hosts; /* that were in before this world's */
	bool (*wants)(void *arg, const struct sample *s, uint32_t row);
	void *arg;
};

/* The things that become rows; the list is the caller's. */
static void list_rows(const struct making *x, enum scope s, struct thing_list *list)
{
	uint32_t n = 0;

	world_list(x->w, s, list);
	for (uint32_t i = 0; i < list->n; i++) {
		struct thing t = list->item[i];

		if (s != SCOPE_VM || !x->wants || x->wants(x->arg, x->w->hosts[t.host]->now, t.row))
			list->item[n++] = t;
	}
	list->n = n;
}

static void take_rows(const struct making *x, struct base_table *t, const struct thing_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct thing is = list->item[i];
		const struct world_host *h = x->w->hosts[is.host];
		uint32_t row = t->n + i;
		bool second = is.scope == SCOPE_VM && !ids_is_first(h, SCOPE_VM, is.row);

		t->host[row] = x->hosts + is.host;
		t->id[row] = world_id(x->w, is);
		t->by[row] = (struct by_id){t->id[row], row, second};
		if (is.scope == SCOPE_VM)
			x->b->own[row] = h->now->table[SCOPE_VM].id[is.row];
	}
}

/* ---- their values ---- */

/* Made when the first value comes: most metrics no VM has. */
static double *value_column(struct base_table *t, enum metric_id m)
{
	if (!t->value[m]) {
		t->value[m] = xcalloc(t->room + 1, sizeof(**t->value));
		for (uint32_t i = 0; i <= t->room; i++)
			t->value[m][i] = NAN;
	}
	return t->value[m];
}

static void take_values(const struct making *x, struct base_table *t, const struct thing_list *list,
			enum metric_id m)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct thing is = list->item[i];
		const struct world_host *h = x->w->hosts[is.host];
		double value;

		if (is_over(h, m))
			continue;
		value = value_in(h->now, h->view, (enum scope)is.scope, is.row, m);
		if (!isnan(value))
			value_column(t, m)[t->n + i] = value;
	}
}

static uint32_t keep_text(struct diff_base *b, const char *text)
{
	uint32_t n = (uint32_t)strlen(text) + 1, at = b->used ? b->used : 1;

	if (at + n > b->text_room) {
		b->text_room = (at + n) * 2;
		b->texts = xrealloc(b->texts, b->text_room, 1);
	}
	memcpy(b->texts + at, text, n);
	b->used = at + n;
	return at;
}

/* Mostly as in the row before: it is kept once then. */
static void take_texts(const struct making *x, struct base_table *t, const struct thing_list *list,
		       enum metric_id m)
{
	struct diff_base *b = x->b;
	uint32_t last = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		const char *text = world_text(x->w, list->item[i], m);

		if (!text)
			continue;
		if (!t->text[m])
			t->text[m] = xcalloc(t->room + 1, sizeof(**t->text));
		if (!last || strcmp(b->texts + last, text) != 0)
			last = keep_text(b, text);
		t->text[m][t->n + i] = last;
	}
}

static void take_scope(const struct making *x, enum scope s)
{
	struct base_table *t = &x->b->of[s == SCOPE_VM];
	struct thing_list list = {0};

	list_rows(x, s, &list);
	table_more(t, list.n);
	if (s == SCOPE_VM)
		x->b->own = xrealloc(x->b->own, t->room + 1, sizeof(*x->b->own));
	take_rows(x, t, &list);
	for (int m = 0; m < METRICS; m++) {
		if (!(metrics[m].scopes & (1u << s)) || metrics[m].show != SHOWN)
			continue;
		if (metrics[m].kind == INFO)
			take_texts(x, t, &list, (enum metric_id)m);
		else
			take_values(x, t, &list, (enum metric_id)m);
	}
	t->n += list.n;
	free(list.item);
}

static void take(struct making *x)
{
	struct diff_base *b = x->b;
	uint32_t n = x->w->n_hosts;

	x->hosts = b->of[0].n;
	b->readable = xrealloc(b->readable, x->hosts + n + 1, sizeof(*b->readable));
	b->stale = xrealloc(b->stale, x->hosts + n + 1, sizeof(*b->stale));
	b->name = xrealloc(b->name, x->hosts + n + 1, sizeof(*b->name));
	for (uint32_t i = 0; i < n; i++) {
		const struct feed_host *about = &x->w->hosts[i]->about;

		b->readable[x->hosts + i] = x->w->hosts[i]->readable;
		b->stale[x->hosts + i] = x->w->hosts[i]->about.stale;
		b->name[x->hosts + i] =
			keep_text(b, *about->host_name ? about->host_name : about->host_id);
	}
	take_scope(x, SCOPE_HOST);
	take_scope(x, SCOPE_VM);
}

/* ---- ids ---- */

static int compare_id(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->second != y->second)
		return x->second ? 1 : -1;
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Hosts that came one after the other do not know what ids others have: as world_ids.c has it,
 * the first VM that runs has it, the others what is theirs alone. */
static void settle_ids(struct diff_base *b)
{
	struct base_table *t = &b->of[1];
	bool shared = false;

	qsort(t->by, t->n, sizeof(*t->by), compare_id);
	for (uint32_t i = 0, k; i < t->n; i = k)
		for (k = i + 1; k < t->n && t->by[k].id == t->by[i].id; k++) {
			uint32_t row = t->by[k].row;

			t->id[row] = ids_second(t->id[row], diff_base_host_id(b, SCOPE_VM, row),
						b->own[row]);
			shared = true;
		}
	for (uint32_t i = 0; shared && i < t->n; i++)
		t->by[i].id = t->id[t->by[i].row];
	if (shared)
		qsort(t->by, t->n, sizeof(*t->by), compare_id);
	free(b->own);
	b->own = NULL;
}

static struct diff_base *begin(void)
{
	struct diff_base *b = xcalloc(1, sizeof(*b));

	table_room(&b->of[0], 0);
	table_room(&b->of[1], 0);
	return b;
}

static struct diff_base *finish(struct diff_base *b, uint64_t wall_ns)
{
	b->wall_ns = wall_ns;
	qsort(b->of[0].by, b->of[0].n, sizeof(*b->of[0].by), compare_id);
	settle_ids(b);
	for (int i = 0; i < 2; i++)
		table_room(&b->of[i], b->of[i].n);
	b->text_room = b->used + 1;
	b->texts = xrealloc(b->texts, b->text_room, 1);
	return b;
}

struct diff_base *diff_base_new(const struct world *w,
				bool (*wants)(void *arg, const struct sample *s, uint32_t row),
				void *arg)
{
	struct making x = {.b = begin(), .w = w, .wants = wants, .arg = arg};

	take(&x);
	return finish(x.b, w->wall_ns);
}

struct diff_base *diff_base_of(const struct moment *m,
			       bool (*wants)(void *arg, const struct sample *s, uint32_t row),
			       void *arg)
{
	struct making x = {.b = begin(), .wants = wants, .arg = arg};

	for (uint32_t i = 0; i < m->n; i++) {
		const struct moment_host *h = &m->hosts[i];
		struct moment *one = moment_new();
		struct world *w = world_new();

		moment_add(one, &h->about, h->now, h->before, m->wall_ns);
		one->wall_ns = m->wall_ns;
		world_set(w, one);
		x.w = w;
		take(&x);
		world_free(w);
		moment_unref(one);
	}
	return finish(x.b, m->wall_ns);
}
