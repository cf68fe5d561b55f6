/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_AGGREGATOR_CLOCK_H
#define PROXTOP_AGGREGATOR_CLOCK_H

/* The clocks in ns, and what is between two times. */
#include "clock.h"

/* Times are taken by several threads: then may be a little later than now. */
static inline uint64_t clock_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

#endif
