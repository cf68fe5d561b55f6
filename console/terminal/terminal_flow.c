/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal_flow.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#define FREE_MS 1000

static void throw_away(void)
{
	tcflow(STDOUT_FILENO, TCOON);
	tcflush(STDOUT_FILENO, TCOFLUSH);
}

/* Signals are taken by a descriptor in the loop, which does not come to it: but that they wait
 * can be seen.  All of it is async-signal-safe. */
static void look(int signal_number)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t waiting;

	(void)signal_number;
	if (sigpending(&waiting))
		return;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (sigismember(&waiting, ends[i])) {
			throw_away();
			return;
		}
}

void flow_begin(void)
{
	struct sigaction a = {.sa_handler = look, .sa_flags = SA_RESTART};
	sigset_t alarm_only;

	sigemptyset(&a.sa_mask);
	sigaction(SIGALRM, &a, NULL);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
}

void flow_guard(void)
{
	const struct itimerval each = {.it_interval = {.tv_usec = 200000},
				       .it_value = {.tv_usec = 500000}};

	setitimer(ITIMER_REAL, &each, NULL);
}

void flow_unguard(void)
{
	const struct itimerval none = {0};

	setitimer(ITIMER_REAL, &none, NULL);
}

void flow_free(void)
{
	struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};

	if (!poll(&fd, 1, FREE_MS))
		throw_away();
}
