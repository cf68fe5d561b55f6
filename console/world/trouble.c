/* SPDX-License-Identifier: Apache-2.0 */
#include "trouble.h"

#include <math.h>

/* What thresholds are compared with: the value, or its share of another one. */
static double measure(const struct view *v, const struct level_row *row, uint32_t at)
{
	double value = view_get(v, row->scope, at, row->metric), whole;

	if (row->of == METRICS)
		return value;
	whole = view_get(v, row->scope, at, row->of);
	return whole > 0 ? 100 * value / whole : NAN;
}

/* What is worse by no more than rounding is as bad. */
#define WORSE (1 + 1e-9)

static const struct trouble none = {
	.score = 0, .metric = METRICS, .value = NAN, .at = {.host = UINT32_MAX, .row = NO_ROW}};

static bool is_said_better(const struct view *v, const struct level_row *row, uint32_t at)
{
	return row->unless != METRICS && !isnan(view_get(v, row->scope, at, row->unless));
}

/* Where the VM or the host as a whole is as bad in that, it is not one part of it. */
static bool is_said_above(const struct sample *s, const struct view *v, const struct level_row *row,
			  uint32_t at, double score)
{
	enum scope above = scope_parent((enum scope)row->scope);

	if (row->scope == SCOPE_VM || row->scope == SCOPE_HOST)
		return false;
	at = above == SCOPE_HOST ? 0 : s->table[row->scope].parent[at];
	return level_score(row, view_get(v, above, at, row->metric)) * WORSE >= score;
}

/* Whose trouble that of a row is: a VM's, or the host's; NULL: nobody's. */
static struct trouble *sufferer(const struct sample *s, const struct level_row *row, uint32_t at,
				struct trouble *host, struct trouble *vm)
{
	if (row->scope == SCOPE_VM)
		return &vm[at];
	if (row->scope == SCOPE_HOST)
		return at ? NULL : host;
	if (scope_parent((enum scope)row->scope) == SCOPE_HOST)
		return host;
	at = s->table[row->scope].parent[at];
	return at < s->table[SCOPE_VM].rows ? &vm[at] : NULL;
}

/* One metric of all things of a kind.  They lie side by side, and nearly all are below the
 * threshold: one comparison each. */
static void see(const struct world *w, uint32_t host, const struct level_row *row,
		struct trouble *ret, struct trouble *ret_vm)
{
	const struct world_host *h = w->hosts[host];
	const double *value = h->view->table[row->scope].col[row->metric];
	uint32_t rows = value ? h->view->table[row->scope].rows : 0;
	double sign = row->bad < row->warn ? -1 : 1;
	double least = row->of == METRICS ? sign * level_raw(row, row->warn) : -INFINITY;

	for (uint32_t at = 0; at < rows; at++) {
		struct trouble *is;
		double score;

		if (!(sign * value[at] >= least))
			continue;
		score = level_score(row, measure(h->view, row, at));
		is = sufferer(h->now, row, at, ret, ret_vm);
		if (!is || !(score >= 1) || score <= is->score * WORSE ||
		    is_said_better(h->view, row, at) ||
		    is_said_above(h->now, h->view, row, at, score))
			continue;
		*is = (struct trouble){
			.score = score,
			.metric = row->metric,
			.value = value[at],
			.at = {.host = host, .row = at, .scope = row->scope},
		};
	}
}

void trouble_of_host(const struct world *w, uint32_t host, struct trouble *ret,
		     struct trouble *ret_vm)
{
	const struct world_host *h = w->hosts[host];

	*ret = none;
	for (uint32_t i = 0; i < h->now->table[SCOPE_VM].rows; i++)
		ret_vm[i] = none;
	if (h->about.stale)
		return;
	for (unsigned i = 0; i < level_rows_n; i++)
		if (level_rows[i].trouble)
			see(w, host, &level_rows[i], ret, ret_vm);
}

enum level trouble_level(const struct world *w, struct thing t, enum metric_id m)
{
	const struct level_row *row = level_row_of(t.scope, m);

	if (!row || t.host >= w->n_hosts || w->hosts[t.host]->about.stale)
		return LEVEL_NONE;
	if (row->of == METRICS)
		return level_of(t.scope, m, world_value(w, t, m));
	return level_of_score(level_score(row, measure(w->hosts[t.host]->view, row, t.row)));
}
