/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of uplink and feed: there and back, and what does not hold is refused. */
#include "message.h"

#include "buf.h"
#include "wire_messages.h"

#include <errno.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- there and back ---- */

static void uplink_request_trip(void **state)
{
	struct wire_uplink_request made;
	struct uplink_request back;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	wire_make_uplink_request(&made);
	uplink_request_encode(&b, &made.m);
	assert_int_equal(uplink_request_decode(&back, b.data, b.used), 0);
	wire_same_uplink_request(&made.m, &back);
	/* Frames point into the message. */
	for (uint32_t i = 0; i < back.streams[1].n_frames; i++)
		assert_in_range((uintptr_t)back.streams[1].frames[i].p, (uintptr_t)b.data,
				(uintptr_t)b.data + b.used);
	uplink_request_fini(&back);
	/* Empty: the first exchange */
	buf_clear(&b);
	uplink_request_encode(&b, &(struct uplink_request){.instance = 0});
	assert_int_equal(uplink_request_decode(&back, b.data, b.used), 0);
	assert_int_equal(back.n_streams, 0);
	uplink_request_fini(&back);
	uplink_request_fini(&back);
	buf_fini(&b);
}

static void uplink_reply_trip(void **state)
{
	struct wire_uplink_reply made;
	struct uplink_reply back;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	wire_make_uplink_reply(&made);
	uplink_reply_encode(&b, &made.m);
	assert_int_equal(uplink_reply_decode(&back, b.data, b.used), 0);
	wire_same_uplink_reply(&made.m, &back);
	uplink_reply_fini(&back);
	buf_fini(&b);
}

static void feed_request_trip(void **state)
{
	struct wire_feed_request made;
	struct feed_request back;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	wire_make_feed_request(&made);
	feed_request_encode(&b, &made.m);
	assert_int_equal(feed_request_decode(&back, b.data, b.used), 0);
	wire_same_feed_request(&made.m, &back);
	feed_request_fini(&back);
	/* Nobody may be made to wait longer. */
	made.m.wait_ms = 90000;
	buf_clear(&b);
	feed_request_encode(&b, &made.m);
	assert_int_equal(feed_request_decode(&back, b.data, b.used), 0);
	assert_int_equal(back.wait_ms, 30000);
	feed_request_fini(&back);
	buf_fini(&b);
}

static void feed_reply_trip(void **state)
{
	struct wire_feed_reply made;
	struct feed_reply back;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	wire_make_feed_reply(&made);
	feed_reply_encode(&b, &made.m);
	assert_int_equal(feed_reply_decode(&back, b.data, b.used), 0);
	wire_same_feed_reply(&made.m, &back);
	feed_reply_fini(&back);
	buf_fini(&b);
}

/* ---- any of the four ---- */

enum message_kind { UPLINK_REQUEST, UPLINK_REPLY, FEED_REQUEST, FEED_REPLY, KINDS };

static const char *const kinds[] = {"uplink request", "uplink reply", "feed request", "feed reply"};

static void encode(enum message_kind k, struct buf *b)
{
	struct wire_uplink_request uplink_request;
	struct wire_uplink_reply uplink_reply;
	struct wire_feed_request feed_request;
	struct wire_feed_reply feed_reply;

	switch (k) {
	case UPLINK_REQUEST:
		wire_make_uplink_request(&uplink_request);
		uplink_request_encode(b, &uplink_request.m);
		break;
	case UPLINK_REPLY:
		wire_make_uplink_reply(&uplink_reply);
		uplink_reply_encode(b, &uplink_reply.m);
		break;
	case FEED_REQUEST:
		wire_make_feed_request(&feed_request);
		feed_request_encode(b, &feed_request.m);
		break;
	default:
		wire_make_feed_reply(&feed_reply);
		feed_reply_encode(b, &feed_reply.m);
	}
}

