/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UTF8_H
#define PROXTOP_UTF8_H

/*
 * Is this a character, and how is one written?  RFC 3629, section 4: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool utf8_follows(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* Bytes of the character that the NUL-terminated s starts with, 1 to 4; 0 when it is
 * none.  Never looks behind the NUL.  The NUL itself counts as one byte. */
static inline size_t utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2)
		return 0;
	if (u[0] < 0xe0)
		return utf8_follows(u[1]) ? 2 : 0;
	if (u[0] < 0xf0) {
		if (!utf8_follows(u[1]) || (u[0] == 0xe0 && u[1] < 0xa0) ||
		    (u[0] == 0xed && u[1] > 0x9f))
			return 0;
		return utf8_follows(u[2]) ? 3 : 0;
	}
	if (u[0] > 0xf4 || !utf8_follows(u[1]) || (u[0] == 0xf0 && u[1] < 0x90) ||
	    (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return utf8_follows(u[2]) && utf8_follows(u[3]) ? 4 : 0;
}

/* Is the character at s a control character?  C0, DEL, and C1 (U+0080 to U+009F), which
 * terminals obey too. */
static inline bool utf8_is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0);
}

/* A character as bytes, without a NUL; returns how many.  What is none is the caller's to
 * refuse. */
static inline size_t utf8_encode(uint32_t ch, char ret[4])
{
	static const uint8_t head[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = ch < 0x80 ? 1 : ch < 0x800 ? 2 : ch < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; ch >>= 6)
		ret[i] = (char)(0x80 | (ch & 0x3f));
	ret[0] = (char)(head[n] | ch);
	return n;
}

#endif
