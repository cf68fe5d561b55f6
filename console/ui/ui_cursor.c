/* SPDX-License-Identifier: Apache-2.0 */
/* The row one is on: it follows its thing, and where that is gone, is on the nearest row. */
#include "ui_state.h"

uint32_t ui_list_length(const struct ui *u)
{
	switch (ui_here(u)->kind) {
	case PLACE_TABLE:
		return u->rows.n;
	case PLACE_DIFF:
		return u->diff.n;
	default:
		return 0;
	}
}

const struct ui_row *ui_cursor_row(const struct ui *u)
{
	const struct place *p = ui_here(u);

	return p->kind == PLACE_TABLE && p->cursor.at < u->rows.n ? &u->rows.row[p->cursor.at]
								  : NULL;
}

/* From now on it is this row's. */
static void take(struct ui *u)
{
	const struct ui_row *r = ui_cursor_row(u);
	struct ui_cursor *c = &ui_place(u)->cursor;

	c->id = r ? r->id : 0;
	c->host = r ? r->host : 0;
	if (ui_here(u)->kind == PLACE_DIFF && c->at < u->diff.n)
		c->id = ui_diff_id(u, c->at);
}

static int64_t find_change(const struct ui *u, const struct ui_cursor *c)
{
	for (uint32_t i = 0; i < u->diff.n; i++)
		if (ui_diff_id(u, i) == c->id)
			return i;
	return -1;
}

/* -1: it is gone.  One of the same host first: during a migration a VM is on two. */
static int64_t find(const struct ui *u, const struct ui_cursor *c)
{
	int64_t found = -1;

	if (ui_here(u)->kind == PLACE_DIFF)
		return find_change(u, c);
	for (uint32_t i = 0; i < u->rows.n; i++) {
		if (u->rows.row[i].id != c->id)
			continue;
		if (u->rows.row[i].host == c->host)
			return i;
		if (found < 0)
			found = i;
	}
	return found;
}

void ui_cursor_find(struct ui *u)
{
	struct ui_cursor *c = &ui_place(u)->cursor;
	uint32_t n = ui_list_length(u);
	int64_t at = -1;

	if (n && c->held && c->id)
		at = find(u, c);
	if (at >= 0)
		c->at = (uint32_t)at;
	else if (!c->held)
		c->at = 0;
	if (c->at >= n)
		c->at = n ? n - 1 : 0;
	if (n) /* of an empty table it keeps what it was on: that may come back */
		take(u);
}

void ui_cursor_to(struct ui *u, uint32_t at)
{
	uint32_t n = ui_list_length(u);
	struct ui_cursor *c = &ui_place(u)->cursor;

	if (!n)
		return;
	c->at = at < n ? at : n - 1;
	c->held = true;
	take(u);
}

void ui_cursor_move(struct ui *u, int64_t by)
{
	int64_t at = (int64_t)ui_place(u)->cursor.at + by;

	ui_cursor_to(u, at < 0 ? 0 : at > UINT32_MAX ? UINT32_MAX : (uint32_t)at);
}

void ui_cursor_home(struct ui *u)
{
	struct ui_cursor *c = &ui_place(u)->cursor;

	c->at = c->top = 0;
	c->held = false;
	take(u);
}

void ui_cursor_scroll(struct ui_cursor *c, uint32_t n, unsigned shown)
{
	if (!shown || n <= shown) {
		c->top = 0;
		return;
	}
	if (c->at < c->top)
		c->top = c->at;
	if (c->at >= c->top + shown)
		c->top = c->at - shown + 1;
	if (c->top > n - shown)
		c->top = n - shown;
}
