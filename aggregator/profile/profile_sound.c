/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_sound.h"
#include "markov_counts.h"
#include "periods.h"
#include "phases.h"

#include <math.h>
#include <string.h>

/* ---- one metric ---- */

static bool stats_are_sound(const struct markov_stats *s)
{
	if (s->filtered > s->count)
		return false;
	if (!s->count)
		return true;
	/* m2 of finite doubles is a finite long double. */
	return isfinite(s->min) && isfinite(s->max) && s->min <= s->max && isfinite(s->mean) &&
	       isfinite(s->m2) && s->m2 >= 0;
}

static bool run_is_sound(const uint8_t *run, unsigned length, unsigned most, unsigned states)
{
	if (length > most)
		return false;
	for (unsigned i = 0; i < length; i++)
		if (run[i] >= states)
			return false;
	return true;
}

static bool range_is_sound(const struct markov *m, const struct profile_settings *s,
			   const struct profile_metric *metric)
{
	struct markov_range range = {.known = true,
				     .low = metric->low,
				     .width = (metric->high - metric->low) / s->markov.states};

	if (m->states_seen && !(isfinite(m->least) && isfinite(m->greatest) &&
				m->least <= m->greatest && isfinite(m->average)))
		return false;
	if (!s->markov.fixed)
		range = m->states_seen ? markov_range_of(m->least, m->greatest, s->markov.states)
				       : (struct markov_range){.known = false};
	return markov_range_same(&m->range, &range);
}

/* Sum of `n` cells, as far as it is not more than transitions can be. */
static uint64_t total(const uint32_t *cell, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += cell[i];
	return sum;
}

static bool counts_are_sound(const struct markov_counts *c, const struct markov_settings *s)
{
	uint32_t cells = s->states;

	for (unsigned h = 1; h <= s->history; h++) {
		uint64_t sum;

		cells *= s->states;
		sum = total(markov_row(c, s, h, 0), cells);
		/* Of longer contexts there are fewer. */
		if (h == 1 ? sum != c->transitions : sum > c->transitions)
			return false;
	}
	return true;
}

static const char *metric_unsound(const struct markov *m, const struct profile_settings *s,
				  const struct profile_metric *metric)
{
	unsigned states = s->markov.states, history = s->markov.history;

	if (!stats_are_sound(&m->stats))
		return "a metric's statistics";
	if (!run_is_sound(m->head, m->head_length, history, states) ||
	    !run_is_sound(m->tail, m->tail_length, history + 1, states) ||
	    m->head_length > m->states_seen || m->tail_length > m->states_seen)
		return "a metric's first or last states";
	if (m->pending >= s->markov.buffersize || m->values > m->pending || !isfinite(m->sum))
		return "a metric's buffer";
	if (!range_is_sound(m, s, metric))
		return "a metric's bounds";
	if (!counts_are_sound(&m->counts, &s->markov) || m->counts.transitions > m->states_seen)
		return "a metric's counts";
	return NULL;
}

/* ---- periods and phases ---- */

static bool same_counts(const struct markov_counts *a, const struct markov_counts *b,
			const struct markov_settings *s)
{
	return a->transitions == b->transitions && !memcmp(a->cell, b->cell, markov_counts_size(s));
}

static bool periods_are_sound(const struct profile *p, const struct profile_settings *s,
			      unsigned metric)
{
	struct period_metric sum;
	uint64_t transitions = 0;
	bool sound = true;

	for (uint32_t i = 0; i < p->periods->leaves; i++) {
		const struct period_metric *leaf = p->periods->leaf[i];

		if (!leaf)
			continue;
		transitions += leaf[metric].counts.transitions;
		if (!stats_are_sound(&leaf[metric].stats) ||
		    !counts_are_sound(&leaf[metric].counts, &s->markov))
			return false;
	}
	if (transitions != p->metric[metric].counts.transitions)
		return false; /* nor does a sum of cells overflow */
	periods_sum(p->periods, s, metric, 0, p->periods->leaves, &sum);
	sound = same_counts(&sum.counts, &p->metric[metric].counts, &s->markov);
	markov_counts_fini(&sum.counts);
	return sound;
}

static bool ring_is_sound(const struct phases *p, const struct profile_settings *s)
{
	uint32_t columns = phases_columns(s);

	if (!p->n || p->n > PROFILE_PHASES_MAX || p->current >= p->n)
		return false;
	if (p->ring_at >= columns || p->ring_used > columns || p->settled > p->ring_used ||
	    p->ring_used - p->settled > s->phase_history)
		return false;
	for (uint32_t i = 0; i < p->ring_used; i++)
		for (unsigned m = 0; m < s->n_metrics; m++) {
			uint8_t state = phases_column(p, s, i)[m];

			if (state != PHASES_NONE && state >= s->markov.states)
				return false;
		}
	return true;
}

/* All phases and what is in the window. */
static bool phases_are_sound(const struct profile *p, const struct profile_settings *s,
			     unsigned metric)
{
	const struct markov_counts *whole = &p->metric[metric].counts;
	size_t cells = markov_counts_size(&s->markov) / sizeof(*whole->cell);
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	struct markov_counts window;
	bool sound = true;

	for (unsigned k = 0; k < p->phases->n; k++) {
		const struct markov_counts *c = phases_counts(p->phases, s, k, metric);

		if (total(c->cell, s->markov.states * s->markov.states) != c->transitions)
			return false;
	}
	markov_counts_init(&window, &s->markov);
	for (uint32_t i = p->phases->settled; i < p->phases->ring_used; i++)
		markov_counts_step(&window, &s->markov, run,
				   phases_run(p->phases, s, metric, i, run));
	for (size_t i = 0; i < cells && sound; i++) {
		uint64_t sum = window.cell[i];

		for (unsigned k = 0; k < p->phases->n; k++)
			sum += phases_counts(p->phases, s, k, metric)->cell[i];
		sound = sum == whole->cell[i];
	}
	markov_counts_fini(&window);
	return sound;
}

const char *profile_unsound(const struct profile *p, const struct profile_settings *s)
{
	if (p->phases && !ring_is_sound(p->phases, s))
		return "the phases' window";
	for (unsigned m = 0; m < s->n_metrics; m++) {
		const char *wrong = metric_unsound(&p->metric[m], s, &s->metric[m]);

		if (wrong)
			return wrong;
		if (p->metric[m].pending != p->metric[0].pending)
			return "a metric's buffer";
		if (p->metric[m].states_seen > p->ticks)
			return "the number of ticks";
		if (p->periods && !periods_are_sound(p, s, m))
			return "the period tree";
		if (p->phases && !phases_are_sound(p, s, m))
			return "the phases";
	}
	return NULL;
}
