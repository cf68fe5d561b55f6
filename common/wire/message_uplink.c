/* SPDX-License-Identifier: Apache-2.0 */
/* Uplink: what senders and receivers of samples say to each other. */
#include "message.h"
#include "message_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that one element takes at the least: what a count may claim. */
#define STREAM_MIN 6u /* {"id": "x"} */
#define ACK_MIN    6u

/* ---- request ---- */

static void pack_stream(msgpack_packer *pk, const struct uplink_stream *s)
{
	msgpack_pack_map(pk, 16);
	wire_pack_text(pk, "id", s->host_id);
	wire_pack_text(pk, "host", s->host_name);
	wire_pack_text(pk, "agent", s->version);
	wire_pack_u64(pk, "epoch", s->epoch);
	wire_pack_u64(pk, "sender", s->sender);
	wire_pack_u64(pk, "oldest", s->oldest);
	wire_pack_u64(pk, "newest", s->newest);
	wire_pack_u64(pk, "committed", s->committed);
	wire_pack_u64(pk, "lost", s->lost);
	wire_pack_u64(pk, "lost-epochs", s->lost_epochs);
	wire_pack_u64(pk, "spool", s->spool_bytes);
	wire_pack_u64(pk, "interval", s->interval_ns);
	wire_pack_u64(pk, "wall", s->wall_ns);
	wire_pack_bool(pk, "ended", s->ended);
	wire_pack_u64(pk, "first", s->first);
	message_pack_frames(pk, s->frames, s->n_frames);
}

void uplink_request_encode(struct buf *to, const struct uplink_request *m)
{
	msgpack_packer pk;

	wire_pack_init(&pk, to);
	wire_pack_versioned(&pk, MESSAGE_VERSION, 3);
	wire_pack_u64(&pk, "instance", m->instance);
	wire_pack_str(&pk, "streams");
	msgpack_pack_array(&pk, m->n_streams);
	for (uint32_t i = 0; i < m->n_streams; i++)
		pack_stream(&pk, &m->streams[i]);
}

static void take_stream(struct wire_cursor *c, struct uplink_stream *s)
{
	uint32_t n = wire_map(c);
	struct wire_item key;

	while (n-- && wire_key(c, &key)) {
		(void)(message_frames(c, &key, MESSAGE_FRAMES_MAX, &s->frames, &s->n_frames) ||
		       wire_text(c, &key, "id", s->host_id, sizeof(s->host_id)) ||
		       wire_text(c, &key, "host", s->host_name, sizeof(s->host_name)) ||
		       wire_text(c, &key, "agent", s->version, sizeof(s->version)) ||
		       wire_u64(c, &key, "epoch", &s->epoch) ||
		       wire_u64(c, &key, "sender", &s->sender) ||
		       wire_u64(c, &key, "oldest", &s->oldest) ||
		       wire_u64(c, &key, "newest", &s->newest) ||
		       wire_u64(c, &key, "committed", &s->committed) ||
		       wire_u64(c, &key, "lost", &s->lost) ||
		       wire_u64(c, &key, "lost-epochs", &s->lost_epochs) ||
		       wire_u64(c, &key, "spool", &s->spool_bytes) ||
		       wire_u64(c, &key, "interval", &s->interval_ns) ||
		       wire_u64(c, &key, "wall", &s->wall_ns) ||
		       wire_bool(c, &key, "ended", &s->ended) ||
		       wire_u64(c, &key, "first", &s->first) || wire_skip(c));
	}
	if (!s->host_id[0])
		wire_fail(c);
}

static void take_streams(struct wire_cursor *c, struct uplink_request *m)
{
	uint32_t n;

	m->streams = message_array(c, m->streams, MESSAGE_STREAMS_MAX, STREAM_MIN,
				   sizeof(*m->streams), &n);
	while (n-- && !c->bad)
		take_stream(c, &m->streams[m->n_streams++]);
}

int uplink_request_decode(struct uplink_request *ret, const void *bytes, size_t n)
{
	struct wire_cursor c;
	struct wire_item key;
	uint32_t members;
	int r;

	*ret = (struct uplink_request){.instance = 0};
	r = message_begin(&c, bytes, n, &members);
	if (r)
		return r;
	while (members-- && wire_key(&c, &key)) {
		if (wire_is(&key, "streams"))
			take_streams(&c, ret);
		else
			(void)(wire_u64(&c, &key, "instance", &ret->instance) || wire_skip(&c));
	}
	if (wire_done(&c))
		return 0;
	uplink_request_fini(ret);
	return -EBADMSG;
}

void uplink_request_fini(struct uplink_request *m)
{
	for (uint32_t i = 0; i < m->n_streams; i++)
		free(m->streams[i].frames);
	free(m->streams);
	*m = (struct uplink_request){.instance = 0};
}

/* ---- reply ---- */

void uplink_reply_encode(struct buf *to, const struct uplink_reply *m)
{
	msgpack_packer pk;

	wire_pack_init(&pk, to);
	wire_pack_versioned(&pk, MESSAGE_VERSION, 3);
	wire_pack_u64(&pk, "instance", m->instance);
	wire_pack_str(&pk, "acks");
	msgpack_pack_array(&pk, m->n_acks);
	for (uint32_t i = 0; i < m->n_acks; i++) {
		const struct uplink_ack *a = &m->acks[i];

		msgpack_pack_map(&pk, a->error[0] ? 5 : 4);
		wire_pack_text(&pk, "id", a->host_id);
		wire_pack_u64(&pk, "epoch", a->epoch);
		wire_pack_u64(&pk, "next", a->next);
		wire_pack_u64(&pk, "committed", a->committed);
		if (a->error[0])
			wire_pack_text(&pk, "error", a->error);
	}
}

static void take_ack(struct wire_cursor *c, struct uplink_ack *a)
{
	uint32_t n = wire_map(c);
	struct wire_item key;

	while (n-- && wire_key(c, &key))
		(void)(wire_text(c, &key, "id", a->host_id, sizeof(a->host_id)) ||
		       wire_u64(c, &key, "epoch", &a->epoch) ||
		       wire_u64(c, &key, "next", &a->next) ||
		       wire_u64(c, &key, "committed", &a->committed) ||
		       wire_text(c, &key, "error", a->error, sizeof(a->error)) || wire_skip(c));
	if (!a->host_id[0])
		wire_fail(c);
}

static void take_acks(struct wire_cursor *c, struct uplink_reply *m)
{
	uint32_t n;

	m->acks = message_array(c, m->acks, MESSAGE_STREAMS_MAX, ACK_MIN, sizeof(*m->acks), &n);
	while (n-- && !c->bad)
		take_ack(c, &m->acks[m->n_acks++]);
}

int uplink_reply_decode(struct uplink_reply *ret, const void *bytes, size_t n)
{
	struct wire_cursor c;
	struct wire_item key;
	uint32_t members;
	int r;

	*ret = (struct uplink_reply){.instance = 0};
	r = message_begin(&c, bytes, n, &members);
	if (r)
		return r;
	while (members-- && wire_key(&c, &key)) {
		if (wire_is(&key, "acks"))
			take_acks(&c, ret);
		else
			(void)(wire_u64(&c, &key, "instance", &ret->instance) || wire_skip(&c));
	}
	if (wire_done(&c))
		return 0;
	uplink_reply_fini(ret);
	return -EBADMSG;
}

void uplink_reply_fini(struct uplink_reply *m)
{
	free(m->acks);
	*m = (struct uplink_reply){.instance = 0};
}
