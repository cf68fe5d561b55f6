/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PARCEL_H
#define PROXTOP_PARCEL_H

/*
 * What one or more items have become: bytes on their way, and what is committed when they
 * have arrived.
 *
 * A line of parcels keeps their order.  A transport walks it, marks those that are done,
 * and the thread takes these from the front: nothing is committed before what came before
 * it.  Until then a parcel stays, so it can be sent again as often as it takes.
 *
 * Only the output's thread is here; no lock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parcel_commit {
	uint32_t stream;
	uint32_t bytes; /* of the frame, for the queue's books */
	uint64_t epoch, sequence;
};

struct parcel {
	struct parcel *next;
	bool done;
	bool sent;    /* the transport's: handed over, and not to be sent again for now */
	uint64_t end; /* the transport's: tcp, where in the connection's bytes it ends */
	struct parcel_commit *commit;
	unsigned n_commits, commit_room;
	/* The records: cut[i] is where the i-th ends; the last one is size. */
	uint32_t *cut;
	unsigned n_cuts;
	size_t size;
	char data[];
};

struct parcel_line {
	struct parcel *first, *last;
	size_t bytes;
	unsigned n;
};

/* A copy of all that is given. */
struct parcel *parcel_new(const char *data, size_t size, const uint32_t *cut, unsigned n_cuts);
void parcel_free(struct parcel *p); /* NULL is fine */
void parcel_add_commit(struct parcel *p, const struct parcel_commit *c);

void parcel_append(struct parcel_line *l, struct parcel *p);
/* The first one, when it is done; NULL when it is not, or there is none.  The caller's. */
struct parcel *parcel_take_done(struct parcel_line *l);
void parcel_line_clear(struct parcel_line *l);

#endif
