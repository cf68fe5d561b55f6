/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_CLIENT_H
#define PROXTOP_FEED_CLIENT_H

/*
 * Reads a feed: one question at a time, reconnecting as link.h does.  The caller keeps
 * the cursor; after a server's restart (another instance) the server itself answers from
 * live on, and the client says so through *ret_restarted.
 */
#include "message.h"
#include "seal.h"

struct feed_client;

/* keys stay the caller's.  0, or negative errno with one line for the user in why. */
int feed_client_open(struct feed_client **ret, const char *url, const struct keyring *keys,
		     char *why, size_t why_size);
/* Asks q (its instance is filled in by the client).  timeout_ms is on top of q->wait_ms.
 * The reply's pointers are valid until the next call.  0 or negative errno of link_ask,
 * unseal and decoding; -EKEYREJECTED also when the server could not open the question. */
int feed_client_ask(struct feed_client *c, const struct feed_request *q, struct feed_reply *ret,
		    bool *ret_restarted, int timeout_ms);
void feed_client_cancel(struct feed_client *c); /* from any thread */
void feed_client_close(struct feed_client *c);  /* NULL is fine */

#endif
