/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CONSOLE_SOURCE_H
#define PROXTOP_CONSOLE_SOURCE_H

/*
 * Where the console's samples come from: this host (measured in this process), a feed (an
 * agent's or an aggregator's), or a recording.  All three give moments, live ones and past
 * ones, and are asked the same way.
 *
 * Each source has a thread of its own: nothing here waits for a network, a disk or a
 * hypervisor.  A question's answer comes later: source_fd() becomes readable, source_take()
 * gives it.  All functions are for one thread, the one that opened it.
 *
 * Nothing comes before the first source_go().
 */
#include "measure.h"
#include "moment.h"
#include "seal.h"

struct console_source;

struct source_local_options {
	struct measure_options measure;
	uint64_t interval_ns;
	uint64_t keep_ns;  /* --history: how much of the past is kept */
	size_t keep_bytes; /* and in how many bytes at most */
};
struct source_feed_options {
	const char *url;
	const struct keyring *keys; /* NULL: plain; the caller's */
	uint64_t interval_ns;       /* how often a live moment is made */
};

struct source_replay_options {
	const char *path;
	bool (*stop)(void *arg); /* asked while it is opened: true ends that; NULL: never */
	void *stop_arg;
};

/* 0 or negative errno with one line for the user in why; -ECANCELED: stop() said so.  A feed that
 * is not there is no error: it is tried again and again, and said by source_status(). */
int source_open_local(struct console_source **ret, const struct source_local_options *o, char *why,
		      size_t why_size);
int source_open_feed(struct console_source **ret, const struct source_feed_options *o, char *why,
		     size_t why_size);
int source_open_replay(struct console_source **ret, const struct source_replay_options *o,
		       char *why, size_t why_size);
void source_close(struct console_source *s); /* NULL is fine */

int source_fd(const struct console_source *s); /* readable when there is something to take */

/* The newest answer since the last call, now the caller's (moment_unref), or NULL. */
struct moment *source_take(struct console_source *s);

enum source_where {
	SOURCE_LIVE,   /* now, and from now on at every interval; of a recording: its end, and
			  while somebody writes it what is added */
	SOURCE_AT,     /* the moment at wall_ns: of each host the newest frame not later than it */
	SOURCE_NEXT,   /* the next moment after wall_ns */
	SOURCE_BEFORE, /* the last moment before wall_ns */
};
/* Goes to another time; answered by one moment (LIVE: by many).  What lies outside the
 * history is answered by its nearest end.  A later question replaces one that is not
 * answered yet. */
void source_go(struct console_source *s, enum source_where where, uint64_t wall_ns);

#define SOURCE_FOLLOW_MAX 4096u
/* From now on every moment brings the last n frames of this host (NULL: no host's), at most
 * SOURCE_FOLLOW_MAX and 64 MiB of them. */
void source_follow(struct console_source *s, const char *host_id, uint32_t n);

/* + and -.  Live only; an agent's own interval is not changed. */
void source_set_interval(struct console_source *s, uint64_t interval_ns);

/* Every frame that newly arrives, handed over in the source's thread, for recording and for
 * printing; set before the first source_go(). */
void source_on_frame(struct console_source *s, void (*each)(void *arg, struct frame *f), void *arg);

struct source_status {
	char name[300];  /* what is looked at, for the status bar: "this host", the URL, the file */
	char error[300]; /* "" or one line why there is nothing new (not reachable, wrong key) */
	uint64_t oldest_wall_ns, newest_wall_ns; /* of what can be gone to; 0: nothing */
	uint64_t skipped;                        /* samples that a slow reader did not get */
	bool replay;
	bool grows; /* and somebody writes it: at its end (LIVE) more comes by itself */
};
void source_status(struct console_source *s, struct source_status *ret);

#endif
