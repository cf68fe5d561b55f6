/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_column.h"

#include <endian.h>
#include <string.h>

bool column_open(struct wire_cursor *c, uint32_t rows, struct column *ret)
{
	struct wire_item it;

	*ret = (struct column){.form = COLUMN_SAME};
	if (!wire_next(c, &it))
		return false;
	switch (it.type) {
	case WIRE_UINT:
	case WIRE_NEGATIVE:
	case WIRE_STR:
		ret->item = it;
		return true;
	case WIRE_BIN:
		ret->form = COLUMN_PACKED;
		ret->width = it.n ? it.p[0] : 0;
		ret->p = it.p + 1;
		if (ret->width < 1 || ret->width > 8 || it.n != 1 + (uint64_t)rows * ret->width)
			return wire_fail(c);
		return true;
	case WIRE_ARRAY:
		ret->form = COLUMN_LIST;
		return it.n == rows || wire_fail(c);
	default:
		ret->item.type = WIRE_NIL;
		wire_skip_rest(c, &it);
		return !c->bad;
	}
}

static uint64_t number_of(const struct wire_item *it, bool differences)
{
	if (it->type == WIRE_UINT || (it->type == WIRE_NEGATIVE && differences))
		return it->v;
	return ABSENT;
}

/* Any bits that are all set in the width are all set in the column. */
#define UNPACK(type, from_le)                                                                      \
	for (uint32_t r = 0; r < n; r++) {                                                         \
		type v;                                                                            \
                                                                                                   \
		memcpy(&v, p + (size_t)r * sizeof(v), sizeof(v));                                  \
		v = from_le(v);                                                                    \
		to[r] = v == (type)-1 ? ABSENT : v;                                                \
	}
#define AS_IS(v) (v)

/* 3, 5, 6 and 7 bytes: eight are read where there are as many, and cut. */
static void unpack_odd(const uint8_t *p, unsigned width, uint32_t n, uint64_t *to)
{
	const uint64_t mask = (UINT64_C(1) << 8 * width) - 1;
	const size_t size = (size_t)n * width;
	uint32_t r = 0;
	uint64_t v;

	for (; (size_t)r * width + 8 <= size; r++) {
		memcpy(&v, p + (size_t)r * width, 8);
		v = le64toh(v) & mask;
		to[r] = v == mask ? ABSENT : v;
	}
	for (; r < n; r++) {
		v = 0;
		memcpy(&v, p + (size_t)r * width, width);
		v = le64toh(v);
		to[r] = v == mask ? ABSENT : v;
	}
}

static void unpack(const uint8_t *p, unsigned width, uint32_t n, uint64_t *to)
{
	switch (width) {
	case 1:
		UNPACK(uint8_t, AS_IS)
		break;
	case 2:
		UNPACK(uint16_t, le16toh)
		break;
	case 4:
		UNPACK(uint32_t, le32toh)
		break;
	case 8:
		UNPACK(uint64_t, le64toh)
		break;
	default:
		unpack_odd(p, width, n, to);
	}
}

static void read_list(struct wire_cursor *c, uint32_t n, uint64_t *to, bool differences)
{
	struct wire_item it;

	for (uint32_t r = 0; r < n; r++) {
		/* Most are small or absent. */
		if (c->p < c->end && *c->p < 0x80) {
			to[r] = *c->p++;
			continue;
		}
		if (!wire_next(c, &it)) {
			memset(to + r, 0xff, (n - r) * sizeof(*to));
			return;
		}
		to[r] = number_of(&it, differences);
		if (it.type >= WIRE_ARRAY)
			wire_skip_rest(c, &it);
	}
}

void column_read(struct wire_cursor *c, struct column *col, uint32_t n, uint64_t *to,
		 bool differences)
{
	uint64_t same;

	switch (col->form) {
	case COLUMN_SAME:
		same = number_of(&col->item, differences);
		for (uint32_t r = 0; r < n; r++)
			to[r] = same;
		break;
	case COLUMN_PACKED:
		unpack(col->p, col->width, n, to);
		col->p += (size_t)n * col->width;
		break;
	case COLUMN_LIST:
		read_list(c, n, to, differences);
		break;
	}
}

static uint64_t text_of(struct sample *s, const struct wire_item *it)
{
	return it->type == WIRE_STR ? sample_keep_text(s, (const char *)it->p, it->n) : ABSENT;
}

/* Texts of up to SHORT bytes, one after the other, as long as so many can be copied in any
 * case.  Returns how many there were. */
#define SHORT 64u

static uint32_t read_short_texts(struct wire_cursor *c, uint32_t rows, struct sample *s,
				 uint64_t *to)
{
	uint32_t r;

	for (r = 0; r < rows; r++) {
		unsigned head, n;

		if (wire_left(c) < SHORT + 2 || s->text_room - s->text_used <= SHORT)
			break;
		head = *c->p == 0xd9 ? 2 : 1;
		n = head == 2 ? c->p[1] : *c->p ^ 0xa0u; /* a0 to bf: 0 to 31 bytes */
		if (n > (head == 2 ? SHORT : 31))
			break;
		memcpy(s->text + s->text_used, c->p + head, SHORT);
		s->text[s->text_used + n] = '\0';
		to[r] = s->text_used;
		s->text_used += n + 1;
		c->p += head + n;
	}
	return r;
}

static void read_texts(struct wire_cursor *c, uint32_t rows, struct sample *s, uint64_t *to)
{
	struct wire_item it;

	for (uint32_t r = 0; r < rows; r++) {
		r += read_short_texts(c, rows - r, s, to + r);
		if (r == rows)
			break;
		to[r] = wire_next(c, &it) ? text_of(s, &it) : ABSENT;
		if (it.type >= WIRE_ARRAY)
			wire_skip_rest(c, &it);
	}
}

void column_read_text(struct wire_cursor *c, const struct column *col, uint32_t rows,
		      struct sample *s, uint64_t *to)
{
	uint64_t same;

	if (col->form == COLUMN_LIST) {
		read_texts(c, rows, s, to);
		return;
	}
	/* Packed numbers are no texts. */
	same = col->form == COLUMN_SAME ? text_of(s, &col->item) : ABSENT;
	for (uint32_t r = 0; r < rows; r++)
		to[r] = same;
}
