/* SPDX-License-Identifier: Apache-2.0 */
#include "anomaly.h"
#include "surprise.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LOG_AT    1e-200 /* a product of probabilities is far from where doubles end */
#define MEAN_MAX  10000  /* ticks that the mean remembers */
#define FORGOTTEN 0.01   /* nats */

struct tick {
	struct surprise worst;
	double surprise;
	unsigned metric;
	bool any;
};

static struct tick judge(const struct profile *p, const struct profile_settings *s,
			 const int *state)
{
	struct tick t = {.worst.probability = 2};
	double product = 1;

	for (unsigned i = 0; i < s->n_metrics; i++) {
		struct surprise one;

		if (state[i] < 0 || !surprise_of_last(&p->metric[i], &s->markov, &one))
			continue;
		product *= one.probability;
		if (product < LOG_AT) {
			t.surprise -= log(product);
			product = 1;
		}
		if (one.probability < t.worst.probability) {
			t.worst = one;
			t.metric = i;
		}
		t.any = true;
	}
	t.surprise = fmax(0, t.surprise - log(product));
	return t;
}

static float to_float(double v)
{
	return (float)fmin(fmax(v, -FLT_MAX), FLT_MAX);
}

static void remember(struct anomaly *a, const struct tick *t, const struct markov *m)
{
	double nats = -log(t->worst.probability);

	a->weight = a->weight < FORGOTTEN ? 0 : (float)(a->weight * ANOMALY_STAYS);
	if (!(nats > fmax(a->weight, FORGOTTEN)))
		return;
	a->weight = (float)nats;
	a->why = (struct anomaly_why){
		.nats = (float)nats,
		.from_low = to_float(markov_state_begin(m, t->worst.from)),
		.from_high = to_float(markov_state_begin(m, t->worst.from + 1u)),
		.to_low = to_float(markov_state_begin(m, t->worst.to)),
		.to_high = to_float(markov_state_begin(m, t->worst.to + 1u)),
		.value = to_float(m->average),
		.seen = t->worst.seen,
		.of = t->worst.of,
		.metric = (uint8_t)t->metric,
		.from = t->worst.from,
		.to = t->worst.to,
	};
}

static double least(const struct alarm_budget_settings *b)
{
	return log(b->ticks_per_day / b->per_day);
}

void anomaly_now(const struct anomaly *a, const struct alarm_budget_settings *b,
		 struct anomaly_found *ret)
{
	*ret = (struct anomaly_found){.surprise = NAN,
				      .value = a->value,
				      .threshold = NAN,
				      .percent = NAN,
				      .left = alarm_budget_left(&a->budget, b),
				      .alarm = a->budget.alarm,
				      .why = a->weight > 0 ? &a->why : NULL};
	ret->learning = ret->left > 0;
	if (ret->learning)
		return;
	ret->threshold = alarm_budget_threshold(&a->budget, least(b));
	ret->percent = 100 * ret->value / ret->threshold;
}

bool anomaly_put(struct anomaly *a, const struct alarm_budget_settings *b, const struct profile *p,
		 const struct profile_settings *s, const int *state, struct anomaly_found *ret)
{
	struct tick t = judge(p, s, state);
	bool before = a->budget.alarm;
	double n, threshold = NAN;

	if (!t.any) {
		anomaly_now(a, b, ret);
		return false;
	}
	a->value = (float)fmax(0, ANOMALY_STAYS * a->value + t.surprise - a->mean);
	n = a->budget.ticks < MEAN_MAX ? a->budget.ticks + 1.0 : MEAN_MAX;
	a->mean += (float)((t.surprise - a->mean) / n);
	remember(a, &t, &p->metric[t.metric]);
	if (!alarm_budget_left(&a->budget, b))
		threshold = alarm_budget_threshold(&a->budget, least(b));
	alarm_budget_put(&a->budget, b, a->value, least(b));
	anomaly_now(a, b, ret);
	ret->surprise = t.surprise;
	ret->begins = ret->alarm && !before;
	if (isnan(threshold))
		return true;        /* learnt with this very tick: as it will be judged */
	ret->threshold = threshold; /* by which it was judged */
	ret->percent = 100 * ret->value / threshold;
	return true;
}

static bool is_float(float v)
{
	return v >= -FLT_MAX && v <= FLT_MAX;
}

bool anomaly_sound(const struct anomaly *a, const struct profile_settings *s)
{
	const struct anomaly_why *w = &a->why;

	return alarm_budget_sound(&a->budget) && a->value >= 0 && is_float(a->value) &&
	       a->mean >= 0 && is_float(a->mean) && a->weight >= 0 && is_float(a->weight) &&
	       is_float(w->nats) && is_float(w->from_low) && is_float(w->from_high) &&
	       is_float(w->to_low) && is_float(w->to_high) && is_float(w->value) &&
	       w->metric < s->n_metrics && w->from < s->markov.states && w->to < s->markov.states;
}
