/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_REPLAY_ANSWER_H
#define PROXTOP_REPLAY_ANSWER_H

/* A question to a recording, and its answer: no thread in it. */
#include "desk.h"
#include "replay_series.h"

struct replay_reader {
	struct record_reader *record;
	struct replay_series series;
	uint64_t step_ns; /* frames whose times differ by less are one moment; learned */
};

/* The moment that is asked for, with the series, or NULL when it was interrupted.  Without
 * hosts when the recording is empty. */
struct moment *replay_answer(struct replay_reader *r, const struct desk_question *q);

#endif
