/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SINK_LOOKUP_H
#define PROXTOP_SINK_LOOKUP_H

/*
 * A question to the resolver that nobody has to wait for.  The resolver may take long and
 * cannot be interrupted, so it is asked in a thread that lives for one question and may
 * be left behind.  Numeric addresses need no thread and are there at once.
 */
#include "sink_ops.h"

struct sink_lookup;

/* NULL when there can be no thread (errno). */
struct sink_lookup *sink_lookup_start(const struct sink_address *a, int type);

/* Readable when the answer is there. */
int sink_lookup_fd(const struct sink_lookup *l);

/* True when the answer was there: NULL in *why, or what is wrong, for people.  In any case
 * the lookup is over for the caller only with true. */
bool sink_lookup_take(struct sink_lookup *l, struct sink_peers *ret, const char **why);

/* No interest any more.  NULL is fine. */
void sink_lookup_leave(struct sink_lookup *l);

#endif
