/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TRANSPORT_H
#define PROXTOP_TRANSPORT_H

/*
 * How parcels get there.  A transport walks the line of parcels, sends, and marks as done
 * what has arrived by its measure; it never drops one because the other side is away.
 *
 * All calls are the output's thread's.  None but wait() waits; wait() ends when wake_fd is
 * readable, at the latest at until_ms.
 *
 * To add a transport: a file transport_NAME.c with one struct transport_ops, and its line
 * in transport.c.
 */
#include "output_report.h"
#include "output_time.h"
#include "output_url.h"
#include "parcel.h"

struct transport;

struct transport_ops {
	size_t record_max; /* bytes of one record */
	size_t window;     /* bytes of parcels that should be in the line */
	int (*open)(struct transport **ret, const struct output_url *u, char *why, size_t why_size);
	void (*step)(struct transport *t); /* what can be done now */
	void (*wait)(struct transport *t, int wake_fd, int64_t until_ms);
	void (*reopen)(struct transport *t); /* SIGHUP; NULL: nothing to do */
	void (*close)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
	const struct output_url *u;
	struct parcel_line *line;
	struct output_report *report;
	struct output_delay delay;
	int64_t retry_ms; /* after a failure: not before */
	bool closing;     /* there is little time: no long delays */
	bool refused;     /* something was; the thread takes it back */
};

extern const struct transport_ops transport_tcp, transport_udp, transport_http, transport_file,
	transport_whole_file;

/* 0, or negative errno with why (-EINVAL: usage).  What is borrowed must outlive it. */
int transport_open(struct transport **ret, const struct output_url *u, struct parcel_line *line,
		   struct output_report *report, char *why, size_t why_size);
const struct transport_ops *transport_ops_of(const struct output_url *u);

/* ---- for the transports ---- */

/* It did not work; the next attempt is after a delay, longer each time. */
void transport_failed(struct transport *t, const char *what, const char *why);
/* It does: the next delay is short again. */
void transport_works(struct transport *t);

/* The first parcel that is not sent yet; after is where the last one was found, or NULL. */
struct parcel *transport_next(struct transport *t);

/* poll(2) for wait(): fd may be -1; until the earlier of the two times.  fd's events. */
short transport_poll(int wake_fd, int fd, short events, int64_t until_ms, int64_t or_ms);

#endif
