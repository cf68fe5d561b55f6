/* SPDX-License-Identifier: Apache-2.0 */
/* Feed: what readers of samples ask, and what they get. */
#include "message.h"
#include "message_parts.h"

#include <errno.h>
#include <stdlib.h>

#define WAIT_MAX_MS 30000u
#define HOST_MIN    6u /* {"id": "x"} */

/* ---- request ---- */

void feed_request_encode(struct buf *to, const struct feed_request *m)
{
	msgpack_packer pk;

	wire_pack_init(&pk, to);
	wire_pack_versioned(&pk, MESSAGE_VERSION, 9);
	wire_pack_u64(&pk, "instance", m->instance);
	wire_pack_u64(&pk, "cursor", m->cursor);
	wire_pack_u64(&pk, "from", m->from_wall_ns);
	wire_pack_u64(&pk, "to", m->to_wall_ns);
	wire_pack_u64(&pk, "wait", m->wait_ms);
	wire_pack_u64(&pk, "bytes", m->max_bytes);
	wire_pack_bool(&pk, "latest", m->latest_only);
	wire_pack_str(&pk, "hosts");
	msgpack_pack_array(&pk, m->n_hosts);
	for (uint32_t i = 0; i < m->n_hosts; i++)
		wire_pack_str(&pk, m->hosts[i]);
}

static bool take_wanted(struct wire_cursor *c, const struct wire_item *key, struct feed_request *m)
{
	uint32_t n;

	if (!wire_is(key, "hosts"))
		return false;
	m->hosts = message_array(c, m->hosts, MESSAGE_STREAMS_MAX, 1, sizeof(*m->hosts), &n);
	while (n-- && wire_take_text(c, m->hosts[m->n_hosts], sizeof(m->hosts[0])))
		m->n_hosts++;
	return true;
}

int feed_request_decode(struct feed_request *ret, const void *bytes, size_t n)
{
	struct feed_request *m = ret;
	struct wire_cursor c;
	struct wire_item key;
	uint32_t members;
	int r;

	*m = (struct feed_request){.instance = 0};
	r = message_begin(&c, bytes, n, &members);
	if (r)
		return r;
	while (members-- && wire_key(&c, &key))
		(void)(wire_u64(&c, &key, "instance", &m->instance) ||
		       wire_u64(&c, &key, "cursor", &m->cursor) ||
		       wire_u64(&c, &key, "from", &m->from_wall_ns) ||
		       wire_u64(&c, &key, "to", &m->to_wall_ns) ||
		       wire_u32(&c, &key, "wait", &m->wait_ms) ||
		       wire_u32(&c, &key, "bytes", &m->max_bytes) ||
		       wire_bool(&c, &key, "latest", &m->latest_only) || take_wanted(&c, &key, m) ||
		       wire_skip(&c));
	if (m->wait_ms > WAIT_MAX_MS)
		m->wait_ms = WAIT_MAX_MS;
	if (wire_done(&c))
		return 0;
	feed_request_fini(m);
	return -EBADMSG;
}

void feed_request_fini(struct feed_request *m)
{
	free(m->hosts);
	*m = (struct feed_request){.instance = 0};
}

/* ---- reply ---- */

static void pack_host(msgpack_packer *pk, const struct feed_host *h)
{
	msgpack_pack_map(pk, h->notes.n ? 12 : 11);
	wire_pack_text(pk, "id", h->host_id);
	wire_pack_text(pk, "host", h->host_name);
	wire_pack_text(pk, "agent", h->version);
	wire_pack_u64(pk, "age", h->age_ms);
	wire_pack_u64(pk, "interval", h->interval_ns);
	wire_pack_u64(pk, "lost", h->lost);
	wire_pack_u64(pk, "repeated", h->repeated);
	wire_pack_u64(pk, "spool", h->spool_bytes);
	wire_pack_i64(pk, "skew", h->skew_ms);
	wire_pack_bool(pk, "stale", h->stale);
	wire_pack_bool(pk, "conflict", h->conflict);
	if (!h->notes.n)
		return;
	wire_pack_str(pk, "notes");
	wire_pack_bin(pk, h->notes.p, h->notes.n);
}

