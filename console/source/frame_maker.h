/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_MAKER_H
#define PROXTOP_FRAME_MAKER_H

/*
 * This host's samples as frames, where no agent makes them: for the console's own history and
 * for recordings.  One maker is one epoch.
 */
#include "frame.h"
#include "measure.h"

struct frame_maker {
	struct frame_head head;
	struct buf bytes;
};

/* A host without an identity gets LOCAL_HOST_ID. */
#define LOCAL_HOST_ID "local"
void frame_maker_init(struct frame_maker *k, const struct measure *m, uint64_t interval_ns);
void frame_maker_fini(struct frame_maker *k);
/* A new frame, the caller's; NULL when it cannot be encoded (said in the log, once). */
struct frame *frame_maker_make(struct frame_maker *k, const struct sample *s);

#endif
