/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of rows: what they are sorted by is taken out of the world once, then sorted.
 * What is absent comes last in either direction; equals are decided by the view's second
 * column, and then by what never changes, so that an order never flickers.
 */
#include "ui_state.h"

#include "xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ui_view *ui_view(const struct ui *u)
{
	return &ui_views[ui_here(u)->view];
}

static const struct settings_view *saved(const struct ui *u, enum view_id v)
{
	for (unsigned i = 0; i < u->chosen.n_views && i < SETTINGS_VIEWS_MAX; i++)
		if (!strcmp(u->chosen.views[i].name, ui_views[v].name))
			return &u->chosen.views[i];
	return NULL;
}

unsigned ui_sort_column(const struct ui *u, enum view_id v)
{
	const struct settings_view *s = saved(u, v);
	unsigned id = COLUMNS;

	if (s && *s->sort)
		id = ui_column_find((enum scope)ui_views[v].scope, s->sort);
	return id < COLUMNS ? id : ui_views[v].sort;
}

bool ui_sort_reversed(const struct ui *u, enum view_id v)
{
	const struct settings_view *s = saved(u, v);

	return s && s->reversed;
}

bool ui_sort_falls(const struct ui *u, enum view_id v)
{
	return ui_column_falls(ui_sort_column(u, v)) != ui_sort_reversed(u, v);
}

void ui_sort_by(struct ui *u, unsigned column, bool reversed)
{
	enum view_id v = ui_here(u)->view;
	struct settings_view *s = (struct settings_view *)saved(u, v);

	if (!s) {
		if (u->chosen.n_views >= SETTINGS_VIEWS_MAX)
			return;
		s = &u->chosen.views[u->chosen.n_views++];
		memset(s, 0, sizeof(*s));
		snprintf(s->name, sizeof(s->name), "%s", ui_views[v].name);
	}
	s->sort[0] = '\0';
	if (column != ui_views[v].sort)
		snprintf(s->sort, sizeof(s->sort), "%s", ui_column_name(column));
	s->reversed = reversed;
}

/* Least first, so that what falls is negated; what is absent is beyond everything. */
static double key_of(double value, bool falls)
{
	return isnan(value) ? INFINITY : falls ? -value : value;
}

static void take_key(const struct ui *u, struct ui_row *r, unsigned column, bool falls)
{
	char to[UI_CELL_MAX];

	r->text = NULL;
	r->owned = false;
	if (!ui_column_is_text(column) ||
	    (column >= METRICS && ui_facts[column - METRICS].number)) {
		r->key = key_of(ui_number(u, r->t, column), falls);
		return;
	}
	r->text = ui_text(u, r->t, column, to, sizeof(to));
	if (r->text && !*r->text)
		r->text = NULL;
	r->key = r->text ? 0 : INFINITY;
	if (r->text == to) {
		r->text = xstrdup(to);
		r->owned = true;
	}
}

static int compare_rest(const struct ui_row *x, const struct ui_row *y)
{
	if (x->then != y->then)
		return x->then < y->then ? -1 : 1;
	/* As the host lists them: VMs by their number, vCPUs from 0. */
	if (x->t.host != y->t.host)
		return x->t.host < y->t.host ? -1 : 1;
	if (x->t.row != y->t.row)
		return x->t.row < y->t.row ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->host < y->host ? -1 : x->host > y->host;
}

/* web-2 before web-10 */
static int compare_rising(const void *a, const void *b)
{
	const struct ui_row *x = a, *y = b;
	int c;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	c = x->text && y->text ? strverscmp(x->text, y->text) : 0;
	return c ? c : compare_rest(x, y);
}

static int compare_falling(const void *a, const void *b)
{
	const struct ui_row *x = a, *y = b;
	int c;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	c = x->text && y->text ? strverscmp(y->text, x->text) : 0;
	return c ? c : compare_rest(x, y);
}

void ui_sort_rows(const struct ui *u, enum view_id v, struct ui_rows *rows)
{
	unsigned column = ui_sort_column(u, v), then = ui_views[v].then;
	bool falls = ui_sort_falls(u, v);

	for (uint32_t i = 0; i < rows->n; i++) {
		struct ui_row *r = &rows->row[i];

		take_key(u, r, column, falls);
		r->then = key_of(ui_number(u, r->t, then), ui_column_falls(then));
	}
	if (rows->n)
		qsort(rows->row, rows->n, sizeof(*rows->row),
		      falls ? compare_falling : compare_rising);
	for (uint32_t i = 0; i < rows->n; i++)
		if (rows->row[i].owned)
			free((char *)rows->row[i].text);
}
