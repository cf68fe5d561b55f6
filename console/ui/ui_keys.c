/* SPDX-License-Identifier: Apache-2.0 */
/* Which key does what, and clicks. */
#include "ui_state.h"

#include <string.h>

const struct ui_bind ui_binds[] = {
#define KEY(keys, group, act, help) {keys, group, help, act},
#include "keys.def"
};
const unsigned ui_binds_n = sizeof(ui_binds) / sizeof(*ui_binds);

bool ui_keys_have(const char *keys, uint32_t code)
{
	while (*keys) {
		size_t n = strcspn(keys, " ");
		uint32_t is = n == 1 ? (unsigned char)*keys : key_code(keys, n);

		if (is == code)
			return true;
		keys += n + (keys[n] == ' ');
	}
	return false;
}

const struct ui_bind *ui_bind_of(uint32_t code)
{
	for (unsigned i = 0; i < ui_binds_n; i++)
		if (ui_keys_have(ui_binds[i].keys, code))
			return &ui_binds[i];
	return NULL;
}

ui_act *ui_act_of(uint32_t code)
{
	const struct ui_bind *bind = ui_bind_of(code);

	return bind ? bind->act : NULL;
}

bool ui_key_moves(uint32_t code, int64_t page, int64_t *ret_by)
{
	const struct {
		ui_act *act;
		uint32_t wheel;
		int64_t by;
	} moves[] = {
		{ui_act_up, K_WHEEL_UP, -1},      {ui_act_down, K_WHEEL_DOWN, 1},
		{ui_act_page_up, 0, -page},       {ui_act_page_down, 0, page},
		{ui_act_home, 0, -UI_TO_THE_END}, {ui_act_end, 0, UI_TO_THE_END},
	};
	ui_act *act = ui_act_of(code);

	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++)
		if (code == moves[i].wheel || act == moves[i].act) {
			*ret_by = moves[i].by;
			return true;
		}
	return false;
}

/* ---- general ---- */

void ui_act_help(struct ui *u)
{
	u->overlay = OVERLAY_HELP;
	u->overlay_top = 0;
}

void ui_act_mouse(struct ui *u)
{
	u->chosen.mouse = !u->chosen.mouse;
	u->want.bits |= UI_MOUSE;
	u->want.mouse = u->chosen.mouse;
	ui_say(u, u->chosen.mouse ? "Mouse on: click titles and rows" : "Mouse off");
}

void ui_act_quit(struct ui *u)
{
	u->want.bits |= UI_QUIT;
}

static const double intervals[] = {0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 15, 30, 60, 120, 300};
#define N_INTERVALS (sizeof(intervals) / sizeof(*intervals))

static void set_interval(struct ui *u, double interval)
{
	u->interval = interval;
	u->want.bits |= UI_INTERVAL;
	u->want.interval = interval;
}

void ui_act_slower(struct ui *u)
{
	for (size_t i = 0; i < N_INTERVALS; i++)
		if (intervals[i] > u->interval * 1.001) {
			set_interval(u, intervals[i]);
			return;
		}
}

void ui_act_faster(struct ui *u)
{
	for (size_t i = N_INTERVALS; i-- > 0;)
		if (intervals[i] < u->interval * 0.999) {
			set_interval(u, intervals[i]);
			return;
		}
}

/* ---- the mouse ---- */

static void click(struct ui *u, unsigned col, unsigned row)
{
	struct place *p = ui_place(u);
	int column;

	if (p->kind == PLACE_TABLE && row == u->header_row) {
		column = ui_slot_at(u, col);
		if (column >= 0 && column < u->columns.n) {
			unsigned id = u->columns.column[column].id;
			bool again = id == ui_sort_column(u, p->view);

			ui_sort_by(u, id, again && !ui_sort_reversed(u, p->view));
		}
		return;
	}
	if (p->kind == PLACE_DETAIL || row < u->first_row || row - u->first_row >= u->page_rows)
		return;
	row = row - u->first_row + p->cursor.top;
	if (row >= ui_list_length(u))
		return;
	if (row == p->cursor.at && p->cursor.held)
		ui_act_enter(u);
	else
		ui_cursor_to(u, row);
}

/* ---- which of them ---- */

static bool overlay_key(struct ui *u, const struct key *k)
{
	switch (u->overlay) {
	case OVERLAY_HELP:
		return ui_help_key(u, k);
	case OVERLAY_FIELDS:
		return ui_fields_key(u, k);
	case OVERLAY_FILTER:
	case OVERLAY_TIME:
		return ui_prompt_key(u, k);
	default:
		return false;
	}
}

/* Neither rows nor their order are others then. */
static bool only_moves(const struct ui_bind *bind)
{
	return bind && !strcmp(bind->group, "Moving");
}

static void table_key(struct ui *u, const struct ui_bind *bind, uint32_t code)
{
	for (unsigned v = 0; v < VIEWS; v++)
		if (ui_keys_have(ui_views[v].keys, code)) {
			ui_view_to(u, (enum view_id)v);
			return;
		}
	if (bind)
		bind->act(u);
}

void ui_key(struct ui *u, const struct key *k)
{
	const struct ui_bind *bind = ui_bind_of(k->code);

	if (k->code == K_WAIT || k->code == K_RESIZE)
		return;
	u->said[0] = '\0';
	if (overlay_key(u, k)) {
		ui_settle(u);
		return;
	}
	if (k->code == K_CLICK)
		click(u, k->col, k->row);
	else if (k->code == K_WHEEL_UP)
		ui_move(u, -3);
	else if (k->code == K_WHEEL_DOWN)
		ui_move(u, 3);
	else
		table_key(u, bind, k->code);
	if (!only_moves(bind))
		ui_settle(u);
}
