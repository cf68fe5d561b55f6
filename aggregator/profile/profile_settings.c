/* SPDX-License-Identifier: Apache-2.0 */
#include "periods.h"
#include "phases.h"

#include <string.h>

static const char *metrics_wrong(const struct profile_settings *s)
{
	if (s->n_metrics < 1 || s->n_metrics > PROFILE_METRICS_MAX)
		return "metrics: 1 to 64 are allowed";
	for (unsigned i = 0; i < s->n_metrics; i++) {
		const struct profile_metric *m = &s->metric[i];

		if (!m->name[0] || !memchr(m->name, 0, sizeof(m->name)))
			return "metrics: a name of 1 to 63 bytes is needed";
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(m->name, s->metric[j].name))
				return "metrics: two have the same name";
		if (s->markov.fixed && markov_bounds_wrong(m->low, m->high))
			return markov_bounds_wrong(m->low, m->high);
	}
	return NULL;
}

static const char *periods_wrong(const struct profile_settings *s)
{
	uint64_t leaves = 1;

	if (s->n_periods > PROFILE_PERIODS_MAX)
		return "periods: 4 sizes at most are allowed";
	for (unsigned i = 0; i < s->n_periods; i++) {
		if (!s->period[i] || s->period[i] > PROFILE_LEAVES_MAX)
			return "periods: sizes of 1 to 1024 are allowed";
		leaves *= s->period[i];
	}
	if (leaves > PROFILE_LEAVES_MAX)
		return "periods: the product of the sizes may be 1024 at most";
	return NULL;
}

static const char *phases_wrong(const struct profile_settings *s)
{
	if (!(s->phase_likeliness >= 0 && s->phase_likeliness <= 1))
		return "phase likeliness: 0 to 1 is allowed";
	if (s->phase_likeliness > 0 &&
	    (s->phase_history < 1 || s->phase_history > PROFILE_PHASE_HISTORY_MAX))
		return "phase history: 1 to 1000 transitions are allowed";
	return NULL;
}

const char *profile_settings_wrong(const struct profile_settings *s)
{
	const char *wrong = markov_settings_wrong(&s->markov);
	uint64_t sets = 1;

	wrong = wrong ? wrong : metrics_wrong(s);
	wrong = wrong ? wrong : periods_wrong(s);
	wrong = wrong ? wrong : phases_wrong(s);
	if (wrong)
		return wrong;
	sets += periods_leaves(s) + (s->phase_likeliness > 0 ? PROFILE_PHASES_MAX : 0);
	if (sets * s->n_metrics * markov_counts_size(&s->markov) > PROFILE_BYTES_MAX)
		return "states, history, periods and phases: one profile may have 256 MiB of "
		       "counts at most";
	return NULL;
}
