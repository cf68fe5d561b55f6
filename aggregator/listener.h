/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LISTENER_H
#define PROXTOP_LISTENER_H

/* The uplink's socket: opens envelopes, hands requests to receive.h, seals replies. */
#include "link.h"
#include "receive.h"
#include "seal.h"

struct listener;

struct listener_options {
	const char *url;
	const struct keyring *keys; /* NULL: plain */
	unsigned max_pipes;         /* connections at once */
	struct receive *receive;
};

/* 0, or negative errno with one line for the user in why. */
int listener_open(struct listener **ret, const struct listener_options *o, char *why,
		  size_t why_size);
unsigned listener_port(const struct listener *l);

struct listener_stats {
	struct link_stats link;
	uint64_t rejected; /* messages that were not sealed with a key of ours, or no messages */
};
void listener_stats(struct listener *l, struct listener_stats *ret);

void listener_close(struct listener *l); /* NULL is fine */

#endif
