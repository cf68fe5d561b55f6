/* SPDX-License-Identifier: Apache-2.0 */
/* Which things a table shows, and in which order. */
#include "ui_state.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

void ui_rows_fini(struct ui_rows *r)
{
	free(r->row);
	memset(r, 0, sizeof(*r));
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool is_marked(const struct ui *u, uint64_t id)
{
	return u->n_marks &&
	       bsearch(&id, u->mark, u->n_marks, sizeof(*u->mark), compare_u64) != NULL;
}

/* --vm: is it one of those that are shown at all? */
bool ui_has_thing(const struct ui *u, struct thing t)
{
	struct thing vm;

	if (!u->options.wants_vm)
		return true;
	vm = ui_vm_of(u, t);
	return !thing_is(vm) ||
	       u->options.wants_vm(u->options.wants_arg, u->world->hosts[vm.host]->now, vm.row);
}

static bool is_of_class(const struct ui *u, struct thing t, const char *class)
{
	const char *is;

	if (!class)
		return true;
	is = world_text(u->world, t, M_DISK_CLASS);
	return is && !strcmp(is, class);
}

static void add_row(struct ui_rows *rows, const struct ui_row *r)
{
	if (rows->n == rows->room) {
		rows->room = rows->room ? rows->room * 2 : 64;
		rows->row = xrealloc(rows->row, rows->room, sizeof(*rows->row));
	}
	rows->row[rows->n++] = *r;
}

/* Every host, also one whose frame cannot be read. */
static void list_hosts(const struct world *w, struct thing_list *list)
{
	if (w->n_hosts > list->room) {
		list->room = w->n_hosts + 16;
		list->item = xrealloc(list->item, list->room, sizeof(*list->item));
	}
	for (uint32_t i = 0; i < w->n_hosts; i++)
		list->item[i] = (struct thing){.host = i, .scope = SCOPE_HOST};
	list->n = w->n_hosts;
}

static struct ui_row row_of(const struct ui *u, struct thing t)
{
	struct ui_row r = {.t = t, .id = ui_id(u, t), .host = u->world->hosts[t.host]->id};

	r.marked = is_marked(u, r.id);
	return r;
}

/* ---- VMs under their hosts ---- */

/* Hosts in the order of their first VM: the worst one's host comes first. */
static void group_by_host(const struct ui *u, struct ui_rows *rows)
{
	uint32_t n_hosts = u->world->n_hosts, n = rows->n, at = 0;
	uint32_t *next = xcalloc(n_hosts + 1, sizeof(*next));
	uint32_t *count = xcalloc(n_hosts + 1, sizeof(*count));
	struct ui_row *vm = xcalloc(n ? n : 1, sizeof(*vm));

	if (n)
		memcpy(vm, rows->row, n * sizeof(*vm));
	for (uint32_t i = 0; i < n; i++)
		count[vm[i].t.host]++;
	rows->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t h = vm[i].t.host;

		if (next[h])
			continue;
		next[h] = at + 2; /* behind its host's row, and never 0 */
		at += 1 + count[h];
	}
	rows->n = at;
	if (rows->n > rows->room) {
		rows->room = rows->n + 64;
		rows->row = xrealloc(rows->row, rows->room, sizeof(*rows->row));
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t h = vm[i].t.host;
		struct thing host = {.host = h, .scope = SCOPE_HOST};

		if (count[h]) {
			rows->row[next[h] - 2] = row_of(u, host);
			count[h] = 0;
		}
		rows->row[next[h]++ - 1] = vm[i];
	}
	free(vm);
	free(count);
	free(next);
}

static bool is_tree(const struct ui *u)
{
	return u->chosen.tree && ui_view(u)->scope == SCOPE_VM;
}

void ui_rows_make(struct ui *u)
{
	const struct place *p = ui_here(u);
	const struct ui_view *v = ui_view(u);
	struct ui_rows *rows = &u->rows;

	rows->n = rows->all = 0;
	if (v->scope == SCOPE_HOST)
		list_hosts(u->world, &u->list);
	else
		world_list(u->world, (enum scope)v->scope, &u->list);
	for (uint32_t i = 0; i < u->list.n; i++) {
		struct thing t = u->list.item[i];
		struct ui_row r;

		if (p->host && u->world->hosts[t.host]->id != p->host)
			continue;
		if (!is_of_class(u, t, v->class) || !ui_has_thing(u, t))
			continue;
		rows->all++;
		if (u->filter && !filter_wants(u->filter, u->world, t))
			continue;
		r = row_of(u, t);
		if (!u->only_marked || r.marked)
			add_row(rows, &r);
	}
	ui_sort_rows(u, p->view, rows);
	if (is_tree(u))
		group_by_host(u, rows);
}

void ui_rows_below(const struct ui *u, struct thing parent, enum view_id v, struct thing_list *list,
		   struct ui_rows *ret)
{
	world_below(u->world, parent, (enum scope)ui_views[v].scope, list);
	ret->n = 0;
	for (uint32_t i = 0; i < list->n; i++) {
		struct ui_row r = row_of(u, list->item[i]);

		if (ui_has_thing(u, list->item[i]))
			add_row(ret, &r);
	}
	ret->all = ret->n;
	ui_sort_rows(u, v, ret);
}
