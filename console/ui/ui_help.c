/* SPDX-License-Identifier: Apache-2.0 */
/* The help: every key, then every column of the present view. */
#include "ui_state.h"

#include <stdio.h>
#include <string.h>

#define INDENT_KEYS    16u
#define INDENT_COLUMNS 20u
#define LINES_MAX      100000

/* "c C" is both letters of one key: one is enough to read. */
static void keys_text(const char *keys, char *to, size_t size)
{
	size_t n = 0;

	while (*keys && n + 4 < size) {
		size_t length = strcspn(keys, " ");
		bool is_twin = n && length == 1 && *keys >= 'A' && *keys <= 'Z';

		if (!is_twin) {
			if (n)
				to[n++] = ' ';
			for (size_t i = 0; i < length && n + 1 < size; i++)
				to[n++] = keys[i];
		}
		keys += length + (keys[length] == ' ');
	}
	to[n] = '\0';
}

static void help_keys(struct ui_page *p)
{
	const char *group = "";
	char text[64];

	for (unsigned i = 0; i < ui_binds_n; i++) {
		if (strcmp(group, ui_binds[i].group) != 0) {
			group = ui_binds[i].group;
			ui_page_line(p);
			ui_page_text(p, STYLE_TITLE, group);
		}
		keys_text(ui_binds[i].keys, text, sizeof(text));
		ui_page_wrap(p, INDENT_KEYS, text, STYLE_KEY, ui_binds[i].help);
	}
}

static void help_views(struct ui_page *p)
{
	char text[64];

	ui_page_text(p, STYLE_TITLE, "Views");
	for (unsigned i = 0; i < VIEWS; i++) {
		keys_text(ui_views[i].keys, text, sizeof(text));
		ui_page_wrap(p, INDENT_KEYS, text, STYLE_KEY, ui_views[i].help);
	}
}

static void put_level(const struct level_row *row, const char *sign, double value, char *to,
		      size_t size)
{
	const char *from = row->bad < row->warn ? "below " : "from ";
	size_t n = strlen(to);
	char text[40];

	level_threshold_text(row, value, text, sizeof(text));
	if (n < size)
		snprintf(to + n, size - n, "%s %s%s", sign, strcmp(text, "any") ? from : "", text);
}

/* From which value on it is marked. */
static void put_levels(enum scope s, unsigned id, char *to, size_t size)
{
	const struct level_row *row = id < METRICS ? level_row_of(s, (enum metric_id)id) : NULL;

	if (!row)
		return;
	put_level(row, ". !", row->warn, to, size);
	put_level(row, ", !!", row->bad, to, size);
}

static void help_columns(struct ui *u, struct ui_page *p)
{
	char head[64], text[500];

	ui_page_line(p);
	u->columns_line = p->line;
	ui_page_text(p, STYLE_TITLE, "Columns of this view");
	for (unsigned i = 0; i < u->columns.n; i++) {
		unsigned id = u->columns.column[i].id;
		const char *unit = ui_column_unit(id);
		bool per_second = id < METRICS && metric_is_rate((enum metric_id)id);

		snprintf(head, sizeof(head), "%-10s %s%s", ui_column_title(id),
			 strcmp(unit, "text") != 0 ? unit : "", per_second ? "/s" : "");
		snprintf(text, sizeof(text), "%s", ui_column_help(id));
		put_levels((enum scope)u->columns.scope, id, text, sizeof(text));
		ui_page_wrap(p, INDENT_COLUMNS, head, STYLE_KEY, text);
	}
}

static void help_signs(struct ui_page *p)
{
	static const struct {
		const char *sign, *help;
	} signs[] = {
		{"5.2!  12.8!!", "Worth a look; bad: beyond the first, the second threshold"},
		{"-", "Absent: nobody could read it, or there is no second sample yet"},
		{"web-1 ~", "Its host is silent: what it does is not known"},
		{">  *", "The row you are on; a marked row"},
		{"STEALv  NAME^", "Sorted by it, from the greatest; from the least"},
	};

	ui_page_line(p);
	ui_page_text(p, STYLE_TITLE, "Signs");
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		ui_page_wrap(p, INDENT_KEYS, signs[i].sign, STYLE_KEY, signs[i].help);
}

static void draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	struct ui_page p = {.g = g,
			    .col = 2,
			    .end = g->cols - 2,
			    .row = row + 1,
			    .bottom = bottom - 1,
			    .skip = u->overlay_top};
	bool has_columns = ui_here(u)->kind == PLACE_TABLE;

	grid_box(g, 0, row, g->cols, bottom,
		 has_columns ? "Help: ? columns of this view, arrows scroll, Esc closes"
			     : "Help: arrows scroll, Esc closes");
	help_views(&p);
	help_keys(&p);
	help_signs(&p);
	u->columns_line = 0;
	if (has_columns)
		help_columns(u, &p);
	u->page_lines = p.line;
	u->page_rows = p.bottom - p.row;
}

/* The last line that can be the first one on the screen. */
static uint32_t last_top(const struct ui *u)
{
	return u->page_lines > u->page_rows ? u->page_lines - u->page_rows : 0;
}

void ui_help_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	draw(u, g, row, bottom);
	if (u->overlay_top > last_top(u)) {
		u->overlay_top = last_top(u);
		draw(u, g, row, bottom);
	}
}

/* On to the columns; false: they are on the screen already, or there are none. */
static bool to_columns(struct ui *u)
{
	uint32_t to = u->columns_line < last_top(u) ? u->columns_line : last_top(u);

	if (!u->columns_line || u->overlay_top >= to)
		return false;
	u->overlay_top = to;
	return true;
}

bool ui_help_key(struct ui *u, const struct key *k)
{
	int64_t page = u->page_rows > 1 ? u->page_rows - 1 : 1, by = 0, top;
	ui_act *act = ui_act_of(k->code);

	if (act == ui_act_help) {
		if (!to_columns(u))
			u->overlay = OVERLAY_NONE;
	} else if (act == ui_act_esc || act == ui_act_back || act == ui_act_enter) {
		u->overlay = OVERLAY_NONE;
	} else if (k->code == ' ' || ui_key_moves(k->code, page, &by)) {
		top = u->overlay_top + (k->code == ' ' ? page : by);
		/* Drawing sets it right; without that it must not grow without end. */
		u->overlay_top = top < 0 ? 0 : top > LINES_MAX ? LINES_MAX : (uint32_t)top;
	}
	return act != ui_act_quit;
}
