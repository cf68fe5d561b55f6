/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host panel: the host's metrics above the table, of a cluster the sums over the hosts
 * that are not silent.  Which ones: those of the view; in the view of all first panel.def.
 */
#include "ui_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MARGIN 1u

static const uint16_t firsts[] = {
#define PANEL(metric) metric,
#include "panel.def"
};
#define N_FIRSTS (sizeof(firsts) / sizeof(*firsts))

/* What the panel is about: one host, or all. */
static struct thing subject(const struct ui *u)
{
	const struct place *p = ui_here(u);

	if (p->host)
		return world_find(u->world, SCOPE_HOST, p->host);
	return u->world->n_hosts == 1 ? (struct thing){.scope = SCOPE_HOST} : NO_THING;
}

static void make_sum(struct ui *u)
{
	if (!u->sum)
		u->sum = view_sum_new();
	if (!u->sum_is_old)
		return;
	u->sum_is_old = false;
	view_sum_clear(u->sum);
	for (uint32_t i = 0; i < u->world->n_hosts; i++) {
		const struct world_host *h = u->world->hosts[i];

		if (h->readable && !h->about.stale)
			view_sum_add(u->sum, h->view);
	}
	view_sum_finish(u->sum);
}

static void one(const struct ui *u, struct ui_page *p, struct thing t, enum metric_id m)
{
	double value;

	if (!(metrics[m].scopes & HOST) || !metrics[m].key || metrics[m].kind == INFO)
		return;
	value = thing_is(t) ? ui_number(u, t, m) : view_sum_get(u->sum, SCOPE_HOST, m);
	if (isnan(value))
		return;
	ui_value_item(u, p, m, value, thing_is(t) ? ui_level(u, t, m) : LEVEL_NONE,
		      thing_is(t) && ui_is_stale(u, t));
}

static bool is_first(enum metric_id m)
{
	for (size_t i = 0; i < N_FIRSTS; i++)
		if (firsts[i] == m)
			return true;
	return false;
}

static void values(const struct ui *u, struct ui_page *p, struct thing t, unsigned families)
{
	for (size_t i = 0; i < N_FIRSTS; i++)
		if (families & (1u << metrics[firsts[i]].family))
			one(u, p, t, (enum metric_id)firsts[i]);
	for (unsigned m = 0; m < METRICS; m++)
		if (metrics[m].show == SHOWN && !is_first((enum metric_id)m) &&
		    (families & (1u << metrics[m].family)))
			one(u, p, t, (enum metric_id)m);
}

static void title(const struct ui *u, struct grid *g, unsigned row, struct thing t)
{
	unsigned col = grid_text(g, MARGIN, row, g->cols, STYLE_TITLE, "HOST METRICS ");
	uint32_t silent = 0, heard;
	char up[16];

	if (thing_is(t)) {
		duration_text(world_value(u->world, t, M_HOST_UPTIME), up, sizeof(up));
		grid_format(g, col, row, g->cols, STYLE_DIM, "%s, up %s%s", ui_name(u, t), up,
			    ui_is_stale(u, t) ? ", SILENT" : "");
		return;
	}
	if (ui_here(u)->host) {
		grid_format(g, col, row, g->cols, STYLE_DIM, "%s is gone", ui_here(u)->host_name);
		return;
	}
	for (uint32_t i = 0; i < u->world->n_hosts; i++)
		silent += u->world->hosts[i]->about.stale;
	heard = u->world->n_hosts - silent;
	col = grid_format(g, col, row, g->cols, STYLE_DIM,
			  heard == 1 ? "of %u host" : "of %u hosts together", heard);
	if (silent)
		grid_format(g, col, row, g->cols, STYLE_WARN, ", %u silent!", silent);
}

static unsigned lines(const struct ui *u, const struct grid *g)
{
	/* Of one host there is more to see, but its VMs are what one came for. */
	if (ui_here(u)->host)
		return g->rows < 18 ? 1 : g->rows < 30 ? 3 : g->rows / 4;
	return g->rows < 20 ? 1 : g->rows < 40 ? 2 : 3;
}

unsigned ui_panel_draw(struct ui *u, struct grid *g, unsigned row)
{
	struct ui_page p = {.g = g, .col = MARGIN, .end = g->cols, .row = row + 1};
	struct thing t = subject(u);
	unsigned most = lines(u, g);

	p.bottom = p.row + most;
	if (!u->world->n_hosts) {
		grid_text(g, MARGIN, row, g->cols, STYLE_TITLE, "HOST METRICS");
		return row + 2;
	}
	title(u, g, row, t);
	if (!thing_is(t)) {
		if (ui_here(u)->host)
			return row + 2;
		make_sum(u);
	}
	values(u, &p, t, ui_view(u)->families);
	return row + 1 + (p.line < most ? p.line : most);
}
