/* SPDX-License-Identifier: Apache-2.0 */
#include "derive.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct view *view_new(void)
{
	return xcalloc(1, sizeof(struct view));
}

void view_free(struct view *v)
{
	if (!v)
		return;
	for (int s = 0; s < SCOPES; s++) {
		for (int m = 0; m < METRICS; m++)
			free(v->table[s].col[m]);
		free(v->table[s].before);
	}
	free(v);
}

static void view_size(struct view_table *t, uint32_t rows)
{
	if (rows > t->room) {
		t->room = rows + rows / 8 + 4;
		for (int m = 0; m < METRICS; m++)
			if (t->col[m])
				t->col[m] = xrealloc(t->col[m], t->room, sizeof(double));
		t->before = xrealloc(t->before, t->room, sizeof(*t->before));
	}
	t->rows = rows;
}

static double *view_column(struct view_table *t, int m)
{
	if (!t->col[m])
		t->col[m] = xcalloc(t->room ? t->room : 1, sizeof(double));
	return t->col[m];
}

/* Nothing is known of it.  That needs no memory: no host has all metrics. */
static void view_absent(struct view_table *t, int m)
{
	double *col = t->col[m];

	for (uint32_t r = 0; col && r < t->rows; r++)
		col[r] = NAN;
}

/* ---- which row was it before ---- */

struct by_id {
	uint64_t id;
	uint32_t row;
};

static int compare_id(const void *a, const void *b)
{
	uint64_t x = ((const struct by_id *)a)->id, y = ((const struct by_id *)b)->id;

	return x < y ? -1 : x > y;
}

/* The set of things rarely changes: mostly the row has the same number as before. */
static void match_rows(struct view_table *vt, const struct table *now, const struct table *before)
{
	struct by_id *index = NULL;

	for (uint32_t r = 0; r < now->rows; r++) {
		struct by_id key = {now->id[r], 0}, *hit;

		vt->before[r] = NO_ROW;
		if (!before)
			continue;
		if (r < before->rows && before->id[r] == now->id[r]) {
			vt->before[r] = r;
			continue;
		}
		if (!index) {
			index = xcalloc(before->rows + 1, sizeof(*index));
			for (uint32_t i = 0; i < before->rows; i++)
				index[i] = (struct by_id){before->id[i], i};
			qsort(index, before->rows, sizeof(*index), compare_id);
		}
		hit = bsearch(&key, index, before->rows, sizeof(*index), compare_id);
		if (hit)
			vt->before[r] = hit->row;
	}
	free(index);
}

/* ---- rates ---- */

static double rate(uint64_t now, uint64_t before, double seconds)
{
	if (now == ABSENT || before == ABSENT || now < before || !(seconds > 0))
		return NAN;
	return (double)(now - before) / seconds;
}

static void gauge_column(double *col, const uint64_t *value, uint32_t rows)
{
	for (uint32_t r = 0; r < rows; r++)
		col[r] = value[r] == ABSENT ? NAN : (double)value[r];
}

static void own_time_column(double *col, const struct table *now, int m)
{
	const uint64_t *value = now->value[m], *previous = now->previous[m];

	for (uint32_t r = 0; r < now->rows; r++) {
		double dt = now->read_ns[r] == ABSENT || now->prev_ns[r] == ABSENT
				    ? NAN
				    : (double)(int64_t)(now->read_ns[r] - now->prev_ns[r]) * 1e-9;

		col[r] = rate(value[r], previous[r], dt);
	}
}

static void raw_column(struct view *v, enum scope s, int m, const struct table *now,
		       const struct table *before)
{
	struct view_table *vt = &v->table[s];
	const uint64_t *value = now->value[m], *old = before ? before->value[m] : NULL;
	bool own_time = metrics[m].flags & OWN_TIME;
	double *col;

	if (!value || !now->rows || metrics[m].kind == INFO ||
	    (metrics[m].kind == COUNTER && !(own_time ? now->previous[m] : old))) {
		view_absent(vt, m);
		return;
	}
	col = view_column(vt, m);
	if (metrics[m].kind == GAUGE) {
		gauge_column(col, value, now->rows);
	} else if (own_time) {
		own_time_column(col, now, m);
	} else {
		for (uint32_t r = 0; r < now->rows; r++) {
			uint32_t b = vt->before[r];

			col[r] = b != NO_ROW ? rate(value[r], old[b], v->interval) : NAN;
		}
	}
}

/* Sums of the counted children; children without a value take no part, and where no
 * child has one the sum is absent. */
static void rollup_column(struct view *v, enum scope s, int m)
{
	struct view_table *vt = &v->table[s];

	view_absent(vt, m);
	for (int c = 0; c < SCOPES; c++) {
		const struct table *child = &v->now->table[c];
		const double *from = v->table[c].col[m];
		double *col;

		if (c == (int)s || !(metrics[m].scopes & (1u << c)) || scope_parent(c) != s ||
		    !from || !child->rows || !vt->rows)
			continue;
		if (!vt->col[m]) {
			view_column(vt, m);
			view_absent(vt, m);
		}
		col = vt->col[m];
		for (uint32_t r = 0; r < child->rows; r++) {
			uint32_t p = child->parent[r];

			if (!child->counted[r] || p >= vt->rows || isnan(from[r]))
				continue;
			col[p] = isnan(col[p]) ? from[r] : col[p] + from[r];
		}
	}
}

