/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LOOP_H
#define PROXTOP_LOOP_H

/*
 * The main loops without a screen: measure (or get), derive, print or record, wait.
 *
 * program_begin() comes before anything else is started: the loop takes the signals while
 * it waits.
 */
#include "options.h"

/* Until the runs are done, a signal, or nobody reads stdout any more: returns the
 * program's exit status (0, 1, or 2 for options that the output refuses). */
int loop_run(const struct options *o); /* the one that the options choose */

int loop_local(const struct options *o);  /* this host */
int loop_feed(const struct options *o);   /* --connect */
int loop_replay(const struct options *o); /* --replay, from its beginning to its end */

#endif
