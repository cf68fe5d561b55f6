/* SPDX-License-Identifier: Apache-2.0 */
/* --capacity: of each metric how much of the time it was how great, and for how long. */
#include "document.h"

#include "capacity.h"
#include "periods.h"

static const double quantiles[] = {0.5, 0.9, 0.95, 0.99};
#define OF_LEAVES 0.95

static void put_quantiles(struct buf *to, const struct markov *m, const struct markov_settings *s,
			  const double *share)
{
	buf_lit(to, ",\"quantiles\":{");
	for (unsigned i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		buf_text(to, i ? ",\"" : "\"");
		document_number(to, quantiles[i]);
		buf_lit(to, "\":");
		document_number(to, capacity_quantile(m, s, share, quantiles[i]));
	}
	buf_byte(to, '}');
}

/* Of each state: where it begins, the share of the time there or above, and how many states a stay
 * lasts. */
static void put_levels(struct buf *to, const struct markov *m, const struct markov_settings *s,
		       const double *share)
{
	buf_lit(to, ",\"levels\":[");
	for (unsigned i = 0; i < s->states; i++) {
		double above = 0;

		for (unsigned k = i; k < s->states; k++)
			above += share[k];
		buf_text(to, i ? ",{\"from\":" : "{\"from\":");
		document_number(to, markov_state_begin(m, i));
		buf_lit(to, ",\"share\":");
		document_number(to, above);
		buf_lit(to, ",\"spell\":");
		document_number(to, capacity_spell(&m->counts, s, i));
		buf_byte(to, '}');
	}
	buf_byte(to, ']');
}

/* Of each leaf of the period tree, in their order, what is not exceeded for most of the time. */
static void put_leaves(struct buf *to, const struct document *d, unsigned metric)
{
	const struct markov *m = &d->profile->metric[metric];
	const struct periods *p = d->profile->periods;
	double share[MARKOV_STATES_MAX];

	buf_lit(to, ",\"periods\":[");
	for (uint32_t i = 0; i < p->leaves; i++) {
		const struct markov_settings *s = &d->settings->markov;
		bool any = p->leaf[i] && capacity_shares(&p->leaf[i][metric].counts, s, share);

		if (i)
			buf_byte(to, ',');
		if (any)
			document_number(to, capacity_quantile(m, s, share, OF_LEAVES));
		else
			buf_lit(to, "null");
	}
	buf_byte(to, ']');
}

static void put_metric(struct buf *to, const struct document *d, unsigned i)
{
	const struct markov *m = &d->profile->metric[i];
	const struct markov_settings *s = &d->settings->markov;
	double share[MARKOV_STATES_MAX];

	buf_lit(to, "{\"metric\":");
	buf_json_string(to, d->settings->metric[i].name);
	buf_lit(to, ",\"values\":");
	buf_u64(to, m->stats.count);
	if (capacity_shares(&m->counts, s, share)) {
		buf_lit(to, ",\"greatest\":");
		document_number(to, m->stats.max);
		buf_lit(to, ",\"mean\":");
		document_number(to, capacity_mean(m, s, share));
		put_quantiles(to, m, s, share);
		put_levels(to, m, s, share);
		if (d->profile->periods)
			put_leaves(to, d, i);
	}
	buf_byte(to, '}');
}

void document_capacity(struct buf *to, const struct document *d)
{
	buf_lit(to, "\"capacity\":{\"name\":");
	buf_json_string(to, d->name);
	buf_lit(to, ",\"step\":");
	buf_u64(to, d->settings->markov.buffersize);
	buf_lit(to, ",\"metrics\":[");
	for (unsigned i = 0; i < d->settings->n_metrics; i++) {
		if (i)
			buf_byte(to, ',');
		put_metric(to, d, i);
	}
	buf_lit(to, "]}");
}
