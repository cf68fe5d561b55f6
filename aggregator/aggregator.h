/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_AGGREGATOR_H
#define PROXTOP_AGGREGATOR_H

/*
 * The centre, put together: outputs, hosts, history, uplink, feed and http.
 *
 *   aggregator_open -> aggregator_tick about once a second -> aggregator_close
 *
 * Outputs are open before anything is received, and what is received is answered until
 * the outputs are flushed.
 */
#include "aggregator_options.h"

#include <stddef.h>

struct aggregator;

/* 0, or negative errno with one line for the user in why (-EINVAL: usage).  Options are
 * borrowed. */
int aggregator_open(struct aggregator **ret, const struct aggregator_options *o, char *why,
		    size_t why_size);

/* Who fell silent, which output is dead, whom to forget. */
void aggregator_tick(struct aggregator *a);
void aggregator_reopen(struct aggregator *a); /* SIGHUP */
/* What the last tick saw, for systemctl status. */
void aggregator_line(const struct aggregator *a, char *to, size_t size);

/* Takes no more samples; what the outputs hold gets timeout_ms, and is still told to the
 * senders.  NULL is fine. */
void aggregator_close(struct aggregator *a, int timeout_ms);

#endif
