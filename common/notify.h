/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_NOTIFY_H
#define PROXTOP_NOTIFY_H

/* What systemd is told, as sd_notify(3) describes it: datagrams to the socket it named.  Without
 * one nothing happens.  Needs no library. */
#include <stdint.h>

#define NOTIFY_STATUS_MAX 160u

struct notify {
	int fd;               /* connected; -1: nobody wants to know */
	uint64_t watchdog_ns; /* 0: no watchdog */
	uint64_t alive_ns;    /* CLOCK_MONOTONIC of the last WATCHDOG=1 */
	char status[NOTIFY_STATUS_MAX];
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the
 * environment. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
void notify_say(const struct notify *n, const char *state); /* "READY=1" */

/* From the loop that does the work, each time round: the watchdog hears of it, at most four times
 * in its interval, and a status line (NULL: none) that has changed is shown by systemctl. */
void notify_alive(struct notify *n, const char *status);
/* How long that loop may wait, so that the watchdog hears of it; most_ms: what it would wait
 * anyhow, -1: for ever. */
int notify_wait_ms(const struct notify *n, int most_ms);

#endif
