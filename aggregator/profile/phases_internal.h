/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PHASES_INTERNAL_H
#define PROXTOP_PHASES_INTERNAL_H

/* For the files of phases.h only. */
#include "phases.h"

/* Mean probability of the window's transitions under the current phase; NAN: there are none, or
 * the window is not full. */
double phases_likeliness(const struct phases *p, const struct profile_settings *s);

/* The phase that the window belongs to: the current one, another, or p->n for a new one.
 * p->likeliness is the window's. */
unsigned phases_choose(const struct phases *p, const struct profile_settings *s);

/* One more column.  The one that leaves the window for it is counted in the current phase, when
 * `count`. */
void phases_push(struct phases *p, const struct profile_settings *s, const uint8_t *states,
		 bool count);

#endif
