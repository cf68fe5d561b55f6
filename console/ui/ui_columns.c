/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns a view has, what they are called and how wide they are. */
#include "ui_state.h"

#include <string.h>

#define WIDTH_MAX      36u /* of a text: a UUID is never cut */
#define WIDTH_MAX_NAME 28u /* of the one that is never scrolled away */
#define WIDTH_MIN_NAME 10u

const struct ui_view ui_views[VIEWS] = {
#define VIEW(id_, keys_, name_, scope_, families_, class_, sort_, then_, help_)                    \
	[VIEW_##id_] = {.keys = keys_,                                                             \
			.name = name_,                                                             \
			.help = help_,                                                             \
			.class = class_,                                                           \
			.sort = sort_,                                                             \
			.then = then_,                                                             \
			.scope = scope_,                                                           \
			.families = families_},
#include "views.def"
};

static const struct {
	uint16_t view, column;
} firsts[] = {
#define COLUMN(view, column) {VIEW_##view, column},
#include "views.def"
};
#define N_FIRSTS (sizeof(firsts) / sizeof(*firsts))

const char *ui_column_title(unsigned id)
{
	return id < METRICS ? metrics[id].title : ui_facts[id - METRICS].title;
}

const char *ui_column_name(unsigned id)
{
	return id < METRICS ? metrics[id].name : ui_facts[id - METRICS].name;
}

const char *ui_column_help(unsigned id)
{
	return id < METRICS ? metrics[id].help : ui_facts[id - METRICS].help;
}

const char *ui_column_unit(unsigned id)
{
	return id < METRICS ? units[metrics[id].unit].text : ui_facts[id - METRICS].unit;
}

bool ui_column_is_text(unsigned id)
{
	return id < METRICS ? metrics[id].kind == INFO : ui_facts[id - METRICS].text != NULL;
}

bool ui_column_falls(unsigned id)
{
	if (id < METRICS)
		return metrics[id].kind != INFO && metrics[id].unit != U_ID;
	return ui_facts[id - METRICS].number && !(ui_facts[id - METRICS].flags & FACT_UP);
}

static bool exists(enum scope s, unsigned id)
{
	return (id < METRICS ? metrics[id].scopes : ui_facts[id - METRICS].scopes) & (1u << s);
}

unsigned ui_column_find(enum scope s, const char *name)
{
	for (unsigned id = 0; id < COLUMNS; id++)
		if (exists(s, id) && !strcmp(ui_column_name(id), name))
			return id;
	return COLUMNS;
}

/* ---- which ones ---- */

static bool is_first(const struct ui_view *v, unsigned id)
{
	for (size_t i = 0; i < N_FIRSTS; i++)
		if (&ui_views[firsts[i].view] == v && firsts[i].column == id)
			return true;
	return false;
}

static bool is_replaced(enum metric_id m, enum scope s)
{
	for (unsigned f = 0; f < FACTS; f++)
		if (ui_facts[f].instead == m && exists(s, METRICS + f))
			return true;
	return false;
}

static bool can_show(const struct ui *u, const struct ui_view *v, unsigned id)
{
	enum scope s = (enum scope)v->scope;

	if (!exists(s, id))
		return false;
	if (id >= METRICS)
		return !(ui_facts[id - METRICS].flags & FACT_CLUSTER) || u->cluster ||
		       s == SCOPE_HOST;
	if (is_replaced((enum metric_id)id, s))
		return false;
	if (metrics[id].show == CLUSTER)
		return u->cluster;
	if (is_first(v, id))
		return true;
	if (metrics[id].family != F_IDENT && !(v->families & (1u << metrics[id].family)))
		return false;
	return metrics[id].show == SHOWN || metrics[id].show == VERBOSE;
}

unsigned ui_column_list(const struct ui *u, const struct ui_view *v, uint16_t list[COLUMNS])
{
	unsigned n = 0;

	for (size_t i = 0; i < N_FIRSTS; i++)
		if (&ui_views[firsts[i].view] == v && can_show(u, v, firsts[i].column))
			list[n++] = firsts[i].column;
	for (int ident = 0; ident < 2; ident++)
		for (unsigned id = 0; id < COLUMNS; id++) {
			bool is_ident = id < METRICS && metrics[id].family == F_IDENT;

			if (is_ident == ident && can_show(u, v, id) && !is_first(v, id))
				list[n++] = (uint16_t)id;
		}
	return n;
}

static uint8_t chosen(const struct ui *u, const struct ui_view *v, unsigned id)
{
	return id < METRICS ? u->chosen.field[v->scope][id]
			    : u->chosen.fact[v->scope][id - METRICS];
}

bool ui_column_is_shown(const struct ui *u, const struct ui_view *v, unsigned id)
{
	uint8_t choice = chosen(u, v, id);

	if (choice)
		return choice == 1;
	if (!ui_is_present(u, v, id))
		return false;
	return is_first(v, id) ||
	       (id < METRICS && (metrics[id].show != VERBOSE || u->options.verbose));
}

