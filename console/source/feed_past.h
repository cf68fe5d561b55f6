/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_PAST_H
#define PROXTOP_FEED_PAST_H

/*
 * Questions about a feed's past: what of every host was the newest at a time, when the next
 * frame came, one host's last frames.
 *
 * A feed gives frames by a range of times, in the order they arrived.  So a range just long
 * enough is asked for first, and longer ones only of those hosts that were silent in it.
 * Each function asks several questions and waits for the answers: it is for a thread that may.
 */
#include "feed_client.h"
#include "frame_ring.h"
#include "host_table.h"

struct feed_past {
	struct feed_client *client;
	uint64_t interval_ns; /* the shortest of the hosts'; 0: not known */
	int timeout_ms;       /* of one question */
	/* Between two questions: is the answer still wanted?  NULL: yes. */
	bool (*wanted)(void *arg);
	void *arg;
	uint64_t until_cursor;   /* what arrived later than this is not gone through; 0: all is */
	uint64_t oldest_wall_ns; /* of what is kept there, as the last answer said; 0: nothing */
};

/* All 0 or negative errno; -ECANCELED when it was not wanted any more. */

/* The last frames of every host that had two around wall_ns or later. */
int feed_past_since(struct feed_past *p, uint64_t wall_ns, struct host_table *into);

/* Of every host the newest frame up to wall_ns and the one before into `into`.  known: hosts
 * there may be, searched for far back where they were silent. */
int feed_past_at(struct feed_past *p, uint64_t wall_ns, const struct host_table *known,
		 struct host_table *into);

/* When the first frame after wall_ns, of those up to newest_wall_ns, was taken; 0: none was. */
int feed_past_next(struct feed_past *p, uint64_t wall_ns, uint64_t newest_wall_ns, uint64_t *ret);

/* The host's last frames up to wall_ns, as many as the ring keeps. */
int feed_past_series(struct feed_past *p, const char *host_id, uint64_t interval_ns,
		     uint64_t wall_ns, struct frame_ring *into);

#endif
