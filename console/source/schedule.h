/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SCHEDULE_H
#define PROXTOP_SCHEDULE_H

/*
 * When the next cycle is due: points first + k * period on CLOCK_MONOTONIC, so that
 * what a cycle takes never adds up.  A point that was missed is left out, not made up
 * for: the next one is the first that lies ahead.  All in ns.
 */
#include <stdint.h>

static inline uint64_t schedule_next(uint64_t first, uint64_t period, uint64_t now)
{
	return now < first ? first : first + ((now - first) / period + 1) * period;
}

#endif
