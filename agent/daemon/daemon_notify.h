/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DAEMON_NOTIFY_H
#define PROXTOP_DAEMON_NOTIFY_H

/* What systemd is told (sd_notify(3)): one datagram to the socket it named.  Without one
 * nothing happens. */
#include <stdint.h>

struct notify {
	int fd;               /* connected; -1: nobody wants to know */
	uint64_t watchdog_ns; /* 0: no watchdog */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the
 * environment. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);
void notify_say(const struct notify *n, const char *state); /* "READY=1" */

#endif
