/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_REPLAY_SERIES_H
#define PROXTOP_REPLAY_SERIES_H

/*
 * The last frames of a host in a recording, kept from answer to answer: a step needs only
 * what is new at one end, and not all the blocks that the others are in.
 */
#include "moment.h"
#include "record.h"

struct replay_series {
	char host[HOST_ID_MAX + 1]; /* "": nothing is kept */
	uint64_t wall_ns;           /* the series ends here */
	uint32_t n;
	struct frame **frames; /* all there are from the first one's time to wall_ns, each once */
};

void replay_series_fini(struct replay_series *s);

/* Gives m the last n frames of a host until wall_ns.  When it was interrupted (record.h) they
 * are not all of them. */
void replay_series_add(struct replay_series *s, struct record_reader *r, struct moment *m,
		       const char *host, uint64_t wall_ns, uint32_t n);

#endif
