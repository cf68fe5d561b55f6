/* SPDX-License-Identifier: Apache-2.0 */
#include "char_width.h"

#include "utf8.h"

#include <stddef.h>

enum char_kind { ORDINARY, WIDE, NO_WIDTH, NO_CHAR };

struct char_range {
	uint32_t first, last;
	uint8_t kind;
};

/* In order; what is in none of them is an ordinary character. */
static const struct char_range ranges[] = {
#define RANGE(first_, last_, kind_) {first_, last_, kind_},
#include "char_ranges.def"
#undef RANGE
};

static enum char_kind char_kind(uint32_t ch)
{
	size_t low = 0, high = sizeof(ranges) / sizeof(*ranges);

	if (ch < 0x80)
		return ch < 0x20 || ch == 0x7f ? NO_CHAR : ORDINARY;
	if (ch > 0x10ffff)
		return NO_CHAR;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ch > ranges[middle].last)
			low = middle + 1;
		else if (ch < ranges[middle].first)
			high = middle;
		else
			return (enum char_kind)ranges[middle].kind;
	}
	return ORDINARY;
}

unsigned char_width(uint32_t ch)
{
	switch (char_kind(ch)) {
	case WIDE:
		return 2;
	case NO_WIDTH:
		return 0;
	default:
		return 1; /* what is no character is shown as one */
	}
}

/* n as utf8_length() says */
static uint32_t decode(const unsigned char *u, size_t n)
{
	static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t ch = u[0] & first_bits[n];

	for (size_t i = 1; i < n; i++)
		ch = ch << 6 | (u[i] & 0x3f);
	return ch;
}

uint32_t char_next(const char **text, unsigned *ret_width)
{
	size_t n = utf8_length(*text);
	uint32_t ch;

	*ret_width = 0;
	if (!**text)
		return 0;
	ch = n ? decode((const unsigned char *)*text, n) : 0;
	*text += n ? n : 1;
	if (char_kind(ch) == NO_CHAR) { /* 0 as well: no UTF-8 */
		*ret_width = 1;
		return '?';
	}
	*ret_width = char_width(ch);
	return ch;
}
