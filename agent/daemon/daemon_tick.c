/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_tick.h"

#include "clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000ull

int tick_open(struct tick *t, uint64_t period_ns)
{
	*t = (struct tick){.period_ns = period_ns};
	t->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (t->fd < 0)
		return -errno;
	tick_take(t);
	return 0;
}

void tick_close(struct tick *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void set_up(struct tick *t)
{
	struct itimerspec at = {0};

	t->due_ns = tick_after(clock_wall_ns(), t->period_ns);
	at.it_value.tv_sec = (time_t)(t->due_ns / NS);
	at.it_value.tv_nsec = (long)(t->due_ns % NS);
	timerfd_settime(t->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

bool tick_take(struct tick *t)
{
	uint64_t times;
	bool due = read(t->fd, &times, sizeof(times)) == (ssize_t)sizeof(times);

	/* ECANCELED: the clock was set; the timer stays disarmed until it is set up. */
	if (due || errno == ECANCELED || !t->due_ns)
		set_up(t);
	return due;
}