static int decode(enum message_kind k, const void *bytes, size_t n)
{
	struct uplink_request uplink_request;
	struct uplink_reply uplink_reply;
	struct feed_request feed_request;
	struct feed_reply feed_reply;
	int r;

	switch (k) {
	case UPLINK_REQUEST:
		r = uplink_request_decode(&uplink_request, bytes, n);
		if (r)
			assert_null(uplink_request.streams);
		else
			uplink_request_fini(&uplink_request);
		return r;
	case UPLINK_REPLY:
		r = uplink_reply_decode(&uplink_reply, bytes, n);
		if (r)
			assert_null(uplink_reply.acks);
		else
			uplink_reply_fini(&uplink_reply);
		return r;
	case FEED_REQUEST:
		r = feed_request_decode(&feed_request, bytes, n);
		if (r)
			assert_null(feed_request.hosts);
		else
			feed_request_fini(&feed_request);
		return r;
	default:
		r = feed_reply_decode(&feed_reply, bytes, n);
		if (r)
			assert_true(!feed_reply.frames && !feed_reply.hosts);
		else
			feed_reply_fini(&feed_reply);
		return r;
	}
}

/* From memory that ends where the message ends. */
static int decode_exact(enum message_kind k, const void *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);
	int r;

	memcpy(copy, bytes, n);
	r = decode(k, copy, n);
	free(copy);
	return r;
}

static void every_truncation(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	for (int k = 0; k < KINDS; k++) {
		buf_clear(&b);
		encode(k, &b);
		for (size_t n = 0; n < b.used; n++)
			if (decode_exact(k, b.data, n) != -EBADMSG)
				fail_msg("%s: %zu of %zu bytes are taken", kinds[k], n, b.used);
		buf_byte(&b, 0);
		if (decode_exact(k, b.data, b.used) != -EBADMSG)
			fail_msg("%s: a byte behind the end is taken", kinds[k]);
	}
	buf_fini(&b);
}

static void bytes_turned_over(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	for (int k = 0; k < KINDS; k++) {
		unsigned taken = 0;

		for (uint64_t i = 0; i < 5000; i++) {
			int r;

			buf_clear(&b);
			encode(k, &b);
			for (uint64_t n = 0; n <= i % 3; n++)
				b.data[wire_mix(i, n) % b.used] ^=
					(char)(1u << wire_mix(i, n + 9) % 8);
			if (i % 5 == 0)
				memset(b.data + wire_mix(i, 5) % (b.used - 4), 0xff, 4);
			r = decode_exact(k, b.data, b.used);
			if (r && r != -EBADMSG && r != -EPROTO)
				fail_msg("%s: %d", kinds[k], r);
			taken += !r;
		}
		if (taken < 100 || taken > 4900)
			fail_msg("%s: %u of 5000 taken", kinds[k], taken);
	}
	buf_fini(&b);
}

static int put(void *arg, const char *p, size_t n)
{
	buf_put(arg, p, n);
	return 0;
}

static void str(msgpack_packer *pk, const char *s)
{
	msgpack_pack_str(pk, strlen(s));
	msgpack_pack_str_body(pk, s, strlen(s));
}

static void other_versions(void **state)
{
	msgpack_packer pk;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	msgpack_packer_init(&pk, &b, put);
	for (int k = 0; k < KINDS; k++) {
		buf_clear(&b);
		msgpack_pack_map(&pk, 2);
		str(&pk, "v");
		msgpack_pack_int(&pk, 2);
		str(&pk, "more");
		msgpack_pack_int(&pk, 2);
		assert_int_equal(decode(k, b.data, b.used), -EPROTO);
		buf_clear(&b);
		msgpack_pack_map(&pk, 0);
		assert_int_equal(decode(k, b.data, b.used), -EBADMSG);
	}
	buf_fini(&b);
}

/* A newer sender's members are passed over, at the root and in what is listed there. */
static void unknown_is_skipped(void **state)
{
	static const char *const lists[] = {"streams", "acks", NULL, "hosts"};
	msgpack_packer pk;
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	msgpack_packer_init(&pk, &b, put);
	for (int k = 0; k < KINDS; k++) {
		buf_clear(&b);
		msgpack_pack_map(&pk, lists[k] ? 3 : 2);
		str(&pk, "v");
		msgpack_pack_int(&pk, 1);
		str(&pk, "unknown");
		msgpack_pack_array(&pk, 2);
		msgpack_pack_map(&pk, 1);
		msgpack_pack_nil(&pk);
		msgpack_pack_double(&pk, 2);
		str(&pk, "more");
		if (lists[k]) {
			str(&pk, lists[k]);
			msgpack_pack_array(&pk, 1);
			msgpack_pack_map(&pk, 2);
			str(&pk, "unknown");
			msgpack_pack_array(&pk, 0);
			str(&pk, "id");
			str(&pk, "x");
		}
		if (decode(k, b.data, b.used))
			fail_msg("%s: refused", kinds[k]);
	}
	buf_fini(&b);
}

