/* SPDX-License-Identifier: Apache-2.0 */
/* Is the window still of the current phase, and if not, of which? */
#include "phases_internal.h"

#include <math.h>

#define IN_DOUBT 3.0 /* log(20) */

double phases_likeliness(const struct phases *p, const struct profile_settings *s)
{
	uint32_t n = 0;
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	double sum = 0;

	if (p->ring_used - p->settled < s->phase_history || !p->settled)
		return NAN;
	for (unsigned m = 0; m < s->n_metrics; m++)
		for (uint32_t i = p->settled; i < p->ring_used; i++) {
			unsigned length = phases_run(p, s, m, i, run);

			if (length < 2)
				continue;
			sum += phase_probability(phases_counts(p, s, p->current, m), &s->markov,
						 run, length);
			n++;
		}
	return n ? sum / n : NAN;
}

/* What is asked of each metric that the current phase knows well enough to be left. */
struct question {
	unsigned metric;
	uint32_t from; /* the window's columns from there on */
	double now;    /* log of their probability under the current phase */
	double anew;   /* under a new one */
	double known;  /* under the best of the others */
};

static double of_column(const struct phases *p, const struct profile_settings *s, unsigned phase,
			const struct question *q, uint32_t i)
{
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	unsigned length = phases_run(p, s, q->metric, i, run);

	return length < 2 ? 0
			  : log(phase_probability(phases_counts(p, s, phase, q->metric), &s->markov,
						  run, length));
}

static double explained(const struct phases *p, const struct profile_settings *s, unsigned phase,
			const struct question *q)
{
	double sum = 0;

	for (uint32_t i = q->from; i < p->ring_used; i++)
		sum += of_column(p, s, phase, q, i);
	return sum;
}

/* The same, under a new phase that knows of each transition only those before it, and the last
 * state only: it is not made to fit afterwards, and so a fair opponent. */
static double explained_anew(const struct phases *p, const struct profile_settings *s,
			     const struct question *q)
{
	struct markov_settings order1 = s->markov;
	struct markov_counts learned;
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	double sum = 0;

	order1.history = 1;
	markov_counts_init(&learned, &order1);
	for (uint32_t i = q->from; i < p->ring_used; i++) {
		unsigned length = phases_run(p, s, q->metric, i, run);

		if (length < 2)
			continue;
		sum += log(phase_probability(&learned, &order1, run + length - 2, 2));
		markov_counts_step(&learned, &order1, run + length - 2, 2);
	}
	markov_counts_fini(&learned);
	return sum;
}

/* Where the window has to be cut so that the current phase explains what is before it best in
 * comparison: with phase `to`, or (p->n) with all states being as likely as each other.  What is
 * in doubt goes to the current phase: one that knows a lot is not spoilt by it, a new one is. */
static uint32_t split(const struct phases *p, const struct profile_settings *s, unsigned to,
		      const struct question *q)
{
	double most = 0, sum = 0;
	uint32_t at = p->settled;
	uint8_t run[MARKOV_HISTORY_MAX + 1];

	for (uint32_t i = p->settled; i < p->ring_used; i++) {
		if (phases_run(p, s, q->metric, i, run) < 2)
			continue;
		sum += of_column(p, s, p->current, q, i);
		sum -= to < p->n ? of_column(p, s, to, q, i) : -log(s->markov.states);
		most = fmax(most, sum);
		if (sum >= most - IN_DOUBT)
			at = i + 1;
	}
	return at;
}

static unsigned ask(const struct phases *p, const struct profile_settings *s, struct question *q)
{
	unsigned n = 0;

	for (unsigned m = 0; m < s->n_metrics; m++) {
		if (phases_counts(p, s, p->current, m)->transitions < PHASES_WARM_UP)
			continue; /* hardly known: anything explains it better */
		q[n] = (struct question){.metric = m};
		q[n].from = split(p, s, p->n, &q[n]);
		q[n].now = explained(p, s, p->current, &q[n]);
		q[n].anew = explained_anew(p, s, &q[n]);
		n++;
	}
	return n;
}

/* log of the mean of exp(); n > 0. */
static double log_mean(const double *of, unsigned n)
{
	double most = -INFINITY, sum = 0;

	for (unsigned i = 0; i < n; i++)
		most = fmax(most, of[i]);
	for (unsigned i = 0; i < n; i++)
		sum += exp(of[i] - most);
	return most + log(sum / n);
}

/* The known phase, other than the current one, for which there is the most evidence; p->n: none.
 * Each question's .known is its. */
static unsigned best_known(const struct phases *p, const struct profile_settings *s,
			   struct question *q, unsigned n, double *evidence)
{
	double one[PROFILE_METRICS_MAX], more[PROFILE_METRICS_MAX];
	unsigned best = p->n;

	*evidence = -INFINITY;
	for (unsigned k = 0; k < p->n; k++) {
		if (k == p->current)
			continue;
		for (unsigned i = 0; i < n; i++) {
			one[i] = explained(p, s, k, &q[i]);
			more[i] = one[i] - q[i].now;
		}
		if (log_mean(more, n) <= *evidence)
			continue;
		*evidence = log_mean(more, n);
		best = k;
		for (unsigned i = 0; i < n; i++)
			q[i].known = one[i];
	}
	return best;
}

/* The question that the answer is surest of.  Of that metric alone the window is cut: those that
 * go on as before say nothing about when it changed. */
static const struct question *surest(const struct question *q, unsigned n, bool is_new)
{
	const struct question *best = q;

	for (unsigned i = 1; i < n; i++)
		if ((is_new ? q[i].anew : q[i].known) - q[i].now >
		    (is_new ? best->anew : best->known) - best->now)
			best = &q[i];
	return best;
}

/* p->n: a new one. */
static unsigned choose(const struct phases *p, const struct profile_settings *s, struct question *q,
		       unsigned n)
{
	/* The window was cut where it suits: in one of phase_history ways. */
	double needed = log(PHASES_EVIDENCE * s->phase_history), known, new, new_or_known;
	double anew[PROFILE_METRICS_MAX], than_known[PROFILE_METRICS_MAX];
	unsigned best = best_known(p, s, q, n, &known);

	for (unsigned i = 0; i < n; i++) {
		anew[i] = q[i].anew - q[i].now;
		than_known[i] = q[i].anew - q[i].known;
	}
	new = log_mean(anew, n);
	if (known < needed && new < needed)
		return p->current;
	if (best == p->n)
		return p->n;
	if (p->n == PROFILE_PHASES_MAX)
		return known > 0 ? best : p->current;
	new_or_known = log_mean(than_known, n);
	if (new_or_known >= needed)
		return p->n;
	if (known >= needed)
		return best;
	/* The current one it is not; which one will be seen by a few more. */
	if (p->ring_used - surest(q, n, true)->from < s->phase_history / 2)
		return p->current;
	return new_or_known > 0 ? p->n : best;
}

unsigned phases_choose(const struct phases *p, const struct profile_settings *s, uint32_t *begin)
{
	struct question q[PROFILE_METRICS_MAX];
	unsigned n, to;

	if (!((double)p->likeliness < s->phase_likeliness))
		return p->current;
	n = ask(p, s, q);
	if (!n)
		return p->current;
	to = choose(p, s, q, n);
	if (to != p->current)
		*begin = split(p, s, to, surest(q, n, to == p->n));
	return to;
}
