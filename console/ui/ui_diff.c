/* SPDX-License-Identifier: Apache-2.0 */
/* What has changed since the kept moment, the greatest change first. */
#include "ui_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HELP_LEAST 20u /* cells; less of a sentence says nothing */

/* Cells of each column. */
struct widths {
	unsigned name, host, title, value;
};

static bool wants_now(void *arg, struct thing t)
{
	const struct ui *u = arg;

	return ui_has_thing(u, t) && (!u->filter || filter_wants(u->filter, u->world, t));
}

/* What --vm leaves out is not in the base. */
static bool wants_gone(void *arg, enum scope s, uint32_t row)
{
	const struct ui *u = arg;

	return !u->filter || filter_wants_gone(u->filter, u->marked, s, row);
}

void ui_diff_drop(struct ui *u)
{
	diff_fini(&u->diff);
	u->diff_is_old = true;
}

void ui_diff_settle(struct ui *u)
{
	const struct diff_wants wants = {wants_now, wants_gone, u};

	if (ui_here(u)->kind != PLACE_DIFF || !u->diff_is_old || !u->marked)
		return;
	u->diff_is_old = false;
	diff_make(&u->diff, u->marked, u->world, UI_DIFF_MAX, &wants);
}

/* The same for as long as the thing is, or was, the same. */
uint64_t ui_diff_id(const struct ui *u, uint32_t at)
{
	const struct diff_row *r = &u->diff.row[at];
	uint64_t id = thing_is(r->now) ? world_id(u->world, r->now)
				       : diff_base_id(u->marked, (enum scope)r->scope, r->then);

	return id_hash_u64(id, r->metric);
}

struct thing ui_diff_thing(const struct ui *u)
{
	uint32_t at = ui_here(u)->cursor.at;

	return at < u->diff.n ? u->diff.row[at].now : NO_THING;
}

/* ---- drawing ---- */

/* What it is now is seen on any screen, what it was too. */
static struct widths widths_of(const struct ui *u, const struct grid *g)
{
	struct widths w = {.name = 24, .host = 14, .title = 10, .value = 11};

	if (g->cols < 80)
		w = (struct widths){.name = 14, .host = 8, .title = 9, .value = 10};
	else if (g->cols < 100)
		w = (struct widths){.name = 16, .host = 10, .title = 9, .value = 10};
	if (!u->cluster && g->cols < 100)
		w.name += w.host + 1;
	return w;
}

/* As it is now, or was when it was still there. */
static const char *name_of(const struct ui *u, const struct diff_row *r)
{
	const char *name;

	if (thing_is(r->now))
		return ui_name(u, r->now);
	if (r->scope == SCOPE_HOST)
		return diff_base_host(u->marked, SCOPE_HOST, r->then);
	name = diff_base_text(u->marked, SCOPE_VM, r->then, M_NAME);
	return name ? name : "?";
}

static const char *host_of(const struct ui *u, const struct diff_row *r)
{
	if (!thing_is(r->now))
		return diff_base_host(u->marked, (enum scope)r->scope, r->then);
	return ui_name(u, ui_host_of(r->now));
}

static void draw_change(const struct ui *u, struct grid *g, const struct widths *w, unsigned col,
			unsigned row, const struct diff_row *r)
{
	enum metric_id m = (enum metric_id)r->metric;
	enum level l = ui_level(u, r->now, m);
	double by = r->is - r->was;
	char text[80], sum[100];

	ui_value_short(m, r->was, true, text, sizeof(text));
	grid_text_right(g, col, row, col + w->value, STYLE_NORMAL, text);
	col += w->value + 1;
	ui_value_short(m, r->is, true, text, sizeof(text));
	grid_text_right(g, col, row, col + w->value, ui_level_style(l, STYLE_NORMAL), text);
	col += w->value;
	grid_text(g, col, row, col + 2, ui_level_style(l, STYLE_NORMAL), ui_level_sign(l));
	col += 2;
	if (isnan(by) || col + w->value + 1 > g->cols)
		return;
	ui_value_short(m, fabs(by), true, text, sizeof(text));
	snprintf(sum, sizeof(sum), "%c%s", by < 0 ? '-' : '+', text);
	grid_text_right(g, col, row, col + w->value + 1, STYLE_NORMAL, sum);
	col += w->value + 3;
	if (col + HELP_LEAST <= g->cols)
		grid_text(g, col, row, g->cols, STYLE_DIM, metrics[m].help);
}

