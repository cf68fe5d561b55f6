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

static struct ui_row row_of(const struct ui *u, struct thing t)
{
	struct ui_row r = {
		.t = t, .id = world_id(u->world, t), .host = world_id(u->world, ui_host_of(t))};

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

		if (count[h]) {
			rows->row[next[h] - 2] = row_of(u, ui_host_of(vm[i].t));
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

/* All that the view can show, on whichever host and whatever the filter says. */
static void list_view(const struct ui *u, const struct ui_view *v, struct thing_list *list)
{
	uint32_t n = 0;

	world_list(u->world, (enum scope)v->scope, list);
	for (uint32_t i = 0; i < list->n; i++)
		if (is_of_class(u, list->item[i], v->class) && ui_has_thing(u, list->item[i]))
			list->item[n++] = list->item[i];
	list->n = n;
}

void ui_rows_make(struct ui *u)
{
	const struct place *p = ui_here(u);
	const struct ui_view *v = ui_view(u);
	struct ui_rows *rows = &u->rows;

	rows->n = rows->all = 0;
	list_view(u, v, &u->list);
	for (uint32_t i = 0; i < u->list.n; i++) {
		struct thing t = u->list.item[i];
		struct ui_row r;

		if (p->host && world_id(u->world, ui_host_of(t)) != p->host)
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
