/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes: what was sealed comes back, and nothing else is taken: another key, kind,
 * request or version, a changed byte anywhere, one too few or too many. */
#include "seal.h"

#include "xalloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER 24u /* bytes before the nonce: README.md of common/net */
#define NONCE  24u
#define TAG    16u

static struct buf sealed, opened;
static struct keyring one, two, both;
static uint8_t id[REQUEST_ID_BYTES], got[REQUEST_ID_BYTES];

static int setup(void **state)
{
	(void)state;
	buf_init(&sealed, 4u << 20);
	buf_init(&opened, 4u << 20);
	one.n = two.n = 1;
	memset(one.key[0], 1, KEY_BYTES);
	memset(two.key[0], 2, KEY_BYTES);
	both.n = 2;
	memcpy(both.key[0], two.key[0], KEY_BYTES);
	memcpy(both.key[1], one.key[0], KEY_BYTES);
	request_id_random(id);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&sealed);
	buf_fini(&opened);
	return 0;
}

static void is(const char *what, int r, int want)
{
	if (r != want)
		fail_msg("%s: %d (%s), not %d", what, r, r < 0 ? strerror(-r) : "taken", want);
	if (r && opened.used)
		fail_msg("%s: refused, but %zu bytes are there", what, opened.used);
}

static int open_it(const struct keyring *keys, enum envelope_kind kind)
{
	return unseal(&opened, keys, kind, got, id, sealed.data, sealed.used);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 64, 1000, 1u << 20};
	char *text = xcalloc(1, 1u << 20);

	(void)state;
	for (size_t i = 0; i < 1u << 20; i++)
		text[i] = (char)(i * 31);
	for (int plain = 0; plain < 2; plain++) {
		const struct keyring *keys = plain ? NULL : &one;
		size_t more = plain ? HEADER : HEADER + NONCE + TAG;

		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			is("seal", seal(&sealed, keys, ENVELOPE_FEED_REQUEST, id, text, sizes[i]),
			   0);
			assert_int_equal(sealed.used, sizes[i] + more);
			assert_true(more <= ENVELOPE_MAX);
			memset(got, 0, sizeof(got));
			is("open", open_it(keys, ENVELOPE_FEED_REQUEST), 0);
			assert_int_equal(opened.used, sizes[i]);
			assert_memory_equal(opened.data, text, sizes[i]);
			assert_memory_equal(got, id, sizeof(id));
		}
	}
	free(text);
}

/* The bytes in the clear, as README.md has them. */
static void test_layout(void **state)
{
	static const uint8_t plain[] = {'p', 'x', 't', 'p', 1, 0, 3, 0};
	static const uint8_t secret[] = {'p', 'x', 't', 'p', 1, 1, 2, 0};

	(void)state;
	is("seal", seal(&sealed, NULL, ENVELOPE_FEED_REQUEST, id, "hello", 5), 0);
	assert_memory_equal(sealed.data, plain, sizeof(plain));
	assert_memory_equal(sealed.data + 8, id, sizeof(id));
	assert_memory_equal(sealed.data + HEADER, "hello", 5);
	is("seal", seal(&sealed, &one, ENVELOPE_UPLINK_REPLY, id, "hello", 5), 0);
	assert_memory_equal(sealed.data, secret, sizeof(secret));
	assert_memory_equal(sealed.data + 8, id, sizeof(id));
	assert_null(memmem(sealed.data, sealed.used, "hello", 5));
}

/* One made by an implementation of its own, which has the result of appendix A.3.1 of
 * the draft: the format is the one that is written down, not only one that this code
 * agrees with itself about.  Key 80 to 9f, nonce 40 to 57, request a0 to af. */
