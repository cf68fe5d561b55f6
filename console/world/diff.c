/* SPDX-License-Identifier: Apache-2.0 */
#include "diff.h"
#include "level.h"
#include "world_cache.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>

#define RANK_LEAST   0.1 /* less is no change worth a row */
#define RANK_RESTART 8.0 /* a time since that went the wrong way */
#define UNLIKE       0.5 /* a doubling counts less than one beyond a threshold */

/* What is compared of a scope. */
struct compared_metric {
	enum metric_id m;
	const struct level_row *level;
	double small; /* so much is nothing */
};
struct compared {
	unsigned n;
	struct compared_metric of[METRICS];
};

struct pair {
	struct thing now;
	uint32_t then;
};

/* The least that means something, in the metric's own unit. */
static double small_of(const struct metric *m)
{
	switch (m->unit) {
	case U_PERCENT:
	case U_MS:
		return 5;
	case U_CENTIPERCENT:
		return 500;
	case U_TICK:
		return 10;
	case U_NS:
		return 1e8;
	case U_US:
		return 1e5;
	case U_BYTE:
		return m->kind == COUNTER ? 1048576 : 67108864;
	case U_KIB:
		return 65536;
	case U_MIB:
		return 1;
	case U_SECTOR:
		return 2048;
	case U_MHZ:
		return 500;
	case U_MBIT:
		return 100;
	default:
		return m->kind == GAUGE ? 1 : 100;
	}
}

static bool is_compared(const struct metric *m, enum scope s)
{
	return (m->scopes & (1u << s)) && m->show == SHOWN && m->kind != INFO && m->unit != U_ID &&
	       m->unit != U_TEXT;
}

static void compared_of(struct compared *c, enum scope s)
{
	c->n = 0;
	for (int m = 0; m < METRICS; m++) {
		const struct level_row *row = level_row_of(s, m);

		if (!is_compared(&metrics[m], s))
			continue;
		c->of[c->n].m = m;
		c->of[c->n].level = row && row->of == METRICS ? row : NULL;
		c->of[c->n++].small = small_of(&metrics[m]);
	}
}

/* ---- the greatest ones: a heap, the least of them on top ---- */

struct top {
	struct diff *d;
	uint32_t max;
	bool back;     /* now is before then */
	double least;  /* what a row must have to come in */
	double factor; /* the same as so many times more or less, of what has no thresholds */
};

static void top_is(struct top *t, double least)
{
	t->least = least;
	/* A little less, so that rounding leaves none out. */
	t->factor = exp2(least / UNLIKE) * (1 - 1e-9);
}

static uint64_t place(struct thing t)
{
	return (uint64_t)t.host << 32 | t.row;
}

/* Is a behind b?  Equal ranks stand in the order of the world, and a's with metrics in the
 * table's. */
static bool is_behind(const struct diff_row *a, const struct diff_row *b)
{
	if (a->rank < b->rank || a->rank > b->rank)
		return a->rank < b->rank;
	if (place(a->now) != place(b->now))
		return place(a->now) > place(b->now);
	if (a->then != b->then)
		return a->then > b->then;
	if (a->scope != b->scope)
		return a->scope > b->scope;
	return a->metric > b->metric;
}

static void swap(struct diff_row *a, struct diff_row *b)
{
	struct diff_row t = *a;

	*a = *b;
	*b = t;
}

static void sink(struct diff_row *row, uint32_t n, uint32_t at)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && is_behind(&row[child + 1], &row[child]))
			child++;
		if (!is_behind(&row[child], &row[at]))
			return;
		swap(&row[child], &row[at]);
	}
}

