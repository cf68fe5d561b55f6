/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPINION_H
#define PROXTOP_OPINION_H

/* What anomaly.h finds, for people. */
#include "anomaly.h"
#include "profiler.h"

/* At so many false alarms a day, samples coming at this interval. */
struct alarm_budget_settings opinion_budget(const struct profile_settings *s, uint64_t interval_ns,
					    double alarms_a_day);

void opinion_of(const struct anomaly_found *found, const struct profile_settings *s,
		struct profiler_opinion *ret);

#endif
