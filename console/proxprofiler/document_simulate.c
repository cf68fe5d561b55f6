/* SPDX-License-Identifier: Apache-2.0 */
/* --simulate: of each metric a series that the profile could have been made of. */
#include "document.h"

#include "sample.h"
#include "simulate.h"

/* Each metric of each VM draws its own numbers, always the same ones for the same seed. */
static uint64_t seed_of(const struct document *d, unsigned metric, unsigned seed)
{
	uint64_t of_whom = id_hash(id_hash_u64(0, seed), d->uuid ? d->uuid : d->name);

	return id_hash(of_whom, d->settings->metric[metric].name);
}

static void put_metric(struct buf *to, const struct document *d, unsigned i, unsigned steps,
		       unsigned seed)
{
	const struct markov *m = &d->profile->metric[i];
	const struct markov_settings *s = &d->settings->markov;
	struct simulate sim;
	bool any = simulate_init(&sim, m, s, seed_of(d, i, seed));

	buf_lit(to, "{\"metric\":");
	buf_json_string(to, d->settings->metric[i].name);
	buf_lit(to, ",\"values\":[");
	for (unsigned k = 0; any && k < steps && !to->error; k++) {
		double value;

		simulate_next(&sim, m, s, &value);
		if (k)
			buf_byte(to, ',');
		document_number(to, value);
	}
	buf_lit(to, "]}");
}

void document_simulate(struct buf *to, const struct document *d, unsigned steps, unsigned seed)
{
	buf_lit(to, "\"simulation\":{\"name\":");
	buf_json_string(to, d->name);
	buf_lit(to, ",\"seed\":");
	buf_u64(to, seed);
	buf_lit(to, ",\"step\":");
	buf_u64(to, d->settings->markov.buffersize);
	buf_lit(to, ",\"metrics\":[");
	for (unsigned i = 0; i < d->settings->n_metrics; i++) {
		if (i)
			buf_byte(to, ',');
		put_metric(to, d, i, steps, seed);
	}
	buf_lit(to, "]}");
}
