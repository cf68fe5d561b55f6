/* SPDX-License-Identifier: Apache-2.0 */
#include "markov.h"
#include "markov_counts.h"

#include <math.h>
#include <string.h>

#define BOUND_MAX 1e300 /* so that differences and widths are numbers, too */

const char *markov_settings_wrong(const struct markov_settings *s)
{
	uint64_t cells = s->states;

	if (s->states < 2 || s->states > MARKOV_STATES_MAX)
		return "states: 2 to 64 are allowed";
	if (s->history < 1 || s->history > MARKOV_HISTORY_MAX)
		return "history: 1 to 4 are allowed";
	for (unsigned h = 0; h < s->history; h++)
		cells *= s->states;
	if (cells > MARKOV_CELLS_MAX)
		return "states and history: states ^ (history + 1) may be 65536 at most";
	if (!s->buffersize)
		return "buffersize: 1 or more is allowed";
	if (!isfinite(s->filter))
		return "filter: a number of deviations, or 0 for none";
	return NULL;
}

const char *markov_bounds_wrong(double low, double high)
{
	if (!(fabs(low) <= BOUND_MAX && fabs(high) <= BOUND_MAX))
		return "fixed bounds: numbers from -1e300 to 1e300 are allowed";
	if (!(high - low >= 1 / BOUND_MAX))
		return "fixed bounds: the least must be below the greatest";
	return NULL;
}

void markov_init(struct markov *m, const struct markov_settings *s, double low, double high)
{
	memset(m, 0, sizeof(*m));
	if (s->fixed)
		m->range = (struct markov_range){
			.known = true, .low = low, .width = (high - low) / s->states};
	markov_counts_init(&m->counts, s);
}

void markov_fini(struct markov *m)
{
	markov_counts_fini(&m->counts);
}

static void end_context(struct markov *m)
{
	m->tail_length = 0;
	m->broken = true;
}

void markov_gap(struct markov *m)
{
	m->pending = m->values = 0;
	m->sum = 0;
	end_context(m);
}

/* Makes the bounds such that the average is within. */
static void grow(struct markov *m, const struct markov_settings *s, double average)
{
	struct markov_range old = m->range;
	uint8_t map[MARKOV_STATES_MAX];

	if (m->states_seen && average >= m->least && average <= m->greatest)
		return;
	m->least = m->states_seen ? fmin(m->least, average) : average;
	m->greatest = m->states_seen ? fmax(m->greatest, average) : average;
	if (s->fixed)
		return;
	m->range = markov_range_of(m->least, m->greatest, s->states);
	if (!old.known || markov_range_same(&old, &m->range))
		return;
	markov_range_map(&old, &m->range, s->states, map);
	markov_counts_remap(&m->counts, s, map);
	for (unsigned i = 0; i < m->head_length; i++)
		m->head[i] = map[m->head[i]];
	for (unsigned i = 0; i < m->tail_length; i++)
		m->tail[i] = map[m->tail[i]];
}

static int next_state(struct markov *m, const struct markov_settings *s, double average)
{
	uint8_t state;

	grow(m, s, average);
	state = (uint8_t)markov_state_of(m, s, average);
	m->average = average;
	if (!m->broken && m->head_length < s->history)
		m->head[m->head_length++] = state;
	if (m->tail_length == s->history + 1)
		memmove(m->tail, m->tail + 1, --m->tail_length);
	m->tail[m->tail_length++] = state;
	m->states_seen++;
	markov_counts_step(&m->counts, s, m->tail, m->tail_length);
	return state;
}

/* Asked before the value is in the statistics. */
static bool left_out(const struct markov *m, const struct markov_settings *s, double value)
{
	if (s->filter <= 0 || m->stats.count < MARKOV_WARM_UP)
		return false;
	return fabsl((long double)value - m->stats.mean) >
	       (long double)s->filter * markov_deviation(&m->stats);
}

int markov_put(struct markov *m, const struct markov_settings *s, double value)
{
	double average;

	m->pending++;
	if (isfinite(value)) {
		bool out = left_out(m, s, value);

		markov_stats_put(&m->stats, value);
		if (out) {
			m->stats.filtered++;
		} else {
			m->sum += value;
			m->values++;
		}
	}
	if (m->pending < s->buffersize)
		return -1;
	if (!m->values) {
		markov_gap(m);
		return -1;
	}
	average = (double)(m->sum / m->values);
	m->pending = m->values = 0;
	m->sum = 0;
	return next_state(m, s, average);
}
