/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_WIRE_CURSOR_H
#define PROXTOP_WIRE_CURSOR_H

/*
 * msgpack read once from front to back, in place: no tree, no allocation, no length
 * believed that the bytes left cannot hold.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 *
 * The first fault makes bad stick and moves the cursor to its end, so that everything
 * after it gives nothing; the user looks once, at the end.  What was taken points into the
 * bytes read.  Nesting is at most WIRE_DEPTH.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_DEPTH 16u

struct wire_cursor {
	const uint8_t *p, *end;
	bool bad;
};

enum wire_type {
	WIRE_NONE, /* the cursor is bad */
	WIRE_NIL,
	WIRE_BOOL,
	WIRE_UINT,
	WIRE_NEGATIVE,
	WIRE_FLOAT,
	WIRE_STR,
	WIRE_BIN,
	WIRE_EXT,
	WIRE_ARRAY,
	WIRE_MAP,
};

struct wire_item {
	enum wire_type type;
	uint32_t n;       /* bytes of str, bin; elements of array, pairs of map */
	uint64_t v;       /* bool, uint; of a negative number its two's complement */
	const uint8_t *p; /* str and bin */
};

static inline void wire_start(struct wire_cursor *c, const void *bytes, size_t n)
{
	static const uint8_t nothing[1];

	c->p = n ? bytes : nothing;
	c->end = c->p + n;
	c->bad = false;
}

static inline size_t wire_left(const struct wire_cursor *c)
{
	return (size_t)(c->end - c->p);
}

static inline bool wire_fail(struct wire_cursor *c)
{
	c->bad = true;
	c->p = c->end;
	return false;
}

/* All read, and nothing wrong with it? */
static inline bool wire_done(const struct wire_cursor *c)
{
	return !c->bad && c->p == c->end;
}

/* Big endian numbers of 2^log2 bytes. */
static inline uint64_t wire_load(const uint8_t *p, unsigned log2)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch (log2) {
	case 0:
		return *p;
	case 1:
		memcpy(&v2, p, sizeof(v2));
		return __builtin_bswap16(v2);
	case 2:
		memcpy(&v4, p, sizeof(v4));
		return __builtin_bswap32(v4);
	default:
		memcpy(&v8, p, sizeof(v8));
		return __builtin_bswap64(v8);
	}
}

/* The next item: of a container only its head, of str, bin and ext all of it. */
bool wire_next(struct wire_cursor *c, struct wire_item *ret);

/* Skips what it, just read, holds; nothing when it is no container. */
void wire_skip_rest(struct wire_cursor *c, const struct wire_item *it);
bool wire_skip(struct wire_cursor *c); /* one item with all in it; always true */

/* Enter a map or an array; anything else is bad, and 0. */
uint32_t wire_map(struct wire_cursor *c);
uint32_t wire_array(struct wire_cursor *c, uint32_t max); /* more than max is bad */

/* A map's key: a str, anything else is bad. */
static inline bool wire_key(struct wire_cursor *c, struct wire_item *ret)
{
	return wire_next(c, ret) && (ret->type == WIRE_STR || wire_fail(c));
}

static inline bool wire_is(const struct wire_item *key, const char *word)
{
	size_t n = strlen(word);

	return key->n == n && !memcmp(key->p, word, n);
}

/* Enters a map whose first member is "v", the version.  0, -EBADMSG, or -EPROTO when it is
 * another one. *ret_more: members that follow. */
int wire_versioned(struct wire_cursor *c, uint64_t version, uint32_t *ret_more);

/*
 * One member of a map, when key is word: its value is taken into to.  True when it was
 * that; a value of another type, or one too large, is then bad.
 *
 *	wire_u64(c, &key, "a", &m->a) || wire_text(c, &key, "b", m->b, sizeof(m->b)) ||
 *		wire_skip(c);
 */
bool wire_u64(struct wire_cursor *c, const struct wire_item *key, const char *word, uint64_t *to);
bool wire_i64(struct wire_cursor *c, const struct wire_item *key, const char *word, int64_t *to);
bool wire_u32(struct wire_cursor *c, const struct wire_item *key, const char *word, uint32_t *to);
bool wire_bool(struct wire_cursor *c, const struct wire_item *key, const char *word, bool *to);
/* size with the NUL; text with a NUL in it, or longer, is bad. */
bool wire_text(struct wire_cursor *c, const struct wire_item *key, const char *word, char *to,
	       size_t size);

/* A str that is the next item. */
bool wire_take_text(struct wire_cursor *c, char *to, size_t size);

#endif
