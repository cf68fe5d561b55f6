/* SPDX-License-Identifier: Apache-2.0 */
#include "phases.h"
#include "phases_internal.h"
#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

uint32_t phases_columns(const struct profile_settings *s)
{
	return s->phase_history + s->markov.history + 1;
}

struct phases *phases_new(const struct profile_settings *s)
{
	struct phases *p;

	if (!(s->phase_likeliness > 0))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->ring = xcalloc(phases_columns(s), s->n_metrics);
	p->likeliness = NAN;
	phases_add(p, s);
	return p;
}

void phases_free(struct phases *p, const struct profile_settings *s)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n * s->n_metrics; i++)
		markov_counts_fini(&p->counts[i]);
	free(p->counts);
	free(p->tx);
	free(p->ring);
	free(p);
}

unsigned phases_add(struct phases *p, const struct profile_settings *s)
{
	unsigned n = p->n + 1u;
	uint64_t *tx = xcalloc(n * n, sizeof(*tx));

	for (unsigned from = 0; from < p->n; from++)
		memcpy(tx + from * n, p->tx + from * p->n, p->n * sizeof(*tx));
	free(p->tx);
	p->tx = tx;
	p->counts = xrealloc(p->counts, n * s->n_metrics, sizeof(*p->counts));
	for (unsigned m = 0; m < s->n_metrics; m++)
		markov_counts_init(&p->counts[p->n * s->n_metrics + m], &s->markov);
	return p->n++;
}

struct markov_counts *phases_counts(const struct phases *p, const struct profile_settings *s,
				    unsigned phase, unsigned metric)
{
	return &p->counts[phase * s->n_metrics + metric];
}

static uint8_t *column(const struct phases *p, const struct profile_settings *s, uint32_t i)
{
	return p->ring + (size_t)((p->ring_at + i) % phases_columns(s)) * s->n_metrics;
}

const uint8_t *phases_column(const struct phases *p, const struct profile_settings *s, uint32_t i)
{
	return column(p, s, i);
}

unsigned phases_run(const struct phases *p, const struct profile_settings *s, unsigned metric,
		    uint32_t i, uint8_t *run)
{
	uint8_t back[MARKOV_HISTORY_MAX + 1];
	unsigned n = 0;

	while (n <= s->markov.history && n <= i) {
		uint8_t state = column(p, s, i - n)[metric];

		if (state == PHASES_NONE)
			break;
		back[n++] = state;
	}
	for (unsigned k = 0; k < n; k++)
		run[k] = back[n - 1 - k];
	return n;
}

uint32_t phases_window(const struct phases *p, const struct profile_settings *s)
{
	return p->ring_used > s->phase_history ? p->ring_used - s->phase_history : 0;
}

static void count_column(struct phases *p, const struct profile_settings *s, uint32_t i)
{
	uint8_t run[MARKOV_HISTORY_MAX + 1];

	for (unsigned m = 0; m < s->n_metrics; m++) {
		unsigned length = phases_run(p, s, m, i, run);

		markov_counts_step(phases_counts(p, s, p->current, m), &s->markov, run, length);
	}
}

void phases_push(struct phases *p, const struct profile_settings *s, const uint8_t *states,
		 bool count)
{
	if (p->ring_used == phases_columns(s)) {
		p->ring_at = (p->ring_at + 1) % phases_columns(s);
		p->ring_used--;
	}
	p->ring_used++;
	memcpy(column(p, s, p->ring_used - 1), states, s->n_metrics);
	if (count && phases_window(p, s))
		count_column(p, s, phases_window(p, s) - 1);
}

static bool is_gap(const struct profile_settings *s, const uint8_t *states)
{
	for (unsigned m = 0; m < s->n_metrics; m++)
		if (states[m] != PHASES_NONE)
			return false;
	return true;
}

void phases_gap(struct phases *p, const struct profile_settings *s)
{
	uint8_t none[PROFILE_METRICS_MAX];

	memset(none, PHASES_NONE, sizeof(none));
	if (p->ring_used && !is_gap(s, column(p, s, p->ring_used - 1)))
		phases_push(p, s, none, true);
}

void phases_put(struct phases *p, const struct profile_settings *s, const uint8_t *states)
{
	bool first = !p->ring_used;
	unsigned from = p->current, to;

	if (is_gap(s, states)) {
		phases_gap(p, s);
		return;
	}
	phases_push(p, s, states, true);
	p->likeliness = (float)phases_likeliness(p, s);
	to = phases_choose(p, s);
	if (to == p->n)
		phases_add(p, s);
	p->leaves += to != from;
	p->current = (uint8_t)to;
	if (!first)
		p->tx[from * p->n + to]++;
}

void phases_remap(struct phases *p, const struct profile_settings *s, unsigned metric,
		  const uint8_t *map)
{
	for (unsigned i = 0; i < p->n; i++)
		markov_counts_remap(phases_counts(p, s, i, metric), &s->markov, map);
	for (uint32_t i = 0; i < p->ring_used; i++) {
		uint8_t *state = &column(p, s, i)[metric];

		if (*state != PHASES_NONE)
			*state = map[*state];
	}
}

size_t phases_size(const struct phases *p, const struct profile_settings *s)
{
	size_t one = s->n_metrics * (sizeof(*p->counts) + markov_counts_size(&s->markov));

	return sizeof(*p) + p->n * one + p->n * p->n * sizeof(*p->tx) +
	       (size_t)phases_columns(s) * s->n_metrics;
}
