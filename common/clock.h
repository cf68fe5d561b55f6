/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CLOCK_H
#define PROXTOP_CLOCK_H

/* The clocks in ns: monotonic for how long, wall (since 1970, UTC) for when. */
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

#endif
