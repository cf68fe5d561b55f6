/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_JSON_PULL_H
#define PROXTOP_JSON_PULL_H

/*
 * JSON read once from front to back, without a tree and without allocation: the
 * answers of hundreds of QEMUs every few seconds.
 *
 * The reader asks for what it expects; anything else, and any fault in the text, makes
 * bad stick, and everything after gives nothing.  What has been taken before is only
 * to be believed when the end was reached with jp_end().  The grammar is RFC 8259
 * (bytes in strings are not checked to be UTF-8), nesting at most JP_DEPTH.
 *
 *	for (jp_object(j); jp_key(j, &key);)
 *		if (jp_is(key, "name")) jp_text(j, &name); else jp_skip(j);
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JP_DEPTH 32u

struct json_pull {
	const char *p, *end;
	unsigned depth;
	bool fresh; /* just behind an opening bracket: no comma here */
	bool bad;
};

/* A piece of the text between quotes, escapes as they are.  p NULL: there is none. */
struct jp_text {
	const char *p;
	size_t n;
};

static inline bool jp_is(struct jp_text t, const char *word)
{
	return t.n == strlen(word) && !memcmp(t.p, word, t.n);
}

void jp_init(struct json_pull *j, const char *text, size_t n);

bool jp_object(struct json_pull *j); /* enters; false and bad when it is none */
bool jp_array(struct json_pull *j);

/* The next member's key, its value is to be taken or skipped next; false behind the
 * object's end. */
bool jp_key(struct json_pull *j, struct jp_text *ret);
bool jp_element(struct json_pull *j); /* is there another one? */

/* A whole number from 0 to 2^64 - 1.  Another value is skipped, and false. */
bool jp_u64(struct json_pull *j, uint64_t *ret);

/* A string that has no escapes in it.  Another value is skipped, and false. */
bool jp_string(struct json_pull *j, struct jp_text *ret);

void jp_skip(struct json_pull *j);
bool jp_end(struct json_pull *j); /* all brackets closed, only blanks left, nothing bad */

#endif
