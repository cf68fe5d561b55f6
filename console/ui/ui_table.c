/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table as cells.  In front of each row two signs: > the cursor, * a mark.  Numbers are
 * whole or not there; a text may be cut by the right edge.
 */
#include "ui_state.h"

#include <stdio.h>
#include <string.h>

#define SIGNS    2u /* cells in front */
#define TEXT_MIN 6u /* of a text at the right edge; less says nothing */
#define NAME_MIN 10u

/* On a narrow screen names leave room for what is measured. */
static unsigned width_in(const struct ui_column *c, unsigned number, unsigned cols)
{
	bool is_first = !number && c->left;
	unsigned most = is_first ? cols / 4 - 2 : cols / 8;

	if (!is_first && c->id != FACT_COL(HOST) && c->id != FACT_COL(VM))
		return c->width;
	if (most < NAME_MIN)
		most = NAME_MIN;
	return c->width < most ? c->width : most;
}

unsigned ui_layout(const struct ui_columns *c, unsigned left, unsigned col, unsigned end,
		   struct ui_slot slot[UI_SLOTS_MAX])
{
	unsigned n = 0, at = col + SIGNS;

	for (unsigned i = 0; i < c->n && n < UI_SLOTS_MAX; i++) {
		const struct ui_column *is = &c->column[i];
		unsigned to = at + width_in(is, i, end - col);
		unsigned limit = i + 1u < c->n ? end - 1 : end; /* > says that there is more */

		if (i >= c->fixed && i < c->fixed + left)
			continue;
		/* A number with its sign, also where a word stands before it. */
		bool whole = !is->left || is->gap > 1;

		if (to + (whole ? is->gap - 1u : 0) > limit) {
			if (whole || at + TEXT_MIN > limit)
				break;
			to = limit;
		}
		slot[n++] = (struct ui_slot){
			.col = (uint16_t)at, .end = (uint16_t)to, .column = (uint16_t)i};
		at = to + is->gap;
		if (to >= limit)
			break;
	}
	return n;
}

int ui_slot_at(const struct ui *u, unsigned col)
{
	for (unsigned i = 0; i < u->n_slots; i++) {
		const struct ui_slot *s = &u->slot[i];

		if (col >= s->col && col < s->end + u->columns.column[s->column].gap)
			return s->column;
	}
	return -1;
}

static void draw_title(struct grid *g, unsigned row, const struct ui_column *c,
		       const struct ui_slot *s, bool sorted, char sign)
{
	const char *title = ui_column_title(c->id);
	enum style style = sorted ? STYLE_HEADER_SORT : STYLE_HEADER;
	char signs[2] = {sign, '\0'};
	unsigned at;

	if (c->left) {
		at = grid_text(g, s->col, row, s->end, style, title);
	} else {
		grid_text_right(g, s->col, row, s->end, style, title);
		at = s->end;
	}
	if (sorted)
		grid_text(g, at, row, at + 1, style, signs);
}

/* sorted: the column, COLUMNS for none. */
void ui_header_draw(struct grid *g, unsigned row, const struct ui_columns *c,
		    const struct ui_slot *slot, unsigned n, unsigned sorted, char sign)
{
	grid_fill(g, 0, row, g->cols, STYLE_HEADER, ' ');
	for (unsigned i = 0; i < n; i++) {
		const struct ui_column *is = &c->column[slot[i].column];

		draw_title(g, row, is, &slot[i], is->id == sorted, sign);
	}
	/* There is more on either side. */
	if (n > c->fixed && slot[c->fixed].column > c->fixed)
		grid_text(g, slot[c->fixed].col - 1, row, slot[c->fixed].col, STYLE_HEADER, "<");
	if (n && slot[n - 1].column + 1u < c->n)
		grid_text_right(g, g->cols - 1, row, g->cols, STYLE_HEADER, ">");
}

static void draw_cell(struct grid *g, unsigned row, const struct ui_column *c,
		      const struct ui_slot *s, const struct ui_cell *cell, bool dim)
{
	enum style style = dim && cell->style == STYLE_NORMAL ? STYLE_DIM : cell->style;
	unsigned at = s->end;

	if (c->left)
		at = grid_text(g, s->col, row, s->end, style, cell->text);
	else
		grid_text_right(g, s->col, row, s->end, style, cell->text);
	if (*cell->sign)
		grid_text(g, at, row, at + c->gap, style, cell->sign);
}

/* A host among the VMs below it. */
static void draw_host_name(const struct ui *u, struct grid *g, unsigned row,
			   const struct ui_slot *slot, unsigned n, struct thing t)
{
	char age[16] = "";

	if (ui_is_stale(u, t))
		duration_text((double)u->world->hosts[t.host]->about.age_ms / 1e3, age,
			      sizeof(age));
	grid_format(g, slot[0].col, row, n > 1 ? slot[1].col - 1 : slot[0].end, STYLE_TITLE,
		    "%s%s%s", ui_name(u, t), *age ? " ~" : "", age);
}

