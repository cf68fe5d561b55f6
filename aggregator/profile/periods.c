/* SPDX-License-Identifier: Apache-2.0 */
#include "periods.h"
#include "profile_seam.h"
#include "xalloc.h"

#include <stdlib.h>

uint32_t periods_span(const struct profile_settings *s, unsigned depth)
{
	uint32_t n = 1;

	for (unsigned i = depth; i < s->n_periods; i++)
		n *= s->period[i];
	return n;
}

uint32_t periods_leaves(const struct profile_settings *s)
{
	return s->n_periods ? periods_span(s, 0) : 0;
}

struct periods *periods_new(const struct profile_settings *s)
{
	struct periods *p;

	if (!s->n_periods)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->leaves = periods_leaves(s);
	p->leaf = xcalloc(p->leaves, sizeof(struct period_metric *));
	return p;
}

void periods_free(struct periods *p, const struct profile_settings *s)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->leaves; i++) {
		for (unsigned m = 0; p->leaf[i] && m < s->n_metrics; m++)
			markov_counts_fini(&p->leaf[i][m].counts);
		free(p->leaf[i]);
	}
	free(p->leaf);
	free(p);
}

struct period_metric *periods_leaf(struct periods *p, const struct profile_settings *s,
				   uint32_t leaf)
{
	if (!p->leaf[leaf]) {
		p->leaf[leaf] = xcalloc(s->n_metrics, sizeof(struct period_metric));
		for (unsigned m = 0; m < s->n_metrics; m++)
			markov_counts_init(&p->leaf[leaf][m].counts, &s->markov);
	}
	return p->leaf[leaf];
}

void periods_put(struct periods *p, const struct profile_settings *s, uint32_t leaf,
		 unsigned metric, const struct markov *m)
{
	struct period_metric *node = periods_leaf(p, s, leaf) + metric;

	markov_stats_put(&node->stats, m->average);
	markov_counts_step(&node->counts, &s->markov, m->tail, m->tail_length);
}

void periods_remap(struct periods *p, const struct profile_settings *s, unsigned metric,
		   const uint8_t *map)
{
	for (uint32_t i = 0; i < p->leaves; i++)
		if (p->leaf[i])
			markov_counts_remap(&p->leaf[i][metric].counts, &s->markov, map);
}

void periods_sum(const struct periods *p, const struct profile_settings *s, unsigned metric,
		 uint32_t first, uint32_t span, struct period_metric *ret)
{
	*ret = (struct period_metric){.stats = {.count = 0}};
	markov_counts_init(&ret->counts, &s->markov);
	for (uint32_t i = first; i < first + span && i < p->leaves; i++) {
		if (!p->leaf[i])
			continue;
		markov_stats_merge(&ret->stats, &p->leaf[i][metric].stats);
		markov_counts_add(&ret->counts, &p->leaf[i][metric].counts, &s->markov);
	}
}

static void merge_metric(struct periods *p, const struct periods *after,
			 const struct profile_settings *s, const struct profile_seam *seam,
			 unsigned metric, uint32_t offset)
{
	if (seam->moved)
		periods_remap(p, s, metric, seam->map);
	for (unsigned i = 0; i < seam->n; i++) {
		uint32_t leaf = (uint32_t)(((uint64_t)offset + i) % p->leaves);

		profile_seam_step(seam, i, &periods_leaf(p, s, leaf)[metric].counts, &s->markov);
	}
	for (uint32_t i = 0; i < after->leaves; i++) {
		struct period_metric *to, *from = after->leaf[i];

		if (!from)
			continue;
		to = periods_leaf(p, s, (uint32_t)(((uint64_t)offset + i) % p->leaves)) + metric;
		markov_stats_merge(&to->stats, &from[metric].stats);
		profile_seam_add(seam, &to->counts, &from[metric].counts, &s->markov);
	}
}

void periods_merge(struct periods *p, const struct periods *after, const struct profile_settings *s,
		   const struct profile_seam *seam, uint32_t offset)
{
	for (unsigned m = 0; m < s->n_metrics; m++)
		merge_metric(p, after, s, &seam[m], m, offset);
}

size_t periods_size(const struct periods *p, const struct profile_settings *s)
{
	size_t n = sizeof(*p) + p->leaves * sizeof(struct period_metric *);
	size_t one = s->n_metrics * (sizeof(struct period_metric) + markov_counts_size(&s->markov));

	for (uint32_t i = 0; i < p->leaves; i++)
		n += p->leaf[i] ? one : 0;
	return n;
}
