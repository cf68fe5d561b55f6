/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RUNS_H
#define PROXTOP_RUNS_H

/*
 * What proxprofiler does, one of these: each returns the program's exit status (0, 1, or 2 for
 * options that are not possible) and has said in the log what was wrong.
 */
#include "proxprofiler_options.h"

int run_local(const struct proxprofiler_options *o);  /* this host's VMs */
int run_feed(const struct proxprofiler_options *o);   /* --connect */
int run_replay(const struct proxprofiler_options *o); /* --replay */
int run_csv(const struct proxprofiler_options *o);    /* --input */
int run_compare(const struct proxprofiler_options *o);

#endif
