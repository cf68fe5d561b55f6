/* SPDX-License-Identifier: Apache-2.0 */
/* The first line, what is looked at, and the last one, what to know about the row. */
#include "ui_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PARTS_MAX 16u

/* What the bar says, from left to right; what matters least goes first when it is too long. */
struct part {
	char text[160];
	enum style style;
	unsigned rank; /* 0 stays */
};
struct bar {
	struct part part[PARTS_MAX];
	unsigned n;
};

static void add(struct bar *b, unsigned rank, enum style style, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void add(struct bar *b, unsigned rank, enum style style, const char *format, ...)
{
	struct part *p = &b->part[b->n];
	va_list args;

	if (b->n == PARTS_MAX)
		return;
	va_start(args, format);
	vsnprintf(p->text, sizeof(p->text), format, args);
	va_end(args);
	p->rank = rank;
	p->style = style;
	b->n++;
}

void ui_time_text(uint64_t wall_ns, bool date, char *to, size_t size)
{
	time_t t = (time_t)(wall_ns / 1000000000u);
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(to, size, date ? "%Y-%m-%d %T" : "%T", &tm))
		snprintf(to, size, "?");
}

static double age_of(const struct ui *u)
{
	return u->now_ns > u->world->wall_ns ? (double)(u->now_ns - u->world->wall_ns) / 1e9 : 0;
}

/* "of 1h00m": how far one can go. */
static void reach_text(const struct source_status *s, char *to, size_t size)
{
	char span[16];

	*to = '\0';
	if (!s->oldest_wall_ns || s->newest_wall_ns <= s->oldest_wall_ns)
		return;
	duration_text((double)(s->newest_wall_ns - s->oldest_wall_ns) / 1e9, span, sizeof(span));
	snprintf(to, size, "of %s", span);
}

static void add_time(const struct ui *u, struct bar *b)
{
	bool far = age_of(u) >= 86400;
	char at[40], age[16], reach[24];

	if (!u->has_moment || !u->world->wall_ns)
		return;
	ui_time_text(u->world->wall_ns, far || u->status.replay, at, sizeof(at));
	duration_text(age_of(u), age, sizeof(age));
	reach_text(&u->status, reach, sizeof(reach));
	if (u->asked)
		add(b, 0, STYLE_BAR_WARN, "GOING");
	if (u->status.replay)
		add(b, 0, STYLE_BAR_WARN, "RECORDED %s", at);
	else if (u->past)
		add(b, 0, STYLE_BAR_WARN, "PAST %s (-%s%s%s)", at, age, *reach ? " " : "", reach);
	else if (u->frozen)
		add(b, 0, STYLE_BAR_WARN, "FROZEN %s (-%s)", at, age);
	else if (*u->status.error)
		add(b, 0, STYLE_BAR_WARN, "NO CONNECTION for %s", age);
	if ((u->past || u->frozen) && *u->status.error && !u->status.replay)
		add(b, 0, STYLE_BAR_WARN, "NO CONNECTION");
	if (u->status.replay && u->frozen)
		add(b, 0, STYLE_BAR_WARN, "FROZEN");
	else if (u->status.grows && !u->past)
		add(b, 3, STYLE_BAR_WARN, "it grows");
	if (u->status.replay && *reach)
		add(b, 4, STYLE_BAR_WARN, "%s", reach);
}

static void add_rows(const struct ui *u, struct bar *b)
{
	enum scope s = (enum scope)ui_view(u)->scope;
	const char *what = s == SCOPE_VM ? "VMs" : s == SCOPE_HOST ? "Hosts" : "Rows";
	uint32_t shown = 0;

	for (uint32_t i = 0; i < u->rows.n; i++)
		shown += u->rows.row[i].t.scope == s;
	if (u->filter || u->only_marked)
		add(b, 2, STYLE_BAR, "%s: %u of %u", what, shown, u->rows.all);
	else
		add(b, 2, STYLE_BAR, "%s: %u", what, shown);
	if (u->cluster && s != SCOPE_HOST)
		add(b, 4, STYLE_BAR, "Hosts: %u", u->world->n_hosts);
}

static void add_filter(const struct ui *u, struct bar *b)
{
	if (u->filter)
		add(b, 1, STYLE_BAR_WARN, "/%s", u->filter_text);
}

static void add_table(const struct ui *u, struct bar *b)
{
	const struct place *p = ui_here(u);
	unsigned sort = ui_sort_column(u, p->view);

	if (p->host)
		add(b, 1, STYLE_BAR, "View: %s of %s", ui_view(u)->name, p->host_name);
	else
		add(b, 0, STYLE_BAR, "View: %s", ui_view(u)->name);
	add_rows(u, b);
	add_filter(u, b);
	if (u->only_marked)
		add(b, 2, STYLE_BAR_WARN, "marked");
	if (sort != ui_view(u)->sort || ui_sort_reversed(u, p->view))
		add(b, 6, STYLE_BAR, "Sort: %s%c", ui_column_title(sort),
		    ui_sort_falls(u, p->view) ? 'v' : '^');
	if (u->chosen.human)
		add(b, 2, STYLE_BAR, "[H]");
}

