/* SPDX-License-Identifier: Apache-2.0 */
#include "distance.h"
#include "distance_grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -1: it has none of that name, or no transition of it. */
static int metric_of(const struct profile *p, const struct profile_settings *s, const char *name)
{
	for (unsigned i = 0; i < s->n_metrics; i++)
		if (!strcmp(s->metric[i].name, name))
			return p->metric[i].counts.transitions ? (int)i : -1;
	return -1;
}

static void compare(struct distance_metric *ret, const struct distance_side side[2],
		    const struct distance_axis *axis)
{
	struct distance_grid g;

	distance_grid_make(&g, side);
	ret->levels = distance_levels(&g, side, axis);
	ret->moves = distance_moves(&g, side);
	ret->distance = ret->levels + ret->moves - ret->levels * ret->moves;
	ret->mean_a = side[0].m->stats.mean;
	ret->mean_b = side[1].m->stats.mean;
}

static void sum_up(struct distance *d)
{
	d->levels = d->moves = d->total = d->n ? 0 : NAN;
	for (unsigned i = 0; i < d->n; i++) {
		d->levels += d->metric[i].levels / d->n;
		d->moves += d->metric[i].moves / d->n;
		d->total += d->metric[i].distance / d->n;
	}
}

/* axis: of each metric of a; NULL: of the two. */
static void between(struct distance *ret, const struct profile *a,
		    const struct profile_settings *sa, const struct profile *b,
		    const struct profile_settings *sb, const struct distance_axis *axis)
{
	ret->n = 0;
	for (unsigned i = 0; i < sa->n_metrics; i++) {
		struct distance_side side[2] = {{&a->metric[i], &sa->markov}};
		int k = metric_of(b, sb, sa->metric[i].name);
		struct distance_axis both = {.known = false};

		if (k < 0 || !a->metric[i].counts.transitions)
			continue;
		side[1] = (struct distance_side){&b->metric[k], &sb->markov};
		distance_axis_add(&both, &side[0]);
		distance_axis_add(&both, &side[1]);
		ret->metric[ret->n] = (struct distance_metric){.a = i, .b = (unsigned)k};
		compare(&ret->metric[ret->n++], side, axis ? &axis[i] : &both);
	}
	ret->unmatched = sa->n_metrics + sb->n_metrics - 2 * ret->n;
	for (unsigned i = 0; i < sa->n_metrics; i++)
		for (unsigned k = 0; k < sb->n_metrics; k++)
			if (!strcmp(sa->metric[i].name, sb->metric[k].name) &&
			    !(a->metric[i].counts.transitions && b->metric[k].counts.transitions))
				ret->unmatched--; /* one metric, not two */
	sum_up(ret);
}

void distance_between(struct distance *ret, const struct profile *a,
		      const struct profile_settings *sa, const struct profile *b,
		      const struct profile_settings *sb)
{
	between(ret, a, sa, b, sb, NULL);
}

static int nearer(const void *va, const void *vb)
{
	const struct distance_rank *a = va, *b = vb;

	if (isnan(a->distance.total) != isnan(b->distance.total))
		return isnan(a->distance.total) ? 1 : -1;
	if (a->distance.total < b->distance.total || a->distance.total > b->distance.total)
		return a->distance.total < b->distance.total ? -1 : 1;
	return a->known < b->known ? -1 : a->known > b->known;
}

void distance_nearest(const struct profile *p, const struct profile_settings *s,
		      const struct distance_known *known, unsigned n, struct distance_rank *ret)
{
	struct distance_axis axis[PROFILE_METRICS_MAX] = {{.known = false}};

	for (unsigned i = 0; i < s->n_metrics; i++) {
		distance_axis_add(&axis[i], &(struct distance_side){&p->metric[i], &s->markov});
		for (unsigned k = 0; k < n; k++) {
			const struct profile_settings *its = known[k].settings;
			int m = metric_of(known[k].profile, its, s->metric[i].name);

			if (m >= 0)
				distance_axis_add(&axis[i], &(struct distance_side){
								    &known[k].profile->metric[m],
								    &its->markov});
		}
	}
	for (unsigned k = 0; k < n; k++) {
		ret[k].known = k;
		between(&ret[k].distance, p, s, known[k].profile, known[k].settings, axis);
	}
	if (n)
		qsort(ret, n, sizeof(*ret), nearer);
}
