/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All about one thing: who it is, what it suffers from, its history, what is below it, and
 * every value it has.  One page that is scrolled; the tables in it are drawn as any table.
 */
#include "ui_state.h"

#include "spark.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MARGIN     1u
#define SPARK_HEAD 22u /* cells of title and value before the line */
#define SPARK_WIDE 110u
#define MS_NS      1000000u

static const struct {
	uint8_t scope;
	uint16_t metric;
} sparks[] = {
#define SPARK(scope, metric) {scope, metric},
#include "sparks.def"
};
#define N_SPARKS (sizeof(sparks) / sizeof(*sparks))

/* The tables below a thing. */
static const struct {
	uint8_t scope, view;
	const char *title;
} belows[] = {
	{SCOPE_VM, VIEW_VCPUS, "vCPUs"},     {SCOPE_VM, VIEW_VDISKS, "Disks"},
	{SCOPE_VM, VIEW_VNICS, "NICs"},      {SCOPE_HOST, VIEW_ALL, "VMs"},
	{SCOPE_HOST, VIEW_STORAGE, "Disks"}, {SCOPE_HOST, VIEW_PNIC, "NICs"},
};

struct thing ui_detail_thing(const struct ui *u)
{
	const struct place *p = ui_here(u);

	if (p->kind != PLACE_DETAIL)
		return NO_THING;
	return world_find(u->world, (enum scope)p->scope, p->id);
}

void ui_detail_settle(struct ui *u)
{
	struct thing t = ui_detail_thing(u);
	enum metric_id wanted[N_SPARKS];
	unsigned n = 0;

	if (ui_here(u)->kind != PLACE_DETAIL) {
		ui_follow(u, "");
		return;
	}
	if (!thing_is(t)) /* it may come back, elsewhere too */
		return;
	ui_follow(u, u->world->hosts[t.host]->about.host_id);
	for (size_t i = 0; i < N_SPARKS; i++)
		if (sparks[i].scope == t.scope)
			wanted[n++] = (enum metric_id)sparks[i].metric;
	if (!u->series)
		u->series = series_new();
	series_set(u->series, u->world->moment, (enum scope)t.scope, ui_here(u)->id, wanted, n);
}

/* ---- what is drawn ---- */

/* Both, or nothing where there is no text. */
static void put(char *to, size_t size, const char *head, const char *text)
{
	size_t n = strlen(to);

	if (text && *text && n < size)
		snprintf(to + n, size - n, "%s%s", head, text);
}

static void draw_head(const struct ui *u, struct ui_page *p, struct thing t)
{
	char text[600] = "", number[40];
	double v;

	put(text, sizeof(text),
	    t.scope == SCOPE_HOST ? "Host "
	    : t.scope == SCOPE_VM ? "VM "
				  : "",
	    ui_name(u, t));
	if (t.scope != SCOPE_HOST)
		put(text, sizeof(text), " on ", ui_name(u, ui_host_of(t)));
	if (t.scope == SCOPE_VM) {
		put(text, sizeof(text), ", ", ui_text(u, t, M_STATE, NULL, 0));
		v = ui_number(u, t, M_VMID);
		if (!isnan(v)) {
			snprintf(number, sizeof(number), "%.0f", v);
			put(text, sizeof(text), ", VMID ", number);
		}
		v = ui_number(u, t, M_UPTIME);
		duration_text(v, number, sizeof(number));
		put(text, sizeof(text), ", up ", isnan(v) ? NULL : number);
		put(text, sizeof(text), ", tags ", ui_text(u, t, M_TAGS, NULL, 0));
		put(text, sizeof(text), ", came from ", ui_text(u, t, M_HOST_FROM, NULL, 0));
	}
	if (ui_is_stale(u, t)) {
		duration_text((double)u->world->hosts[t.host]->about.age_ms / 1e3, number,
			      sizeof(number));
		put(text, sizeof(text), " ~ SILENT for ", number);
	}
	ui_page_text(p, ui_is_stale(u, t) ? STYLE_DIM : STYLE_TITLE, text);
	ui_explain(u, t, text, sizeof(text));
	if (*text)
		ui_page_text(p, STYLE_WARN, text);
}

/* A line ends now: as many values as a host that fell silent has not sent are absent. */
static unsigned up_to_now(const struct ui *u, struct thing t, double values[SERIES_MAX], unsigned n)
{
	const struct feed_host *h = &u->world->hosts[t.host]->about;
	uint64_t each_ms = h->interval_ns / MS_NS ? h->interval_ns / MS_NS : 1000, more;
	unsigned kept;

	if (!h->stale)
		return n;
	more = h->age_ms / each_ms < SERIES_MAX ? h->age_ms / each_ms : SERIES_MAX;
	kept = n < SERIES_MAX - more ? n : SERIES_MAX - (unsigned)more;
	memmove(values, values + n - kept, kept * sizeof(*values));
	for (n = kept; n < kept + more; n++)
		values[n] = NAN;
	return n;
}

