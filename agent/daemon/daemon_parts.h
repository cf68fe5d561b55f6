/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DAEMON_PARTS_H
#define PROXTOP_DAEMON_PARTS_H

/* What the agent consists of, for its own files: opened in daemon_open.c, run in
 * daemon.c, shown in daemon_http.c. */
#include "daemon_options.h"
#include "feed_server.h"
#include "history.h"
#include "http_server.h"
#include "measure.h"
#include "spool.h"
#include "uplink.h"

struct daemon {
	const struct daemon_options *o;
	struct keyring keyring;
	const struct keyring *keys; /* NULL: none */
	struct measure *measure;
	struct frame_head head; /* of the newest sample */
	uint64_t sender;
	struct history *history;
	struct spool *spool; /* NULL, and no uplink: no aggregator was named */
	struct uplink *uplink;
	struct feed_server *feed; /* NULL: none */
	struct http_server *http; /* NULL: none */
	uint64_t taken_ns;        /* __atomic: CLOCK_BOOTTIME of the newest sample, 0: none yet */
};

/* Checks what was asked for, and opens everything.  0, or negative errno with one line for
 * the user in why (-EINVAL: usage). */
int daemon_open(struct daemon *d, const struct daemon_options *o, char *why, size_t why_size);

/* Tries for at most flush_ms to send what the spool holds, and closes everything.  What
 * was not opened is left alone. */
void daemon_close(struct daemon *d, int flush_ms);

/* Adds to the sample what the daemon's own parts do, as rows of scope self. */
void daemon_self(const struct daemon *d, struct sample *s);

/* The pages; d->http. */
int daemon_http_open(struct daemon *d, char *why, size_t why_size);

uint64_t daemon_boot_ns(void);

#endif
