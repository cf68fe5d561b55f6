/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DAEMON_H
#define PROXTOP_DAEMON_H

/*
 * The agent at work: takes a sample when it is due, encodes it once, and hands the same
 * bytes to the spool (which the uplink empties) and to the history (which the feed and
 * /metrics read).  The sampling thread waits for none of them.
 */
#include "daemon_options.h"

/* After program_begin().  Runs until SIGTERM or SIGINT.  Returns the exit status; what went wrong
 * has been said. */
int daemon_run(const struct daemon_options *o);

#endif
