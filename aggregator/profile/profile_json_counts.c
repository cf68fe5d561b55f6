/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_json_internal.h"
#include "profile_number.h"
#include "xalloc.h"

#include <stdlib.h>

void json_name(struct buf *b, const char *name)
{
	buf_lit(b, "{\"metric\":");
	buf_json_string(b, name);
	buf_byte(b, ',');
}

void json_array(struct buf *b, const uint64_t *number, uint32_t n)
{
	buf_byte(b, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_byte(b, ',');
		buf_u64(b, number[i]);
	}
	buf_byte(b, ']');
}

void json_bytes(struct buf *b, const uint8_t *number, uint32_t n)
{
	buf_byte(b, '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_byte(b, ',');
		buf_u64(b, number[i]);
	}
	buf_byte(b, ']');
}

/* "2-0-1": the states of a context, oldest first. */
static void put_key(struct buf *b, const struct markov_settings *s, unsigned h, uint32_t context)
{
	uint32_t digit = 1;

	for (unsigned i = 1; i < h; i++)
		digit *= s->states;
	buf_byte(b, '"');
	for (; digit; digit /= s->states) {
		buf_u64(b, context / digit % s->states);
		if (digit > 1)
			buf_byte(b, '-');
	}
	buf_lit(b, "\":");
}

struct row {
	uint64_t cell[MARKOV_STATES_MAX], sum;
};

static void take_row(struct row *row, const struct markov_counts *c,
		     const struct markov_settings *s, unsigned h, uint32_t context)
{
	const uint32_t *cell = markov_row(c, s, h, context);

	row->sum = 0;
	for (unsigned i = 0; i < s->states; i++) {
		row->cell[i] = cell[i];
		row->sum += cell[i];
	}
}

/* share: of each context of length h, in percent. */
static void put_transitions(struct buf *b, const struct markov_counts *c,
			    const struct markov_settings *s, unsigned h, uint32_t rows,
			    const uint8_t *share)
{
	uint64_t percent[MARKOV_STATES_MAX];
	uint8_t next[MARKOV_STATES_MAX];
	struct row row;

	for (uint32_t i = 0; i < rows; i++) {
		take_row(&row, c, s, h, i);
		if (!row.sum)
			continue;
		if (b->used && b->data[b->used - 1] == '}')
			buf_byte(b, ',');
		number_percents(row.cell, s->states, next);
		for (unsigned k = 0; k < s->states; k++)
			percent[k] = next[k];
		put_key(b, s, h, i);
		buf_lit(b, "{\"nextProbs\":");
		json_array(b, percent, s->states);
		buf_lit(b, ",\"probability\":");
		buf_u64(b, share[i]);
		buf_byte(b, '}');
	}
}

void json_transitions(struct buf *b, const struct markov_counts *c, const struct markov_settings *s)
{
	uint32_t rows = s->states;
	struct row row;

	buf_lit(b, "\"transitions\":{");
	for (unsigned h = 1; h <= s->history; h++, rows *= s->states) {
		uint64_t *sum = xcalloc(rows, sizeof(*sum));
		uint8_t *share = xcalloc(rows, 1);

		for (uint32_t i = 0; i < rows; i++) {
			take_row(&row, c, s, h, i);
			sum[i] = row.sum;
		}
		number_percents(sum, rows, share);
		put_transitions(b, c, s, h, rows, share);
		free(sum);
		free(share);
	}
	buf_byte(b, '}');
}

void json_counts(struct buf *b, const struct markov_counts *c, const struct markov_settings *s)
{
	uint32_t rows = s->states;
	bool first = true;
	struct row row;

	buf_lit(b, "\"counts\":{");
	for (unsigned h = 1; h <= s->history; h++, rows *= s->states)
		for (uint32_t i = 0; i < rows; i++) {
			take_row(&row, c, s, h, i);
			if (!row.sum)
				continue;
			if (!first)
				buf_byte(b, ',');
			first = false;
			put_key(b, s, h, i);
			json_array(b, row.cell, s->states);
		}
	buf_byte(b, '}');
}

void json_stats(struct buf *b, const struct markov_stats *s, bool exact)
{
	buf_lit(b, "\"stats\":{");
	if (s->count) {
		buf_lit(b, "\"min\":");
		number_put(b, s->min);
		buf_lit(b, ",\"max\":");
		number_put(b, s->max);
		buf_lit(b, ",\"stddev\":");
		number_put(b, markov_deviation(s));
		buf_lit(b, ",\"avg\":");
		number_put(b, s->mean);
		buf_byte(b, ',');
	}
	buf_lit(b, "\"count\":");
	buf_u64(b, s->count);
	if (exact) {
		buf_lit(b, ",\"filtered\":");
		buf_u64(b, s->filtered);
	}
	if (exact && s->count) {
		buf_lit(b, ",\"squares\":");
		number_put_long(b, s->m2);
	}
	buf_byte(b, '}');
}
