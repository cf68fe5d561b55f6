/* SPDX-License-Identifier: Apache-2.0 */
/* What a thing has, what is above and below it, and all things of a scope. */
#include "world_cache.h"

#include "xalloc.h"

#include <math.h>

static const struct world_host *host_of(const struct world *w, struct thing t)
{
	return t.host < w->n_hosts && t.scope < SCOPES ? w->hosts[t.host] : NULL;
}

/* What was measured is of a time; where the host has fallen silent that time is over. */
bool is_over(const struct world_host *h, enum metric_id m)
{
	return h->about.stale && metrics[m].kind != INFO && !(metrics[m].flags & LASTING);
}

double value_in(const struct sample *s, const struct view *v, enum scope scope, uint32_t row,
		enum metric_id m)
{
	uint64_t raw;

	if (metrics[m].kind != COUNTER || !(metrics[m].flags & AS_TOTAL))
		return view_get(v, scope, row, m);
	raw = sample_get(s, scope, row, m);
	return raw == ABSENT ? NAN : (double)raw;
}

double world_value(const struct world *w, struct thing t, enum metric_id m)
{
	const struct world_host *h = host_of(w, t);
	double value;

	if (!h || metrics[m].kind == INFO || is_over(h, m))
		return NAN;
	value = value_in(h->now, h->view, t.scope, t.row, m);
	if (m == M_UUID_DUPLICATE && isnan(value) && moves_twice(w, t))
		return 1;
	return value;
}

const char *world_text(const struct world *w, struct thing t, enum metric_id m)
{
	const struct world_host *h = host_of(w, t);
	const char *text;

	if (!h || metrics[m].kind != INFO)
		return NULL;
	text = sample_text(h->now, t.scope, t.row, m);
	if (text || !(metrics[m].scopes & (1u << t.scope)))
		return text;
	switch (m) {
	case M_HOST_FROM:
		return moves_from(w, t);
	case M_HOST_NAME:
		return h->about.host_name;
	case M_HOST_ID:
		return h->about.host_id;
	default:
		return NULL;
	}
}

struct thing world_parent(const struct world *w, struct thing t)
{
	const struct world_host *h = host_of(w, t);
	const struct table *table = h ? &h->now->table[t.scope] : NULL;

	if (!h || t.scope == SCOPE_HOST)
		return NO_THING;
	if (scope_parent(t.scope) == SCOPE_HOST)
		return (struct thing){t.host, 0, SCOPE_HOST};
	if (t.row >= table->rows || table->parent[t.row] >= h->now->table[SCOPE_VM].rows)
		return NO_THING;
	return (struct thing){t.host, table->parent[t.row], SCOPE_VM};
}

static void put(struct thing_list *list, struct thing t)
{
	if (list->n == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->item = xrealloc(list->item, list->room, sizeof(*list->item));
	}
	list->item[list->n++] = t;
}

static void put_host(const struct world *w, uint32_t host, enum scope s, struct thing_list *list)
{
	uint32_t rows = s == SCOPE_HOST ? 1 : w->hosts[host]->now->table[s].rows;

	for (uint32_t r = 0; r < rows; r++)
		put(list, (struct thing){host, r, (uint8_t)s});
}

void world_list(const struct world *w, enum scope s, struct thing_list *list)
{
	list->n = 0;
	for (uint32_t i = 0; i < w->n_hosts; i++)
		put_host(w, i, s, list);
}

void world_below(const struct world *w, struct thing parent, enum scope s, struct thing_list *list)
{
	const struct world_host *h = host_of(w, parent);
	const struct table *t = h ? &h->now->table[s] : NULL;

	list->n = 0;
	if (!h || s == SCOPE_HOST)
		return;
	if (parent.scope == SCOPE_HOST) {
		put_host(w, parent.host, s, list);
		return;
	}
	if (parent.scope != SCOPE_VM || s == SCOPE_VM || scope_parent(s) != SCOPE_VM)
		return;
	for (uint32_t r = 0; r < t->rows; r++)
		if (t->parent[r] == parent.row)
			put(list, (struct thing){parent.host, r, (uint8_t)s});
}
