/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_BUF_H
#define PROXTOP_BUF_H

/*
 * Bytes that grow up to a ceiling.  The first error sticks (-EMSGSIZE at the
 * ceiling), later appends do nothing, and the user checks once, at the end.  The
 * memory is the buffer's and stays when it is cleared.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data;
	size_t used, room, ceiling;
	int error;
};

void buf_init(struct buf *b, size_t ceiling);
void buf_fini(struct buf *b);

/* Makes room for n more bytes; NULL when the ceiling does not allow it.  The caller
 * writes there and adds to used itself. */
char *buf_room_slow(struct buf *b, size_t n);

static inline char *buf_room(struct buf *b, size_t n)
{
	if (__builtin_expect(b->room - b->used >= n && !b->error, 1))
		return b->data + b->used;
	return buf_room_slow(b, n);
}

static inline void buf_clear(struct buf *b)
{
	b->used = 0;
	b->error = 0;
}

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);

	if (!to || !n)
		return;
	memcpy(to, p, n);
	b->used += n;
}

static inline void buf_byte(struct buf *b, char c)
{
	char *to = buf_room(b, 1);

	if (!to)
		return;
	*to = c;
	b->used++;
}

#define buf_lit(b, s) buf_put(b, "" s, sizeof(s) - 1)
void buf_text(struct buf *b, const char *s); /* NUL-terminated */

/* Numbers as text, without locale and without printf.  Room is asked for in steps: this
 * close to the ceiling (digits.h) they are refused though they would fit. */
void buf_u64(struct buf *b, uint64_t v);

/* v rounded to at most 6 decimals, trailing zeros dropped; what is not finite must not get
 * here.  Beyond 1e15 the decimals are left out. */
void buf_double(struct buf *b, double v, unsigned decimals);

/* A JSON string with its quotes.  Control characters and quotes are escaped; bytes
 * that are not UTF-8 (RFC 3629) become U+FFFD, so the result is always valid. */
void buf_json_string(struct buf *b, const char *s);

/* The same, faster: from s on so many bytes may be read, whatever is behind the NUL. */
void buf_json_string_in(struct buf *b, const char *s, size_t readable);

/* For tab-separated text: control characters and backslash as \t, \n, \\, \xNN. */
void buf_tsv_string(struct buf *b, const char *s);

#endif
