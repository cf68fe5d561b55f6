/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SENDERS_H
#define PROXTOP_SENDERS_H

/*
 * Who speaks for a host: one live sender at a time.
 *
 * A sender is one run of an agent, known by its random number.  A run that follows
 * another one, which is silent from then on, is a restart; it is believed at once when
 * its epoch is greater, and when the earlier one has been silent long enough otherwise.
 * Two that both go on speaking are two machines with one identity (a clone): then neither
 * is listened to until one of them falls silent.  A message that was delayed or played
 * again is older, by its sender's own clock, than what is known of that sender, and
 * changes nothing.
 *
 * Plain data guarded by its owner.  Times are CLOCK_MONOTONIC ns of the listener, but for
 * wall_ns, which is the sender's clock.
 */
#include "message.h"

#include <stdbool.h>

struct sender {
	uint64_t number; /* 0: nobody */
	char name[HOST_NAME_BYTES + 1];
	uint64_t epoch; /* the greatest one it spoke of */
	uint64_t first_ns, heard_ns;
	uint64_t first_wall_ns, wall_ns;
	unsigned late; /* messages from before the other one came, by this one's clock */
};

struct senders {
	struct sender now, other;
	bool conflict;
};

enum sender_verdict {
	SENDER_LIVE,     /* the one: take what it says */
	SENDER_OLD,      /* an old message: it changes nothing */
	SENDER_WAITS,    /* perhaps a restart: when the one before stays silent */
	SENDER_CONFLICT, /* two live ones */
};

/* How long one must be silent before another one may take its place. */
#define SENDER_SILENT_NS UINT64_C(10000000000)

enum sender_verdict senders_hear(struct senders *s, uint64_t number, const char *name,
				 uint64_t epoch, uint64_t wall_ns, uint64_t now_ns,
				 uint64_t silent_ns);

#endif
