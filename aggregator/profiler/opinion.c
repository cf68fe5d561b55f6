/* SPDX-License-Identifier: Apache-2.0 */
#include "opinion.h"

#include <math.h>
#include <stdio.h>

#define PERCENT_MAX    9999.0
#define DAY_NS         86400e9
#define INTERVAL_LEAST 1000000u /* ns */

struct alarm_budget_settings opinion_budget(const struct profile_settings *s, uint64_t interval_ns,
					    double alarms_a_day)
{
	uint64_t tick_ns = interval_ns > INTERVAL_LEAST ? interval_ns : INTERVAL_LEAST;

	double ticks = DAY_NS / ((double)tick_ns * s->markov.buffersize);

	/* More than one tick in ten would be no alarm. */
	return (struct alarm_budget_settings){
		.per_day = fmin(alarms_a_day > 0 ? alarms_a_day : PROFILER_ALARMS, ticks / 10),
		.ticks_per_day = ticks};
}

static void say_why(const struct anomaly_why *why, const struct profile_settings *s,
		    struct profiler_opinion *ret)
{
	ret->metric = why->metric;
	snprintf(ret->why, sizeof(ret->why),
		 "%s from %.4g..%.4g to %.4g (%.4g..%.4g), seen %u of %u times",
		 s->metric[why->metric].name, (double)why->from_low, (double)why->from_high,
		 (double)why->value, (double)why->to_low, (double)why->to_high, why->seen, why->of);
}

void opinion_of(const struct anomaly_found *found, const struct profile_settings *s,
		struct profiler_opinion *ret)
{
	double percent = found->percent;

	*ret = (struct profiler_opinion){.learning = found->learning, .metric = -1};
	if (found->learning)
		return;
	if (percent > 0)
		ret->percent = (unsigned)(percent < PERCENT_MAX ? percent : PERCENT_MAX);
	ret->alarm = found->alarm;
	if (found->alarm && found->why && found->why->metric < s->n_metrics)
		say_why(found->why, s, ret);
}
