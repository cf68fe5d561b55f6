/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that move: along the rows, deeper and back, to another view. */
#include "ui_state.h"

#include <stdio.h>
#include <string.h>

/* ---- moving ---- */

static bool is_page(const struct ui *u)
{
	return ui_here(u)->kind == PLACE_DETAIL;
}

void ui_move(struct ui *u, int64_t by)
{
	struct place *p = ui_place(u);
	int64_t top = (int64_t)p->page_top + by;

	if (!is_page(u))
		ui_cursor_move(u, by);
	else
		p->page_top = top < 0 ? 0 : top > 100000 ? 100000 : (uint32_t)top;
}

static int64_t page(const struct ui *u)
{
	return u->page_rows > 1 ? u->page_rows - 1 : 1;
}

void ui_act_down(struct ui *u)
{
	ui_move(u, 1);
}

void ui_act_up(struct ui *u)
{
	ui_move(u, -1);
}

void ui_act_page_down(struct ui *u)
{
	ui_move(u, page(u));
}

void ui_act_page_up(struct ui *u)
{
	ui_move(u, -page(u));
}

void ui_act_home(struct ui *u)
{
	ui_place(u)->page_top = 0;
	ui_cursor_home(u);
}

void ui_act_end(struct ui *u)
{
	ui_move(u, UINT32_MAX);
}

void ui_act_right(struct ui *u)
{
	if (ui_place(u)->left < COLUMNS)
		ui_place(u)->left++;
}

void ui_act_left(struct ui *u)
{
	if (ui_place(u)->left)
		ui_place(u)->left--;
}

/* ---- deeper and back ---- */

/* The thing that the cursor is on; NO_THING: on none. */
static struct thing thing_here(const struct ui *u)
{
	const struct ui_row *r = ui_cursor_row(u);

	switch (ui_here(u)->kind) {
	case PLACE_TABLE:
		return r ? r->t : NO_THING;
	case PLACE_DETAIL:
		return ui_detail_thing(u);
	default:
		return ui_diff_thing(u);
	}
}

static void detail_of(struct ui *u, struct thing t)
{
	struct place p = {.kind = PLACE_DETAIL, .scope = t.scope, .id = world_id(u->world, t)};

	snprintf(p.name, sizeof(p.name), "%s", ui_name(u, t));
	ui_push(u, &p);
}

static void table_of(struct ui *u, struct thing host)
{
	struct place p = {.kind = PLACE_TABLE, .view = VIEW_ALL, .host = world_id(u->world, host)};

	snprintf(p.host_name, sizeof(p.host_name), "%s", ui_name(u, host));
	ui_push(u, &p);
}

void ui_act_enter(struct ui *u)
{
	struct thing t = thing_here(u), vm;

	if (!thing_is(t) || is_page(u))
		return;
	vm = ui_vm_of(u, t);
	if (t.scope == SCOPE_HOST && ui_here(u)->host != world_id(u->world, t))
		table_of(u, t);
	else
		detail_of(u, thing_is(vm) ? vm : t);
}

void ui_act_host(struct ui *u)
{
	struct thing t = thing_here(u);

	if (thing_is(t) && !(is_page(u) && t.scope == SCOPE_HOST))
		detail_of(u, ui_host_of(t));
}

void ui_act_back(struct ui *u)
{
	ui_pop(u);
}

void ui_act_esc(struct ui *u)
{
	if (ui_here(u)->kind == PLACE_TABLE && u->filter)
		ui_filter_set(u, "");
	else
		ui_pop(u);
}

/* From a detail or the diff back to the table below it: of a host's detail to that host's. */
void ui_view_to(struct ui *u, enum view_id v)
{
	struct place *p = ui_place(u);
	struct thing host = is_page(u) && p->scope == SCOPE_HOST ? ui_detail_thing(u) : NO_THING;

	if (thing_is(host)) {
		ui_pop(u);
		if (ui_place(u)->host != world_id(u->world, host))
			table_of(u, host);
	}
	/* The list of hosts is about all of them. */
	for (p = ui_place(u); p->kind != PLACE_TABLE || (v == VIEW_HOSTS && p->host);
	     p = ui_place(u))
		if (!ui_pop(u))
			break;
	if (p->view == v)
		return;
	if (ui_views[v].scope != ui_views[p->view].scope)
		memset(&p->cursor, 0, sizeof(p->cursor));
	p->view = v;
	p->left = 0;
	if (!p->host)
		snprintf(u->chosen.view, sizeof(u->chosen.view), "%s", ui_views[v].name);
}

void ui_act_tree(struct ui *u)
{
	u->chosen.tree = !u->chosen.tree;
}
