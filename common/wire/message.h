/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MESSAGE_H
#define PROXTOP_MESSAGE_H

/*
 * What is said on the uplink and on the feed, as msgpack.  README.md beside this file is
 * the format; the envelope around it (seal.h) is not seen here.
 *
 * Encoders append to a buf.  Decoders fill a struct whose strings are copies and whose
 * frames point into the message: valid as long as the message is.  They allocate nothing
 * that the message did not bring bytes for, bound every count by the constants here, and
 * answer -EBADMSG for what lies, -EPROTO for a version they do not know.
 *
 * Uplink.  The sender has streams: one host's samples of one epoch, numbered without
 * gaps.  It keeps everything that is not committed, and the last committed sample as the
 * base of the first rate.  The receiver answers for each stream which sequence it wants
 * next (it may go back) and what is committed.  A request that names another instance
 * than the receiver's is not applied, only answered, so that a request from before a
 * restart changes nothing.
 *   - A receiver that does not know the stream wants `committed` of the sender (the base;
 *     it is not delivered again) or, if that is no longer there, `oldest`.
 *   - first > next: refused, and answered with what is wanted.
 *   - What lies before `oldest` and is not committed is lost: counted, and passed over.
 */
#include "frame.h"

#define MESSAGE_VERSION         1
#define MESSAGE_MAX             (64u << 20) /* bytes of one message */
#define MESSAGE_STREAMS_MAX     4096u
#define MESSAGE_FRAMES_MAX      4096u /* of one stream in one message */
#define MESSAGE_ERROR_MAX       255u
#define MESSAGE_FEED_FRAMES_MAX 65536u /* in one reply of a feed */

struct message_bytes {
	const uint8_t *p;
	uint32_t n;
};

/* ---- uplink: sender to receiver ---- */

struct uplink_stream {
	char host_id[HOST_ID_MAX + 1], host_name[HOST_NAME_BYTES + 1],
		version[AGENT_VERSION_MAX + 1];
	uint64_t epoch;
	uint64_t sender;      /* random, one run of the program that measures: two live ones of
				 one host_id are refused */
	uint64_t oldest;      /* the first sequence the sender still has */
	uint64_t newest;      /* the last one it has made; 0: none yet */
	uint64_t committed;   /* what it was told is committed; 0: nothing */
	uint64_t lost;        /* samples its spool had to drop before they were committed */
	uint64_t lost_epochs; /* earlier runs that ended with uncommitted samples, which are gone */
	uint64_t spool_bytes, interval_ns, wall_ns; /* wall_ns: the sender's clock now */
	bool ended;     /* nothing will be added: an earlier run's rest */
	uint64_t first; /* sequence of frames[0] */
	uint32_t n_frames;
	struct message_bytes *frames;
};

struct uplink_request {
	uint64_t instance; /* the receiver it is meant for; 0: not known yet */
	uint32_t n_streams;
	struct uplink_stream *streams;
};

/* ---- uplink: receiver to sender ---- */

struct uplink_ack {
	char host_id[HOST_ID_MAX + 1];
	uint64_t epoch;
	uint64_t next;      /* the sequence wanted now */
	uint64_t committed; /* all up to here has left through every required output */
	char error[MESSAGE_ERROR_MAX + 1]; /* "" or why nothing is taken, for the sender's log */
};

struct uplink_reply {
	uint64_t instance;
	uint32_t n_acks;
	struct uplink_ack *acks;
};

/* ---- feed: reader to server ---- */

#define FEED_LIVE UINT64_MAX /* cursor: from the newest sample of every host on */

struct feed_request {
	uint64_t instance; /* of the server the cursor is from; 0: none */
	uint64_t cursor;   /* what came with the last reply, FEED_LIVE, or 0: all that is kept */
	uint64_t from_wall_ns, to_wall_ns; /* both 0, or: only what was sampled in between */
	uint32_t wait_ms; /* how long to wait when there is nothing new, at most 30000 */
	uint32_t max_bytes;
	bool latest_only; /* of each host only the newest that is after the cursor */
	uint32_t n_hosts; /* 0: all */
	char (*hosts)[HOST_ID_MAX + 1];
};

/* ---- feed: server to reader ---- */

/* What an aggregator knows of a host besides its samples; an agent tells of itself. */
struct feed_host {
	char host_id[HOST_ID_MAX + 1], host_name[HOST_NAME_BYTES + 1],
		version[AGENT_VERSION_MAX + 1];
	uint64_t age_ms;      /* since its newest sample arrived */
	uint64_t interval_ns; /* between its samples */
	uint64_t lost, repeated, spool_bytes;
	int64_t skew_ms; /* its clock minus ours */
	bool stale;      /* silent for 3 intervals */
	bool conflict;   /* two live senders of this id */
	/* What its newest sample lacks and the teller knows, as a frame that has only that; rows
	 * have the ids of the sample's.  n 0: nothing.  Borrowed: of a message, within it. */
	struct message_bytes notes;
};

struct feed_reply {
	uint64_t instance;
	uint64_t cursor; /* for the next request */
	uint64_t
		skipped; /* samples after the old cursor that are no longer kept or were left out */
	uint64_t oldest_wall_ns; /* how far back the history goes */
	uint32_t n_frames, n_hosts;
	struct message_bytes *frames;
	struct feed_host *hosts;
};

void uplink_request_encode(struct buf *to, const struct uplink_request *m);
int uplink_request_decode(struct uplink_request *ret, const void *bytes, size_t n);
void uplink_request_fini(struct uplink_request *m); /* frees what decode allocated */

void uplink_reply_encode(struct buf *to, const struct uplink_reply *m);
int uplink_reply_decode(struct uplink_reply *ret, const void *bytes, size_t n);
void uplink_reply_fini(struct uplink_reply *m);

void feed_request_encode(struct buf *to, const struct feed_request *m);
int feed_request_decode(struct feed_request *ret, const void *bytes, size_t n);
void feed_request_fini(struct feed_request *m);

void feed_reply_encode(struct buf *to, const struct feed_reply *m);
int feed_reply_decode(struct feed_reply *ret, const void *bytes, size_t n);
void feed_reply_fini(struct feed_reply *m);

#endif
