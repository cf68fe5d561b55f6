/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include "digits.h"
#include "utf8.h"
#include "xalloc.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ROOM 64

void buf_init(struct buf *b, size_t ceiling)
{
	/* Always some memory: data + used is then never an offset into NULL. */
	*b = (struct buf){.ceiling = ceiling};
	b->room = ceiling < FIRST_ROOM ? ceiling : FIRST_ROOM;
	b->data = xcalloc(1, b->room);
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.data = NULL};
}

char *buf_room_slow(struct buf *b, size_t n)
{
	size_t room = b->room;

	if (b->error)
		return NULL;
	if (n > b->ceiling - b->used) {
		b->error = -EMSGSIZE;
		return NULL;
	}
	if (b->room - b->used < n) {
		room = room > b->ceiling / 2 ? b->ceiling : room * 2;
		if (room < b->used + n)
			room = b->used + n;
		b->data = xrealloc(b->data, room, 1);
		b->room = room;
	}
	return b->data + b->used;
}

void buf_text(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_u64(struct buf *b, uint64_t v)
{
	char *to = buf_room(b, DIGITS_ROOM);

	if (to)
		b->used = (size_t)(digits_u64(to, v) - b->data);
}

/* Exact: a double is m * 2^-e with m < 2^53, and m * 1000000 fits in 128 bits. */
uint32_t digits_round(double fraction, unsigned decimals, bool odd)
{
	uint64_t bits, m;
	unsigned e;
	unsigned __int128 product, rest, half;
	uint32_t whole;

	memcpy(&bits, &fraction, sizeof(bits));
	m = bits & ((UINT64_C(1) << 52) - 1);
	e = (unsigned)(bits >> 52);
	/* 1023 + 52: the mantissa as an integer; subnormals are far below what shows */
	if (e == 0)
		return 0;
	m |= UINT64_C(1) << 52;
	e = 1075 - e;
	/* The product is below 2^73: so small a fraction rounds to nothing. */
	if (e > 74)
		return 0;
	product = (unsigned __int128)m * digits_power[decimals];
	whole = (uint32_t)(product >> e);
	rest = product - ((unsigned __int128)whole << e);
	half = (unsigned __int128)1 << (e - 1);
	if (rest > half || (rest == half && (decimals ? whole & 1 : odd)))
		whole++;
	return whole;
}

/* Too large for decimals, or a caller's mistake: that must not become invalid JSON, nor a
 * zero. */
static void put_large(struct buf *b, double v)
{
	char text[DBL_MAX_10_EXP + 4]; /* sign, digits, NUL */

	if (isfinite(v))
		buf_put(b, text, (size_t)snprintf(text, sizeof(text), "%.0f", v));
	else
		buf_lit(b, "null");
}

void buf_double(struct buf *b, double v, unsigned decimals)
{
	double size = fabs(v);
	char *to, *end;

	if (!digits_can(size)) {
		put_large(b, v);
		return;
	}
	to = buf_room(b, DIGITS_ROOM);
	if (!to)
		return;
	*to = '-';
	to += v < 0;
	end = digits_double(to, size, decimals < DECIMALS_MAX ? decimals : DECIMALS_MAX);
	/* No "-0": a value that rounds to nothing has no sign. */
	if (v < 0 && end == to + 1 && *to == '0') {
		to[-1] = '0';
		end = to;
	}
	b->used = (size_t)(end - b->data);
}

static const char hex[] = "0123456789abcdef";

static void json_escape(struct buf *b, unsigned c)
{
	static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
				       ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};

	if (c < sizeof(letters) && letters[c]) {
		buf_byte(b, '\\');
		buf_byte(b, letters[c]);
		return;
	}
	buf_lit(b, "\\u00");
	buf_byte(b, hex[c >> 4 & 15]);
	buf_byte(b, hex[c & 15]);
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each byte that is not plain: controls with the NUL, DEL, quote and
 * backslash; of what is not ASCII the first two have it already.  A borrow or carry may mark
 * others too, but only above a byte that is marked rightly: the lowest mark is right. */
static uint64_t marks(uint64_t w)
{
	return ((w - EACH(0x20)) | (w + EACH(1)) | ((w ^ EACH('"')) - EACH(1)) |
		((w ^ EACH('\\')) - EACH(1))) &
	       EACH(0x80);
}

/* Copies what needs no change, by eight bytes as long as so many can be read. */
static const char *put_plain(struct buf *b, const char *s, const char *end)
{
	uint64_t word, found = 0;
	unsigned n;
	char *to;

	while (!found && end - s >= 8 && (to = buf_room(b, 8))) {
		memcpy(&word, s, 8);
		memcpy(to, &word, 8);
		found = marks(le64toh(word));
		n = found ? (unsigned)__builtin_ctzll(found) / 8 : 8;
		b->used += n;
		s += n;
	}
	return s;
}

void buf_json_string_in(struct buf *b, const char *s, size_t readable)
{
	const char *end = s + readable;

	buf_byte(b, '"');
	while (*(s = put_plain(b, s, end))) {
		size_t n = utf8_length(s);

		if (n == 0) {
			buf_lit(b, "\xef\xbf\xbd"); /* U+FFFD */
			n = 1;
		} else if (utf8_is_control(s) || *s == '"' || *s == '\\') {
			json_escape(b, (unsigned char)s[n - 1]); /* U+0080..9F is c2 80..9f */
		} else {
			buf_put(b, s, n);
		}
		s += n;
	}
	buf_byte(b, '"');
}

void buf_json_string(struct buf *b, const char *s)
{
	buf_json_string_in(b, s, strlen(s) + 1);
}

void buf_tsv_string(struct buf *b, const char *s)
{
	const char *plain = s;

	while (*s) {
		size_t n = utf8_length(s);

		if (n && !utf8_is_control(s) && *s != '\\') {
			s += n;
			continue;
		}
		buf_put(b, plain, (size_t)(s - plain));
		for (n = n ? n : 1; n; n--, s++) {
			buf_byte(b, '\\');
			if (*s == '\\' || *s == '\t' || *s == '\n') {
				buf_byte(b, *s == '\t' ? 't' : *s == '\n' ? 'n' : '\\');
				continue;
			}
			buf_byte(b, 'x');
			buf_byte(b, hex[(unsigned char)*s >> 4]);
			buf_byte(b, hex[(unsigned char)*s & 15]);
		}
		plain = s;
	}
	buf_put(b, plain, (size_t)(s - plain));
}