/* {"v": 1, list: bytes} */
static int listed(enum message_kind k, const char *list, const void *bytes, size_t n)
{
	msgpack_packer pk;
	struct buf b;
	int r;

	buf_init(&b, MESSAGE_MAX);
	msgpack_packer_init(&pk, &b, put);
	msgpack_pack_map(&pk, 2);
	str(&pk, "v");
	msgpack_pack_int(&pk, 1);
	str(&pk, list);
	buf_put(&b, bytes, n);
	r = decode_exact(k, b.data, b.used);
	buf_fini(&b);
	return r;
}

/* Five bytes that announce more than all memory; and many elements of the least size. */
static void counts_are_not_believed(void **state)
{
	static const struct {
		enum message_kind kind;
		const char *list;
	} places[] = {{UPLINK_REQUEST, "streams"}, {UPLINK_REQUEST, "instance"},
		      {UPLINK_REPLY, "acks"},      {FEED_REQUEST, "hosts"},
		      {FEED_REPLY, "hosts"},       {FEED_REPLY, "frames"},
		      {FEED_REPLY, "unknown"}};
	static const char *const bombs[] = {"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
					    "\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff",
					    "\xc9\xff\xff\xff\xff"};

	(void)state;
	for (size_t p = 0; p < sizeof(places) / sizeof(*places); p++)
		for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++)
			if (listed(places[p].kind, places[p].list, bombs[i], 5) != -EBADMSG)
				fail_msg("%s of %s: bomb %zu is taken", places[p].list,
					 kinds[places[p].kind], i);
}

static int many(enum message_kind k, const char *list, uint32_t n, const char *each, size_t size)
{
	msgpack_packer pk;
	struct buf b;
	int r;

	buf_init(&b, MESSAGE_MAX);
	msgpack_packer_init(&pk, &b, put);
	msgpack_pack_array(&pk, n);
	for (uint32_t i = 0; i < n; i++)
		buf_put(&b, each, size);
	r = listed(k, list, b.data, b.used);
	buf_fini(&b);
	return r;
}

static void counts_are_bounded(void **state)
{
	static const char host[] = "\x81\xa2id\xa1x", frame[] = "\xc4\x18"
								"0123456789abcdef01234567";

	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		int want = more ? -EBADMSG : 0;

		assert_int_equal(many(UPLINK_REQUEST, "streams", MESSAGE_STREAMS_MAX + more, host,
				      sizeof(host) - 1),
				 want);
		assert_int_equal(many(UPLINK_REPLY, "acks", MESSAGE_STREAMS_MAX + more, host,
				      sizeof(host) - 1),
				 want);
		assert_int_equal(
			many(FEED_REQUEST, "hosts", MESSAGE_STREAMS_MAX + more, "\xa1y", 2), want);
		assert_int_equal(many(FEED_REPLY, "hosts", MESSAGE_STREAMS_MAX + more, host,
				      sizeof(host) - 1),
				 want);
		assert_int_equal(many(FEED_REPLY, "frames", MESSAGE_FEED_FRAMES_MAX + more, frame,
				      sizeof(frame) - 1),
				 want);
	}
	/* Too small to be one */
	assert_int_equal(many(FEED_REPLY, "frames", 3,
			      "\xc4\x17"
			      "0123456789abcdef0123456",
			      25),
			 -EBADMSG);
}

static void frames_of_a_stream_are_bounded(void **state)
{
	struct message_bytes frame = {(const uint8_t *)"0123456789abcdef01234567", 24};
	struct uplink_stream s = {.host_id = "x", .n_frames = MESSAGE_FRAMES_MAX};
	struct uplink_request m = {.n_streams = 1, .streams = &s};
	struct buf b;

	(void)state;
	buf_init(&b, MESSAGE_MAX);
	s.frames = calloc(MESSAGE_FRAMES_MAX + 1, sizeof(*s.frames));
	for (uint32_t i = 0; i <= MESSAGE_FRAMES_MAX; i++)
		s.frames[i] = frame;
	uplink_request_encode(&b, &m);
	assert_int_equal(decode(UPLINK_REQUEST, b.data, b.used), 0);
	s.n_frames++;
	buf_clear(&b);
	uplink_request_encode(&b, &m);
	assert_int_equal(decode(UPLINK_REQUEST, b.data, b.used), -EBADMSG);
	free(s.frames);
	buf_fini(&b);
}

