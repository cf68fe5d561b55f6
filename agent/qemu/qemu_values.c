/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu_values.h"

#include "xalloc.h"

#include <ctype.h>
#include <string.h>

char *uuid_normal(const char *text)
{
	char out[37];
	unsigned i;

	for (i = 0; i < 36; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return NULL;
		} else if (!isxdigit(c)) {
			return NULL;
		}
		out[i] = (char)tolower(c);
	}
	out[i] = '\0';
	return text[36] ? NULL : xstrdup(out);
}

char *mac_normal(const char *text)
{
	char out[18];
	unsigned i;

	for (i = 0; i < 17; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i % 3 == 2) {
			if (c != ':' && c != '-')
				return NULL;
			c = ':';
		} else if (!isxdigit(c)) {
			return NULL;
		}
		out[i] = (char)tolower(c);
	}
	out[i] = '\0';
	return text[17] ? NULL : xstrdup(out);
}

uint64_t value_number(const char *text, uint64_t max)
{
	uint64_t v = 0;

	if (!text || !*text)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > max)
			return 0;
	}
	return v;
}

uint64_t value_memory_kib(const char *text)
{
	static const char letters[] = "bkmgtpe";
	double v = 0, digit = 1;
	const char *letter, *start = text;
	double bytes = 1 << 20;

	for (; isdigit((unsigned char)*text); text++)
		v = v * 10 + (*text - '0');
	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++)
			v += (*text - '0') * (digit /= 10);
	}
	if (text == start)
		return 0;
	if (*text) {
		letter = strchr(letters, tolower((unsigned char)*text));
		if (!letter || text[1])
			return 0;
		bytes = (double)(1ull << (10 * (letter - letters)));
	}
	v = v * bytes / 1024;
	return v < 1e15 ? (uint64_t)v : 0;
}
