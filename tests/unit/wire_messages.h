/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_WIRE_MESSAGES_H
#define TEST_WIRE_MESSAGES_H

/*
 * One message of each kind with a value in every member, and whether another is the same.
 * The captured ones in wire/ are these: what stands here does not change any more.
 */
#include "message.h"
#include "wire_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char wire_frame_1[] = "the bytes of a frame are not looked into";
static const char wire_frame_2[] = "those of another one";

static inline struct message_bytes wire_frame(char *room, size_t n, const char *text)
{
	/* long enough to be one */
	memset(room, '.', n);
	memcpy(room, text, strlen(text));
	return (struct message_bytes){(const uint8_t *)room, (uint32_t)n};
}

struct wire_uplink_request {
	struct uplink_request m;
	struct uplink_stream streams[2];
	struct message_bytes frames[2];
	char bytes[2][300];
};

static inline void wire_make_uplink_request(struct wire_uplink_request *r)
{
	memset(r, 0, sizeof(*r));
	r->frames[0] = wire_frame(r->bytes[0], 48, wire_frame_1);
	r->frames[1] = wire_frame(r->bytes[1], 300, wire_frame_2);
	r->streams[0] = (struct uplink_stream){.host_id = "0123456789abcdef",
					       .host_name = "hv-1",
					       .version = "0.1.0",
					       .epoch = 1,
					       .ended = true};
	r->streams[1] = (struct uplink_stream){
		.host_id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.host_name = "hv-2.example.com",
		.version = "1.2.3-rc4",
		.epoch = UINT64_MAX,
		.sender = UINT64_C(0x1122334455667788),
		.oldest = 1000,
		.newest = 70000,
		.committed = 999,
		.lost = 200,
		.lost_epochs = 3,
		.spool_bytes = 67108864,
		.interval_ns = 1000000000,
		.wall_ns = UINT64_C(1795000000123456789),
		.first = 69999,
		.n_frames = 2,
		.frames = r->frames,
	};
	r->m = (struct uplink_request){
		.instance = UINT64_C(0xfedcba9876543210), .n_streams = 2, .streams = r->streams};
}

static inline void wire_same_frames(const struct message_bytes *a, uint32_t n,
				    const struct message_bytes *b, uint32_t n_b)
{
	assert_int_equal(n, n_b);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(a[i].n, b[i].n);
		assert_memory_equal(a[i].p, b[i].p, a[i].n);
	}
}

static inline void wire_same_uplink_request(const struct uplink_request *a,
					    const struct uplink_request *b)
{
	assert_true(a->instance == b->instance);
	assert_int_equal(a->n_streams, b->n_streams);
	for (uint32_t i = 0; i < a->n_streams; i++) {
		struct uplink_stream x = a->streams[i], y = b->streams[i];

		wire_same_frames(x.frames, x.n_frames, y.frames, y.n_frames);
		x.frames = y.frames = NULL;
		assert_string_equal(x.host_id, y.host_id);
		assert_string_equal(x.host_name, y.host_name);
		assert_string_equal(x.version, y.version);
		assert_true(x.epoch == y.epoch && x.sender == y.sender && x.oldest == y.oldest);
		assert_true(x.newest == y.newest && x.committed == y.committed);
		assert_true(x.lost == y.lost && x.lost_epochs == y.lost_epochs);
		assert_true(x.spool_bytes == y.spool_bytes && x.interval_ns == y.interval_ns);
		assert_true(x.wall_ns == y.wall_ns && x.ended == y.ended && x.first == y.first);
	}
}

struct wire_uplink_reply {
	struct uplink_reply m;
	struct uplink_ack acks[2];
};

static inline void wire_make_uplink_reply(struct wire_uplink_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->acks[0] = (struct uplink_ack){.host_id = "a", .epoch = 7, .next = 8, .committed = 6};
	r->acks[1] = (struct uplink_ack){.host_id = "b",
					 .epoch = UINT64_MAX,
					 .next = UINT64_C(1) << 40,
					 .committed = 0,
					 .error = "hv-1 sends under the same id"};
	r->m = (struct uplink_reply){.instance = 5, .n_acks = 2, .acks = r->acks};
}