static void draw_spark(const struct ui *u, struct ui_page *p, struct thing t, enum metric_id m,
		       unsigned col, unsigned end)
{
	double values[SERIES_MAX], is = ui_number(u, t, m);
	enum level l = ui_level(u, t, m);
	char text[80];
	unsigned n;

	if (p->y < 0)
		return;
	n = up_to_now(u, t, values, series_get(u->series, m, values));
	ui_value_short(m, is, true, text, sizeof(text));
	strncat(text, ui_level_sign(l), sizeof(text) - strlen(text) - 1);
	grid_text(p->g, col, (unsigned)p->y, col + 9, STYLE_KEY, metrics[m].title);
	grid_text_right(p->g, col + 9, (unsigned)p->y, col + SPARK_HEAD - 1,
			ui_level_style(l, STYLE_NORMAL), text);
	/* A share is drawn against the whole, so that little looks little. */
	spark_draw(p->g, col + SPARK_HEAD, (unsigned)p->y, end, values, n,
		   metrics[m].unit == U_PERCENT ? 100 : 0, STYLE_GRAPH);
}

static void draw_sparks(const struct ui *u, struct ui_page *p, struct thing t)
{
	unsigned columns = p->end >= SPARK_WIDE ? 2 : 1, width = (p->end - MARGIN) / columns, i = 0;

	if (!u->series)
		return;
	for (size_t k = 0; k < N_SPARKS; k++) {
		unsigned col = MARGIN + i % columns * width;

		if (sparks[k].scope != t.scope)
			continue;
		if (!(i++ % columns))
			ui_page_line(p);
		draw_spark(u, p, t, (enum metric_id)sparks[k].metric, col, col + width - 2);
	}
}

/* Returns how many of its columns are scrolled away. */
static unsigned draw_below(struct ui *u, struct ui_page *p, struct thing t, enum view_id v,
			   const char *title)
{
	struct ui_slot slot[UI_SLOTS_MAX];
	struct ui_rows rows = {.n = 0};
	struct ui_columns c;
	unsigned n, left = 0;
	int y;

	ui_rows_below(u, t, v, &u->list, &rows);
	if (rows.n) {
		ui_page_line(p);
		ui_columns_make(u, &ui_views[v], (enum scope)t.scope, &c);
		ui_columns_drop_empty(u, &c, &rows);
		ui_columns_fit(u, &c, &u->list);
		left = ui_left_of(&c, ui_here(u)->left, p->end);
		n = ui_layout(&c, left, 0, p->end, slot);
		y = ui_page_line(p);
		if (y >= 0) {
			ui_header_draw(p->g, (unsigned)y, &c, slot, n, ui_sort_column(u, v),
				       ui_sort_falls(u, v) ? 'v' : '^');
			grid_fill(p->g, 0, (unsigned)y, slot[0].end, STYLE_HEADER, ' ');
			grid_text(p->g, MARGIN, (unsigned)y, slot[0].end, STYLE_HEADER, title);
		}
	}
	for (uint32_t i = 0; i < rows.n; i++) {
		y = ui_page_line(p);
		if (y >= 0)
			ui_row_draw(u, p->g, (unsigned)y, &c, slot, n, &rows.row[i], false);
	}
	ui_rows_fini(&rows);
	return left;
}

static void draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom, struct thing t)
{
	unsigned most = 0;
	struct ui_page p = {.g = g,
			    .col = MARGIN,
			    .end = g->cols,
			    .row = row,
			    .bottom = bottom,
			    .skip = ui_place(u)->page_top};

	draw_head(u, &p, t);
	draw_sparks(u, &p, t);
	for (size_t i = 0; i < sizeof(belows) / sizeof(*belows); i++)
		if (belows[i].scope == t.scope) {
			unsigned left =
				draw_below(u, &p, t, (enum view_id)belows[i].view, belows[i].title);

			most = left > most ? left : most;
		}
	ui_page_line(&p);
	for (unsigned f = 0; f < FAMILIES; f++)
		ui_values_draw(u, &p, t, 1u << f);
	ui_place(u)->left = most;
	u->page_lines = p.line;
	u->page_rows = bottom - row;
}

void ui_detail_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	struct thing t = ui_detail_thing(u);
	struct place *p = ui_place(u);
	uint32_t most;

	if (!thing_is(t)) {
		grid_format(g, MARGIN, row, g->cols, STYLE_TITLE, "%s is gone; Esc goes back",
			    p->name);
		return;
	}
	draw(u, g, row, bottom, t);
	most = u->page_lines > u->page_rows ? u->page_lines - u->page_rows : 0;
	if (p->page_top <= most)
		return;
	p->page_top = most;
	for (unsigned y = row; y < bottom; y++)
		grid_fill(g, 0, y, g->cols, STYLE_NORMAL, ' ');
	draw(u, g, row, bottom, t);
}
