/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases of two parts of a series.  A phase of the second part is the same as one of the
 * first when a window of its transitions would not have made that one be left: either they are
 * as likely under it as they have to be, or not so much less likely than under their own that
 * phase_history of them were evidence enough (phases.h).  Of what is hardly known it is not said
 * that it is another.
 */
#include "phases_internal.h"
#include "profile_seam.h"
#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct likeness {
	double distance;   /* per transition, log of how much less likely; of the worst metric */
	double likeliness; /* mean probability */
};

/* of: n_metrics; compared by contexts of one state. */
static struct likeness compare(const struct phases *p, const struct profile_settings *s,
			       unsigned phase, const struct markov_counts *of)
{
	struct likeness ret = {.distance = 0};
	uint64_t all = 0;
	uint8_t run[2];

	for (unsigned m = 0; m < s->n_metrics; m++) {
		const struct markov_counts *to = phases_counts(p, s, phase, m);
		double distance = 0;

		for (uint32_t cell = 0; cell < s->markov.states * s->markov.states; cell++) {
			uint32_t n = of[m].cell[cell];
			double here, there;

			if (!n)
				continue;
			run[0] = (uint8_t)(cell / s->markov.states);
			run[1] = (uint8_t)(cell % s->markov.states);
			here = phase_probability(&of[m], &s->markov, run, 2);
			there = phase_probability(to, &s->markov, run, 2);
			distance += n * log(here / there);
			ret.likeliness += n * there;
		}
		if (of[m].transitions)
			ret.distance = fmax(ret.distance, distance / of[m].transitions);
		all += of[m].transitions;
	}
	ret.likeliness /= all ? (double)all : 1;
	return ret;
}

static bool is_empty(const struct profile_settings *s, const struct markov_counts *of)
{
	for (unsigned m = 0; m < s->n_metrics; m++)
		if (of[m].transitions)
			return false;
	return true;
}

static bool is_warm(const struct profile_settings *s, const struct markov_counts *of)
{
	for (unsigned m = 0; m < s->n_metrics; m++)
		if (of[m].transitions >= PHASES_WARM_UP)
			return true;
	return false;
}

/* Which of the first `known` phases it is; p->n: none of them. */
static unsigned find(const struct phases *p, const struct profile_settings *s, unsigned known,
		     const struct markov_counts *of)
{
	struct likeness best = {.distance = INFINITY};
	unsigned at = 0;

	for (unsigned k = 0; k < known; k++) {
		struct likeness one = compare(p, s, k, of);

		if (one.distance >= best.distance)
			continue;
		best = one;
		at = k;
	}
	if (p->n < PROFILE_PHASES_MAX && is_warm(s, of) && is_warm(s, phases_counts(p, s, at, 0)) &&
	    best.likeliness < s->phase_likeliness &&
	    best.distance * s->phase_history >= log(PHASES_EVIDENCE))
		return p->n;
	return at;
}

/* After's counts in the merged states; phase by phase; the caller's. */
static struct markov_counts *moved_counts(const struct phases *after,
					  const struct profile_settings *s,
					  const struct profile_seam *seam)
{
	struct markov_counts *ret = xcalloc(after->n * s->n_metrics, sizeof(*ret));

	for (unsigned i = 0; i < after->n * s->n_metrics; i++) {
		markov_counts_init(&ret[i], &s->markov);
		profile_seam_add(&seam[i % s->n_metrics], &ret[i], &after->counts[i], &s->markov);
	}
	return ret;
}

/* map: the number in p of each phase of after. */
static void add_phases(struct phases *p, const struct phases *after,
		       const struct profile_settings *s, const struct profile_seam *seam,
		       uint8_t *map)
{
	struct markov_counts *moved = moved_counts(after, s, seam);
	unsigned known = p->n;

	for (unsigned k = 0; k < after->n; k++) {
		const struct markov_counts *of = moved + k * s->n_metrics;

		map[k] = p->current;
		if (!p->ring_used)
			map[k] = (uint8_t)k;
		else if (!is_empty(s, of))
			map[k] = (uint8_t)find(p, s, known, of);
		if (map[k] == p->n)
			phases_add(p, s);
		for (unsigned m = 0; m < s->n_metrics; m++)
			markov_counts_add(phases_counts(p, s, map[k], m), &of[m], &s->markov);
	}
	for (unsigned i = 0; i < after->n * s->n_metrics; i++)
		markov_counts_fini(&moved[i]);
	free(moved);
}

static void add_tx(struct phases *p, const struct phases *after, const uint8_t *map)
{
	if (p->ring_used) {
		p->tx[p->current * p->n + map[0]]++;
		p->leaves += p->current != map[0];
	}
	for (unsigned from = 0; from < after->n; from++)
		for (unsigned to = 0; to < after->n; to++)
			p->tx[map[from] * p->n + map[to]] += after->tx[from * after->n + to];
	p->leaves += after->leaves;
}

/* Only what after has counted already: what is in its window gets its context by the ring. */
static void count_seam(struct phases *p, const struct phases *after,
		       const struct profile_settings *s, const struct profile_seam *seam)
{
	for (unsigned m = 0; m < s->n_metrics; m++)
		for (unsigned i = 0; i < seam[m].n && i < after->settled; i++)
			profile_seam_step(&seam[m], i, phases_counts(p, s, p->current, m),
					  &s->markov);
}

static void join_rings(struct phases *p, const struct phases *after,
		       const struct profile_settings *s, const struct profile_seam *seam)
{
	uint8_t states[PROFILE_METRICS_MAX];

	if (after->settled)
		phases_settle(p, s, p->ring_used);
	for (uint32_t i = 0; i < after->ring_used; i++) {
		const uint8_t *column = phases_column(after, s, i);

		for (unsigned m = 0; m < s->n_metrics; m++)
			states[m] = column[m] == PHASES_NONE ? PHASES_NONE
							     : seam[m].after_map[column[m]];
		phases_push(p, s, states);
		if (i < after->settled)
			p->settled = p->ring_used;
		else if (p->ring_used > s->phase_history)
			phases_settle(p, s, p->ring_used - s->phase_history);
	}
}

static bool is_cut(const struct profile_settings *s, const struct profile_seam *seam)
{
	for (unsigned m = 0; m < s->n_metrics; m++)
		if (!seam[m].cut)
			return false;
	return true;
}

void phases_merge(struct phases *p, const struct phases *after, const struct profile_settings *s,
		  const struct profile_seam *seam)
{
	uint8_t map[PROFILE_PHASES_MAX];

	for (unsigned m = 0; m < s->n_metrics; m++)
		if (seam[m].moved)
			phases_remap(p, s, m, seam[m].map);
	if (is_cut(s, seam))
		phases_gap(p, s);
	if (!after->ring_used)
		return;
	count_seam(p, after, s, seam);
	add_phases(p, after, s, seam, map);
	add_tx(p, after, map);
	join_rings(p, after, s, seam);
	p->current = map[after->current];
	p->likeliness = after->likeliness;
}