static void draw_name(const struct ui *u, struct grid *g, unsigned row, const struct ui_column *c,
		      const struct ui_slot *s, const struct ui_row *r)
{
	bool stale = ui_is_stale(u, r->t);
	unsigned indent = u->chosen.tree && r->t.scope == SCOPE_VM ? UI_TREE_INDENT : 0;
	struct ui_cell cell;

	ui_cell(u, r->t, c, &cell);
	if (!*cell.text)
		snprintf(cell.text, sizeof(cell.text), "%s", ui_name(u, r->t));
	if (c->left)
		grid_text(g, s->col + indent, row, s->end, stale ? STYLE_DIM : STYLE_NAME,
			  cell.text);
	else
		draw_cell(g, row, c, s, &cell, stale);
	if (stale && r->t.scope != SCOPE_HOST)
		grid_text(g, s->end, row, s->end + 1, STYLE_DIM, "~");
}

void ui_row_draw(const struct ui *u, struct grid *g, unsigned row, const struct ui_columns *c,
		 const struct ui_slot *slot, unsigned n, const struct ui_row *r, bool is_cursor)
{
	bool is_host_above = r->t.scope != c->scope, dim = ui_is_stale(u, r->t);
	struct ui_cell cell;
	uint8_t bits = 0;

	if (!n)
		return;
	if (is_host_above)
		draw_host_name(u, g, row, slot, n, r->t);
	else
		draw_name(u, g, row, &c->column[slot[0].column], &slot[0], r);
	for (unsigned i = 1; i < n; i++) {
		const struct ui_column *is = &c->column[slot[i].column];

		if (is_host_above && (is->id == FACT_COL(HOST) || ui_is_absent(u, r->t, is->id)))
			continue;
		ui_cell(u, r->t, is, &cell);
		draw_cell(g, row, is, &slot[i], &cell, dim);
	}
	if (is_cursor)
		bits |= CELL_CURSOR;
	if (r->marked)
		bits |= CELL_MARKED;
	if (u->sought && !u->filter && filter_wants(u->sought, u->world, r->t))
		grid_mark(g, slot[0].col, row, slot[0].end, CELL_MATCH);
	grid_text(g, slot[0].col - SIGNS, row, slot[0].col, STYLE_NORMAL,
		  is_cursor ? (r->marked ? ">*" : ">") : (r->marked ? " *" : ""));
	if (bits)
		grid_mark(g, 0, row, g->cols, bits);
}

static void say_why_empty(const struct ui *u, struct grid *g, unsigned row)
{
	const char *why = "Nothing of this kind here";

	if (u->filter && u->rows.all)
		why = "No row matches the filter; Esc shows all";
	else if (u->only_marked && u->rows.all)
		why = "No row is marked; , shows all";
	else if (!u->has_moment)
		why = "Waiting for the first sample";
	else if (!u->world->n_hosts)
		why = "No host has sent a sample yet";
	else if (ui_view(u)->scope == SCOPE_VM)
		why = "No VM runs here";
	grid_text(g, SIGNS, row, g->cols, STYLE_DIM, why);
}

static bool is_shown(const struct ui *u, unsigned left, unsigned cols, unsigned column)
{
	struct ui_slot slot[UI_SLOTS_MAX];
	unsigned n = ui_layout(&u->columns, left, 0, cols, slot);

	for (unsigned i = 0; i < n; i++)
		if (slot[i].column == column)
			return true;
	return false;
}

/* < and > go on where one could not see it else. */
static void show_sorted(struct ui *u, struct place *p, unsigned cols)
{
	unsigned sorted = ui_sort_column(u, p->view), fixed = u->columns.fixed, at = 0;

	while (at < u->columns.n && u->columns.column[at].id != sorted)
		at++;
	if (at == u->columns.n)
		return;
	if (at >= fixed && at < fixed + p->left)
		p->left = at - fixed;
	while (p->left + fixed < at && !is_shown(u, p->left, cols, at))
		p->left++;
}

unsigned ui_left_of(const struct ui_columns *c, unsigned left, unsigned cols)
{
	unsigned most = c->n > c->fixed + 1u ? c->n - c->fixed - 1u : 0;

	for (left = left < most ? left : most; left; left--) {
		struct ui_slot slot[UI_SLOTS_MAX];
		unsigned n = ui_layout(c, left - 1, 0, cols, slot);

		if (!n || slot[n - 1].column + 1u < c->n)
			break;
	}
	return left;
}

void ui_table_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom)
{
	struct place *p = ui_place(u);
	unsigned sorted = ui_sort_column(u, p->view);

	if (u->show_sorted)
		show_sorted(u, p, g->cols);
	u->show_sorted = false;
	p->left = ui_left_of(&u->columns, p->left, g->cols);
	u->n_slots = ui_layout(&u->columns, p->left, 0, g->cols, u->slot);
	u->header_row = row;
	u->first_row = row + 1;
	u->page_rows = bottom > row + 1 ? bottom - row - 1 : 0;
	ui_header_draw(g, row, &u->columns, u->slot, u->n_slots, sorted,
		       ui_sort_falls(u, p->view) ? 'v' : '^');
	ui_cursor_scroll(&p->cursor, u->rows.n, u->page_rows);
	if (!u->rows.n && u->page_rows)
		say_why_empty(u, g, row + 1);
	for (unsigned i = 0; i < u->page_rows && p->cursor.top + i < u->rows.n; i++) {
		uint32_t at = p->cursor.top + i;

		ui_row_draw(u, g, row + 1 + i, &u->columns, u->slot, u->n_slots, &u->rows.row[at],
			    at == p->cursor.at);
	}
}
