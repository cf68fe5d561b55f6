/* SPDX-License-Identifier: Apache-2.0 */
#include "predict.h"
#include "capacity.h"
#include "surprise.h"
#include "xalloc.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* of: probability of each context; matrix: of each context, of the states that follow it. */
struct predict {
	double *of, *to, *matrix;
	unsigned states;
	uint32_t contexts;
};

static bool is_counted(const struct markov *m)
{
	return m->range.known && m->counts.transitions > 0;
}

/* The states of a context by its number, the oldest one is the highest digit. */
static void context_of(uint32_t number, unsigned states, unsigned length, uint8_t *context)
{
	for (unsigned i = length; i-- > 0; number /= states)
		context[i] = (uint8_t)(number % states);
}

struct predict *predict_new(const struct markov *m, const struct markov_settings *s)
{
	unsigned length = m->tail_length < s->history ? m->tail_length : s->history;
	struct predict *p;
	uint32_t at = 0;

	if (!is_counted(m))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->states = s->states;
	p->contexts = 1;
	for (unsigned i = 0; i < length; i++) {
		p->contexts *= s->states;
		at = at * s->states + m->tail[m->tail_length - length + i];
	}
	p->of = xcalloc(p->contexts, sizeof(double));
	p->to = xcalloc(p->contexts, sizeof(double));
	p->matrix = xcalloc((size_t)p->contexts * s->states, sizeof(double));
	for (uint32_t i = 0; i < p->contexts; i++) {
		uint8_t context[MARKOV_HISTORY_MAX] = {0};

		context_of(i, s->states, length, context);
		surprise_next(&m->counts, s, context, length, p->matrix + (size_t)i * s->states);
	}
	p->of[at] = 1;
	return p;
}

void predict_free(struct predict *p)
{
	if (!p)
		return;
	free(p->of);
	free(p->to);
	free(p->matrix);
	free(p);
}

void predict_step(struct predict *p, double *share)
{
	double *was = p->of, sum = 0;

	memset(p->to, 0, p->contexts * sizeof(double));
	memset(share, 0, p->states * sizeof(double));
	for (uint32_t i = 0; i < p->contexts; i++) {
		const double *row = p->matrix + (size_t)i * p->states;

		if (!(was[i] > 0))
			continue;
		for (unsigned j = 0; j < p->states; j++) {
			double mass = was[i] * row[j];

			/* The oldest state falls out. */
			p->to[(uint32_t)(((uint64_t)i * p->states + j) % p->contexts)] += mass;
			share[j] += mass;
		}
	}
	for (unsigned j = 0; j < p->states; j++)
		sum += share[j];
	/* Rounding must not add up over any number of steps. */
	for (unsigned j = 0; j < p->states; j++)
		share[j] /= sum;
	for (uint32_t i = 0; i < p->contexts; i++)
		p->to[i] /= sum;
	p->of = p->to;
	p->to = was;
}

struct prediction predict_values(const struct markov *m, const struct markov_settings *s,
				 const double *share, double inside)
{
	double out = (1 - fmin(fmax(inside, 0), 1)) / 2;

	return (struct prediction){.expectation = capacity_mean(m, s, share),
				   .low = capacity_quantile(m, s, share, out),
				   .high = capacity_quantile(m, s, share, 1 - out)};
}

void predict_error_before(struct predict_error *e, const struct markov *m,
			  const struct markov_settings *s)
{
	double share[MARKOV_STATES_MAX];

	e->ready = m->tail_length > 0 && is_counted(m);
	if (!e->ready || m->pending + 1 < s->buffersize)
		return;
	surprise_next(&m->counts, s, m->tail, m->tail_length, share);
	e->expected = capacity_mean(m, s, share);
	e->last = m->average;
}

void predict_error_after(struct predict_error *e, const struct markov *m, int state)
{
	if (!e->ready || state < 0)
		return;
	e->model += fabsl((long double)m->average - e->expected);
	e->stays += fabsl((long double)m->average - e->last);
	e->n++;
	e->ready = false;
}

static double mean_of(long double sum, uint64_t n)
{
	return n ? (double)fminl(sum / n, DBL_MAX) : NAN;
}

double predict_error_model(const struct predict_error *e)
{
	return mean_of(e->model, e->n);
}

double predict_error_stays(const struct predict_error *e)
{
	return mean_of(e->stays, e->n);
}
