/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LEVEL_H
#define PROXTOP_LEVEL_H

/*
 * From which value on a metric means trouble: levels.def, fixed thresholds per metric.
 * Screens colour by it (never by colour alone), and the trouble of a VM or a host is made
 * of it.
 */
#include "metric.h"

#include <stdio.h>

enum level { LEVEL_NONE, LEVEL_FINE, LEVEL_WARN, LEVEL_BAD };

struct level_row {
	uint16_t metric;
	uint16_t of;     /* the value is a share of this one, in percent; METRICS: it is itself */
	uint16_t unless; /* is not looked at for trouble where this one is there; METRICS: always */
	uint8_t scope;
	bool trouble;     /* part of a thing's trouble, or colour only */
	double warn, bad; /* bad < warn: the less the worse */
	const char *why;
};
extern const struct level_row level_rows[];
extern const unsigned level_rows_n;

/* NULL: it has no thresholds. */
const struct level_row *level_row_of(enum scope s, enum metric_id m);

/* LEVEL_NONE: the metric has no thresholds, the value is absent, or it takes another one to
 * tell (level_row.of; trouble.h knows). */
enum level level_of(enum scope s, enum metric_id m, double value);

/* A threshold (row->warn, row->bad) in the unit that values of the metric have. */
double level_raw(const struct level_row *row, double threshold);

/* How bad: 0 for none at all, 1 at the warning threshold, 2 at the bad one, then one more for
 * each doubling.  NAN stays NAN. */
double level_score(const struct level_row *row, double value);

/* Of what level_score() gives; NAN has none. */
enum level level_of_score(double score);

/* A threshold as a person reads it, with its unit: "5 %", "1 MB/s", "20 ms"; "any" where one
 * event is enough.  value: row->warn or row->bad. */
void level_threshold_text(const struct level_row *row, double value, char *to, size_t size);

/* All of them as a Markdown table, for the documentation. */
void level_markdown(FILE *to);

#endif
