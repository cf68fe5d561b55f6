/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_STATUS_H
#define PROXTOP_STATUS_H

/*
 * The state of the cluster for whoever asks: /hosts as JSON, /metrics as one OpenMetrics
 * exposition, and the hosts for the feed.
 */
#include "buf.h"
#include "hosts.h"
#include "listener.h"
#include "message.h"
#include "outputs.h"
#include "tier.h"

struct status {
	uint64_t instance, started_wall_ns;
	struct hosts *hosts;
	struct outputs *outputs;
	struct receive *receive;
	struct listener *listener;
	struct delivery *delivery;
	struct tier *tier; /* NULL: none */
};

/* One JSON object; host: id or name of the hosts that are listed, NULL: all. */
void status_hosts(const struct status *s, const char *host, struct buf *to);

/* The latest samples of the hosts that are live, and this program's own cost unless host
 * is given.  Returns how many hosts matched; -EMSGSIZE: too much for one answer. */
int status_metrics(const struct status *s, const char *host, struct buf *to);

/* feed_server.h: what is known of the host with that number; false: none has it. */
bool status_feed_host(const struct status *s, uint32_t number, struct feed_host *ret);

#endif
