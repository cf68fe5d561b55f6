/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_REPLAY_SEEN_H
#define PROXTOP_REPLAY_SEEN_H

/*
 * Which samples of a recording were handed over already: one that was recorded twice (a feed
 * began anew) counts once.  Of the newest four million; then it begins anew.
 */
#include "frame.h"

struct replay_seen {
	uint64_t *key; /* 0: free */
	size_t n, slots;
};

void replay_seen_fini(struct replay_seen *s);

/* Was this sample seen before?  From now on it was. */
bool replay_seen_before(struct replay_seen *s, const struct frame *f);

#endif
