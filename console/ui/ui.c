/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the console, from new to free, and the frame around what is drawn. */
#include "ui_state.h"

#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum view_id view_named(const char *name)
{
	for (unsigned v = 0; v < VIEWS; v++)
		if (!strcmp(ui_views[v].name, name))
			return (enum view_id)v;
	return VIEW_ALL;
}

struct ui *ui_new(const struct ui_options *o)
{
	struct ui *u = xcalloc(1, sizeof(*u));

	u->options = *o;
	settings_default(&u->first);
	if (o->settings)
		u->first = *o->settings;
	u->options.settings = NULL;
	u->chosen = u->first;
	u->interval = o->interval > 0 ? o->interval : 2;
	u->world = world_new();
	u->n_places = 1;
	u->place[0] = (struct place){.kind = PLACE_TABLE, .view = view_named(u->first.view)};
	ui_settle(u);
	return u;
}

void ui_free(struct ui *u)
{
	if (!u)
		return;
	ui_time_fini(u);
	ui_facts_fini(u);
	ui_present_fini(u);
	ui_rows_fini(&u->rows);
	ui_diff_drop(u);
	series_free(u->series);
	filter_free(u->filter);
	filter_free(u->sought);
	free(u->mark);
	free(u->list.item);
	world_free(u->world);
	free(u);
}

/* ---- what comes in ---- */

void ui_show(struct ui *u, struct moment *m)
{
	world_set(u->world, m);
	u->has_moment = true;
	u->cluster |= u->world->n_hosts > 1;
	u->diff_is_old = true;
	if (ui_here(u)->kind != PLACE_DIFF)
		ui_diff_drop(u);
	ui_facts_make(u);
	ui_present_see(u);
}

void ui_moment(struct ui *u, struct moment *m)
{
	ui_time_moment(u, m);
	ui_settle(u);
}

void ui_status(struct ui *u, const struct source_status *s, uint64_t now_wall_ns)
{
	u->status = *s;
	u->now_ns = now_wall_ns;
}

void ui_say(struct ui *u, const char *text)
{
	snprintf(u->said, sizeof(u->said), "%s", text);
}

void ui_wants(struct ui *u, struct ui_want *ret)
{
	*ret = u->want;
	memset(&u->want, 0, sizeof(u->want));
}

bool ui_settings(const struct ui *u, struct settings *ret)
{
	*ret = u->chosen;
	return memcmp(&u->chosen, &u->first, sizeof(u->chosen)) != 0;
}

void ui_cursor(const struct ui *u, uint32_t *ret_row, uint32_t *ret_rows)
{
	*ret_row = ui_here(u)->cursor.at;
	*ret_rows = ui_list_length(u);
}

/* ---- places ---- */

void ui_push(struct ui *u, const struct place *p)
{
	if (u->n_places == UI_PLACES_MAX) { /* who goes round in circles loses the way back */
		memmove(&u->place[1], &u->place[2], (UI_PLACES_MAX - 2) * sizeof(*p));
		u->n_places--;
	}
	u->place[u->n_places++] = *p;
}

bool ui_pop(struct ui *u)
{
	if (u->n_places < 2)
		return false;
	u->n_places--;
	return true;
}

void ui_settle(struct ui *u)
{
	if (ui_here(u)->kind == PLACE_TABLE) {
		ui_columns_make(u, ui_view(u), ui_here(u)->host ? SCOPE_HOST : SCOPES, &u->columns);
		ui_rows_make(u);
		ui_columns_fit(u, &u->columns, &u->list);
	}
	ui_diff_settle(u);
	ui_cursor_find(u);
	ui_detail_settle(u);
}

/* ---- what goes out ---- */

static void draw_place(struct ui *u, struct grid *g, unsigned bottom)
{
	switch (ui_here(u)->kind) {
	case PLACE_TABLE:
		ui_table_draw(u, g, ui_panel_draw(u, g, 1), bottom);
		break;
	case PLACE_DETAIL:
		ui_detail_draw(u, g, 1, bottom);
		break;
	case PLACE_DIFF:
		ui_diff_draw(u, g, 1, bottom);
		break;
	}
}

void ui_draw(struct ui *u, struct grid *g)
{
	unsigned bottom = g->rows - 1;

	grid_clear(g);
	g->ascii = u->options.ascii;
	g->cursor_col = g->cursor_row = -1;
	if (g->cols < UI_COLS_MIN || g->rows < UI_ROWS_MIN) {
		grid_format(g, 0, 0, g->cols, STYLE_NORMAL, "At least %ux%u, this is %ux%u",
			    UI_COLS_MIN, UI_ROWS_MIN, g->cols, g->rows);
		return;
	}
	draw_place(u, g, bottom);
	if (u->overlay == OVERLAY_HELP)
		ui_help_draw(u, g, 1, bottom);
	else if (u->overlay == OVERLAY_FIELDS)
		ui_fields_draw(u, g, 1, bottom);
	ui_bar_draw(u, g, 0);
	ui_foot_draw(u, g, bottom);
}
