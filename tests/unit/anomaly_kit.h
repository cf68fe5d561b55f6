/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_ANOMALY_KIT_H
#define PROXTOP_ANOMALY_KIT_H

/* Made-up VMs with a life of months, changes in it, and three ways to find them that are given
 * the same budget of false alarms: the profile's surprise, a z-score, an EWMA chart. */
#include "anomaly.h"
#include "markov_counts.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KIT_METRICS 3u   /* CPU %, network bytes/s, disk bytes/s */
#define KIT_PER_DAY 1440 /* ticks: one a minute */

/* xorshift64*; x is not 0. */
static inline double anomaly_random(uint64_t *x)
{
	*x ^= *x >> 12;
	*x ^= *x << 25;
	*x ^= *x >> 27;
	return (double)((*x * 0x2545F4914F6CDD1Dull) >> 11) / 9007199254740992.0;
}

static inline double kit_normal(uint64_t *x)
{
	return sqrt(-2 * log(1 - anomaly_random(x))) * cos(2 * M_PI * anomaly_random(x));
}

/* Knuth for few, the normal distribution for many. */
static inline double kit_poisson(uint64_t *x, double mean)
{
	double product = 1, n = -1;

	if (mean > 30)
		return fmax(0, floor(mean + sqrt(mean) * kit_normal(x) + 0.5));
	do {
		product *= 1 - anomaly_random(x);
		n++;
	} while (product > exp(-mean));
	return n;
}

enum kit_kind { KIT_QUIET, KIT_DAILY, KIT_BURSTY, KIT_NOISY, KIT_NIGHTLY, KIT_KINDS };
enum kit_change { KIT_NONE, KIT_BURNS, KIT_CREEPS, KIT_FLAPS, KIT_DIES, KIT_CHANGES };

static const char *const KIT_KIND[KIT_KINDS] = {"quiet", "daily", "bursty", "noisy", "nightly"};
static const char *const KIT_CHANGE[KIT_CHANGES] = {"none", "burns", "creeps", "flaps", "dies"};

struct kit_vm {
	enum kit_kind kind;
	uint64_t x, tick;
	bool burst;
	double level; /* of the noisy one */
};

static inline double kit_requests(struct kit_vm *v)
{
	double day = 2 * M_PI * (double)(v->tick % KIT_PER_DAY) / KIT_PER_DAY;

	switch (v->kind) {
	case KIT_DAILY: /* Poisson; 100 a tick at night, 2000 at noon */
		return kit_poisson(&v->x, 1050 - 950 * cos(day));
	case KIT_BURSTY: /* a burst every three hours, ten minutes long, by chance */
		if (anomaly_random(&v->x) < (v->burst ? 0.1 : 1.0 / 180))
			v->burst = !v->burst;
		return kit_poisson(&v->x, v->burst ? 5000 : 60);
	case KIT_NOISY:
		v->level = 0.8 * v->level + 0.6 * kit_normal(&v->x);
		return kit_poisson(&v->x, fmin(fmax(2500 + 900 * v->level, 0), 6000));
	case KIT_NIGHTLY: /* a job from 02:00 to 02:30 */
		if (v->tick % KIT_PER_DAY >= 120 && v->tick % KIT_PER_DAY < 150)
			return kit_poisson(&v->x, 5500);
		return kit_poisson(&v->x, 100);
	default:
		return kit_poisson(&v->x, 50);
	}
}

/* since: ticks since the change began. */
static inline void kit_values(struct kit_vm *v, enum kit_change change, unsigned since,
			      double *values)
{
	double requests = kit_requests(v);

	v->tick++;
	values[0] = fmin(100, fmax(0, requests / 65 + 0.3 + 0.1 * kit_normal(&v->x)));
	values[1] = requests * 25 + 300 * anomaly_random(&v->x);
	values[2] = 4096 * kit_poisson(&v->x, 1 + requests / 50);
	if (change == KIT_BURNS)
		values[0] = 97 + 3 * anomaly_random(&v->x);
	if (change == KIT_CREEPS) /* to all of it in five hours */
		values[0] = fmin(100, values[0] + since / 3.0);
	if (change == KIT_FLAPS) /* one tick up, one down */
		values[0] = since % 2 ? values[0] : 97 + 3 * anomaly_random(&v->x);
	if (change == KIT_DIES)
		values[0] = values[1] = values[2] = 0;
}

/* ---- three ways to find them ---- */

struct kit_stat {
	struct alarm_budget budget;
	struct markov_stats stats[KIT_METRICS];
	double ewma[KIT_METRICS];
	double weight; /* of the last value: 1 is the plain z-score */
};

/* Mean and deviation are of all values before. */
static inline bool kit_stat_put(struct kit_stat *k, const struct alarm_budget_settings *b,
				const double *values)
{
	double score = 0;

	for (unsigned i = 0; i < KIT_METRICS; i++) {
		double deviation = markov_deviation(&k->stats[i]);

		k->ewma[i] = k->stats[i].count
				     ? (1 - k->weight) * k->ewma[i] + k->weight * values[i]
				     : values[i];
		if (deviation > 0)
			score = fmax(score, fabs(k->ewma[i] - k->stats[i].mean) / deviation);
		markov_stats_put(&k->stats[i], values[i]);
	}
	return alarm_budget_put(&k->budget, b, score, 0);
}

enum kit_way { KIT_SURPRISE, KIT_ZSCORE, KIT_EWMA, KIT_WAYS };
static const char *const KIT_WAY[KIT_WAYS] = {"profile", "z-score", "EWMA"};

