/* SPDX-License-Identifier: Apache-2.0 */
#include "seal.h"
#include "secret_file.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "size of a key");

#define KEY_FILE_MAX (16u << 10) /* bytes */
#define KEY_CHARS    44u         /* 32 bytes as base64 with its padding, RFC 4648 section 4 */

_Static_assert(KEY_TEXT_SIZE > KEY_CHARS, "a key as text with its NUL");

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without comment and blanks around. */
static size_t trim(const char **line, size_t n)
{
	const char *hash = memchr(*line, '#', n), *s = *line;

	if (hash)
		n = (size_t)(hash - s);
	while (n && is_blank(s[n - 1]))
		n--;
	for (; n && is_blank(*s); n--)
		s++;
	*line = s;
	return n;
}

static int take_key(struct keyring *k, const char *text, size_t n)
{
	size_t got = 0;

	if (k->n == KEYS_MAX)
		return -E2BIG;
	if (n != KEY_CHARS ||
	    sodium_base642bin(k->key[k->n], KEY_BYTES, text, n, NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    got != KEY_BYTES || sodium_is_zero(k->key[k->n], KEY_BYTES))
		return -EINVAL;
	k->n++;
	return 0;
}

static int parse(struct keyring *k, const char *path, const char *text, size_t size, char *why,
		 size_t why_size)
{
	const char *at = text, *end = text + size;

	for (unsigned number = 1; at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *line = at;
		size_t n = trim(&line, (size_t)((newline ? newline : end) - at));
		int r = n ? take_key(k, line, n) : 0;

		if (r == -E2BIG)
			snprintf(why, why_size,
				 "%s: line %u: more than the %u keys that are allowed", path,
				 number, KEYS_MAX);
		else if (r)
			snprintf(
				why, why_size,
				"%s: line %u is not a key: allowed are %u characters of base64, as "
				"proxtop --generate-key prints them, and comments after #",
				path, number, KEY_CHARS);
		if (r)
			return r;
		at = newline ? newline + 1 : end;
	}
	if (!k->n) {
		snprintf(why, why_size, "%s: there is no key in it", path);
		return -EINVAL;
	}
	return 0;
}

int keyring_load(struct keyring *ret, const char *path, char *why, size_t why_size)
{
	char text[KEY_FILE_MAX + 1];
	size_t n = 0;
	int r;

	if (sodium_init() < 0) {
		snprintf(why, why_size, "libsodium cannot be used here");
		return -EIO;
	}
	memset(ret, 0, sizeof(*ret));
	/* Out of swap and core files; where that is not allowed, wiping has to do. */
	sodium_mlock(ret, sizeof(*ret));
	sodium_mlock(text, sizeof(text));
	r = secret_file_read(path, text, sizeof(text), &n, why, why_size);
	if (r == 0)
		r = parse(ret, path, text, n, why, why_size);
	sodium_memzero(text, sizeof(text));
	sodium_munlock(text, sizeof(text));
	if (r)
		keyring_wipe(ret);
	return r;
}

void keyring_wipe(struct keyring *k)
{
	sodium_memzero(k, sizeof(*k));
	sodium_munlock(k, sizeof(*k));
}

int key_generate(char to[KEY_TEXT_SIZE])
{
	uint8_t key[KEY_BYTES];

	if (sodium_init() < 0)
		return -EIO;
	randombytes_buf(key, sizeof(key));
	sodium_bin2base64(to, KEY_TEXT_SIZE, key, sizeof(key), sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(key, sizeof(key));
	return 0;
}