void ui_column_toggle(struct ui *u, const struct ui_view *v, unsigned id)
{
	uint8_t choice = ui_column_is_shown(u, v, id) ? 2 : 1;

	if (id < METRICS)
		u->chosen.field[v->scope][id] = choice;
	else
		u->chosen.fact[v->scope][id - METRICS] = choice;
}

/* ---- how they look ---- */

static bool has_levels(enum scope s, unsigned id)
{
	if (id >= METRICS)
		return ui_facts[id - METRICS].level != NULL;
	return level_row_of(s, (enum metric_id)id) != NULL;
}

static void add(struct ui_columns *c, unsigned id)
{
	enum scope s = (enum scope)c->scope;
	struct ui_column *to = &c->column[c->n++];
	unsigned title = grid_width(ui_column_title(id));

	to->id = (uint16_t)id;
	to->left = ui_column_is_text(id);
	/* A number, !! and another number do not touch. */
	to->gap = !has_levels(s, id) ? 1 : to->left ? 2 : 3;
	if (id >= METRICS)
		to->width = ui_facts[id - METRICS].width;
	else
		to->width = to->left ? 0 : (uint16_t)value_width((enum metric_id)id);
	if (to->width && to->width < title)
		to->width = (uint16_t)title;
}

void ui_columns_make(const struct ui *u, const struct ui_view *v, enum scope above,
		     struct ui_columns *ret)
{
	uint16_t list[COLUMNS];
	unsigned n = ui_column_list(u, v, list);

	ret->scope = v->scope;
	ret->n = 0;
	ret->fixed = 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned id = list[i];

		if (id >= METRICS && (ui_facts[id - METRICS].flags & FACT_BELOW) &&
		    (above == SCOPE_VM || (above == SCOPE_HOST && id != FACT_COL(VM))))
			continue;
		/* VMs under their hosts need not say it. */
		if (id == FACT_COL(HOST) && v->scope == SCOPE_VM && u->chosen.tree)
			continue;
		/* Without its name a row says nothing. */
		if (!ret->n || ui_column_is_shown(u, v, id))
			add(ret, id);
		/* A disk's name alone says nothing: each VM has one of that name; nor does a VM's
		 * in a cluster. */
		if ((id == FACT_COL(VM) || id == FACT_COL(HOST)) && ret->n == 2)
			ret->fixed = 2;
	}
}

static bool is_anywhere(const struct ui *u, const struct ui_rows *rows, unsigned id)
{
	for (uint32_t i = 0; i < rows->n; i++)
		if (!ui_is_absent(u, rows->row[i].t, id))
			return true;
	return false;
}

void ui_columns_drop_empty(const struct ui *u, struct ui_columns *c, const struct ui_rows *rows)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++) {
		unsigned id = c->column[i].id;
		/* Rates are absent at first and come soon; what names a thing is there or not. */
		bool goes = i && id < METRICS && metrics[id].family == F_IDENT &&
			    u->chosen.field[c->scope][id] != 1;

		if (!goes || is_anywhere(u, rows, id))
			c->column[n++] = c->column[i];
	}
	c->n = (uint16_t)n;
}

static unsigned widest(const struct ui *u, const struct thing_list *all, unsigned id, unsigned most)
{
	char to[UI_CELL_MAX];
	unsigned width = 0;

	for (uint32_t i = 0; i < all->n && width < most; i++) {
		const char *text = ui_text(u, all->item[i], id, to, sizeof(to));
		unsigned w;

		/* No text is wider than it has bytes. */
		if (!text || strlen(text) <= width)
			continue;
		w = grid_width(text);
		if (w > width)
			width = w;
	}
	return width < most ? width : most;
}

/* VMs stand a little to the right there, between the names of hosts. */
static void make_room_for_tree(const struct ui *u, struct ui_column *col)
{
	unsigned width = col->width + UI_TREE_INDENT;

	for (uint32_t i = 0; i < u->world->n_hosts && width < WIDTH_MAX_NAME; i++) {
		unsigned w = grid_width(ui_name(u, ui_host_of((struct thing){.host = i})));

		if (w > width)
			width = w;
	}
	col->width = (uint16_t)(width < WIDTH_MAX_NAME ? width : WIDTH_MAX_NAME);
}

void ui_columns_fit(const struct ui *u, struct ui_columns *c, const struct thing_list *all)
{
	for (unsigned i = 0; i < c->n; i++) {
		struct ui_column *col = &c->column[i];
		unsigned title = grid_width(ui_column_title(col->id));
		unsigned least = i ? title : WIDTH_MIN_NAME;

		if (col->width)
			continue;
		col->width = (uint16_t)widest(u, all, col->id, i ? WIDTH_MAX : WIDTH_MAX_NAME);
		if (col->width < least)
			col->width = (uint16_t)least;
		if (!i && u->chosen.tree && c->scope == SCOPE_VM)
			make_room_for_tree(u, col);
	}
}
