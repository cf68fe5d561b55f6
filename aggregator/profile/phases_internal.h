/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PHASES_INTERNAL_H
#define PROXTOP_PHASES_INTERNAL_H

/* For the files of phases.h only. */
#include "phases.h"

/* Mean probability of the window's transitions under the current phase; NAN: there are none, or
 * the window is not full. */
double phases_likeliness(const struct phases *p, const struct profile_settings *s);

/* The phase that the window belongs to: the current one, another, or p->n for a new one; and the
 * column from which on it does, when it is not the current one.  p->likeliness is the window's. */
unsigned phases_choose(const struct phases *p, const struct profile_settings *s, uint32_t *begin);

/* What ends at columns before `end` is counted in the current phase, unless it is already. */
void phases_settle(struct phases *p, const struct profile_settings *s, uint32_t end);

/* One more column, in the window; nothing leaves it.  Room is made by the oldest one, which must
 * be settled. */
void phases_push(struct phases *p, const struct profile_settings *s, const uint8_t *states);

#endif
