/* SPDX-License-Identifier: Apache-2.0 */
#include "feed_client.h"

#include "link.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct feed_client {
	struct link_client *link;
	const struct keyring *keys;
	uint64_t instance; /* of the server, 0: not known yet */
	struct buf plain, sealed, answer, opened;
	struct feed_reply reply;
	bool decoded; /* reply holds memory */
};

int feed_client_open(struct feed_client **ret, const char *url, const struct keyring *keys,
		     char *why, size_t why_size)
{
	struct link_options o = {.url = url, .max_message = MESSAGE_MAX};
	struct link_client *link;
	struct feed_client *c;
	int r = link_dial(&link, &o);

	if (r < 0) {
		snprintf(why, why_size, "%s: %s", url,
			 r == -EINVAL ? "not a URL one can attach to; allowed: tcp://HOST:PORT"
				      : strerror(-r));
		return r;
	}
	c = xcalloc(1, sizeof(*c));
	c->link = link;
	c->keys = keys;
	buf_init(&c->plain, MESSAGE_MAX - ENVELOPE_MAX);
	buf_init(&c->sealed, MESSAGE_MAX);
	buf_init(&c->answer, MESSAGE_MAX);
	buf_init(&c->opened, MESSAGE_MAX);
	*ret = c;
	return 0;
}

static void forget_reply(struct feed_client *c)
{
	if (c->decoded)
		feed_reply_fini(&c->reply);
	c->decoded = false;
}

static int exchange(struct feed_client *c, const struct feed_request *q, int timeout_ms)
{
	uint8_t id[REQUEST_ID_BYTES];
	int r;

	request_id_random(id);
	buf_clear(&c->plain);
	feed_request_encode(&c->plain, q);
	r = c->plain.error;
	if (!r)
		r = seal(&c->sealed, c->keys, ENVELOPE_FEED_REQUEST, id, c->plain.data,
			 c->plain.used);
	if (!r)
		r = link_ask(c->link, c->sealed.data, c->sealed.used, &c->answer,
			     timeout_ms + (int)q->wait_ms);
	/* Empty: the server could not open it. */
	if (!r && !c->answer.used)
		r = -EKEYREJECTED;
	if (!r)
		r = unseal(&c->opened, c->keys, ENVELOPE_FEED_REPLY, id, id, c->answer.data,
			   c->answer.used);
	return r;
}

int feed_client_ask(struct feed_client *c, const struct feed_request *q, struct feed_reply *ret,
		    bool *ret_restarted, int timeout_ms)
{
	struct feed_request mine = *q;
	int r;

	forget_reply(c);
	*ret_restarted = false;
	mine.instance = c->instance;
	r = exchange(c, &mine, timeout_ms);
	if (!r)
		r = feed_reply_decode(&c->reply, c->opened.data, c->opened.used);
	if (r)
		return r;
	c->decoded = true;
	*ret_restarted = c->instance && c->instance != c->reply.instance;
	c->instance = c->reply.instance;
	*ret = c->reply;
	return 0;
}

void feed_client_cancel(struct feed_client *c)
{
	link_cancel(c->link);
}

void feed_client_close(struct feed_client *c)
{
	if (!c)
		return;
	link_client_close(c->link);
	forget_reply(c);
	buf_fini(&c->plain);
	buf_fini(&c->sealed);
	buf_fini(&c->answer);
	buf_fini(&c->opened);
	free(c);
}
