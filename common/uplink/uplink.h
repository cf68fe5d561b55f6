/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UPLINK_H
#define PROXTOP_UPLINK_H

/*
 * The sender's side of the acknowledged uplink: a thread that brings what the spools hold
 * to a receiver, and learns what is wanted and committed.
 *
 * What it sends comes from sources: an agent has one, an aggregator that sends to a next
 * tier has one per host.  A source is a spool; each epoch in it is a stream (message.h),
 * known by what its frames say (host_id, host_name, version).
 *
 * Several URLs are several receivers that share the load: tried in an order hashed from
 * `order_key`, the next one when one fails, with back-off and jitter.  After an outage
 * several frames go in one request.
 */
#include "message.h"
#include "seal.h"
#include "spool.h"

struct uplink;

struct uplink_source {
	struct spool *spool; /* a reference, which the uplink closes; NULL: nothing here */
	uint64_t sender;     /* as in uplink_stream: of the run that measures */
	uint64_t wall_ns;    /* that host's clock now; 0: this one's */
};

struct uplink_options {
	const char *urls;           /* comma separated */
	const struct keyring *keys; /* NULL: plain.  Stays the caller's */
	const char *order_key;      /* what the order of the URLs is hashed from: the host's id */
	int timeout_ms;             /* of one request; 0: 10 s */
	size_t batch;               /* bytes of frames in one request at most; 0: 1 MiB */
	/* Source i, from 0; false beyond the last one.  A source keeps its number as long as it
	 * lives.  Called by the uplink's thread, which holds no lock then. */
	bool (*source)(void *arg, uint32_t i, struct uplink_source *ret);
	void *arg;
};

/* Options are copied; nothing is connected yet when it returns.  0, or -EINVAL with one
 * line for the user in why. */
int uplink_open(struct uplink **ret, const struct uplink_options *o, char *why, size_t why_size);
void uplink_poke(struct uplink *u); /* there is something new in a spool */

struct uplink_stats {
	uint64_t requests, failures, frames, bytes; /* sent and answered */
	uint64_t repeated;                          /* frames that were wanted again */
	uint64_t instance;                          /* who answered last at url; 0: nobody yet */
	bool connected;                             /* the last request was answered */
	char url[256];                              /* the one in use */
	char error[MESSAGE_ERROR_MAX + 1]; /* the receiver's latest complaint, "" when none */
};
void uplink_stats(struct uplink *u, struct uplink_stats *ret);

/* Tries for at most timeout_ms to get rid of what is not committed, then ends.  NULL is
 * fine. */
void uplink_close(struct uplink *u, int timeout_ms);

#endif