static unsigned length(const struct bar *b)
{
	unsigned n = 1;

	for (unsigned i = 0; i < b->n; i++)
		n += grid_width(b->part[i].text) + 3;
	return n;
}

/* The part that can be spared most goes, the last of equals; rank 0 stays. */
static bool drop_least(struct bar *b)
{
	unsigned least = 0;

	for (unsigned i = 1; i < b->n; i++)
		if (b->part[i].rank >= b->part[least].rank)
			least = i;
	if (!b->n || !b->part[least].rank)
		return false;
	b->n--;
	for (unsigned i = least; i < b->n; i++)
		b->part[i] = b->part[i + 1];
	return true;
}

static void make(const struct ui *u, struct bar *b)
{
	add(b, 2, STYLE_BAR, "proxtop");
	if (*u->status.error && u->status.replay)
		add(b, 0, STYLE_BAR_WARN, "DAMAGED");
	else if ((!u->has_moment || !u->world->wall_ns) && *u->status.error)
		add(b, 0, STYLE_BAR_WARN, "NO CONNECTION");
	add_time(u, b);
	if (!u->status.replay)
		add(b, 5, STYLE_BAR, "Refresh: %.1fs", u->interval);
	switch (ui_here(u)->kind) {
	case PLACE_TABLE:
		add_table(u, b);
		break;
	case PLACE_DETAIL:
		add(b, 1, STYLE_BAR, "%s: %s", scope_names[ui_here(u)->scope], ui_here(u)->name);
		break;
	case PLACE_DIFF:
		add(b, 1, STYLE_BAR, "What changed: %u", u->diff.n);
		add_filter(u, b);
		break;
	}
	if (*u->status.name && (u->options.feed || u->cluster))
		add(b, 8, STYLE_BAR, "%s", u->status.name);
	add(b, 3, STYLE_BAR, "Press ? help");
}

void ui_bar_draw(const struct ui *u, struct grid *g, unsigned row)
{
	struct bar b = {.n = 0};
	unsigned col = 1;

	make(u, &b);
	while (length(&b) > g->cols + 3 && drop_least(&b))
		;
	grid_fill(g, 0, row, g->cols, STYLE_BAR, ' ');
	for (unsigned i = 0; i < b.n; i++) {
		if (col > 1)
			col = grid_text(g, col, row, g->cols, STYLE_BAR, " | ");
		col = grid_text(g, col, row, g->cols, b.part[i].style, b.part[i].text);
	}
}

/* ---- the last line ---- */

static void draw_prompt(const struct ui *u, struct grid *g, unsigned row)
{
	const char *head = u->overlay == OVERLAY_TIME ? "Go to time: " : "Filter: ";
	unsigned col = grid_text(g, 0, row, g->cols, STYLE_KEY, head);

	col = grid_text(g, col, row, g->cols - 1, STYLE_NORMAL, u->typed);
	g->cursor_col = (int)col;
	g->cursor_row = (int)row;
	if (u->overlay == OVERLAY_FILTER && *u->filter_why)
		grid_format(g, col + 2, row, g->cols, STYLE_WARN, "%s", u->filter_why);
	else if (u->overlay == OVERLAY_TIME && !*u->typed)
		grid_text(g, col + 2, row, g->cols, STYLE_DIM,
			  "14:30  14:30:05  2026-01-31 14:30  -5m  +90s");
	else if (!*u->typed)
		grid_text(g, col + 2, row, g->cols, STYLE_DIM,
			  "web  !web  steal>5  host:hv1  tag:prod");
}

void ui_foot_draw(const struct ui *u, struct grid *g, unsigned row)
{
	const struct ui_row *r = ui_cursor_row(u);
	char text[500] = "";

	if (u->overlay == OVERLAY_FILTER || u->overlay == OVERLAY_TIME) {
		draw_prompt(u, g, row);
		return;
	}
	if (*u->said) {
		grid_text(g, 1, row, g->cols, STYLE_TITLE, u->said);
		return;
	}
	/* What is damaged in a recording stays so: it is said where there is nothing to explain. */
	if (*u->status.error && !u->status.replay) {
		grid_text(g, 1, row, g->cols, STYLE_WARN, u->status.error);
		return;
	}
	if (u->overlay == OVERLAY_FIELDS)
		snprintf(text, sizeof(text), "%s", ui_fields_help(u));
	else if (r)
		ui_explain(u, r->t, text, sizeof(text));
	if (!*text && *u->status.error) {
		grid_text(g, 1, row, g->cols, STYLE_WARN, u->status.error);
		return;
	}
	if (!*text)
		snprintf(text, sizeof(text), "%s",
			 ui_here(u)->kind == PLACE_TABLE ? ui_view(u)->help
							 : "Esc back, arrows scroll, ? help");
	grid_text(g, 1, row, g->cols, STYLE_DIM, text);
}
