/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_STATUS_H
#define PROXTOP_STATUS_H

/*
 * The state of the cluster for whoever asks: /hosts as JSON, /metrics as one OpenMetrics
 * exposition, and the hosts for the feed.
 */
#include "buf.h"
#include "feed_server.h"
#include "history.h"
#include "hosts.h"
#include "listener.h"
#include "message.h"
#include "outputs.h"
#include "profiling.h"
#include "tier.h"
#include "vms.h"

struct status {
	uint64_t instance;
	uint64_t started_ns; /* clock_monotonic_ns() */
	struct hosts *hosts;
	struct outputs *outputs;
	struct receive *receive;
	struct listener *listener;
	struct delivery *delivery;
	struct tier *tier;           /* NULL: none */
	struct profiling *profiling; /* NULL: none */
	struct history *history;
	struct feed_server *feed; /* NULL: none */
	struct vms *vms;
};

/* One JSON object; host: id or name of the hosts that are listed, NULL: all.  Returns how many
 * these are. */
unsigned status_hosts(const struct status *s, const char *host, struct buf *to);

/* The latest samples of the hosts that are live, what this program does for each host, and
 * what it takes itself unless host is given.  Returns how many hosts matched; -EMSGSIZE: too much
 * for one answer. */
int status_metrics(const struct status *s, const char *host, struct buf *to);

/* feed_server.h: what is known of the host with that number; false: none has it. */
bool status_feed_host(const struct status *s, uint32_t number, struct feed_host *ret);

/* ---- status_self.c: what this program does, as rows of scope self ---- */

/* Of the program and its parts: listener, feed, history, next tier, outputs by their URL. */
void status_self(const struct status *s, struct sample *to);

struct status_of_host {
	uint64_t age_ns; /* ABSENT: no sample yet */
	uint64_t samples, bytes, committed, behind, spooled, repeated, refused, lost, dropped;
};
/* h locked. */
void status_of_host(const struct status *s, const struct host *h, uint64_t now_ns,
		    struct status_of_host *ret);
/* A row beside those that the host's own agent has of itself. */
void status_self_host(const struct status_of_host *h, struct sample *to);

#endif
