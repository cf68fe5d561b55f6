/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_cursor.h"

#include <errno.h>

/* Moves over n bytes; NULL when there are not as many. */
static const uint8_t *take(struct wire_cursor *c, uint64_t n)
{
	const uint8_t *p = c->p;

	if (n > wire_left(c)) {
		wire_fail(c);
		return NULL;
	}
	c->p += n;
	return p;
}

/* A length of 2^log2 bytes. */
static bool length(struct wire_cursor *c, unsigned log2, uint32_t *ret)
{
	const uint8_t *p = take(c, 1u << log2);

	*ret = p ? (uint32_t)wire_load(p, log2) : 0;
	return p;
}

static bool bytes(struct wire_cursor *c, struct wire_item *ret, enum wire_type type)
{
	ret->type = type;
	ret->p = take(c, ret->n);
	return ret->p;
}

/* Each element has at least one byte: a count beyond the bytes left is a lie. */
static bool container(struct wire_cursor *c, struct wire_item *ret, enum wire_type type)
{
	ret->type = type;
	return (uint64_t)ret->n * (type == WIRE_MAP ? 2 : 1) <= wire_left(c) || wire_fail(c);
}

static bool number(struct wire_cursor *c, struct wire_item *ret, unsigned log2)
{
	const uint8_t *p = take(c, 1u << log2);

	if (!p)
		return false;
	ret->type = WIRE_UINT;
	ret->v = wire_load(p, log2);
	return true;
}

static bool signed_number(struct wire_cursor *c, struct wire_item *ret, unsigned log2)
{
	unsigned unused = 64 - (8u << log2);

	if (!number(c, ret, log2))
		return false;
	ret->v = (uint64_t)((int64_t)(ret->v << unused) >> unused);
	if (ret->v >> 63)
		ret->type = WIRE_NEGATIVE;
	return true;
}

/* Type byte and length are read; of an ext the type is one of the bytes. */
static bool ext(struct wire_cursor *c, struct wire_item *ret)
{
	ret->type = WIRE_EXT;
	ret->p = take(c, (uint64_t)ret->n + 1);
	return ret->p;
}

static bool long_form(struct wire_cursor *c, struct wire_item *ret, uint8_t tag)
{
	switch (tag) {
	case 0xc0:
		ret->type = WIRE_NIL;
		return true;
	case 0xc2:
	case 0xc3:
		ret->type = WIRE_BOOL;
		ret->v = tag & 1;
		return true;
	case 0xc4:
	case 0xc5:
	case 0xc6:
		return length(c, tag - 0xc4u, &ret->n) && bytes(c, ret, WIRE_BIN);
	case 0xc7:
	case 0xc8:
	case 0xc9:
		return length(c, tag - 0xc7u, &ret->n) && ext(c, ret);
	case 0xca:
	case 0xcb:
		ret->type = WIRE_FLOAT;
		return take(c, tag == 0xca ? 4 : 8);
	case 0xcc:
	case 0xcd:
	case 0xce:
	case 0xcf:
		return number(c, ret, tag - 0xccu);
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return signed_number(c, ret, tag - 0xd0u);
	case 0xd4:
	case 0xd5:
	case 0xd6:
	case 0xd7:
	case 0xd8:
		ret->n = 1u << (tag - 0xd4u);
		return ext(c, ret);
	case 0xd9:
	case 0xda:
	case 0xdb:
		return length(c, tag - 0xd9u, &ret->n) && bytes(c, ret, WIRE_STR);
	case 0xdc:
	case 0xdd:
		return length(c, tag - 0xdcu + 1, &ret->n) && container(c, ret, WIRE_ARRAY);
	case 0xde:
	case 0xdf:
		return length(c, tag - 0xdeu + 1, &ret->n) && container(c, ret, WIRE_MAP);
	default: /* 0xc1: never used */
		return wire_fail(c);
	}
}

bool wire_next(struct wire_cursor *c, struct wire_item *ret)
{
	uint8_t tag;

	*ret = (struct wire_item){.type = WIRE_NONE};
	if (c->p == c->end)
		return wire_fail(c);
	tag = *c->p++;
	if (tag < 0x80 || tag >= 0xe0) {
		ret->type = tag < 0x80 ? WIRE_UINT : WIRE_NEGATIVE;
		ret->v = (uint64_t)(int8_t)tag;
	} else if (tag < 0x90) {
		ret->n = tag & 15;
		container(c, ret, WIRE_MAP);
	} else if (tag < 0xa0) {
		ret->n = tag & 15;
		container(c, ret, WIRE_ARRAY);
	} else if (tag < 0xc0) {
		ret->n = tag & 31;
		bytes(c, ret, WIRE_STR);
	} else {
		long_form(c, ret, tag);
	}
	if (c->bad)
		*ret = (struct wire_item){.type = WIRE_NONE};
	return !c->bad;
}