/* Values of other types, texts too long or with a NUL, no id, lists twice. */
static void what_does_not_fit(void **state)
{
	static const struct {
		enum message_kind kind;
		const char *list, *bytes;
		size_t n;
	} cases[] = {
#define CASE(kind, list, b) {kind, list, b, sizeof(b) - 1}
		CASE(UPLINK_REQUEST, "instance", "\xa1x"),
		CASE(UPLINK_REQUEST, "instance", "\xff"),
		CASE(UPLINK_REQUEST, "streams", "\x80"),
		CASE(UPLINK_REQUEST, "streams",
		     "\x91\x82\xa2id\xa0\xa4"
		     "more\x01"),
		CASE(UPLINK_REQUEST, "streams",
		     "\x91\x81\xa7"
		     "no id x\x01"),
		CASE(UPLINK_REPLY, "acks",
		     "\x91\x81\xa7"
		     "no id x\x01"),
		CASE(FEED_REPLY, "hosts",
		     "\x91\x81\xa7"
		     "no id x\x01"),
		CASE(UPLINK_REQUEST, "streams", "\x91\x81\xa2id\xa3xy\0"),
		CASE(UPLINK_REQUEST, "streams",
		     "\x91\x82\xa2id\x01\xa4"
		     "more\x01"),
		CASE(UPLINK_REQUEST, "streams",
		     "\x91\x82\xa2id\xa1x\xa5"
		     "ended\x01"),
		CASE(UPLINK_REQUEST, "streams",
		     "\x91\x82\xa2id\xa1x\xa6"
		     "frames\x80"),
		CASE(UPLINK_REQUEST, "streams",
		     "\x91\x83\xa2id\xa1x\xa6"
		     "frames\x90\xa6"
		     "frames\x90"),
		CASE(UPLINK_REPLY, "acks", "\x91\x01"),
		CASE(FEED_REQUEST, "wait", "\xcf\0\0\0\1\0\0\0\0"),
		CASE(FEED_REQUEST, "latest", "\x01"),
		CASE(FEED_REQUEST, "hosts", "\x91\x01"),
		CASE(FEED_REQUEST, "hosts", "\x91\xa2x\0"),
		CASE(FEED_REPLY, "hosts", "\x91\x82\xa2id\xa1x\xa4skew\xa0"),
		CASE(FEED_REPLY, "hosts", "\x91\x82\xa2id\xa1x\xa4skew\xcf\xff\0\0\0\0\0\0\0"),
		CASE(FEED_REPLY, "frames", "\x91\xa1x"),
	};
	char id[HOST_ID_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (listed(cases[i].kind, cases[i].list, cases[i].bytes, cases[i].n) != -EBADMSG)
			fail_msg("case %zu: %s of %s is taken", i, cases[i].list,
				 kinds[cases[i].kind]);
	assert_int_equal(listed(UPLINK_REQUEST, "streams", "\x91\x81\xa2id\xa1x", 7), 0);
	/* One byte more than an id has */
	memset(id, 'y', sizeof(id));
	assert_int_equal(many(FEED_REQUEST, "hosts", 1, "\xd9\x40", 2), -EBADMSG);
	for (unsigned n = HOST_ID_MAX; n <= HOST_ID_MAX + 1; n++) {
		char bytes[3 + sizeof(id)] = {(char)0x91, (char)0xd9, (char)n};

		memcpy(bytes + 3, id, n);
		assert_int_equal(listed(FEED_REQUEST, "hosts", bytes, 3 + n),
				 n == HOST_ID_MAX ? 0 : -EBADMSG);
	}
}

static void too_large(void **state)
{
	char *bytes = calloc(1, (size_t)MESSAGE_MAX + 1);

	(void)state;
	for (int k = 0; k < KINDS; k++)
		assert_int_equal(decode(k, bytes, (size_t)MESSAGE_MAX + 1), -EBADMSG);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplink_request_trip),
		cmocka_unit_test(uplink_reply_trip),
		cmocka_unit_test(feed_request_trip),
		cmocka_unit_test(feed_reply_trip),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(bytes_turned_over),
		cmocka_unit_test(other_versions),
		cmocka_unit_test(unknown_is_skipped),
		cmocka_unit_test(counts_are_not_believed),
		cmocka_unit_test(counts_are_bounded),
		cmocka_unit_test(frames_of_a_stream_are_bounded),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
