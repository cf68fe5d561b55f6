/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UPLINK_TALK_H
#define PROXTOP_UPLINK_TALK_H

/* One request and its answer: the connection, the envelope, the memory for both. */
#include "link.h"
#include "message.h"
#include "seal.h"

#include <pthread.h>

struct uplink_talk {
	const struct keyring *keys;
	pthread_mutex_t lock; /* of what talk_cancel() touches */
	struct link_client *client;
	bool cancelled;
	struct buf plain, sealed, reply, opened;
};

void talk_init(struct uplink_talk *t, const struct keyring *keys);
void talk_fini(struct uplink_talk *t);

/* Connects to url when there is no connection.  0 and *ret (uplink_reply_fini), or the
 * errors of link_ask(), unseal() and decoding; -EKEYREJECTED also when the receiver could
 * not open the request. */
int talk_ask(struct uplink_talk *t, const char *url, const struct uplink_request *q,
	     struct uplink_reply *ret, int timeout_ms);
bool talk_connected(const struct uplink_talk *t);
int talk_reason(const struct uplink_talk *t); /* link_reason() */
void talk_hang_up(struct uplink_talk *t);
void talk_shrink(struct uplink_talk *t); /* large memory goes back */

/* From any thread: this request and all later ones end with -ECANCELED. */
void talk_cancel(struct uplink_talk *t);

#endif
