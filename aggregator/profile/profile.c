/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"
#include "periods.h"
#include "phases.h"
#include "xalloc.h"

#include <stdlib.h>

void profile_init(struct profile *p, const struct profile_settings *s)
{
	*p = (struct profile){.metric = xcalloc(s->n_metrics, sizeof(*p->metric)),
			      .periods = periods_new(s),
			      .phases = phases_new(s)};
	for (unsigned i = 0; i < s->n_metrics; i++)
		markov_init(&p->metric[i], &s->markov, s->metric[i].low, s->metric[i].high);
}

void profile_fini(struct profile *p, const struct profile_settings *s)
{
	for (unsigned i = 0; p->metric && i < s->n_metrics; i++)
		markov_fini(&p->metric[i]);
	free(p->metric);
	periods_free(p->periods, s);
	phases_free(p->phases, s);
	*p = (struct profile){.metric = NULL};
}

/* The metric's bounds have grown from old ones. */
static void follow(struct profile *p, const struct profile_settings *s, unsigned metric,
		   const struct markov_range *old)
{
	const struct markov_range *range = &p->metric[metric].range;
	uint8_t map[MARKOV_STATES_MAX];

	if (s->markov.fixed || !old->known || markov_range_same(old, range))
		return;
	markov_range_map(old, range, s->markov.states, map);
	if (p->periods)
		periods_remap(p->periods, s, metric, map);
	if (p->phases)
		phases_remap(p->phases, s, metric, map);
}

/* Returns the state, as markov_put(); counts it in the period tree. */
static int put_metric(struct profile *p, const struct profile_settings *s, unsigned metric,
		      double value)
{
	struct markov *m = &p->metric[metric];
	struct markov_range old = m->range;
	int state = markov_put(m, &s->markov, value);

	if (state < 0)
		return state;
	follow(p, s, metric, &old);
	if (p->periods) {
		uint64_t number = (p->ticks - 1) / s->markov.buffersize;

		periods_put(p->periods, s, (uint32_t)(number % p->periods->leaves), metric, m);
	}
	return state;
}

void profile_put(struct profile *p, const struct profile_settings *s, const double *values,
		 int *state)
{
	uint8_t column[PROFILE_METRICS_MAX];

	p->ticks++;
	if (!p->periods && !p->phases && !state) {
		for (unsigned i = 0; i < s->n_metrics; i++)
			markov_put(&p->metric[i], &s->markov, values[i]);
		return;
	}
	for (unsigned i = 0; i < s->n_metrics; i++) {
		int one = put_metric(p, s, i, values[i]);

		column[i] = one < 0 ? PHASES_NONE : (uint8_t)one;
		if (state)
			state[i] = one;
	}
	if (p->phases && !p->metric[0].pending)
		phases_put(p->phases, s, column);
}

void profile_gap(struct profile *p, const struct profile_settings *s, uint64_t ticks)
{
	p->ticks += ticks;
	for (unsigned i = 0; i < s->n_metrics; i++) {
		markov_gap(&p->metric[i]);
		/* Buffers end at multiples of their size: or states would slip in their period. */
		p->metric[i].pending = (uint32_t)(p->ticks % s->markov.buffersize);
	}
	if (p->phases)
		phases_gap(p->phases, s);
}

size_t profile_size(const struct profile *p, const struct profile_settings *s)
{
	size_t n = s->n_metrics * (sizeof(*p->metric) + markov_counts_size(&s->markov));

	if (p->periods)
		n += periods_size(p->periods, s);
	if (p->phases)
		n += phases_size(p->phases, s);
	return n;
}