static inline void wire_same_uplink_reply(const struct uplink_reply *a,
					  const struct uplink_reply *b)
{
	assert_true(a->instance == b->instance);
	assert_int_equal(a->n_acks, b->n_acks);
	for (uint32_t i = 0; i < a->n_acks; i++) {
		const struct uplink_ack *x = &a->acks[i], *y = &b->acks[i];

		assert_string_equal(x->host_id, y->host_id);
		assert_string_equal(x->error, y->error);
		assert_true(x->epoch == y->epoch && x->next == y->next &&
			    x->committed == y->committed);
	}
}

struct wire_feed_request {
	struct feed_request m;
	char hosts[2][HOST_ID_MAX + 1];
};

static inline void wire_make_feed_request(struct wire_feed_request *r)
{
	memset(r, 0, sizeof(*r));
	strcpy(r->hosts[0], "0123456789abcdef");
	strcpy(r->hosts[1], "");
	r->m = (struct feed_request){.instance = 3,
				     .cursor = FEED_LIVE,
				     .from_wall_ns = 1,
				     .to_wall_ns = UINT64_C(1795000000123456789),
				     .wait_ms = 2500,
				     .max_bytes = UINT32_MAX,
				     .latest_only = true,
				     .n_hosts = 2,
				     .hosts = r->hosts};
}

static inline void wire_same_feed_request(const struct feed_request *a,
					  const struct feed_request *b)
{
	assert_true(a->instance == b->instance && a->cursor == b->cursor);
	assert_true(a->from_wall_ns == b->from_wall_ns && a->to_wall_ns == b->to_wall_ns);
	assert_true(a->wait_ms == b->wait_ms && a->max_bytes == b->max_bytes);
	assert_true(a->latest_only == b->latest_only);
	assert_int_equal(a->n_hosts, b->n_hosts);
	for (uint32_t i = 0; i < a->n_hosts; i++)
		assert_string_equal(a->hosts[i], b->hosts[i]);
}

struct wire_feed_reply {
	struct feed_reply m;
	struct feed_host hosts[2];
	struct message_bytes frames[2];
	char bytes[2][300];
};

static inline void wire_make_feed_reply(struct wire_feed_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->frames[0] = wire_frame(r->bytes[0], 24, wire_frame_2);
	r->frames[1] = wire_frame(r->bytes[1], 60, wire_frame_1);
	r->hosts[0] = (struct feed_host){.host_id = "a", .skew_ms = -1234567, .stale = true};
	r->hosts[1] = (struct feed_host){.host_id = "b",
					 .host_name = "hv-2",
					 .version = "0.1.0",
					 .age_ms = 20,
					 .interval_ns = 1000000000,
					 .lost = 1,
					 .repeated = 2,
					 .spool_bytes = 3,
					 .skew_ms = INT64_MAX,
					 .conflict = true};
	r->m = (struct feed_reply){.instance = 1,
				   .cursor = 22,
				   .skipped = 333,
				   .oldest_wall_ns = 4444,
				   .n_frames = 2,
				   .n_hosts = 2,
				   .frames = r->frames,
				   .hosts = r->hosts};
}

static inline void wire_same_feed_reply(const struct feed_reply *a, const struct feed_reply *b)
{
	assert_true(a->instance == b->instance && a->cursor == b->cursor);
	assert_true(a->skipped == b->skipped && a->oldest_wall_ns == b->oldest_wall_ns);
	wire_same_frames(a->frames, a->n_frames, b->frames, b->n_frames);
	assert_int_equal(a->n_hosts, b->n_hosts);
	for (uint32_t i = 0; i < a->n_hosts; i++) {
		const struct feed_host *x = &a->hosts[i], *y = &b->hosts[i];

		assert_string_equal(x->host_id, y->host_id);
		assert_string_equal(x->host_name, y->host_name);
		assert_string_equal(x->version, y->version);
		assert_true(x->age_ms == y->age_ms && x->interval_ns == y->interval_ns);
		assert_true(x->lost == y->lost && x->repeated == y->repeated);
		assert_true(x->spool_bytes == y->spool_bytes && x->skew_ms == y->skew_ms);
		assert_true(x->stale == y->stale && x->conflict == y->conflict);
	}
}

#endif
