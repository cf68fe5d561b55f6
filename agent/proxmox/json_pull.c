/* SPDX-License-Identifier: Apache-2.0 */
#include "json_pull.h"

void jp_init(struct json_pull *j, const char *text, size_t n)
{
	*j = (struct json_pull){.p = text, .end = text + n};
}

static bool fail(struct json_pull *j)
{
	j->bad = true;
	j->p = j->end;
	return false;
}

static void blanks(struct json_pull *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\t' || *j->p == '\r'))
		j->p++;
}

/* The next byte that is not a blank, 0 at the end. */
static char peek(struct json_pull *j)
{
	blanks(j);
	return j->p < j->end ? *j->p : '\0';
}

static bool take(struct json_pull *j, char c)
{
	if (j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

static bool enter(struct json_pull *j, char c)
{
	if (peek(j) != c || j->depth == JP_DEPTH)
		return fail(j);
	j->p++;
	j->depth++;
	j->fresh = true;
	return true;
}

bool jp_object(struct json_pull *j)
{
	return enter(j, '{');
}

bool jp_array(struct json_pull *j)
{
	return enter(j, '[');
}

/* Moves to the next member or element; false when the bracket closes. */
static bool next(struct json_pull *j, char closing)
{
	bool fresh = j->fresh;

	if (j->bad)
		return false;
	j->fresh = false;
	if (peek(j) == closing) {
		j->p++;
		j->depth--;
		return false;
	}
	if (!fresh && !take(j, ','))
		return fail(j);
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind a backslash: what may follow. */
static bool escape(struct json_pull *j)
{
	if (j->p == j->end)
		return false;
	if (*j->p++ != 'u')
		return strchr("\"\\/bfnrt", j->p[-1]) && j->p[-1];
	for (unsigned i = 0; i < 4; i++) {
		if (j->p == j->end || !is_hex(*j->p++))
			return false;
	}
	return true;
}

/* A string; *plain tells whether it is free of escapes. */
static bool string(struct json_pull *j, struct jp_text *ret, bool *plain)
{
	const char *p;

	*plain = true;
	if (peek(j) != '"')
		return fail(j);
	ret->p = ++j->p;
	for (;;) {
		p = j->p;
		while (p < j->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
			p++;
		j->p = p;
		if (take(j, '"'))
			break;
		if (!take(j, '\\') || !escape(j))
			return fail(j);
		*plain = false;
	}
	ret->n = (size_t)(j->p - 1 - ret->p);
	return true;
}

bool jp_key(struct json_pull *j, struct jp_text *ret)
{
	bool plain;

	if (!next(j, '}') || !string(j, ret, &plain))
		return false;
	if (peek(j) != ':')
		return fail(j);
	j->p++;
	return true;
}

bool jp_element(struct json_pull *j)
{
	return next(j, ']');
}

static bool digits(struct json_pull *j)
{
	const char *start = j->p;

	while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
		j->p++;
	return j->p > start;
}

/* A number; true when it is a whole one that fits. */
static bool number(struct json_pull *j, uint64_t *ret)
{
	bool whole = !take(j, '-');
	const char *start = j->p;
	uint64_t v = 0;

	if (!digits(j) || (*start == '0' && j->p - start > 1))
		return fail(j);
	for (const char *p = start; p < j->p && whole; p++) {
		unsigned d = (unsigned)(*p - '0');

		whole = v <= (UINT64_MAX - d) / 10;
		v = v * 10 + d;
	}
	if (take(j, '.')) {
		whole = false;
		if (!digits(j))
			return fail(j);
	}
	if (take(j, 'e') || take(j, 'E')) {
		whole = false;
		if (!take(j, '+'))
			take(j, '-');
		if (!digits(j))
			return fail(j);
	}
	*ret = v;
	return whole;
}

bool jp_u64(struct json_pull *j, uint64_t *ret)
{
	char c = peek(j);

	if (c >= '0' && c <= '9')
		return number(j, ret);
	jp_skip(j);
	return false;
}

bool jp_string(struct json_pull *j, struct jp_text *ret)
{
	bool plain;

	if (peek(j) == '"')
		return string(j, ret, &plain) && plain;
	jp_skip(j);
	return false;
}

static void word(struct json_pull *j, const char *text)
{
	size_t n = strlen(text);

	if ((size_t)(j->end - j->p) < n || memcmp(j->p, text, n))
		fail(j);
	else
		j->p += n;
}

/* Recursion is bounded by JP_DEPTH. */
void jp_skip(struct json_pull *j)
{
	struct jp_text text;
	uint64_t value;
	bool plain;

	switch (peek(j)) {
	case '{':
		for (jp_object(j); jp_key(j, &text);)
			jp_skip(j);
		return;
	case '[':
		for (jp_array(j); jp_element(j);)
			jp_skip(j);
		return;
	case '"':
		string(j, &text, &plain);
		return;
	case 't':
		word(j, "true");
		return;
	case 'f':
		word(j, "false");
		return;
	case 'n':
		word(j, "null");
		return;
	default:
		number(j, &value);
	}
}

bool jp_end(struct json_pull *j)
{
	blanks(j);
	return !j->bad && !j->depth && j->p == j->end;
}
