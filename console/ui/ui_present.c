/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which columns have a value at all, anywhere: on libvirt no VM has a VMID, without PSI no
 * host has a pressure, and a column of dashes only takes the room of others.
 *
 * Looked at once per moment, for all hosts, so that columns stay where they are while one
 * filters or goes deeper; and what was there once stays.  A rate is there when its counter
 * is, and what is derived when what it is made of is: no column comes with the second sample
 * or the first request.
 */
#include "ui_state.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>

/* Children first. */
static const enum scope order[] = {SCOPE_VCPU,     SCOPE_VM_DISK, SCOPE_VM_NIC, SCOPE_HOST_DISK,
				   SCOPE_HOST_NIC, SCOPE_VM,      SCOPE_HOST};

/* One row per scope, 1 where there is a value: formulas then say what can be made of them. */
static struct view *present_new(void)
{
	struct view *v = view_new();

	for (int s = 0; s < SCOPES; s++) {
		v->table[s].rows = v->table[s].room = 1;
		for (int m = 0; m < METRICS; m++) {
			if (!(metrics[m].scopes & (1u << s)))
				continue;
			v->table[s].col[m] = xcalloc(1, sizeof(double));
			v->table[s].col[m][0] = NAN;
		}
	}
	return v;
}

static bool has(const struct view *v, enum scope s, enum metric_id m)
{
	return !isnan(view_get(v, s, 0, m));
}

static bool is_in(const struct sample *sample, enum scope s, enum metric_id m)
{
	const struct table *t = &sample->table[s];

	for (uint32_t r = 0; t->value[m] && r < t->rows; r++) {
		if (t->value[m][r] == ABSENT)
			continue;
		if (metrics[m].kind != INFO || *sample_text(sample, s, r, m))
			return true;
	}
	return false;
}

static bool is_anywhere(const struct world *w, enum scope s, enum metric_id m)
{
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (is_in(w->hosts[i]->now, s, m))
			return true;
	return false;
}

static bool is_below(const struct view *v, enum scope s, enum metric_id m)
{
	for (int c = 0; c < SCOPES; c++)
		if (c != (int)s && scope_parent((enum scope)c) == s && has(v, (enum scope)c, m))
			return true;
	return false;
}

static void see_scope(struct ui *u, enum scope s)
{
	struct view *v = u->present;

	for (uint32_t i = 0; i < u->world->n_hosts; i++)
		if (u->world->hosts[i]->now->table[s].rows)
			u->present_scopes |= (uint8_t)(1u << s);
	for (int m = 0; m < METRICS; m++) {
		if (!(metrics[m].scopes & (1u << s)) || metrics[m].kind == DERIVED ||
		    metrics[m].show == CLUSTER || has(v, s, (enum metric_id)m))
			continue;
		if (metric_is_rollup((enum metric_id)m, s) ? is_below(v, s, (enum metric_id)m)
							   : is_anywhere(u->world, s, m))
			v->table[s].col[m][0] = 1;
	}
	view_formulas(v, s);
	/* What a VM has of its disks as no sum is made otherwise. */
	for (int m = 0; m < METRICS; m++)
		if (metrics[m].kind == DERIVED && (metrics[m].scopes & (1u << s)) &&
		    !has(v, s, (enum metric_id)m) && is_below(v, s, (enum metric_id)m))
			v->table[s].col[m][0] = 1;
}

/* What only many hosts together can tell is there as long as some VM has it. */
static void see_cluster(struct ui *u)
{
	const struct world *w = u->world;
	bool moved = world_has_moves(w);

	for (int m = 0; m < METRICS; m++) {
		bool there;

		if (metrics[m].show != CLUSTER)
			continue;
		there = is_anywhere(w, SCOPE_VM, (enum metric_id)m);
		if (moved && !there)
			world_list(w, SCOPE_VM, &u->list);
		for (uint32_t i = 0; moved && !there && i < u->list.n; i++)
			there = !ui_is_absent(u, u->list.item[i], (unsigned)m);
		u->present->table[SCOPE_VM].col[m][0] = there ? 1 : NAN;
	}
}

static void see_facts(struct ui *u)
{
	for (unsigned f = 0; f < FACTS; f++)
		for (int s = 0; s < SCOPES; s++) {
			unsigned id = METRICS + f, bit = 1u << s;

			if (!(ui_facts[f].flags & FACT_SPARSE) || !(ui_facts[f].scopes & bit) ||
			    u->present_facts[f] & bit)
				continue;
			world_list(u->world, (enum scope)s, &u->list);
			for (uint32_t i = 0; i < u->list.n; i++)
				if (!ui_is_absent(u, u->list.item[i], id)) {
					u->present_facts[f] |= (uint8_t)bit;
					break;
				}
		}
}

/* A view of which nothing is there keeps its columns: dashes say so, no columns say nothing. */
static void see_views(struct ui *u)
{
	for (unsigned v = 0; v < VIEWS; v++)
		for (int m = 0; m < METRICS && !(u->present_views & (1u << v)); m++)
			if (metrics[m].show == SHOWN && metrics[m].kind != INFO &&
			    (ui_views[v].families & (1u << metrics[m].family)) &&
			    (metrics[m].scopes & (1u << ui_views[v].scope)) &&
			    has(u->present, (enum scope)ui_views[v].scope, (enum metric_id)m))
				u->present_views |= 1u << v;
}

void ui_present_see(struct ui *u)
{
	if (!u->present)
		u->present = present_new();
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		see_scope(u, order[i]);
	see_views(u);
	see_cluster(u);
	see_facts(u);
}

void ui_present_fini(struct ui *u)
{
	view_free(u->present);
}

_Static_assert(VIEWS <= 32, "bits by view");

bool ui_is_present(const struct ui *u, const struct ui_view *v, unsigned id)
{
	enum scope s = (enum scope)v->scope;

	if (id < METRICS && metrics[id].show == CLUSTER)
		return u->present && has(u->present, s, (enum metric_id)id);
	/* Nothing of the kind has been seen: nobody knows what it would have. */
	if (!(u->present_scopes & (1u << s)))
		return true;
	if (id < METRICS)
		return has(u->present, s, (enum metric_id)id) ||
		       (metrics[id].family != F_IDENT &&
			!(u->present_views & (1u << (v - ui_views))));
	return !(ui_facts[id - METRICS].flags & FACT_SPARSE) ||
	       u->present_facts[id - METRICS] & (1u << s);
}
