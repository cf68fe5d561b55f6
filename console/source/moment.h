/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MOMENT_H
#define PROXTOP_MOMENT_H

/*
 * A moment: what is known of every host at one time, as frames.
 *
 * Of each host its newest frame at that time and the one before it (the base of the rates).
 * A moment never changes once it has been handed out; it is shared by counting, so that
 * what is frozen, marked or stepped back to is kept by a reference and nothing more.
 */
#include "frame.h"
#include "message.h"

#include <stdbool.h>

struct moment_host {
	/* Who it is, how old, what was lost.  Where nobody tells (this host, a recording) it is
	 * filled from the frames: stale when it was silent for three of its intervals. */
	struct feed_host about;
	bool told; /* about is a feed's word; else what was lost and the skew are not known */
	struct frame *now, *before; /* before NULL: no rates yet */
	struct frame *notes;        /* feed_host.notes; NULL: none */
};

struct moment {
	unsigned refs;    /* __atomic */
	uint64_t wall_ns; /* the newest frame's, by the gatherer's clock where a host's is wrong */
	bool live;
	uint32_t n;
	struct moment_host *hosts; /* by name, then id */
	/* One host's frames up to wall_ns, oldest first, when they were asked for
	 * (source_follow); the host is series_host, "" for none. */
	char series_host[HOST_ID_MAX + 1];
	uint32_t n_series;
	struct frame **series;
};

/* Silent for three of its intervals; one that does not say its interval (0) has one
 * of a second. */
bool moment_is_stale(uint64_t age_ms, uint64_t interval_ns);

struct moment *moment_new(void);
struct moment *moment_ref(struct moment *m); /* NULL is fine */
void moment_unref(struct moment *m);         /* NULL is fine */

/* Fills a new moment, before it is handed out.  References are added.  about may be NULL:
 * made from the frames, age by now_wall_ns. */
void moment_add(struct moment *m, const struct feed_host *about, struct frame *now,
		struct frame *before, uint64_t now_wall_ns);
/* Of the host that was added last; adds a reference. */
void moment_note(struct moment *m, struct frame *notes);
void moment_sort(struct moment *m);
void moment_series(struct moment *m, const char *host_id, struct frame *const *frames, uint32_t n);

#endif
