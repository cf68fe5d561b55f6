/* SPDX-License-Identifier: Apache-2.0 */
/* What has changed since the kept moment, the greatest change first. */
#include "ui_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH  24u
#define HOST_WIDTH  14u
#define TITLE_WIDTH 10u
#define VALUE_WIDTH 11u

/* Where the row's thing is: now, or when it was still there. */
static const struct world *world_of(const struct ui *u, const struct diff_row *r, struct thing *t)
{
	*t = thing_is(r->now) ? r->now : r->then;
	return thing_is(r->now) ? u->world : u->then;
}

static bool is_wanted(const struct ui *u, const struct diff_row *r)
{
	struct thing t;
	const struct world *w = world_of(u, r, &t);

	if (u->filter && !filter_wants(u->filter, w, t))
		return false;
	if (t.scope == SCOPE_VM && u->options.wants_vm)
		return u->options.wants_vm(u->options.wants_arg, w->hosts[t.host]->now, t.row);
	return true;
}

/* With the next moment, not with the key that leaves: a world of many hosts takes its time. */
void ui_diff_drop(struct ui *u)
{
	world_free(u->then);
	u->then = NULL;
	diff_fini(&u->diff);
	memset(&u->diff, 0, sizeof(u->diff));
}

void ui_diff_settle(struct ui *u)
{
	uint32_t n = 0;

	if (ui_here(u)->kind != PLACE_DIFF)
		return;
	if (!u->then) {
		u->then = world_new();
		u->diff_is_old = true;
	}
	if (!u->diff_is_old)
		return;
	u->diff_is_old = false;
	if (u->then->moment != u->marked)
		world_set(u->then, u->marked);
	diff_make(&u->diff, u->then, u->world, UI_DIFF_MAX);
	for (uint32_t i = 0; i < u->diff.n; i++)
		if (is_wanted(u, &u->diff.row[i]))
			u->diff.row[n++] = u->diff.row[i];
	u->diff.n = n;
}

struct thing ui_diff_thing(const struct ui *u)
{
	uint32_t at = ui_here(u)->cursor.at;

	return at < u->diff.n ? u->diff.row[at].now : NO_THING;
}

/* ---- drawing ---- */

static const char *name_of(const struct world *w, struct thing t)
{
	const char *name;

	if (t.scope == SCOPE_HOST)
		return w->hosts[t.host]->about.host_name;
	name = world_text(w, t, M_NAME);
	return name ? name : "?";
}

static void draw_change(struct grid *g, unsigned col, unsigned row, const struct diff_row *r)
{
	enum metric_id m = (enum metric_id)r->metric;
	enum level l = level_of((enum scope)r->now.scope, m, r->is);
	double by = r->is - r->was;
	char text[80], sum[100];

	ui_value_short(m, r->was, true, text, sizeof(text));
	grid_text_right(g, col, row, col + VALUE_WIDTH, STYLE_NORMAL, text);
	col += VALUE_WIDTH + 1;
	ui_value_short(m, r->is, true, text, sizeof(text));
	grid_text_right(g, col, row, col + VALUE_WIDTH, ui_level_style(l, STYLE_NORMAL), text);
	col += VALUE_WIDTH;
	grid_text(g, col, row, col + 2, ui_level_style(l, STYLE_NORMAL), ui_level_sign(l));
	if (isnan(by))
		return;
	ui_value_short(m, fabs(by), true, text, sizeof(text));
	snprintf(sum, sizeof(sum), "%c%s", by < 0 ? '-' : '+', text);
	col += 2;
	grid_text_right(g, col, row, col + VALUE_WIDTH + 1, STYLE_NORMAL, sum);
	col += VALUE_WIDTH + 3;
	grid_text(g, col, row, g->cols, STYLE_DIM, metrics[m].help);
}

static void draw_row(const struct ui *u, struct grid *g, unsigned row, const struct diff_row *r,
		     bool is_cursor)
{
	struct thing t;
	const struct world *w = world_of(u, r, &t);
	unsigned col = 2;

	grid_text(g, col, row, col + NAME_WIDTH, STYLE_NAME, name_of(w, t));
	col += NAME_WIDTH + 1;
	if (u->cluster) {
		grid_text(g, col, row, col + HOST_WIDTH, STYLE_NORMAL,
			  w->hosts[t.host]->about.host_name);
		col += HOST_WIDTH + 1;
	}
	if (r->metric >= METRICS) {
		grid_text(g, col, row, g->cols, STYLE_TITLE,
			  thing_is(r->now) ? "came: it was not there then" : "is gone");
	} else {
		grid_text(g, col, row, col + TITLE_WIDTH, STYLE_NORMAL, metrics[r->metric].title);
		draw_change(g, col + TITLE_WIDTH + 1, row, r);
	}
	if (is_cursor) {
		grid_text(g, 0, row, 1, STYLE_NORMAL, ">");
		grid_mark(g, 0, row, g->cols, CELL_CURSOR);
	}
}

static void draw_header(const struct ui *u, struct grid *g, unsigned row)
{
	unsigned col = 2;

	grid_fill(g, 0, row, g->cols, STYLE_HEADER, ' ');
	grid_text(g, col, row, col + NAME_WIDTH, STYLE_HEADER, "NAME");
	col += NAME_WIDTH + 1;
	if (u->cluster) {
		grid_text(g, col, row, col + HOST_WIDTH, STYLE_HEADER, "HOST");
		col += HOST_WIDTH + 1;
	}
	grid_text(g, col, row, col + TITLE_WIDTH, STYLE_HEADER, "METRIC");
	col += TITLE_WIDTH + 1;
	grid_text_right(g, col, row, col + VALUE_WIDTH, STYLE_HEADER, "WAS");
	col += VALUE_WIDTH + 1;
	grid_text_right(g, col, row, col + VALUE_WIDTH, STYLE_HEADER, "IS");
	col += VALUE_WIDTH + 2;
	grid_text_right(g, col, row, col + VALUE_WIDTH + 1, STYLE_HEADER, "CHANGE");
}

void ui_diff_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	struct ui_cursor *c = &ui_place(u)->cursor;
	char from[40], to[40], span[16];
	double seconds;

	if (!u->then || !u->marked)
		return;
	seconds = ((double)u->world->wall_ns - (double)u->marked->wall_ns) / 1e9;
	ui_time_text(u->marked->wall_ns, fabs(seconds) >= 86400, from, sizeof(from));
	ui_time_text(u->world->wall_ns, fabs(seconds) >= 86400, to, sizeof(to));
	duration_text(fabs(seconds), span, sizeof(span));
	grid_format(g, 1, row, g->cols, STYLE_TITLE, "WHAT CHANGED from %s to %s (%s%s)", from, to,
		    seconds < 0 ? "back " : "", span);
	draw_header(u, g, row + 1);
	u->n_slots = 0;
	u->header_row = row + 1;
	u->first_row = row + 2;
	u->page_rows = bottom > row + 2 ? bottom - row - 2 : 0;
	ui_cursor_scroll(c, u->diff.n, u->page_rows);
	if (!u->diff.n)
		grid_text(g, 2, row + 2, g->cols, STYLE_DIM, "Nothing has changed");
	for (unsigned i = 0; i < u->page_rows && c->top + i < u->diff.n; i++)
		draw_row(u, g, row + 2 + i, &u->diff.row[c->top + i], c->top + i == c->at);
}
