/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#define ENVELOPE_VERSION 1u

/* README.md beside this file is the format.  All of it but the nonce is authenticated as
 * it stands there. */
struct envelope {
	uint8_t magic[4];
	uint8_t version;
	uint8_t flags;
	uint8_t kind;
	uint8_t zero;
	uint8_t id[REQUEST_ID_BYTES];
};
_Static_assert(sizeof(struct envelope) == 24, "as it is on the wire");

static const uint8_t magic[4] = {'p', 'x', 't', 'p'};

#define FLAG_SEALED 1u

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
_Static_assert(sizeof(struct envelope) + NONCE_BYTES + TAG_BYTES <= ENVELOPE_MAX, "promised");

void request_id_random(uint8_t id[REQUEST_ID_BYTES])
{
	randombytes_buf(id, REQUEST_ID_BYTES);
}

uint64_t random_u64(void)
{
	uint64_t v;

	do
		randombytes_buf(&v, sizeof(v));
	while (!v);
	return v;
}

int seal(struct buf *to, const struct keyring *keys, enum envelope_kind kind,
	 const uint8_t id[REQUEST_ID_BYTES], const void *plain, size_t n)
{
	struct envelope e = {.version = ENVELOPE_VERSION, .kind = (uint8_t)kind};
	uint8_t *at, *nonce;

	buf_clear(to);
	if (keys && (!keys->n || sodium_init() < 0))
		return -EINVAL;
	if (n > SIZE_MAX - ENVELOPE_MAX)
		return -EMSGSIZE;
	memcpy(e.magic, magic, sizeof(magic));
	memcpy(e.id, id, sizeof(e.id));
	e.flags = keys ? FLAG_SEALED : 0;
	at = (uint8_t *)buf_room(to, n + ENVELOPE_MAX);
	if (!at)
		return to->error;
	memcpy(at, &e, sizeof(e));
	to->used = sizeof(e);
	if (!keys) {
		buf_put(to, plain, n);
		return to->error;
	}
	nonce = at + sizeof(e);
	randombytes_buf(nonce, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + NONCE_BYTES, NULL, plain, n, at,
						   sizeof(e), NULL, nonce, keys->key[0]);
	to->used += NONCE_BYTES + n + TAG_BYTES;
	return 0;
}

static int open_sealed(struct buf *to, const struct keyring *keys, const struct envelope *e,
		       const uint8_t *nonce, size_t n)
{
	uint8_t *at;

	if (n < NONCE_BYTES + TAG_BYTES)
		return -EBADMSG;
	n -= NONCE_BYTES;
	/* One more, so that an empty message has a place too. */
	at = (uint8_t *)buf_room(to, n - TAG_BYTES + 1);
	if (!at)
		return to->error;
	for (unsigned i = 0; i < keys->n; i++)
		if (!crypto_aead_xchacha20poly1305_ietf_decrypt(at, NULL, NULL, nonce + NONCE_BYTES,
								n, (const uint8_t *)e, sizeof(*e),
								nonce, keys->key[i])) {
			to->used = n - TAG_BYTES;
			return 0;
		}
	return -EKEYREJECTED;
}

/* What can be said of it before it is opened. */
static int check(const struct envelope *e, const struct keyring *keys)
{
	if (memcmp(e->magic, magic, sizeof(magic)))
		return -EBADMSG;
	if (e->version != ENVELOPE_VERSION)
		return -EPROTO;
	if (e->flags & ~FLAG_SEALED || e->zero)
		return -EBADMSG;
	return !!(e->flags & FLAG_SEALED) == !!keys ? 0 : -EKEYREJECTED;
}

int unseal(struct buf *to, const struct keyring *keys, enum envelope_kind kind,
	   uint8_t ret_id[REQUEST_ID_BYTES], const uint8_t *want_id, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	struct envelope e;
	int r;

	buf_clear(to);
	if (n < sizeof(e))
		return -EBADMSG;
	memcpy(&e, at, sizeof(e));
	at += sizeof(e);
	n -= sizeof(e);
	r = check(&e, keys);
	if (r)
		return r;
	if (keys) {
		if (sodium_init() < 0)
			return -EIO;
		r = open_sealed(to, keys, &e, at, n);
	} else {
		buf_put(to, at, n);
		r = to->error;
	}
	/* Only now is it known that kind and id are what the sender wrote. */
	if (r == 0 && (e.kind != (uint8_t)kind || (want_id && memcmp(e.id, want_id, sizeof(e.id)))))
		r = -EBADMSG;
	if (r)
		buf_clear(to);
	else
		memcpy(ret_id, e.id, sizeof(e.id));
	return r;
}
