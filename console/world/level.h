/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LEVEL_H
#define PROXTOP_LEVEL_H

/*
 * From which value on a metric means trouble: levels.def, fixed thresholds per metric.
 * Screens colour by it (never by colour alone), and the trouble of a VM or a host is made
 * of it.
 */
#include "metric.h"

enum level { LEVEL_NONE, LEVEL_FINE, LEVEL_WARN, LEVEL_BAD };

/* LEVEL_NONE: the metric has no thresholds, or the value is absent. */
enum level level_of(enum scope s, enum metric_id m, double value);

struct level_row {
	uint16_t metric;
	uint8_t scope;
	double warn, bad;
	bool trouble; /* part of a thing's trouble, or colour only */
};
extern const struct level_row level_rows[];
extern const unsigned level_rows_n;

#endif
