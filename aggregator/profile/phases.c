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

void phases_settle(struct phases *p, const struct profile_settings *s, uint32_t end)
{
	uint8_t run[MARKOV_HISTORY_MAX + 1];

	for (; p->settled < end; p->settled++)
		for (unsigned m = 0; m < s->n_metrics; m++) {
			unsigned length = phases_run(p, s, m, p->settled, run);

			markov_counts_step(phases_counts(p, s, p->current, m), &s->markov, run,
					   length);
		}
}

void phases_push(struct phases *p, const struct profile_settings *s, const uint8_t *states)
{
	if (p->ring_used == phases_columns(s)) {
		p->ring_at = (p->ring_at + 1) % phases_columns(s);
		p->ring_used--;
		p->settled--;
	}
	p->ring_used++;
	memcpy(column(p, s, p->ring_used - 1), states, s->n_metrics);
}

/* The window has phase_history columns at most. */
static void push(struct phases *p, const struct profile_settings *s, const uint8_t *states)
{
	phases_push(p, s, states);
	if (p->ring_used > s->phase_history)
		phases_settle(p, s, p->ring_used - s->phase_history);
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
		push(p, s, none);
}

void phases_put(struct phases *p, const struct profile_settings *s, const uint8_t *states)
{
	bool first = !p->ring_used;
	unsigned from = p->current, to;
	uint32_t begin;

	if (is_gap(s, states)) {
		phases_gap(p, s);
		return;
	}
	push(p, s, states);
	p->likeliness = (float)phases_likeliness(p, s);
	to = phases_choose(p, s, &begin);
	if (to != from) {
		phases_settle(p, s, begin);
		if (to == p->n)
			phases_add(p, s);
		p->current = (uint8_t)to;
		p->leaves++;
	}
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
