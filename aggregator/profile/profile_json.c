/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_json.h"
#include "periods.h"
#include "profile_json_internal.h"
#include "profile_number.h"

/* Where the states are: of each its begin, and the end of the last. */
static void put_bounds(struct buf *b, const struct markov *m, const struct markov_settings *s)
{
	if (!m->range.known)
		return;
	buf_lit(b, ",\"bounds\":[");
	for (unsigned i = 0; i <= s->states; i++) {
		json_comma(b, i);
		number_put(b, markov_state_begin(m, i));
	}
	buf_byte(b, ']');
}

/* What is needed to go on where it stopped. */
static void put_resume(struct buf *b, const struct markov *m)
{
	buf_lit(b, ",\"resume\":{\"states\":");
	buf_u64(b, m->states_seen);
	if (m->states_seen) {
		buf_lit(b, ",\"least\":");
		number_put(b, m->least);
		buf_lit(b, ",\"greatest\":");
		number_put(b, m->greatest);
		buf_lit(b, ",\"last\":");
		number_put(b, m->average);
	}
	buf_lit(b, ",\"pending\":");
	buf_u64(b, m->pending);
	buf_lit(b, ",\"values\":");
	buf_u64(b, m->values);
	buf_lit(b, ",\"sum\":");
	number_put_long(b, m->sum);
	buf_lit(b, ",\"head\":");
	json_bytes(b, m->head, m->head_length);
	buf_lit(b, ",\"tail\":");
	json_bytes(b, m->tail, m->tail_length);
	buf_lit(b, ",\"broken\":");
	buf_text(b, m->broken ? "true}" : "false}");
}

static void put_metric(struct buf *b, const struct markov *m, const struct profile_settings *s,
		       unsigned i)
{
	json_name(b, s->metric[i].name);
	json_transitions(b, &m->counts, &s->markov);
	buf_byte(b, ',');
	json_stats(b, &m->stats, true);
	put_bounds(b, m, &s->markov);
	buf_byte(b, ',');
	json_counts(b, &m->counts, &s->markov);
	put_resume(b, m);
	buf_byte(b, '}');
}

/* A node of the period tree; counts of leaves only, the others are their sums. */
static void put_matrix(struct buf *b, const struct period_metric *of,
		       const struct profile_settings *s, unsigned metric, bool leaf)
{
	json_comma(b, metric);
	json_name(b, s->metric[metric].name);
	json_transitions(b, &of->counts, &s->markov);
	buf_byte(b, ',');
	json_stats(b, &of->stats, leaf);
	if (leaf) {
		buf_byte(b, ',');
		json_counts(b, &of->counts, &s->markov);
	}
	buf_byte(b, '}');
}

static void put_matrices(struct buf *b, const struct profile *p, const struct profile_settings *s,
			 unsigned depth, uint32_t first)
{
	struct period_metric sum;

	if (depth == s->n_periods) {
		for (unsigned i = 0; p->periods->leaf[first] && i < s->n_metrics; i++)
			put_matrix(b, &p->periods->leaf[first][i], s, i, true);
		return;
	}
	for (unsigned i = 0; i < s->n_metrics; i++) {
		periods_sum(p->periods, s, i, first, periods_span(s, depth), &sum);
		put_matrix(b, &sum, s, i, false);
		markov_counts_fini(&sum.counts);
	}
}

/* Depth is PROFILE_PERIODS_MAX at most. */
static void put_node(struct buf *b, const struct profile *p, const struct profile_settings *s,
		     unsigned depth, uint32_t first)
{
	uint32_t children = depth < s->n_periods ? s->period[depth] : 0;

	buf_lit(b, "{\"maxChilds\":");
	buf_u64(b, children);
	buf_lit(b, ",\"children\":[");
	for (uint32_t i = 0; i < children; i++) {
		json_comma(b, i);
		put_node(b, p, s, depth + 1, first + i * periods_span(s, depth + 1));
	}
	buf_lit(b, "],\"txmatrix\":[");
	if (p->periods)
		put_matrices(b, p, s, depth, first);
	buf_lit(b, "]}");
}

static void put_settings(struct buf *b, const struct profile_settings *s)
{
	buf_lit(b, "\"settings\":{\"states\":");
	buf_u64(b, s->markov.states);
	buf_lit(b, ",\"buffersize\":");
	buf_u64(b, s->markov.buffersize);
	buf_lit(b, ",\"history\":");
	buf_u64(b, s->markov.history);
	buf_lit(b, ",\"filterstddevs\":");
	number_put(b, s->markov.filter);
	buf_lit(b, ",\"fixbound\":");
	buf_text(b, s->markov.fixed ? "true" : "false");
	buf_lit(b, ",\"periodsize\":[");
	for (unsigned i = 0; i < s->n_periods; i++) {
		json_comma(b, i);
		buf_u64(b, s->period[i]);
	}
	buf_lit(b, "],\"phaseChangeLikeliness\":");
	number_put(b, s->phase_likeliness);
	buf_lit(b, ",\"phaseChangeHistory\":");
	buf_u64(b, s->phase_history);
	if (s->markov.fixed) {
		buf_lit(b, ",\"fixedbounds\":[");
		for (unsigned i = 0; i < s->n_metrics; i++) {
			buf_text(b, i ? ",[" : "[");
			number_put(b, s->metric[i].low);
			buf_byte(b, ',');
			number_put(b, s->metric[i].high);
			buf_byte(b, ']');
		}
		buf_byte(b, ']');
	}
	buf_byte(b, '}');
}

void profile_json_object(struct buf *b, const char *name, const struct profile *p,
			 const struct profile_settings *s)
{
	buf_lit(b, "{\"name\":");
	buf_json_string(b, name);
	buf_lit(b, ",\"roottx\":[");
	for (unsigned i = 0; i < s->n_metrics; i++) {
		json_comma(b, i);
		put_metric(b, &p->metric[i], s, i);
	}
	buf_lit(b, "],\"periodTree\":{\"root\":");
	put_node(b, p, s, 0, 0);
	buf_lit(b, "},");
	json_phases(b, p, s);
	buf_byte(b, ',');
	put_settings(b, s);
	buf_lit(b, ",\"schema\":");
	buf_u64(b, PROFILE_SCHEMA);
	buf_lit(b, ",\"ticks\":");
	buf_u64(b, p->ticks);
	buf_byte(b, '}');
}

void profile_json(struct buf *b, const char *name, const struct profile *p,
		  const struct profile_settings *s)
{
	buf_lit(b, "{\"profile\":");
	profile_json_object(b, name, p, s);
	buf_byte(b, '}');
}
