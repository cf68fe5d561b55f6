/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VIEW_SUM_H
#define PROXTOP_VIEW_SUM_H

/*
 * What many hosts, and all their VMs, are together.
 *
 * Rates and amounts add up.  A share or a mean of the whole is never made of the hosts'
 * shares: its formula is computed on the summed parts (the run time per second of all VMs,
 * over all their vCPUs).  What has no sum is absent: frequencies, times since, and shares of
 * an interval in which somebody waited (pressure).
 *
 * In the parts of a share a row without rates takes no part at all, a VM that has just come
 * for instance; in the amounts that are shown it does.
 */
#include "derive.h"

struct view_sum;

struct view_sum *view_sum_new(void);
void view_sum_free(struct view_sum *t); /* NULL is fine */
void view_sum_clear(struct view_sum *t);

void view_sum_add(struct view_sum *t, const struct view *v);
/* After the last one. */
void view_sum_finish(struct view_sum *t);

/* Of all rows of that scope, SCOPE_HOST or SCOPE_VM; NAN: absent. */
double view_sum_get(const struct view_sum *t, enum scope s, enum metric_id m);

#endif
