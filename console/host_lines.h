/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HOST_LINES_H
#define PROXTOP_HOST_LINES_H

/*
 * The frames of many hosts through one printer: each derived against its host's last printed
 * one, so that what is left out in between costs no accuracy.  A round is what belongs
 * together: the frames of the hosts at one time; openmetrics is one exposition a round.
 */
#include "batch.h"
#include "frame.h"

struct host_lines;

struct host_lines *host_lines_new(struct batch *b);
void host_lines_free(struct host_lines *l); /* NULL is fine */

/* One frame of the round.  before: the one its rates begin at where nothing of its host was
 * printed yet, or NULL.  Frames that are not newer than the last one are passed over, but for
 * openmetrics, where they are said again.  0, or -EPIPE when nobody reads any more. */
int host_lines_frame(struct host_lines *l, const struct frame *f, const struct frame *before);
/* 0 or -EPIPE; *ret_any: there was something new in it. */
int host_lines_end(struct host_lines *l, bool *ret_any);

/* Has this frame's host something in this round already, or was its last frame much earlier
 * or later than the round's: does it begin another one? */
bool host_lines_begins(struct host_lines *l, const struct frame *f);

#endif
