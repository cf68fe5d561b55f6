/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UPLINK_STREAMS_H
#define PROXTOP_UPLINK_STREAMS_H

/*
 * What the sender knows of each stream (which sequence the receiver wants, when to ask
 * again), how that becomes a request, and what an answer changes.  No connection, no
 * thread: uplink.c has those.
 */
#include "message.h"
#include "uplink.h"

struct uplink_streams;

struct uplink_streams *streams_new(const struct uplink_options *o);
void streams_free(struct uplink_streams *s);

struct streams_want {
	uint64_t now_ns;
	bool hello;   /* no frames: the receiver's instance is not known */
	bool closing; /* ask often for what is committed */
	size_t batch; /* bytes of frames */
};
/* Builds the request.  False when there is nothing to say now; *ret_due is when there will
 * be, if nothing new comes (UINT64_MAX: then never).  It is valid until the next call. */
bool streams_build(struct uplink_streams *s, const struct streams_want *want,
		   struct uplink_request *ret, uint64_t *ret_due);

/* What the last built request carried. */
struct streams_load {
	uint64_t frames, bytes, repeated;
};
struct streams_load streams_load(const struct uplink_streams *s);

/* The answer to it.  applied: the request was for this instance, so that the receiver has
 * not only answered it.  *ret_error: the first complaint in it, or NULL. */
void streams_answer(struct uplink_streams *s, const struct uplink_reply *reply, bool applied,
		    uint64_t now_ns, const char **ret_error);

/* Another receiver, or the same one started anew: what it wants is not known any more. */
void streams_forget(struct uplink_streams *s);

/* Is everything committed? */
bool streams_done(struct uplink_streams *s);

#endif