static void rise(struct diff_row *row, uint32_t at)
{
	while (at && is_behind(&row[at], &row[(at - 1) / 2])) {
		swap(&row[at], &row[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void offer(struct top *t, const struct diff_row *row)
{
	struct diff *d = t->d;

	if (d->n < t->max) {
		if (d->n == d->room) {
			d->room = d->room ? d->room * 2 : 64;
			d->row = xrealloc(d->row, d->room, sizeof(*d->row));
		}
		d->row[d->n] = *row;
		rise(d->row, d->n++);
	} else if (t->max && is_behind(&d->row[0], row)) {
		d->row[0] = *row;
		sink(d->row, d->n, 0);
	} else {
		return;
	}
	if (d->n == t->max && d->row[0].rank > t->least)
		top_is(t, d->row[0].rank);
}

/* The least one goes to the end, until all stand in order. */
static void sort(struct diff *d)
{
	for (uint32_t n = d->n; n > 1; n--) {
		swap(&d->row[0], &d->row[n - 1]);
		sink(d->row, n - 1, 0);
	}
}

/* ---- comparing ---- */

/* Most have changed by less than what is in already, and that is seen without a logarithm. */
static double rank_of(const struct top *t, const struct compared_metric *c, double was, double is)
{
	const struct metric *m = &metrics[c->m];
	double more = fabs(is) + c->small, less = fabs(was) + c->small;

	if (isnan(was) || isnan(is) || (is >= was && is <= was))
		return 0;
	if (m->unit == U_SECOND && m->kind == GAUGE)
		return (t->back ? is > was : is < was) ? RANK_RESTART : 0;
	if (c->level)
		return fabs(level_score(c->level, is) - level_score(c->level, was));
	if (more < less * t->factor && less < more * t->factor)
		return 0;
	return UNLIKE * fabs(log2(more / less));
}

/* A VM on another host; a host that has fallen silent, or is heard of again. */
static bool is_elsewhere(const struct diff_base *then, const struct world *now, uint32_t was,
			 struct thing is)
{
	const struct world_host *h = now->hosts[is.host];

	if (is.scope == SCOPE_HOST)
		return h->about.stale != diff_base_stale(then, SCOPE_HOST, was);
	return h->id != diff_base_host_id(then, SCOPE_VM, was);
}

/* Steal says nothing that ready does not say better, where it is there. */
static bool is_said_by(const struct compared_metric *c, const struct world_host *h,
		       const struct diff_row *row)
{
	return c->level && c->level->unless != METRICS &&
	       !isnan(value_in(h->now, h->view, (enum scope)row->scope, row->now.row,
			       c->level->unless));
}

/* One metric of the things of one host: they lie side by side, so do their values. */
static void compare(struct top *t, const struct compared_metric *c, const struct diff_base *then,
		    const struct world *world, const struct pair *pair, uint32_t n)
{
	const double *was = diff_base_column(then, (enum scope)pair->now.scope, c->m);
	const struct world_host *h = world->hosts[pair->now.host];

	if (!was || is_over(h, c->m))
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct diff_row row = {.now = pair[i].now,
				       .then = pair[i].then,
				       .scope = pair[i].now.scope,
				       .metric = (uint16_t)c->m};

		/* On its new host it has a new process: no restart. */
		if (metrics[c->m].unit == U_SECOND && row.scope == SCOPE_VM &&
		    is_elsewhere(then, world, row.then, row.now))
			continue;
		row.was = was[row.then];
		row.is = value_in(h->now, h->view, (enum scope)row.scope, row.now.row, c->m);
		row.rank = rank_of(t, c, row.was, row.is);
		if (row.rank >= t->least && !is_said_by(c, h, &row))
			offer(t, &row);
	}
}

static void compare_all(struct top *t, const struct diff_base *then, const struct world *now,
			enum scope s, const struct pair *pair, uint32_t n)
{
	struct compared c;

	compared_of(&c, s);
	for (uint32_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && pair[k].now.host == pair[i].now.host; k++)
			;
		for (unsigned m = 0; m < c.n; m++)
			compare(t, &c.of[m], then, now, pair + i, k - i);
	}
}

static void came_or_went(struct top *t, enum scope s, uint32_t then, struct thing now)
{
	offer(t, &(struct diff_row){.now = now,
				    .then = then,
				    .scope = (uint8_t)s,
				    .metric = METRICS,
				    .was = NAN,
				    .is = NAN,
				    .rank = INFINITY});
}

/* Where a host's frame could not be read, it is not its VMs that came. */
static bool is_new(const struct diff_base *then, const struct world *now, struct thing t)
{
	uint32_t near = t.host, host;

	if (t.scope == SCOPE_HOST)
		return true;
	host = diff_base_find(then, SCOPE_HOST, now->hosts[t.host]->id, &near);
	return host == NO_ROW || diff_base_readable(then, SCOPE_HOST, host);
}

static bool is_gone(const struct diff_base *then, const struct world *now, enum scope s,
		    uint32_t row)
{
	struct thing host;

	if (s == SCOPE_HOST)
		return true;
	host = world_find(now, SCOPE_HOST, diff_base_host_id(then, s, row));
	return !thing_is(host) || now->hosts[host.host]->readable;
}

static void compare_scope(struct top *t, const struct diff_base *then, const struct world *now,
			  enum scope s, const struct diff_wants *wants)
{
	uint32_t rows = diff_base_rows(then, s), n = 0, near = 0;
	bool *met = xcalloc(rows + 1, sizeof(*met));
	struct thing_list list = {0};
	struct pair *pair;

	world_list(now, s, &list);
	pair = xcalloc(list.n + 1, sizeof(*pair));
	for (uint32_t i = 0; i < list.n; i++) {
		struct thing b = list.item[i];
		uint32_t a = diff_base_find(then, s, world_id(now, b), &near);

		if (a != NO_ROW)
			met[a] = true;
		if (wants && !wants->now(wants->arg, b))
			continue;
		if (a != NO_ROW)
			pair[n++] = (struct pair){b, a};
		if (a != NO_ROW ? is_elsewhere(then, now, a, b) : is_new(then, now, b))
			came_or_went(t, s, a, b);
	}
	compare_all(t, then, now, s, pair, n);
	for (uint32_t i = 0; i < rows; i++)
		if (!met[i] && is_gone(then, now, s, i) &&
		    (!wants || wants->gone(wants->arg, s, i)))
			came_or_went(t, s, i, NO_THING);
	free(list.item);
	free(pair);
	free(met);
}

void diff_make(struct diff *d, const struct diff_base *then, const struct world *now, uint32_t max,
	       const struct diff_wants *wants)
{
	struct top t = {.d = d, .max = max, .back = now->wall_ns < diff_base_wall_ns(then)};

	top_is(&t, RANK_LEAST);
	d->n = 0;
	compare_scope(&t, then, now, SCOPE_VM, wants);
	compare_scope(&t, then, now, SCOPE_HOST, wants);
	sort(d);
}

void diff_fini(struct diff *d)
{
	free(d->row);
	*d = (struct diff){0};
}
