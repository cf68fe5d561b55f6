/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_INTERACTIVE_H
#define PROXTOP_INTERACTIVE_H

/*
 * proxtop in a terminal, or with --screen its picture as text: opens what the options choose
 * and runs a session of it.
 *
 * However it ends, the terminal is restored; what the log said meanwhile is said again then.
 * The choices are kept (settings.h) when it was left by a key, not when it was killed.
 * --screen neither reads nor keeps any: it shows the same to everybody.
 */
#include "options.h"

/* The program's exit status: 0; 1: said in the log; 2: the options, no terminal, or an unknown
 * one, said as well.  SIGINT, SIGTERM and SIGHUP are blocked before. */
int interactive_run(const struct options *o);

#endif
