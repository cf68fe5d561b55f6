/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_SOURCE_H
#define PROXTOP_FEED_SOURCE_H

/*
 * What the files of the feed source share.  Two threads: feed_poll.c waits at the feed for
 * what is new; feed_make.c makes moments, and asks for the past over a connection of its
 * own, so that neither waits for the other.
 */
#include "desk.h"
#include "feed_client.h"
#include "frame_ring.h"
#include "host_table.h"
#include "source_ops.h"

#define ASK_MS 3000 /* how long an answer may take, once something is asked for */

struct feed {
	struct console_source base;
	struct desk desk;
	char *url;
	const struct keyring *keys;
	struct feed_client *live, *past;
	pthread_t poller, maker;
	bool polling, making; /* these threads are there */
	uint64_t opened_ns;
	void (*each)(void *arg, struct frame *f);
	void *each_arg;

	/* What follows is guarded by the desk's lock. */
	struct host_table hosts;
	bool begun;          /* the feed has answered once, and the first rates' bases are there */
	unsigned silent;     /* hosts that were stale in the last moment */
	uint64_t arrived_ns; /* when the newest frames came */
	uint64_t newest_wall_ns, oldest_wall_ns, skipped;
	char error[300];      /* of reading on; "": none */
	char past_error[300]; /* of asking for the past */
	/* The followed host's frames; until all of them were asked for, those since then. */
	char series_host[HOST_ID_MAX + 1];
	struct frame_ring series;
};

/* The threads; arg is the struct feed. */
void *feed_poll(void *arg);
void *feed_make(void *arg);

/* One line on why a question got no answer. */
void feed_say_error(const struct feed *f, int error, char *to, size_t size);

/* The shortest interval of all hosts, 0: none known.  Under the lock. */
uint64_t feed_interval(const struct feed *f);

#endif
