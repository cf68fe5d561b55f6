/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PREDICT_WATCH_H
#define PROXTOP_PREDICT_WATCH_H

/*
 * How wrong predictions of one step would have been while samples were counted, of each VM: what
 * --predict says next to "the last value stays".  Steps across a gap are not predicted.
 */
#include "predict.h"
#include "profiler.h"

struct predict_watch;

struct predict_watch *predict_watch_new(struct profiler *p); /* p is borrowed */
void predict_watch_free(struct predict_watch *w);            /* NULL is fine */

/* Before and after a sample of this VM is counted. */
void predict_watch_before(struct predict_watch *w, const char *uuid);
void predict_watch_after(struct predict_watch *w);

/* Of each metric of the settings; NULL: it was never counted. */
const struct predict_error *predict_watch_errors(const struct predict_watch *w, const char *uuid);

#endif
