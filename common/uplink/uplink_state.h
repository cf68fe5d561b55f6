/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UPLINK_STATE_H
#define PROXTOP_UPLINK_STATE_H

/* Between uplink_streams.c, which builds requests, and uplink_answer.c, which takes what
 * came back. */
#include "uplink_streams.h"

#define MS            1000000ull
#define POLL_LEAST_NS (100 * MS) /* how often it is asked what is committed, ... */
#define POLL_MOST_NS  (1000 * MS)

struct stream {
	uint64_t epoch;
	uint64_t next;        /* wanted; only while known */
	uint64_t sent;        /* the greatest sequence that was ever sent */
	uint64_t committed;   /* as last seen: does it move? */
	uint64_t poll_due_ns; /* ask again without frames */
	uint64_t poll_ns;
	uint64_t answered_ns;
	uint64_t hold_ns; /* send no frames before */
	uint64_t stall_ns;
	bool known;
	bool seen; /* still in the spool */
};

struct origin {
	struct spool *spool; /* a reference; NULL: no such source */
	struct stream *streams;
	unsigned n;
};

/* Per stream of the request that was built. */
struct asked {
	uint32_t origin;
	uint64_t epoch, newest;
	size_t frame; /* index of its first */
	bool nothing; /* there are no frames any more: it is only told what was lost */
};

struct uplink_streams {
	struct uplink_options o;
	struct origin *origins;
	uint32_t n_origins;
	uint32_t start; /* where the next request begins, so that everyone's turn comes */
	struct uplink_stream *request;
	struct asked *asked;
	uint32_t n, room;
	struct frame **frames;
	struct message_bytes *bytes;
	size_t n_frames, room_frames;
	struct streams_load load;
};

/* The stream of that epoch, made when it is not there.  Valid until the next call. */
struct stream *streams_of(struct origin *o, uint64_t epoch);
void streams_drop_request(struct uplink_streams *s);

#endif
