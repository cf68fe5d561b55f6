/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VALUE_TEXT_H
#define PROXTOP_VALUE_TEXT_H

/*
 * A metric's value in a column of fixed width: right-aligned numbers that never run over.
 *
 * human: 12.3M, with powers of 1024 for bytes and of 1000 for counts; times as 3d04h, 5m20s.
 * Not human: the number in the unit of the key (METRICS.md), as text and JSON have it, and
 * only when it does not fit, human all the same.  Absent is "-".
 */
#include "metric.h"

#include <stdbool.h>
#include <stddef.h>

unsigned value_width(enum metric_id m); /* columns of a number, its title included */
void value_text(enum metric_id m, double value, bool human, unsigned width, char *to, size_t size);
/* 3d04h, 5m20s, 12s: at most 6 columns */
void duration_text(double seconds, char *to, size_t size);

#endif
