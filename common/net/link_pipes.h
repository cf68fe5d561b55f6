/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LINK_PIPES_H
#define PROXTOP_LINK_PIPES_H

/*
 * The connections of a server: who may stay when there are too many (link.h says the
 * rule).  A list; the caller has the lock.
 */
#include <stdbool.h>
#include <stdint.h>

#define LINK_PIPE_SILENT_MS (5u * 60 * 1000)

struct link_pipe {
	struct link_pipe *prev, *next;
	bool answered;     /* has been answered once */
	unsigned calls;    /* requests under way */
	uint64_t since_ms; /* its beginning, its last request or its last answer */
};

struct link_pipes {
	struct link_pipe *first;
	unsigned n, max;
};

/* Returns who has to go: nobody (NULL), another that is then out of the list, or p
 * itself, which is then not in it. */
struct link_pipe *link_pipes_admit(struct link_pipes *all, struct link_pipe *p, uint64_t now_ms);
void link_pipes_remove(struct link_pipes *all, struct link_pipe *p);

#endif
