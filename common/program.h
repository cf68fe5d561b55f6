/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROGRAM_H
#define PROXTOP_PROGRAM_H

/*
 * What every program of ours does at its beginning and its end.
 */
#include <stdbool.h>

/* First of all in main, before any thread is started: descriptors 0 to 2 are there, names
 * are compared as the locale wants, messages begin with the name (a string that stays), and
 * what ends the program or has it reopen files (SIGINT, SIGTERM, SIGHUP) comes by
 * program_signals() alone. */
void program_begin(const char *name);

/* A signalfd of those three, not blocking; or negative errno. */
int program_signals(void);
/* The same of more[n] too, which are blocked now. */
int program_signals_and(const int *more, unsigned n);
/* Does SIGINT or SIGTERM wait there?  For who is busy with something long. */
bool program_is_to_end(void);

/* At the end of what is only shown: the status, or 1 when it could not be written.  That a
 * reader has gone is no failure. */
int program_finish_stdout(int status);

#endif
