/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SERIES_H
#define PROXTOP_SERIES_H

/*
 * The last values of one thing's metrics, for sparklines: made from the frames that the
 * moment brings of one host (moment.series).  Frames already seen are not decoded again.
 */
#include "world.h"

#define SERIES_MAX 240u /* values per metric */

struct series;

struct series *series_new(void);
void series_free(struct series *s); /* NULL is fine */
/* The thing's id (world_id) and scope, and the metrics that are wanted. */
void series_set(struct series *s, const struct moment *m, enum scope scope, uint64_t id,
		const enum metric_id *wanted, unsigned n_wanted);
/* values[ret], oldest first, NAN where absent; returns how many. */
unsigned series_get(const struct series *s, enum metric_id m, double values[SERIES_MAX]);

#endif
