/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OUTPUT_TIME_H
#define PROXTOP_OUTPUT_TIME_H

/*
 * The clock an output waits by, and how long it waits before it tries again.
 */
#include "clock.h"

#define OUTPUT_DELAY_MIN_MS 200
#define OUTPUT_DELAY_MAX_MS 30000
#define OUTPUT_FOREVER_MS   INT64_MAX

/* CLOCK_MONOTONIC */
static inline uint64_t output_now_ns(void)
{
	return clock_monotonic_ns();
}

static inline uint64_t output_wall_ns(void)
{
	return clock_wall_ns();
}

static inline int64_t output_now_ms(void)
{
	return (int64_t)(output_now_ns() / 1000000u);
}

struct output_delay {
	int64_t ms; /* the next one; 0: OUTPUT_DELAY_MIN_MS */
	uint64_t random;
};

/* Doubles each time, and is not the same for everyone who lost the same peer: three
 * quarters to five quarters of it. */
static inline int64_t output_delay_next(struct output_delay *d)
{
	int64_t ms = d->ms ? d->ms : OUTPUT_DELAY_MIN_MS;

	if (!d->random)
		d->random = output_now_ns() ^ (uint64_t)(uintptr_t)d ^ 0x9e3779b97f4a7c15u;
	/* xorshift64 */
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	d->ms = ms * 2 < OUTPUT_DELAY_MAX_MS ? ms * 2 : OUTPUT_DELAY_MAX_MS;
	return ms * 3 / 4 + (int64_t)(d->random % (uint64_t)(ms / 2));
}

#endif