void feed_reply_encode(struct buf *to, const struct feed_reply *m)
{
	msgpack_packer pk;

	wire_pack_init(&pk, to);
	wire_pack_versioned(&pk, MESSAGE_VERSION, 7);
	wire_pack_u64(&pk, "instance", m->instance);
	wire_pack_u64(&pk, "cursor", m->cursor);
	wire_pack_u64(&pk, "skipped", m->skipped);
	wire_pack_u64(&pk, "oldest", m->oldest_wall_ns);
	wire_pack_str(&pk, "hosts");
	msgpack_pack_array(&pk, m->n_hosts);
	for (uint32_t i = 0; i < m->n_hosts; i++)
		pack_host(&pk, &m->hosts[i]);
	message_pack_frames(&pk, m->frames, m->n_frames);
}

/* A frame, not looked into here. */
static bool take_notes(struct wire_cursor *c, const struct wire_item *key, struct feed_host *h)
{
	struct wire_item it;

	if (!wire_is(key, "notes"))
		return false;
	if (!wire_next(c, &it))
		return true;
	if (it.type != WIRE_BIN || it.n < FRAME_MIN || it.n > FRAME_MAX)
		wire_fail(c);
	else
		h->notes = (struct message_bytes){it.p, it.n};
	return true;
}

static void take_host(struct wire_cursor *c, struct feed_host *h)
{
	uint32_t n = wire_map(c);
	struct wire_item key;

	while (n-- && wire_key(c, &key))
		(void)(wire_text(c, &key, "id", h->host_id, sizeof(h->host_id)) ||
		       wire_text(c, &key, "host", h->host_name, sizeof(h->host_name)) ||
		       wire_text(c, &key, "agent", h->version, sizeof(h->version)) ||
		       wire_u64(c, &key, "age", &h->age_ms) ||
		       wire_u64(c, &key, "interval", &h->interval_ns) ||
		       wire_u64(c, &key, "lost", &h->lost) ||
		       wire_u64(c, &key, "repeated", &h->repeated) ||
		       wire_u64(c, &key, "spool", &h->spool_bytes) ||
		       wire_i64(c, &key, "skew", &h->skew_ms) ||
		       wire_bool(c, &key, "stale", &h->stale) ||
		       wire_bool(c, &key, "conflict", &h->conflict) || take_notes(c, &key, h) ||
		       wire_skip(c));
	if (!h->host_id[0])
		wire_fail(c);
}

static bool take_hosts(struct wire_cursor *c, const struct wire_item *key, struct feed_reply *m)
{
	uint32_t n;

	if (!wire_is(key, "hosts"))
		return false;
	m->hosts = message_array(c, m->hosts, MESSAGE_STREAMS_MAX, HOST_MIN, sizeof(*m->hosts), &n);
	while (n-- && !c->bad)
		take_host(c, &m->hosts[m->n_hosts++]);
	return true;
}

int feed_reply_decode(struct feed_reply *ret, const void *bytes, size_t n)
{
	struct feed_reply *m = ret;
	struct wire_cursor c;
	struct wire_item key;
	uint32_t members;
	int r;

	*m = (struct feed_reply){.instance = 0};
	r = message_begin(&c, bytes, n, &members);
	if (r)
		return r;
	while (members-- && wire_key(&c, &key))
		(void)(wire_u64(&c, &key, "instance", &m->instance) ||
		       wire_u64(&c, &key, "cursor", &m->cursor) ||
		       wire_u64(&c, &key, "skipped", &m->skipped) ||
		       wire_u64(&c, &key, "oldest", &m->oldest_wall_ns) ||
		       take_hosts(&c, &key, m) ||
		       message_frames(&c, &key, MESSAGE_FEED_FRAMES_MAX, &m->frames,
				      &m->n_frames) ||
		       wire_skip(&c));
	if (wire_done(&c))
		return 0;
	feed_reply_fini(m);
	return -EBADMSG;
}

void feed_reply_fini(struct feed_reply *m)
{
	free(m->frames);
	free(m->hosts);
	*m = (struct feed_reply){.instance = 0};
}