/* What is no metric's change. */
static void event_text(const struct ui *u, const struct diff_row *r, char *to, size_t size)
{
	const struct feed_host *about;
	char age[16];

	if (!thing_is(r->now)) {
		snprintf(to, size, "is gone");
		return;
	}
	about = &u->world->hosts[r->now.host]->about;
	duration_text((double)about->age_ms / 1000, age, sizeof(age));
	if (r->then == NO_ROW)
		snprintf(to, size, "came: it was not there then");
	else if (r->scope == SCOPE_VM)
		snprintf(to, size, "moved here from %s",
			 diff_base_host(u->marked, SCOPE_VM, r->then));
	else if (about->stale)
		snprintf(to, size, "has been silent for %s", age);
	else
		snprintf(to, size, "is heard of again");
}

static void draw_row(const struct ui *u, struct grid *g, unsigned row, const struct diff_row *r,
		     bool is_cursor)
{
	struct widths w = widths_of(u, g);
	unsigned col = 2;
	char text[320];

	grid_text(g, col, row, col + w.name, STYLE_NAME, name_of(u, r));
	col += w.name + 1;
	if (u->cluster) {
		grid_text(g, col, row, col + w.host, STYLE_NORMAL, host_of(u, r));
		col += w.host + 1;
	}
	if (r->metric >= METRICS) {
		event_text(u, r, text, sizeof(text));
		grid_text(g, col, row, g->cols, STYLE_TITLE, text);
	} else {
		grid_text(g, col, row, col + w.title, STYLE_NORMAL, metrics[r->metric].title);
		draw_change(u, g, &w, col + w.title + 1, row, r);
	}
	if (is_cursor) {
		grid_text(g, 0, row, 1, STYLE_NORMAL, ">");
		grid_mark(g, 0, row, g->cols, CELL_CURSOR);
	}
}

static void draw_header(const struct ui *u, struct grid *g, unsigned row)
{
	struct widths w = widths_of(u, g);
	unsigned col = 2;

	grid_fill(g, 0, row, g->cols, STYLE_HEADER, ' ');
	grid_text(g, col, row, col + w.name, STYLE_HEADER, "NAME");
	col += w.name + 1;
	if (u->cluster) {
		grid_text(g, col, row, col + w.host, STYLE_HEADER, "HOST");
		col += w.host + 1;
	}
	grid_text(g, col, row, col + w.title, STYLE_HEADER, "METRIC");
	col += w.title + 1;
	grid_text_right(g, col, row, col + w.value, STYLE_HEADER, "WAS");
	col += w.value + 1;
	grid_text_right(g, col, row, col + w.value, STYLE_HEADER, "IS");
	col += w.value + 2;
	if (col + w.value + 1 <= g->cols)
		grid_text_right(g, col, row, col + w.value + 1, STYLE_HEADER, "CHANGE");
}

void ui_diff_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	struct ui_cursor *c = &ui_place(u)->cursor;
	char from[40], to[40], span[16];
	uint64_t was_ns;
	double seconds;

	if (!u->marked)
		return;
	was_ns = diff_base_wall_ns(u->marked);
	seconds = ((double)u->world->wall_ns - (double)was_ns) / 1e9;
	ui_time_text(was_ns, fabs(seconds) >= 86400, from, sizeof(from));
	ui_time_text(u->world->wall_ns, fabs(seconds) >= 86400, to, sizeof(to));
	duration_text(fabs(seconds), span, sizeof(span));
	grid_format(g, 1, row, g->cols, STYLE_TITLE, "WHAT CHANGED from %s to %s (%s%s)", from, to,
		    seconds < 0 ? "back " : "", span);
	draw_header(u, g, row + 1);
	u->n_slots = 0;
	u->first_row = row + 2;
	u->page_rows = bottom > row + 2 ? bottom - row - 2 : 0;
	ui_cursor_scroll(c, u->diff.n, u->page_rows);
	if (!u->diff.n)
		grid_text(g, 2, row + 2, g->cols, STYLE_DIM, "Nothing has changed");
	for (unsigned i = 0; i < u->page_rows && c->top + i < u->diff.n; i++)
		draw_row(u, g, row + 2 + i, &u->diff.row[c->top + i], c->top + i == c->at);
}
