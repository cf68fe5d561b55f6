/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HISTORY_H
#define PROXTOP_HISTORY_H

/*
 * The kept frames of all hosts in the order they arrived, bounded by age and by bytes.
 *
 * Every frame gets an arrival number from 1; a reader's cursor is the number of the last
 * one it has.  A host's newest frame is kept however old it is, until the host is
 * forgotten.  Threads: one lock inside; frames handed out are references.
 */
#include "frame.h"

#include <stdbool.h>

#define HISTORY_HOSTS_MAX 65536u /* host numbers */

struct history;

struct history_options {
	uint64_t keep_ns;  /* 0: only the newest of each host */
	size_t keep_bytes; /* of frames, the newest ones of hosts not counted */
};

struct history *history_new(const struct history_options *o);
void history_free(struct history *h);

/* Adds a reference.  host is the owner's number for the host, dense from 0; now_ns any
 * clock that does not go back (CLOCK_MONOTONIC). */
void history_add(struct history *h, uint32_t host, struct frame *f, uint64_t now_ns);
/* Lets go of all its frames; the number may be used for another host then. */
void history_forget(struct history *h, uint32_t host);

struct history_query {
	uint64_t cursor; /* frames that arrived later than this; FEED_LIVE (message.h): the
			    newest of every host */
	uint64_t from_wall_ns, to_wall_ns; /* both 0: any */
	bool latest_only;
	const bool *wants; /* by host number; NULL: all */
	uint32_t n_wants;
	uint32_t max_frames;
	size_t max_bytes; /* one frame is given in any case */
};

struct history_answer {
	uint64_t cursor; /* of the last frame given, or up to which there was nothing */
	/* After the query's cursor, but gone, or left out by latest_only.  What is gone is
	 * counted for all hosts, wanted or not; what lies outside the times is not counted. */
	uint64_t skipped;
	uint64_t oldest_wall_ns; /* of the oldest frame kept; 0: none */
	unsigned n;
};
/* frames[max_frames]; hosts[max_frames], if not NULL, gets whose they are.  In the order
 * they arrived. */
void history_get(const struct history *h, const struct history_query *q, struct frame **frames,
		 uint32_t *hosts, struct history_answer *ret);

/* The newest of a host, a reference, or NULL. */
struct frame *history_newest(const struct history *h, uint32_t host);

struct history_stats {
	uint64_t frames, bytes, arrived; /* bytes: all that is held */
};
void history_stats(const struct history *h, struct history_stats *ret);

#endif
