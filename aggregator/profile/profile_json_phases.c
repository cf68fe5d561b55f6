/* SPDX-License-Identifier: Apache-2.0 */
#include "phases.h"
#include "profile_json_internal.h"
#include "profile_number.h"

#include <math.h>

static void put_phase_list(struct buf *b, const struct profile *p, const struct profile_settings *s)
{
	buf_lit(b, "\"phases\":{\"phases\":[");
	for (unsigned i = 0; p->phases && i < p->phases->n; i++) {
		json_comma(b, i);
		buf_byte(b, '[');
		for (unsigned m = 0; m < s->n_metrics; m++) {
			const struct markov_counts *c = phases_counts(p->phases, s, i, m);

			json_comma(b, m);
			json_name(b, s->metric[m].name);
			json_transitions(b, c, &s->markov);
			buf_byte(b, ',');
			json_counts(b, c, &s->markov);
			buf_byte(b, '}');
		}
		buf_byte(b, ']');
	}
	buf_byte(b, ']');
}

/* From phase to phase, as percents like those of a metric, and as counts. */
static void put_phase_tx(struct buf *b, const struct phases *p)
{
	uint64_t sum[PROFILE_PHASES_MAX] = {0}, percent[PROFILE_PHASES_MAX];
	uint8_t share[PROFILE_PHASES_MAX], next[PROFILE_PHASES_MAX];
	bool first = true;

	for (unsigned i = 0; i < p->n * p->n; i++)
		sum[i / p->n] += p->tx[i];
	number_percents(sum, p->n, share);
	for (unsigned i = 0; i < p->n; i++) {
		if (!sum[i])
			continue;
		number_percents(p->tx + i * p->n, p->n, next);
		for (unsigned k = 0; k < p->n; k++)
			percent[k] = next[k];
		json_comma(b, !first);
		first = false;
		buf_byte(b, '"');
		buf_u64(b, i);
		buf_lit(b, "\":{\"nextProbs\":");
		json_array(b, percent, p->n);
		buf_lit(b, ",\"probability\":");
		buf_u64(b, share[i]);
		buf_byte(b, '}');
	}
}

static void put_window(struct buf *b, const struct phases *p, const struct profile_settings *s)
{
	buf_lit(b, ",\"window\":[");
	for (uint32_t i = 0; i < p->ring_used; i++) {
		const uint8_t *column = phases_column(p, s, i);

		buf_text(b, i ? ",[" : "[");
		for (unsigned m = 0; m < s->n_metrics; m++) {
			json_comma(b, m);
			if (column[m] == PHASES_NONE)
				buf_lit(b, "null");
			else
				buf_u64(b, column[m]);
		}
		buf_byte(b, ']');
	}
	buf_byte(b, ']');
}

static void put_phase_resume(struct buf *b, const struct phases *p,
			     const struct profile_settings *s)
{
	buf_lit(b, ",\"counts\":[");
	for (unsigned i = 0; i < p->n; i++) {
		json_comma(b, i);
		json_array(b, p->tx + i * p->n, p->n);
	}
	buf_lit(b, "],\"current\":");
	buf_u64(b, p->current);
	buf_lit(b, ",\"changes\":");
	buf_u64(b, p->leaves);
	if (!isnan(p->likeliness)) {
		buf_lit(b, ",\"likeliness\":");
		number_put(b, (double)p->likeliness);
	}
	buf_lit(b, ",\"settled\":");
	buf_u64(b, p->settled);
	put_window(b, p, s);
}

void json_phases(struct buf *b, const struct profile *p, const struct profile_settings *s)
{
	put_phase_list(b, p, s);
	buf_lit(b, ",\"tx\":{\"metric\":\"phasetx\",\"transitions\":{");
	if (p->phases)
		put_phase_tx(b, p->phases);
	buf_lit(b, "}}");
	if (p->phases)
		put_phase_resume(b, p->phases, s);
	buf_byte(b, '}');
}
