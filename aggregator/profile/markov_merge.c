/* SPDX-License-Identifier: Apache-2.0 */
#include "markov.h"
#include "markov_counts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* room: of run, which is never longer; without it gcc -O3 believes in a longer one. */
static void remap_run(uint8_t *run, unsigned length, unsigned room, const uint8_t *map)
{
	for (unsigned i = 0; i < length && i < room; i++)
		run[i] = map[run[i]];
}

/* m's counts and runs in the states of a range that has grown from its own. */
static void move_to(struct markov *m, const struct markov_settings *s,
		    const struct markov_range *range)
{
	uint8_t map[MARKOV_STATES_MAX];

	if (markov_range_same(&m->range, range))
		return;
	markov_range_map(&m->range, range, s->states, map);
	markov_counts_remap(&m->counts, s, map);
	remap_run(m->head, m->head_length, sizeof(m->head), map);
	remap_run(m->tail, m->tail_length, sizeof(m->tail), map);
	m->range = *range;
}

/* Transitions that neither part could count: their context begins in m and they end in after. */
static void seam(struct markov *m, const struct markov *after, const struct markov_settings *s)
{
	uint8_t run[2 * MARKOV_HISTORY_MAX + 1];
	unsigned before = m->tail_length;

	memcpy(run, m->tail, before);
	memcpy(run + before, after->head, after->head_length);
	for (unsigned i = 0; i < after->head_length; i++)
		markov_counts_step_from(&m->counts, s, run, before + i + 1, i + 1);
}

static void join_runs(struct markov *m, const struct markov *after, const struct markov_settings *s)
{
	uint8_t run[2 * MARKOV_HISTORY_MAX + 2];
	unsigned length = 0, keep = s->history + 1;

	if (!m->broken)
		for (unsigned i = 0; i < after->head_length && m->head_length < s->history; i++)
			m->head[m->head_length++] = after->head[i];
	if (!after->broken) {
		memcpy(run, m->tail, m->tail_length);
		length = m->tail_length;
	}
	memcpy(run + length, after->tail, after->tail_length);
	length += after->tail_length;
	if (length < keep)
		keep = length;
	memcpy(m->tail, run + length - keep, keep);
	m->tail_length = (uint8_t)keep;
	m->broken |= after->broken;
}

/* `after` is a copy of which only the counts are owned elsewhere. */
static void merge_states(struct markov *m, struct markov *after, const struct markov_settings *s)
{
	struct markov_range range = markov_merge_range(m, after, s);

	m->least = m->states_seen ? fmin(m->least, after->least) : after->least;
	m->greatest = m->states_seen ? fmax(m->greatest, after->greatest) : after->greatest;
	if (m->states_seen)
		move_to(m, s, &range);
	else
		m->range = range;
	move_to(after, s, &range);
	seam(m, after, s);
	markov_counts_add(&m->counts, &after->counts, s);
	m->average = after->average;
	m->states_seen += after->states_seen;
}

int markov_merge_wrong(const struct markov *m, const struct markov *after,
		       const struct markov_settings *s)
{
	if (s->fixed && !markov_range_same(&m->range, &after->range))
		return -EINVAL;
	if ((uint64_t)m->counts.transitions + after->counts.transitions >= UINT32_MAX)
		return -EOVERFLOW;
	return 0;
}

struct markov_range markov_merge_range(const struct markov *m, const struct markov *after,
				       const struct markov_settings *s)
{
	double least = after->least, greatest = after->greatest;

	if (s->fixed || !after->states_seen)
		return m->range;
	if (m->states_seen) {
		least = fmin(least, m->least);
		greatest = fmax(greatest, m->greatest);
	}
	return markov_range_of(least, greatest, s->states);
}

int markov_merge(struct markov *m, const struct markov *after, const struct markov_settings *s)
{
	struct markov copy = *after;
	int wrong = markov_merge_wrong(m, after, s);

	if (wrong)
		return wrong;
	if (m->pending)
		markov_gap(m);
	markov_stats_merge(&m->stats, &after->stats);
	if (after->states_seen) {
		markov_counts_init(&copy.counts, s);
		markov_counts_add(&copy.counts, &after->counts, s);
		merge_states(m, &copy, s);
		markov_counts_fini(&copy.counts);
	}
	join_runs(m, &copy, s);
	m->sum = after->sum;
	m->pending = after->pending;
	m->values = after->values;
	return 0;
}
