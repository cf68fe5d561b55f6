/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_CHECK_H
#define PROXTOP_FEED_CHECK_H

/*
 * --check with --connect: which hosts feeds know, and whether all that are expected are live.
 * For scripts and for the chart's test; no screen, no samples are kept.
 */
#include "options.h"

#include <stdio.h>

/* Asks each of o->connect's URLs once and writes one line per host and one for the sum.  --expect
 * is a number, or a name: as many as it has addresses.  Returns the exit status: 0 when every
 * feed answers and as many hosts are live as are expected; without --expect, all that are known
 * and at least one. */
int feed_check(const struct options *o, FILE *to);

#endif