struct kit_watch {
	struct profile profile;
	struct anomaly anomaly;
	struct anomaly_found found;
	struct kit_stat stat[2];
	bool alarm[KIT_WAYS], begins[KIT_WAYS];
};

static inline struct profile_settings kit_profile_settings(unsigned states, bool fixed)
{
	struct profile_settings s = {
		.markov = {.states = states, .history = 1, .buffersize = 1, .fixed = fixed},
		.n_metrics = KIT_METRICS,
		.metric = {{"cpu", 0, 100}, {"net", 0, 125e6}, {"io", 0, 750e6}}};

	return s;
}

static inline void kit_watch_init(struct kit_watch *w, const struct profile_settings *s)
{
	memset(w, 0, sizeof(*w));
	profile_init(&w->profile, s);
	w->stat[0].weight = 1;
	w->stat[1].weight = 0.2;
}

static inline void kit_watch_copy(struct kit_watch *to, const struct kit_watch *from,
				  const struct profile_settings *s)
{
	*to = *from;
	profile_init(&to->profile, s);
	to->profile.ticks = from->profile.ticks;
	for (unsigned i = 0; i < s->n_metrics; i++) {
		uint32_t *cell = to->profile.metric[i].counts.cell;

		memcpy(cell, from->profile.metric[i].counts.cell, markov_counts_size(&s->markov));
		to->profile.metric[i] = from->profile.metric[i];
		to->profile.metric[i].counts.cell = cell;
	}
}

static inline void kit_watch_put(struct kit_watch *w, const struct profile_settings *s,
				 const struct alarm_budget_settings *b, const double *values)
{
	int state[KIT_METRICS];
	bool now[KIT_WAYS];

	profile_put(&w->profile, s, values, state);
	anomaly_put(&w->anomaly, b, &w->profile, s, state, &w->found);
	now[KIT_SURPRISE] = w->found.alarm;
	now[KIT_ZSCORE] = kit_stat_put(&w->stat[0], b, values);
	now[KIT_EWMA] = kit_stat_put(&w->stat[1], b, values);
	for (unsigned i = 0; i < KIT_WAYS; i++) {
		w->begins[i] = now[i] && !w->alarm[i];
		w->alarm[i] = now[i];
	}
}

/* ---- an experiment ---- */

#define KIT_LATE 600u /* ticks after a change in which it still counts as found */

struct kit_result {
	unsigned days;                                 /* that were watched */
	unsigned false_alarms[KIT_WAYS], most_of_a_vm; /* most: of the profile's */
	unsigned trials;                               /* of each change */
	unsigned quick[KIT_CHANGES][KIT_WAYS];         /* found within 3 ticks */
	unsigned found[KIT_CHANGES][KIT_WAYS];         /* within KIT_LATE */
	unsigned delay[KIT_CHANGES][KIT_WAYS];         /* ticks, sum of those found; 1: at once */
};

/* What would have been found had the change come now. */
static inline void kit_try(struct kit_result *r, const struct kit_watch *w, const struct kit_vm *vm,
			   const struct profile_settings *s, const struct alarm_budget_settings *b,
			   enum kit_change change)
{
	struct kit_watch copy;
	struct kit_vm v = *vm;
	bool done[KIT_WAYS] = {false};
	double values[KIT_METRICS];

	kit_watch_copy(&copy, w, s);
	for (unsigned t = 0; t < KIT_LATE; t++) {
		kit_values(&v, change, t, values);
		kit_watch_put(&copy, s, b, values);
		for (unsigned i = 0; i < KIT_WAYS; i++) {
			if (!copy.begins[i] || done[i])
				continue;
			done[i] = true;
			r->found[change][i]++;
			r->quick[change][i] += t < 3;
			r->delay[change][i] += t + 1;
		}
		if (done[0] && done[1] && done[2])
			break;
	}
	profile_fini(&copy.profile, s);
}

/* One VM for so many days; a change of each kind is tried at `trials` moments by chance. */
static inline void kit_run(struct kit_result *r, enum kit_kind kind, uint64_t seed, unsigned days,
			   unsigned trials, const struct profile_settings *s,
			   const struct alarm_budget_settings *b)
{
	uint64_t x = seed * 0x9E3779B97F4A7C15ull | 1;
	struct kit_vm vm = {.kind = kind, .x = x ^ 0x5DEECE66Dull};
	struct kit_watch w;
	unsigned watched = 0, before = r->false_alarms[KIT_SURPRISE];
	unsigned first = 10 * KIT_PER_DAY, all = days * KIT_PER_DAY;
	double values[KIT_METRICS];

	kit_watch_init(&w, s);
	for (unsigned t = 0; t < all; t++) {
		kit_values(&vm, KIT_NONE, 0, values);
		kit_watch_put(&w, s, b, values);
		watched += !w.found.learning;
		for (unsigned i = 0; i < KIT_WAYS; i++)
			r->false_alarms[i] += w.begins[i];
		if (t < first || anomaly_random(&x) * (all - first) >= trials)
			continue;
		r->trials++;
		for (unsigned c = KIT_BURNS; c < KIT_CHANGES; c++)
			kit_try(r, &w, &vm, s, b, (enum kit_change)c);
	}
	r->days += watched / KIT_PER_DAY;
	if (r->false_alarms[KIT_SURPRISE] - before > r->most_of_a_vm)
		r->most_of_a_vm = r->false_alarms[KIT_SURPRISE] - before;
	profile_fini(&w.profile, s);
}

#endif
