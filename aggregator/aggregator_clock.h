/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_AGGREGATOR_CLOCK_H
#define PROXTOP_AGGREGATOR_CLOCK_H

/* The clocks in ns. */
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* Times are taken by several threads: then may be a little later than now. */
static inline uint64_t clock_since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

#endif
