/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink_talk.h"

#include <errno.h>

#define KEEP_BYTES (64u << 10)

void talk_init(struct uplink_talk *t, const struct keyring *keys)
{
	*t = (struct uplink_talk){.keys = keys};
	pthread_mutex_init(&t->lock, NULL);
	buf_init(&t->plain, MESSAGE_MAX - ENVELOPE_MAX);
	buf_init(&t->sealed, MESSAGE_MAX);
	buf_init(&t->reply, MESSAGE_MAX);
	buf_init(&t->opened, MESSAGE_MAX);
}

void talk_fini(struct uplink_talk *t)
{
	talk_hang_up(t);
	buf_fini(&t->plain);
	buf_fini(&t->sealed);
	buf_fini(&t->reply);
	buf_fini(&t->opened);
	pthread_mutex_destroy(&t->lock);
}

void talk_hang_up(struct uplink_talk *t)
{
	struct link_client *c;

	pthread_mutex_lock(&t->lock);
	c = t->client;
	t->client = NULL;
	pthread_mutex_unlock(&t->lock);
	link_client_close(c);
}

static int dial(struct uplink_talk *t, const char *url)
{
	struct link_options o = {.url = url, .max_message = MESSAGE_MAX};
	struct link_client *c;
	int r;

	if (t->client)
		return 0;
	r = link_dial(&c, &o);
	if (r < 0)
		return r;
	pthread_mutex_lock(&t->lock);
	t->client = c;
	if (t->cancelled)
		link_cancel(c);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

int talk_ask(struct uplink_talk *t, const char *url, const struct uplink_request *q,
	     struct uplink_reply *ret, int timeout_ms)
{
	uint8_t id[REQUEST_ID_BYTES];
	int r = dial(t, url);

	if (r < 0)
		return r;
	request_id_random(id);
	buf_clear(&t->plain);
	uplink_request_encode(&t->plain, q);
	r = t->plain.error;
	if (!r)
		r = seal(&t->sealed, t->keys, ENVELOPE_UPLINK_REQUEST, id, t->plain.data,
			 t->plain.used);
	if (!r)
		r = link_ask(t->client, t->sealed.data, t->sealed.used, &t->reply, timeout_ms);
	/* Empty: what it could not open. */
	if (!r && !t->reply.used)
		r = -EKEYREJECTED;
	if (!r)
		r = unseal(&t->opened, t->keys, ENVELOPE_UPLINK_REPLY, id, id, t->reply.data,
			   t->reply.used);
	if (!r)
		r = uplink_reply_decode(ret, t->opened.data, t->opened.used);
	return r;
}

bool talk_connected(const struct uplink_talk *t)
{
	return t->client && link_connected(t->client);
}

int talk_reason(const struct uplink_talk *t)
{
	return t->client ? link_reason(t->client) : 0;
}

static void shrink(struct buf *b)
{
	size_t ceiling = b->ceiling;

	if (b->room <= KEEP_BYTES)
		return;
	buf_fini(b);
	buf_init(b, ceiling);
}

void talk_shrink(struct uplink_talk *t)
{
	shrink(&t->plain);
	shrink(&t->sealed);
	shrink(&t->reply);
	shrink(&t->opened);
}

void talk_cancel(struct uplink_talk *t)
{
	pthread_mutex_lock(&t->lock);
	t->cancelled = true;
	if (t->client)
		link_cancel(t->client);
	pthread_mutex_unlock(&t->lock);
}
