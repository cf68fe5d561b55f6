/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_LINES_H
#define PROXTOP_VM_LINES_H

/*
 * Counted samples out: a JSON line for each VM, every --outputFreq and at the end.  What the
 * three loops over samples share.
 */
#include "batch.h"
#include "vm_count.h"

struct vm_lines {
	const struct proxprofiler_options *o;
	struct batch batch;
	struct vm_count *count;
	struct buf text;
	uint64_t first_ns; /* that outputs are counted from */
	uint64_t due_ns;   /* of the next one */
};

/* 0 or the exit status; closed all the same. */
int vm_lines_open(struct vm_lines *l, const struct proxprofiler_options *o);
void vm_lines_close(struct vm_lines *l);

/* All profiles, in the order of names and UUIDs.  patient: waits for a slow tcp peer, so that
 * nothing is dropped, until a signal comes.  0, or -EPIPE when nobody reads any more. */
int vm_lines_write(struct vm_lines *l, bool patient);

/* vm_lines_write() when it is time, by any clock that is always the same one. */
int vm_lines_write_due(struct vm_lines *l, uint64_t now_ns, bool patient);

#endif
