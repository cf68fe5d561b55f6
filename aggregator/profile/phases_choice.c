/* SPDX-License-Identifier: Apache-2.0 */
/* Is the window still of the current phase, and if not, of which? */
#include "phases_internal.h"

#include <math.h>

double phases_likeliness(const struct phases *p, const struct profile_settings *s)
{
	uint32_t first = phases_window(p, s), n = 0;
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	double sum = 0;

	for (unsigned m = 0; first && m < s->n_metrics; m++)
		for (uint32_t i = first; i < p->ring_used; i++) {
			unsigned length = phases_run(p, s, m, i, run);

			if (length < 2)
				continue;
			sum += phase_probability(phases_counts(p, s, p->current, m), &s->markov,
						 run, length);
			n++;
		}
	return n ? sum / n : NAN;
}

/* log of the probability of one metric's window under a phase. */
static double explained(const struct phases *p, const struct profile_settings *s, unsigned phase,
			unsigned metric)
{
	const struct markov_counts *c = phases_counts(p, s, phase, metric);
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	double sum = 0;

	for (uint32_t i = phases_window(p, s); i < p->ring_used; i++) {
		unsigned length = phases_run(p, s, metric, i, run);

		if (length >= 2)
			sum += log(phase_probability(c, &s->markov, run, length));
	}
	return sum;
}

/* The same, under a new phase that knows of each transition only those before it, and the last
 * state only: so it explains nothing afterwards, and is a fair opponent. */
static double explained_anew(const struct phases *p, const struct profile_settings *s,
			     unsigned metric)
{
	struct markov_settings order1 = s->markov;
	struct markov_counts learned;
	uint8_t run[MARKOV_HISTORY_MAX + 1];
	double sum = 0;

	order1.history = 1;
	markov_counts_init(&learned, &order1);
	for (uint32_t i = phases_window(p, s); i < p->ring_used; i++) {
		unsigned length = phases_run(p, s, metric, i, run);

		if (length < 2)
			continue;
		sum += log(phase_probability(&learned, &order1, run + length - 2, 2));
		markov_counts_step(&learned, &order1, run + length - 2, 2);
	}
	markov_counts_fini(&learned);
	return sum;
}

/* log of the mean over metrics of how much better the one explains than the other. */
static double evidence(const double *better, const double *than, unsigned n)
{
	double most = -INFINITY, sum = 0;

	for (unsigned m = 0; m < n; m++)
		most = fmax(most, better[m] - than[m]);
	for (unsigned m = 0; m < n; m++)
		sum += exp(better[m] - than[m] - most);
	return most + log(sum / n);
}

static bool is_warm(const struct phases *p, const struct profile_settings *s, unsigned metric)
{
	return phases_counts(p, s, p->current, metric)->transitions >= PHASES_WARM_UP;
}

/* The known phase, other than the current one, that explains the metrics in question best, by
 * the evidence against the current one; p->n: none.  at[]: what it explains. */
static unsigned best_known(const struct phases *p, const struct profile_settings *s,
			   const unsigned *metric, unsigned n, const double *now, double *at)
{
	double most = -INFINITY, one[PROFILE_METRICS_MAX];
	unsigned best = p->n;

	for (unsigned k = 0; k < p->n; k++) {
		if (k == p->current)
			continue;
		for (unsigned m = 0; m < n; m++)
			one[m] = explained(p, s, k, metric[m]);
		if (evidence(one, now, n) <= most)
			continue;
		most = evidence(one, now, n);
		best = k;
		for (unsigned m = 0; m < n; m++)
			at[m] = one[m];
	}
	return best;
}

unsigned phases_choose(const struct phases *p, const struct profile_settings *s)
{
	double now[PROFILE_METRICS_MAX], known[PROFILE_METRICS_MAX], anew[PROFILE_METRICS_MAX];
	double needed = log(PHASES_EVIDENCE);
	unsigned metric[PROFILE_METRICS_MAX], n = 0, best;

	if (!((double)p->likeliness < s->phase_likeliness))
		return p->current;
	/* Of a metric that the phase hardly knows everything explains everything better. */
	for (unsigned m = 0; m < s->n_metrics; m++)
		if (is_warm(p, s, m))
			metric[n++] = m;
	for (unsigned m = 0; m < n; m++) {
		now[m] = explained(p, s, p->current, metric[m]);
		anew[m] = explained_anew(p, s, metric[m]);
	}
	if (!n)
		return p->current;
	best = best_known(p, s, metric, n, now, known);
	if (evidence(anew, now, n) < needed && (best == p->n || evidence(known, now, n) < needed))
		return p->current;
	if (best == p->n || (p->n < PROFILE_PHASES_MAX && evidence(anew, known, n) >= needed))
		return p->n;
	return evidence(known, now, n) > 0 ? best : p->current;
}
