/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SEAL_H
#define PROXTOP_SEAL_H

/*
 * The envelope of every message: sealed under the cluster's key, or plain where no key
 * is used (loopback, --insecure).
 *
 * XChaCha20-Poly1305 (libsodium; draft-irtf-cfrg-xchacha) with a random nonce of 192
 * bits a message, so that any number of senders may share a key.  Kind, version, flags
 * and the request's random id stand in the clear before it and are authenticated: a
 * reply fits one request only, and a message of one kind is never taken for another.
 * All of libsodium is behind seal.c and key.c.
 *
 * Several keys may be held (rotation): the first seals, all open.
 */
#include "buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES        32u
#define KEYS_MAX         8u
#define REQUEST_ID_BYTES 16u
#define ENVELOPE_MAX     128u /* bytes that sealing adds, at most */

enum envelope_kind {
	ENVELOPE_UPLINK_REQUEST = 1,
	ENVELOPE_UPLINK_REPLY,
	ENVELOPE_FEED_REQUEST,
	ENVELOPE_FEED_REPLY
};

struct keyring {
	unsigned n;
	uint8_t key[KEYS_MAX][KEY_BYTES];
};

/* Reads keys, one a line (base64; # begins a comment).  0, or negative errno with one
 * line for the user in why; -EACCES: others than the owner can read the file. */
int keyring_load(struct keyring *ret, const char *path, char *why, size_t why_size);
void keyring_wipe(struct keyring *k);

/* A new random key as a line for a key file, without the newline. */
#define KEY_TEXT_SIZE 64u
int key_generate(char to[KEY_TEXT_SIZE]);

void request_id_random(uint8_t id[REQUEST_ID_BYTES]);
uint64_t random_u64(void); /* never 0: instances, senders */

/* Appends the envelope to to (emptied first).  keys NULL: plain. */
int seal(struct buf *to, const struct keyring *keys, enum envelope_kind kind,
	 const uint8_t id[REQUEST_ID_BYTES], const void *plain, size_t n);

/* Opens an envelope of that kind into to (emptied first).  ret_id gets the request's id;
 * want_id, if not NULL, must be it.  keys NULL: only plain ones are taken; with keys only
 * sealed ones.  -EBADMSG: not one of ours; -EKEYREJECTED: sealed otherwise than expected
 * (another key, none, or none expected), or tampered with; -EPROTO: another version. */
int unseal(struct buf *to, const struct keyring *keys, enum envelope_kind kind,
	   uint8_t ret_id[REQUEST_ID_BYTES], const uint8_t *want_id, const void *bytes, size_t n);

#endif