static uint64_t children(const struct wire_item *it)
{
	return it->type == WIRE_MAP ? 2 * (uint64_t)it->n : it->type == WIRE_ARRAY ? it->n : 0;
}

void wire_skip_rest(struct wire_cursor *c, const struct wire_item *it)
{
	uint64_t left[WIRE_DEPTH]; /* items still to come, per open container */
	unsigned depth = 0;
	struct wire_item inner;

	left[0] = children(it);
	for (;;) {
		while (left[depth] == 0) {
			if (depth-- == 0)
				return;
		}
		left[depth]--;
		if (!wire_next(c, &inner))
			return;
		if (!children(&inner))
			continue;
		if (++depth == WIRE_DEPTH) {
			wire_fail(c);
			return;
		}
		left[depth] = children(&inner);
	}
}

bool wire_skip(struct wire_cursor *c)
{
	struct wire_item it;

	if (wire_next(c, &it))
		wire_skip_rest(c, &it);
	return true;
}

uint32_t wire_map(struct wire_cursor *c)
{
	struct wire_item it;

	if (wire_next(c, &it) && it.type == WIRE_MAP)
		return it.n;
	wire_fail(c);
	return 0;
}

uint32_t wire_array(struct wire_cursor *c, uint32_t max)
{
	struct wire_item it;

	if (wire_next(c, &it) && it.type == WIRE_ARRAY && it.n <= max)
		return it.n;
	wire_fail(c);
	return 0;
}

int wire_versioned(struct wire_cursor *c, uint64_t version, uint32_t *ret_more)
{
	struct wire_item key, v;
	uint32_t n = wire_map(c);

	if (!n || !wire_key(c, &key) || !wire_is(&key, "v") || !wire_next(c, &v) ||
	    v.type != WIRE_UINT) {
		wire_fail(c);
		return -EBADMSG;
	}
	*ret_more = n - 1;
	return v.v == version ? 0 : -EPROTO;
}

bool wire_u64(struct wire_cursor *c, const struct wire_item *key, const char *word, uint64_t *to)
{
	struct wire_item it;

	if (!wire_is(key, word))
		return false;
	if (wire_next(c, &it) && it.type == WIRE_UINT)
		*to = it.v;
	else
		wire_fail(c);
	return true;
}

bool wire_i64(struct wire_cursor *c, const struct wire_item *key, const char *word, int64_t *to)
{
	struct wire_item it;

	if (!wire_is(key, word))
		return false;
	if (wire_next(c, &it) &&
	    ((it.type == WIRE_UINT && it.v <= INT64_MAX) || it.type == WIRE_NEGATIVE))
		*to = (int64_t)it.v;
	else
		wire_fail(c);
	return true;
}

bool wire_u32(struct wire_cursor *c, const struct wire_item *key, const char *word, uint32_t *to)
{
	uint64_t v = 0;

	if (!wire_u64(c, key, word, &v))
		return false;
	if (v > UINT32_MAX)
		wire_fail(c);
	else
		*to = (uint32_t)v;
	return true;
}

bool wire_bool(struct wire_cursor *c, const struct wire_item *key, const char *word, bool *to)
{
	struct wire_item it;

	if (!wire_is(key, word))
		return false;
	if (wire_next(c, &it) && it.type == WIRE_BOOL)
		*to = it.v;
	else
		wire_fail(c);
	return true;
}

bool wire_take_text(struct wire_cursor *c, char *to, size_t size)
{
	struct wire_item it;

	if (!wire_next(c, &it))
		return false;
	if (it.type != WIRE_STR || it.n >= size || memchr(it.p, '\0', it.n))
		return wire_fail(c);
	memcpy(to, it.p, it.n);
	to[it.n] = '\0';
	return true;
}

bool wire_text(struct wire_cursor *c, const struct wire_item *key, const char *word, char *to,
	       size_t size)
{
	if (!wire_is(key, word))
		return false;
	wire_take_text(c, to, size);
	return true;
}
