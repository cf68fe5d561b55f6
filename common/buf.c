/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

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

static const char two_digits[] = "00010203040506070809101112131415161718192021222324"
				 "25262728293031323334353637383940414243444546474849"
				 "50515253545556575859606162636465666768697071727374"
				 "75767778798081828384858687888990919293949596979899";

#define U64_DIGITS 20

/* Writes v so that it ends before end; returns its start. */
static char *digits(char *end, uint64_t v)
{
	while (v >= 100) {
		end -= 2;
		memcpy(end, two_digits + v % 100 * 2, 2);
		v /= 100;
	}
	if (v < 10) {
		*--end = (char)('0' + v);
		return end;
	}
	end -= 2;
	memcpy(end, two_digits + v * 2, 2);
	return end;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char text[U64_DIGITS], *end = text + sizeof(text), *from = digits(end, v);

	buf_put(b, from, (size_t)(end - from));
}

#define DECIMALS_MAX 6
static const uint32_t power10[DECIMALS_MAX + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/*
 * 0 <= fraction < 1, times power, rounded half to even.  Exact: a double is m * 2^-e with
 * m < 2^53, and m * 1000000 fits in 128 bits.  odd is whether the digit before is odd; it
 * decides ties when no decimals are wanted.
 */
static uint32_t scaled(double fraction, uint32_t power, int odd)
{
	uint64_t bits, m;
	unsigned e;
	unsigned __int128 product, rest, half;
	uint32_t whole;
	double near = fraction * power, left;

	/* Off by less than 2^-30: only near a half it must be done exactly. */
	whole = (uint32_t)near;
	left = near - whole - 0.5;
	if (fabs(left) > 1e-6)
		return whole + (left > 0);
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
	product = (unsigned __int128)m * power;
	whole = (uint32_t)(product >> e);
	rest = product - ((unsigned __int128)whole << e);
	half = (unsigned __int128)1 << (e - 1);
	if (rest > half || (rest == half && (power == 1 ? odd : (int)(whole & 1))))
		whole++;
	return whole;
}

void buf_double(struct buf *b, double v, unsigned decimals, int fixed)
{
	char text[1 + U64_DIGITS + 1 + DECIMALS_MAX], *end = text + sizeof(text), *from = end;
	double size = fabs(v);
	uint64_t whole;
	uint32_t part;

	if (!(size < 1e19)) {
		char large[DBL_MAX_10_EXP + 4]; /* sign, digits, NUL */

		/* A caller's mistake must not become invalid JSON, nor a zero. */
		if (!isfinite(v)) {
			buf_lit(b, "null");
			return;
		}
		buf_put(b, large, (size_t)snprintf(large, sizeof(large), "%.0f", v));
		return;
	}
	if (decimals > DECIMALS_MAX)
		decimals = DECIMALS_MAX;
	if (size >= 1e15)
		decimals = 0;
	whole = (uint64_t)size;
	part = scaled(size - (double)whole, power10[decimals], (int)(whole & 1));
	if (part == power10[decimals]) {
		whole++;
		part = 0;
	}
	if (decimals && (fixed || part)) {
		unsigned keep = decimals;
		uint32_t shown = part;

		for (; !fixed && shown % 10 == 0; shown /= 10)
			keep--;
		for (; keep; keep--, shown /= 10)
			*--from = (char)('0' + shown % 10);
		*--from = '.';
	}
	from = digits(from, whole);
	/* No "-0": a value that rounds to nothing has no sign. */
	if (signbit(v) && (whole || part))
		*--from = '-';
	buf_put(b, from, (size_t)(end - from));
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

void buf_json_string(struct buf *b, const char *s)
{
	const char *plain = s; /* from here nothing needs a change */

	buf_byte(b, '"');
	while (*s) {
		size_t n = utf8_length(s);

		if (n && !utf8_is_control(s) && *s != '"' && *s != '\\') {
			s += n;
			continue;
		}
		buf_put(b, plain, (size_t)(s - plain));
		if (n == 0) {
			buf_lit(b, "\xef\xbf\xbd"); /* U+FFFD */
			n = 1;
		} else {
			json_escape(b, (unsigned char)s[n - 1]); /* U+0080..9F is c2 80..9f */
		}
		s += n;
		plain = s;
	}
	buf_put(b, plain, (size_t)(s - plain));
	buf_byte(b, '"');
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
