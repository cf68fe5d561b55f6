/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DIFF_H
#define PROXTOP_DIFF_H

/*
 * What changed most between two moments, for all VMs and hosts, ranked.
 *
 * One row per thing and metric (those that are always shown, numbers only).  The rank is the
 * change measured by what matters of that metric: by its thresholds where it has some, else by
 * how many times more or less it is, damped for values too small to mean anything.  A VM that
 * came or went is a row of its own, first.
 */
#include "diff_base.h"

struct diff_row {
	struct thing now; /* in the world; NO_THING: it is gone */
	uint32_t then;    /* row in the base; NO_ROW: it is new */
	uint8_t scope;
	uint16_t metric; /* METRICS: it came, went, moved (VM) or fell silent or spoke again (host)
			  */
	double was, is;  /* NAN: absent */
	double rank;
};
struct diff {
	uint32_t n, room;
	struct diff_row *row; /* by rank, the greatest first */
};

/* Which things it is about; each is asked once.  NULL: all. */
struct diff_wants {
	bool (*now)(void *arg, struct thing t);
	bool (*gone)(void *arg, enum scope s, uint32_t row); /* of the base */
	void *arg;
};

/* max: how many rows are kept. d is cleared first. */
void diff_make(struct diff *d, const struct diff_base *then, const struct world *now, uint32_t max,
	       const struct diff_wants *wants);
void diff_fini(struct diff *d);

#endif
