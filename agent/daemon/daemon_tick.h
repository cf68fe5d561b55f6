/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DAEMON_TICK_H
#define PROXTOP_DAEMON_TICK_H

/*
 * When the next sample is due: at the whole multiples of the interval of CLOCK_REALTIME,
 * so that all hosts are seen at the same instants.  Instants that were missed (busy, asleep)
 * are left out, not made up for.  When the clock is set, what is due is found anew.
 */
#include <stdbool.h>
#include <stdint.h>

struct tick {
	int fd; /* readable when it is due, or when the clock was set */
	uint64_t period_ns, due_ns;
};

/* 0 or negative errno. */
int tick_open(struct tick *t, uint64_t period_ns);
void tick_close(struct tick *t);

/* After fd was readable, and at the start: is a sample due?  Sets the next one up. */
bool tick_take(struct tick *t);

/* The first multiple of period after now. */
static inline uint64_t tick_after(uint64_t now, uint64_t period)
{
	return (now / period + 1) * period;
}

#endif
