/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TIER_H
#define PROXTOP_TIER_H

/*
 * The next tier: this aggregator is to another one what an agent is to it.  For delivery
 * it is a required target like an output; behind it is a spool for each host, and one
 * uplink that brings them all upwards.  What the upper one has committed is done.
 *
 * Its spools are bounded together: beyond that it is a full target, and the agents are
 * asked again once there is room.
 */
#include "hosts.h"
#include "seal.h"
#include "uplink.h"

struct tier;

struct tier_options {
	const char *urls; /* comma separated */
	const struct keyring *keys;
	unsigned max_hosts;
	struct delivery *delivery;
};

/* Makes it a target: before the first stream. */
int tier_new(struct tier **ret, const struct tier_options *o, char *why, size_t why_size);
/* Connects.  0, or -EINVAL with one line for the user in why. */
int tier_start(struct tier *t, struct hosts *hosts, char *why, size_t why_size);
/* A host is forgotten: no stream of it is busy. */
void tier_forget(struct tier *t, uint32_t host);
void tier_stats(struct tier *t, struct uplink_stats *ret, uint64_t *ret_waiting);
/* Tries for at most timeout_ms to get rid of what waits; nothing is put any more.  NULL is
 * fine. */
void tier_close(struct tier *t, int timeout_ms);

#endif
