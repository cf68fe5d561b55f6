/* SPDX-License-Identifier: Apache-2.0 */
/* The field selector: which columns of the present view are shown. */
#include "ui_state.h"

#include <stdio.h>

static unsigned list_of(const struct ui *u, uint16_t list[COLUMNS])
{
	return ui_column_list(u, ui_view(u), list);
}

void ui_fields_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	unsigned end = g->cols < 100 ? g->cols : 100, shown = bottom - row - 2, n;
	uint16_t list[COLUMNS];
	struct ui_cursor c = {.at = u->overlay_at, .top = u->overlay_top};
	char title[100];

	n = list_of(u, list);
	if (c.at >= n)
		c.at = n - 1;
	ui_cursor_scroll(&c, n, shown);
	u->overlay_at = c.at;
	u->overlay_top = c.top;
	u->page_rows = shown;
	snprintf(title, sizeof(title), "Fields of %s: Space shows or hides, f closes",
		 ui_view(u)->name);
	grid_box(g, 0, row, end, bottom, title);
	for (unsigned i = 0; i < shown && c.top + i < n; i++) {
		unsigned id = list[c.top + i], y = row + 1 + i, at;
		bool is_cursor = c.top + i == c.at;
		const char *key = id < METRICS ? metrics[id].key : NULL;

		at = grid_format(g, 1, y, end - 1, STYLE_NORMAL, "%s[%c] ", is_cursor ? ">" : " ",
				 ui_column_is_shown(u, ui_view(u), id) ? 'x' : ' ');
		grid_text(g, at, y, at + 11, STYLE_KEY, ui_column_title(id));
		at = grid_format(g, at + 11, y, end - 1, STYLE_NORMAL, "%s",
				 key ? key : ui_column_name(id));
		at = at < 42 ? 42 : at + 1;
		grid_text(g, at, y, end - 1, STYLE_DIM, ui_column_help(id));
		if (is_cursor)
			grid_mark(g, 1, y, end - 1, CELL_CURSOR);
	}
}

/* In words, of the one under the cursor: in the box there is seldom room for it. */
const char *ui_fields_help(const struct ui *u)
{
	uint16_t list[COLUMNS];
	unsigned n = list_of(u, list);

	return u->overlay_at < n ? ui_column_help(list[u->overlay_at]) : "";
}

static void toggle(struct ui *u)
{
	uint16_t list[COLUMNS];
	unsigned n = list_of(u, list);

	if (u->overlay_at < n)
		ui_column_toggle(u, ui_view(u), list[u->overlay_at]);
}

bool ui_fields_key(struct ui *u, const struct key *k)
{
	uint16_t list[COLUMNS];
	int64_t by, at, last = (int64_t)list_of(u, list) - 1;
	ui_act *act = ui_act_of(k->code);

	if (ui_key_moves(k->code, u->page_rows ? u->page_rows : 1, &by)) {
		at = u->overlay_at + by;
		u->overlay_at = at < 0 ? 0 : at > last ? (uint32_t)last : (uint32_t)at;
	} else if (k->code == ' ' || act == ui_act_enter) {
		toggle(u);
	} else if (act == ui_act_fields || act == ui_act_esc || act == ui_act_back) {
		u->overlay = OVERLAY_NONE;
	}
	return act != ui_act_quit;
}
