/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_H
#define PROXTOP_FRAME_H

/*
 * A frame: one sample as msgpack, with who took it.  It is what travels, what is kept
 * in spools and histories, and what a recording holds: made once by the agent, passed
 * on unchanged.  README.md beside this file is the format.
 *
 * Encoding is self-describing: every table carries the names of its metrics; a decoder
 * skips what it does not know.  Decoding believes no length: depth, counts and strings
 * are bounded before anything is allocated, and a frame that lies is refused as a whole
 * (-EBADMSG), the sample left cleared.
 */
#include "buf.h"
#include "sample.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_VERSION     1
#define FRAME_MAX         (32u << 20) /* bytes of one frame */
#define FRAME_MIN         24u         /* none is smaller: the head alone has more */
#define FRAME_CELLS_MAX   (8u << 20)  /* rows times columns of all tables together */
#define FRAME_COLUMNS_MAX 1024u       /* of one table, known or not */
#define AGENT_VERSION_MAX 31u

/* Order is by epoch and sequence; rates are by boot_ns and never cross an epoch. */
struct frame_head {
	char host_id[HOST_ID_MAX + 1];
	char host_name[HOST_NAME_BYTES + 1];
	char version[AGENT_VERSION_MAX + 1]; /* of the agent */
	uint64_t epoch;       /* one run of an agent; a later run has a greater one */
	uint64_t sequence;    /* from 1, without gaps within an epoch */
	uint64_t boot_ns;     /* CLOCK_BOOTTIME at the cycle's instant */
	uint64_t wall_ns;     /* CLOCK_REALTIME then, for people */
	uint64_t interval_ns; /* between two samples, as the agent was told */
};

/* Appends the frame.  0, or -EMSGSIZE beyond FRAME_MAX, FRAME_CELLS_MAX or the ceiling of
 * to (which is then as it was); an error that to has already is returned.  Times and
 * sequence are those of head; what the sample says of them is not looked at. */
int frame_encode(struct buf *to, const struct frame_head *head, const struct sample *s);

/* The head alone, without looking at the tables.  0 or -EBADMSG (-EPROTO: of a version
 * that is not known here). */
int frame_head_decode(struct frame_head *ret, const void *bytes, size_t n);

/* All of it.  s is cleared first; s->boot_ns, wall_ns, epoch and sequence are set too. */
int frame_decode(struct sample *s, struct frame_head *ret, const void *bytes, size_t n);

/* Immutable bytes shared by count: the same frame lies in histories and queues at once. */
struct frame {
	unsigned refs; /* __atomic */
	uint32_t size;
	uint64_t epoch, sequence, boot_ns, wall_ns;
	uint8_t bytes[];
};
struct frame *frame_new(const struct frame_head *head, const void *bytes, size_t n);
struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* NULL is fine */

#endif
