/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SCAN_H
#define PROXTOP_SCAN_H

/*
 * Numbers and words out of NUL-terminated kernel text, without locale.  Each scan
 * moves *p behind what it took; a number beyond 2^64 - 2 counts as none.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline void scan_spaces(const char **p)
{
	while (**p == ' ' || **p == '\t')
		(*p)++;
}

/* A decimal number after blanks; false (and *p at what stands there) when there is none. */
static inline bool scan_u64(const char **p, uint64_t *ret)
{
	uint64_t v = 0;
	const char *s;

	scan_spaces(p);
	s = *p;
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		unsigned d = (unsigned)(*s - '0');

		if (v > (UINT64_MAX - 1 - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*p = s;
	*ret = v;
	return true;
}

/* Behind the end of the line, or at the final NUL. */
static inline const char *scan_next_line(const char *p)
{
	const char *e = strchrnul(p, '\n');

	return *e ? e + 1 : e;
}

/* Skips n words. */
static inline void scan_skip(const char **p, unsigned n)
{
	while (n--) {
		scan_spaces(p);
		while (**p && **p != ' ' && **p != '\t' && **p != '\n')
			(*p)++;
	}
}

/* Does the text begin with the word?  Then *p moves behind it. */
static inline bool scan_word(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n))
		return false;
	*p += n;
	return true;
}

#endif
