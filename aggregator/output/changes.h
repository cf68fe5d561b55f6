/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CHANGES_H
#define PROXTOP_CHANGES_H

/*
 * changed=1: what has not changed since a row was last printed is taken out of a view and
 * its sample (made absent), whatever is printed of them then.
 *
 * Compared is what would be seen: numbers rounded to their decimals.  What names a thing
 * always stays.  Memory: one number per cell of each stream that is known, of the
 * CHANGES_STREAMS_MAX latest streams.
 */
#include "print.h"

#define CHANGES_STREAMS_MAX 4096u

struct changes;

/* counters: raw counters are printed too (influx). */
struct changes *changes_new(const struct printer *p, bool counters);
void changes_free(struct changes *c); /* NULL is fine */

/* v must be derived from now. */
void changes_keep(struct changes *c, uint32_t stream, struct view *v, struct sample *now);

/* Of the latest view: is anything left of the row besides its name? */
bool changes_any(const struct changes *c, enum scope s, uint32_t row);

void changes_forget(struct changes *c);

/* Does the metric name a thing? */
bool changes_is_name(enum metric_id m);

#endif
