/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DOCUMENTS_H
#define PROXTOP_DOCUMENTS_H

/*
 * What is told again and again rather than passed on: all documents there are, every so often,
 * as lines of JSON over an output's transport.  json+TRANSPORT://TARGET[?option=value&...]
 *
 * A thread of its own makes a document when the transport has room for it, so nothing piles up
 * and nobody waits.  A round that takes longer than the time between two is finished, late.
 * Nothing is committed: what a peer has not got when a round begins anew is sent nevertheless,
 * in its order.
 */
#include "buf.h"
#include "output.h"

struct documents;

struct documents_options {
	const char *url, *option; /* option: for messages, "--profile-output" */
	uint64_t every_ns;        /* from one round to the next; the first comes after that, too */
	/* Appends some of the documents after the cursor (0: the first), each with its '\n', and
	 * moves on.  False: there are no more.  In the thread. */
	bool (*next)(void *arg, uint64_t *cursor, struct buf *to);
	void *arg;
};

/* 0, or negative errno with one line for the user in why (-EINVAL: usage).  Strings and arg are
 * borrowed. */
int documents_open(struct documents **ret, const struct documents_options *o, char *why,
		   size_t why_size);
const char *documents_url(const struct documents *d); /* without secrets */

/* queued: documents in hand, dead_for_ns: 0. */
void documents_stats(struct documents *d, struct output_stats *ret);
void documents_reopen(struct documents *d); /* SIGHUP */
/* One more round, as far as timeout_ms allows; 0: none.  NULL is fine. */
void documents_close(struct documents *d, int timeout_ms);

#endif