static void test_known(void **state)
{
	static const uint8_t known[] = {
		0x70, 0x78, 0x74, 0x70, 0x01, 0x01, 0x01, 0x00, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4,
		0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x40, 0x41,
		0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
		0x4f, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x9e, 0x62, 0x16, 0xd4,
		0x28, 0x91, 0x99, 0x2a, 0x97, 0x77, 0x57, 0xbc, 0x90, 0x8e, 0xf2, 0x3b, 0x57,
		0x67, 0x1a, 0x01, 0x76, 0x30, 0x78, 0x95, 0x86, 0xb0, 0x6f, 0xcc, 0xa4, 0xcd,
		0xf5, 0x00, 0x7c, 0x45, 0xd1, 0xbe, 0x0f, 0xe7,
	};
	struct keyring k = {.n = 1};

	(void)state;
	for (unsigned i = 0; i < KEY_BYTES; i++)
		k.key[0][i] = (uint8_t)(0x80 + i);
	is("known",
	   unseal(&opened, &k, ENVELOPE_UPLINK_REQUEST, got, known + 8, known, sizeof(known)), 0);
	assert_int_equal(opened.used, 22);
	assert_memory_equal(opened.data, "one sample of one host", 22);
}

static void test_nonces(void **state)
{
	uint8_t nonces[64][NONCE];

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		is("seal", seal(&sealed, &one, ENVELOPE_FEED_REPLY, id, "the same", 8), 0);
		memcpy(nonces[i], sealed.data + HEADER, NONCE);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(nonces[k], nonces[i], NONCE);
	}
	assert_true(random_u64() != random_u64());
}

static void test_keys(void **state)
{
	struct keyring none = {0};

	(void)state;
	is("seal", seal(&sealed, &one, ENVELOPE_UPLINK_REQUEST, id, "x", 1), 0);
	is("the second key", open_it(&both, ENVELOPE_UPLINK_REQUEST), 0);
	is("another key", open_it(&two, ENVELOPE_UPLINK_REQUEST), -EKEYREJECTED);
	is("no key", open_it(NULL, ENVELOPE_UPLINK_REQUEST), -EKEYREJECTED);
	is("an empty ring", open_it(&none, ENVELOPE_UPLINK_REQUEST), -EKEYREJECTED);
	is("seal", seal(&sealed, &both, ENVELOPE_UPLINK_REQUEST, id, "x", 1), 0);
	is("the first one seals", open_it(&two, ENVELOPE_UPLINK_REQUEST), 0);
	is("not the second", open_it(&one, ENVELOPE_UPLINK_REQUEST), -EKEYREJECTED);
	is("seal", seal(&sealed, NULL, ENVELOPE_UPLINK_REQUEST, id, "x", 1), 0);
	is("plain where a key is needed", open_it(&one, ENVELOPE_UPLINK_REQUEST), -EKEYREJECTED);
	assert_int_equal(seal(&sealed, &none, ENVELOPE_UPLINK_REQUEST, id, "x", 1), -EINVAL);
	assert_int_equal(sealed.used, 0);
}

/* From one key to another in three steps, no side ever being refused. */
static void test_rotation(void **state)
{
	struct keyring old_first = {.n = 2}, new_first = {.n = 2};
	const struct keyring *steps[] = {&one, &old_first, &new_first, &two};

	(void)state;
	memcpy(old_first.key[0], one.key[0], KEY_BYTES);
	memcpy(old_first.key[1], two.key[0], KEY_BYTES);
	memcpy(new_first.key[0], two.key[0], KEY_BYTES);
	memcpy(new_first.key[1], one.key[0], KEY_BYTES);
	for (int i = 0; i + 1 < 4; i++)
		for (int way = 0; way < 2; way++) {
			is("seal", seal(&sealed, steps[i + way], ENVELOPE_FEED_REPLY, id, "x", 1),
			   0);
			is(way ? "a new one to an old one" : "an old one to a new one",
			   open_it(steps[i + !way], ENVELOPE_FEED_REPLY), 0);
		}
}

static void test_kinds(void **state)
{
	(void)state;
	for (int plain = 0; plain < 2; plain++)
		for (int is_kind = 1; is_kind <= 4; is_kind++)
			for (int want = 1; want <= 4; want++) {
				const struct keyring *keys = plain ? NULL : &one;

				is("seal",
				   seal(&sealed, keys, (enum envelope_kind)is_kind, id, "x", 1), 0);
				is("kind", open_it(keys, (enum envelope_kind)want),
				   is_kind == want ? 0 : -EBADMSG);
			}
}

