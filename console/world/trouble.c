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

/* Called for every VM there is, every second: plain comparisons first. */
static bool is_trouble(const struct level_row *row, double value)
{
	if (metrics[row->metric].unit == U_CENTIPERCENT && row->of == METRICS)
		value *= 0.01;
	return row->bad < row->warn ? value <= row->warn : value >= row->warn;
}

struct trouble trouble_of(const struct world *w, struct thing t)
{
	struct trouble worst = {.score = 0, .metric = METRICS, .value = NAN};
	const struct world_host *h = t.host < w->n_hosts ? w->hosts[t.host] : NULL;

	if (!h || h->about.stale)
		return worst;
	for (unsigned i = 0; i < level_rows_n; i++) {
		const struct level_row *row = &level_rows[i];
		double value, score;

		if (row->scope != t.scope || !row->trouble)
			continue;
		value = measure(h->view, row, t.row);
		if (!is_trouble(row, value))
			continue;
		if (row->unless != METRICS &&
		    !isnan(view_get(h->view, t.scope, t.row, row->unless)))
			continue;
		score = level_score(row, value);
		if (score > worst.score)
			worst = (struct trouble){score, row->metric,
						 world_value(w, t, row->metric)};
	}
	return worst;
}

enum level trouble_level(const struct world *w, struct thing t, enum metric_id m)
{
	const struct level_row *row = level_row_of(t.scope, m);
	double score;

	if (!row || t.host >= w->n_hosts || w->hosts[t.host]->about.stale)
		return LEVEL_NONE;
	if (row->of == METRICS)
		return level_of(t.scope, m, world_value(w, t, m));
	score = level_score(row, measure(w->hosts[t.host]->view, row, t.row));
	return isnan(score) ? LEVEL_NONE
	       : score >= 2 ? LEVEL_BAD
	       : score >= 1 ? LEVEL_WARN
			    : LEVEL_FINE;
}
