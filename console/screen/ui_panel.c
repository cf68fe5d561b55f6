/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host panel: the host's metrics above the table, of a cluster the sums over the hosts
 * that are not silent.  Which ones: those of the view; in the view of all first panel.def.
 */
#include "ui_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MARGIN     1u
#define ROOM_LEAST 8u /* of a value */

static const uint16_t firsts[] = {
#define PANEL(metric) metric,
#include "panel.def"
};
#define N_FIRSTS (sizeof(firsts) / sizeof(*firsts))

/* What the panel is about: one host, or all. */
static struct thing subject(const struct ui *u)
{
	const struct place *p = ui_here(u);

	for (uint32_t i = 0; i < u->world->n_hosts; i++)
		if (p->host ? u->world->hosts[i]->id == p->host : u->world->n_hosts == 1)
			return (struct thing){.host = i, .scope = SCOPE_HOST};
	return NO_THING;
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

static void item(const struct ui *u, struct ui_page *p, enum metric_id m, double value,
		 enum level l, bool stale)
{
	enum style style = ui_level_style(l, stale ? STYLE_DIM : STYLE_NORMAL);
	unsigned width;
	char text[80];

	ui_value_short(m, value, u->chosen.human, text, sizeof(text));
	strncat(text, ui_level_sign(l), sizeof(text) - strlen(text) - 1);
	/* With some room, so that what follows seldom moves with the value. */
	width = grid_width(text);
	width = width < ROOM_LEAST ? ROOM_LEAST : width;
	ui_page_item(p, metrics[m].key, text, style, grid_width(metrics[m].key) + 2 + width + 2);
}

static void one(const struct ui *u, struct ui_page *p, struct thing t, enum metric_id m)
{
	double value;

	if (!(metrics[m].scopes & HOST) || !metrics[m].key || metrics[m].kind == INFO)
		return;
	value = thing_is(t) ? ui_number(u, t, m) : view_sum_get(u->sum, SCOPE_HOST, m);
	if (isnan(value))
		return;
	item(u, p, m, value, thing_is(t) ? ui_level(u, t, m) : LEVEL_NONE,
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

void ui_values_draw(const struct ui *u, struct ui_page *p, struct thing t, unsigned families)
{
	char text[300];

	for (unsigned m = 0; m < METRICS; m++) {
		double value;
		enum level l;

		if (!(metrics[m].scopes & (1u << t.scope)) || metrics[m].show == HIDDEN ||
		    !metrics[m].key || !(families & (1u << metrics[m].family)))
			continue;
		if (metrics[m].kind == INFO) {
			const char *is = world_text(u->world, t, (enum metric_id)m);

			if (!is || !*is)
				continue;
			snprintf(text, sizeof(text), "%s", is);
			ui_page_item(p, metrics[m].key, text, STYLE_NORMAL,
				     grid_width(metrics[m].key) + grid_width(text) + 4);
			continue;
		}
		value = ui_number(u, t, m);
		l = ui_level(u, t, m);
		if (!isnan(value))
			item(u, p, (enum metric_id)m, value, l, ui_is_stale(u, t));
	}
	ui_page_break(p);
}
