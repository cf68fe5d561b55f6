/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_SERVER_H
#define PROXTOP_FEED_SERVER_H

/*
 * The feed: what an agent or an aggregator offers consoles.  Readers ask for what came
 * after their cursor and wait for more (a long poll); a slow one gets fewer frames and is
 * told how many it missed, and delays nobody.
 *
 * A request that cannot be opened (another key, garbage) is answered with an empty message,
 * so that the reader knows at once; the content of that answer is nothing.
 */
#include "history.h"
#include "link.h"
#include "message.h"
#include "seal.h"

struct feed_server;

struct feed_server_options {
	const char *url;
	const struct keyring *keys; /* NULL: plain.  Stays the caller's */
	uint64_t instance;
	const struct history *history;
	/* What is known of host `number`; false when there is none of that number.  Called by the
	 * server's threads, must not block long. */
	bool (*host)(void *arg, uint32_t number, struct feed_host *ret);
	/* What else is known of its VMs (feed_host.notes): a reference; NULL: nothing.  The
	 * function may be NULL; called as host(), right after it. */
	struct frame *(*notes)(void *arg, uint32_t number);
	/* How many host numbers there are (numbers are below). */
	uint32_t (*hosts)(void *arg);
	/* The host's number in the history, or -1. */
	long (*host_number)(void *arg, const char *host_id);
	void *arg;
};

/* 0, or negative errno with one line for the user in why. */
int feed_server_open(struct feed_server **ret, const struct feed_server_options *o, char *why,
		     size_t why_size);
unsigned feed_server_port(const struct feed_server *s);
void feed_server_poke(struct feed_server *s); /* there is something new in the history */

struct feed_server_stats {
	uint64_t requests, refused, frames, bytes, skipped;
	unsigned waiting; /* readers that wait for more */
};
void feed_server_stats(struct feed_server *s, struct feed_server_stats *ret);
void feed_server_close(struct feed_server *s); /* NULL is fine */

#endif