/* ---- formulas ---- */

static double part(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

/* A share of nothing is nothing, not unknown. */
static double share(double a, double b)
{
	return b == 0 ? (isnan(a) ? NAN : 0) : part(a, b);
}

static double zero(double a)
{
	return isnan(a) ? 0 : a;
}

static double first(double a, double b)
{
	return isnan(a) ? b : a;
}

static double above0(double a)
{
	return a < 0 ? 0 : a;
}

static double below1(double a)
{
	return a > 1 ? 1 : a;
}

static double cell(const struct view_table *t, uint32_t r, int m)
{
	return t->col[m] ? t->col[m][r] : NAN;
}

#define R(x)  cell(t, r, M_##x)
#define V(x)  cell(t, r, M_##x)
#define VCPUS (s == SCOPE_VM ? V(CPU_CORES) : 1)
#define FORMULA(id, expression)                                                                    \
	static double formula_##id(const struct view_table *t, uint32_t r, enum scope s)           \
	{                                                                                          \
		(void)s;                                                                           \
		return expression;                                                                 \
	}
#include "formulas.def"
#undef FORMULA

typedef double formula_fn(const struct view_table *t, uint32_t r, enum scope s);

static formula_fn *const formulas[METRICS] = {
#define FORMULA(id, expression) [M_##id] = formula_##id,
#include "formulas.def"
#undef FORMULA
};

void view_formulas(struct view *v, enum scope s)
{
	struct view_table *t = &v->table[s];

	for (int m = 0; m < METRICS; m++) {
		if (!formulas[m] || !(metrics[m].scopes & (1u << s)))
			continue;
		for (uint32_t r = 0; r < t->rows; r++) {
			double value = formulas[m](t, r, s);

			if (!t->col[m] && !isnan(value)) {
				view_column(t, m);
				view_absent(t, m);
			}
			if (t->col[m])
				t->col[m][r] = value;
		}
	}
}

/* disk_ioutil of a VM: its disks on one device add up, to no more than the device's own;
 * of several devices the largest counts.  A VM has few disks, so looking at each pair is
 * fine; of more than any VM has only the neighbours count. */
#define PAIRS_MAX 256u
static void vm_disk_utilisation(struct view *v)
{
	const struct sample *now = v->now;
	const struct table *disk = &now->table[SCOPE_VM_DISK];
	const double *util = v->table[SCOPE_VM_DISK].col[M_VD_UTIL];
	const double *busy = v->table[SCOPE_VM_DISK].col[M_VD_BACKBUSY]; /* ms per second */
	double *col;

	if (!util || !busy || !disk->rows || !v->table[SCOPE_VM].rows)
		return;
	col = view_column(&v->table[SCOPE_VM], M_VD_UTIL);
	for (uint32_t r = 0; r < v->table[SCOPE_VM].rows; r++)
		col[r] = NAN;
	for (uint32_t a = 0; a < disk->rows; a++) {
		const char *device = sample_text(now, SCOPE_VM_DISK, a, M_DISK_BACKING);
		uint32_t p = disk->parent[a];
		double sum = util[a];

		if (isnan(sum) || p >= v->table[SCOPE_VM].rows || !device)
			continue;
		for (uint32_t b = a; b-- > 0 && a - b <= PAIRS_MAX && disk->parent[b] == p;) {
			const char *other = sample_text(now, SCOPE_VM_DISK, b, M_DISK_BACKING);

			if (!isnan(util[b]) && other && !strcmp(other, device))
				sum += util[b];
		}
		if (sum > 0.1 * busy[a])
			sum = 0.1 * busy[a];
		if (isnan(col[p]) || sum > col[p])
			col[p] = sum;
	}
}

void view_derive(struct view *v, const struct sample *before, const struct sample *now)
{
	/* Children first: the scopes above are made of them. */
	static const enum scope order[SCOPES] = {SCOPE_VCPU,      SCOPE_VM_DISK,  SCOPE_VM_NIC,
						 SCOPE_HOST_DISK, SCOPE_HOST_NIC, SCOPE_VM,
						 SCOPE_HOST,      SCOPE_SELF};

	v->now = now;
	/* Counters of another run of an agent are others, whatever their names. */
	if (before && before->epoch != now->epoch)
		before = NULL;
	v->interval = before && now->boot_ns > before->boot_ns
			      ? (double)(now->boot_ns - before->boot_ns) * 1e-9
			      : NAN;
	for (int i = 0; i < SCOPES; i++) {
		enum scope s = order[i];
		const struct table *t = &now->table[s];

		view_size(&v->table[s], t->rows);
		match_rows(&v->table[s], t, before ? &before->table[s] : NULL);
		for (int m = 0; m < METRICS; m++) {
			if (!(metrics[m].scopes & (1u << s)) || metrics[m].kind == DERIVED)
				continue;
			if (metric_is_rollup(m, s))
				rollup_column(v, s, m);
			else
				raw_column(v, s, m, t, before ? &before->table[s] : NULL);
		}
		view_formulas(v, s);
	}
	vm_disk_utilisation(v);
}