/* A recorded reply to one request as the reply to another. */
static void test_replay(void **state)
{
	uint8_t other[REQUEST_ID_BYTES];

	(void)state;
	request_id_random(other);
	assert_memory_not_equal(other, id, sizeof(id));
	for (int plain = 0; plain < 2; plain++) {
		const struct keyring *keys = plain ? NULL : &one;

		is("seal", seal(&sealed, keys, ENVELOPE_UPLINK_REPLY, id, "x", 1), 0);
		is("its own", open_it(keys, ENVELOPE_UPLINK_REPLY), 0);
		is("another",
		   unseal(&opened, keys, ENVELOPE_UPLINK_REPLY, got, other, sealed.data,
			  sealed.used),
		   -EBADMSG);
		is("any",
		   unseal(&opened, keys, ENVELOPE_UPLINK_REPLY, got, NULL, sealed.data,
			  sealed.used),
		   0);
		assert_memory_equal(got, id, sizeof(id));
	}
}

static int want_for(size_t at, uint8_t flip)
{
	if (at < 4)
		return -EBADMSG;
	if (at == 4)
		return -EPROTO;
	/* Only the bit that says it is sealed is one that is known. */
	if (at == 5)
		return flip == 1 ? -EKEYREJECTED : -EBADMSG;
	return at == 7 ? -EBADMSG : -EKEYREJECTED;
}

static void test_tampered(void **state)
{
	static const char text[] = "forty bytes or so of something to be sealed";

	(void)state;
	is("seal", seal(&sealed, &one, ENVELOPE_UPLINK_REQUEST, id, text, sizeof(text)), 0);
	for (size_t at = 0; at < sealed.used; at++)
		for (unsigned bit = 0; bit < 8; bit++) {
			char what[64];
			uint8_t flip = (uint8_t)(1u << bit);

			snprintf(what, sizeof(what), "byte %zu, bit %u", at, bit);
			sealed.data[at] = (char)(sealed.data[at] ^ flip);
			is(what, open_it(&one, ENVELOPE_UPLINK_REQUEST), want_for(at, flip));
			sealed.data[at] = (char)(sealed.data[at] ^ flip);
		}
	is("as it was", open_it(&one, ENVELOPE_UPLINK_REQUEST), 0);
}

static void test_lengths(void **state)
{
	size_t n;

	(void)state;
	is("seal", seal(&sealed, &one, ENVELOPE_UPLINK_REQUEST, id, "0123456789", 10), 0);
	buf_byte(&sealed, 'x');
	n = sealed.used;
	for (size_t cut = 0; cut <= n; cut++) {
		/* Of exactly that size, so that reading beyond is seen. */
		char *bytes = xcalloc(1, cut);
		int r;

		memcpy(bytes, sealed.data, cut);
		r = unseal(&opened, &one, ENVELOPE_UPLINK_REQUEST, got, id, bytes, cut);
		free(bytes);
		if (cut == n - 1)
			is("whole", r, 0);
		else
			is("of another length", r,
			   cut < HEADER + NONCE + TAG ? -EBADMSG : -EKEYREJECTED);
	}
	for (size_t cut = 0; cut < HEADER; cut++)
		is("plain, cut",
		   unseal(&opened, NULL, ENVELOPE_UPLINK_REQUEST, got, id, sealed.data, cut),
		   -EBADMSG);
}

static void test_ceiling(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 100);
	assert_int_equal(seal(&small, &one, ENVELOPE_UPLINK_REQUEST, id, "x", 1), -EMSGSIZE);
	is("seal", seal(&sealed, &one, ENVELOPE_UPLINK_REQUEST, id, sealed.data + 100, 200), 0);
	assert_int_equal(
		unseal(&small, &one, ENVELOPE_UPLINK_REQUEST, got, id, sealed.data, sealed.used),
		-EMSGSIZE);
	buf_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_layout),
		cmocka_unit_test(test_known),      cmocka_unit_test(test_nonces),
		cmocka_unit_test(test_keys),       cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_kinds),      cmocka_unit_test(test_replay),
		cmocka_unit_test(test_tampered),   cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_ceiling),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
