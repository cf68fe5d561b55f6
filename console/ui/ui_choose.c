/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that choose: which rows are shown or marked, in which order, and which columns. */
#include "ui_state.h"

#include "xalloc.h"

#include <stdio.h>
#include <string.h>

/* ---- finding ---- */

void ui_act_filter(struct ui *u)
{
	if (ui_here(u)->kind == PLACE_DETAIL)
		return;
	u->overlay = OVERLAY_FILTER;
	snprintf(u->typed, sizeof(u->typed), "%s", u->filter ? u->filter_text : "");
}

void ui_act_next(struct ui *u)
{
	uint32_t at = ui_here(u)->cursor.at;

	if (ui_here(u)->kind != PLACE_TABLE)
		return;
	if (!u->sought) {
		ui_say(u, "Nothing was looked for yet: / does");
		return;
	}
	for (uint32_t i = 1; i <= u->rows.n; i++) {
		uint32_t to = (at + i) % u->rows.n;

		if (filter_wants(u->sought, u->world, u->rows.row[to].t)) {
			ui_cursor_to(u, to);
			return;
		}
	}
	ui_say(u, "No row matches what was looked for last");
}

void ui_act_mark(struct ui *u)
{
	const struct ui_row *r = ui_cursor_row(u);
	uint64_t id;
	uint32_t i = 0;

	if (!r)
		return;
	id = r->id;
	while (i < u->n_marks && u->mark[i] < id)
		i++;
	if (i < u->n_marks && u->mark[i] == id) {
		u->n_marks--;
		memmove(u->mark + i, u->mark + i + 1, (u->n_marks - i) * sizeof(*u->mark));
	} else if (u->n_marks == UI_MARKS_MAX) {
		ui_say(u, "No more rows can be marked");
		return;
	} else {
		u->mark = xrealloc(u->mark, u->n_marks + 1, sizeof(*u->mark));
		memmove(u->mark + i + 1, u->mark + i, (u->n_marks - i) * sizeof(*u->mark));
		u->mark[i] = id;
		u->n_marks++;
	}
	ui_act_down(u);
}

void ui_act_only_marked(struct ui *u)
{
	if (!u->n_marks && !u->only_marked)
		ui_say(u, "No row is marked: Tab does");
	else
		u->only_marked = !u->only_marked;
}

/* ---- sorting and columns ---- */

/* The sorted one among those in the table, by hand moved further. */
static void sort_beside(struct ui *u, int by)
{
	unsigned sorted = ui_sort_column(u, ui_here(u)->view);
	int n = u->columns.n, at = by > 0 ? -1 : n;

	if (ui_here(u)->kind != PLACE_TABLE || !n)
		return;
	for (int i = 0; i < n; i++)
		if (u->columns.column[i].id == sorted)
			at = i;
	at += by;
	if (at >= 0 && at < n)
		ui_sort_by(u, u->columns.column[at].id, false);
	u->show_sorted = true;
}

void ui_act_sort_left(struct ui *u)
{
	sort_beside(u, -1);
}

void ui_act_sort_right(struct ui *u)
{
	sort_beside(u, 1);
}

void ui_act_reverse(struct ui *u)
{
	enum view_id v = ui_here(u)->view;

	if (ui_here(u)->kind == PLACE_TABLE)
		ui_sort_by(u, ui_sort_column(u, v), !ui_sort_reversed(u, v));
}

void ui_act_fields(struct ui *u)
{
	if (ui_here(u)->kind != PLACE_TABLE)
		return;
	u->overlay = OVERLAY_FIELDS;
	u->overlay_at = u->overlay_top = 0;
}

void ui_act_units(struct ui *u)
{
	u->chosen.human = !u->chosen.human;
}
