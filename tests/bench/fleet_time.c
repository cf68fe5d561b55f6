/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <errno.h>
#include <time.h>

uint64_t fleet_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * FLEET_SECOND + (uint64_t)t.tv_nsec;
}

void fleet_sleep_until(uint64_t ns)
{
	struct timespec t = {(time_t)(ns / FLEET_SECOND), (long)(ns % FLEET_SECOND)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static uint64_t offset_ns(const struct fleet_time *t, unsigned host)
{
	return t->spread_ns * host / t->hosts;
}

uint64_t fleet_due_ns(const struct fleet_time *t, unsigned host, uint64_t sequence)
{
	return t->start_ns + offset_ns(t, host) + (sequence - 1) * t->interval_ns;
}

uint64_t fleet_newest(const struct fleet_time *t, unsigned host, uint64_t now_ns)
{
	uint64_t first = fleet_due_ns(t, host, 1), n;

	if (now_ns < first)
		return 0;
	n = (now_ns - first) / t->interval_ns + 1;
	return n < t->last ? n : t->last;
}

/* Below 32 each has its own place. */
static unsigned place(uint64_t ns)
{
	unsigned octave = ns < 32 ? 0 : 59 - (unsigned)__builtin_clzll(ns);

	return octave * 32 + (unsigned)(ns >> octave & 31);
}

static uint64_t at_place(unsigned i)
{
	return (uint64_t)(i % 32) << i / 32;
}

void delays_add(struct delays *d, uint64_t ns)
{
	d->seen[place(ns)]++;
}

void delays_sum(struct delays *to, const struct delays *from)
{
	for (unsigned i = 0; i < sizeof(to->seen) / sizeof(*to->seen); i++)
		to->seen[i] += from->seen[i];
}

double delays_ms(const struct delays *d, double part)
{
	const unsigned n = sizeof(d->seen) / sizeof(*d->seen);
	uint64_t all = 0, below = 0;

	for (unsigned i = 0; i < n; i++)
		all += d->seen[i];
	for (unsigned i = 0; i < n; i++) {
		below += d->seen[i];
		if (d->seen[i] && (double)below >= part * (double)all)
			return (double)at_place(i) * 1e-6;
	}
	return 0;
}
