/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct sample *sample_new(void)
{
	struct sample *s = xcalloc(1, sizeof(*s));

	sample_clear(s);
	return s;
}

void sample_free(struct sample *s)
{
	if (!s)
		return;
	for (int i = 0; i < SCOPES; i++) {
		struct table *t = &s->table[i];

		free(t->id);
		free(t->parent);
		free(t->counted);
		free(t->read_ns);
		free(t->prev_ns);
		for (int m = 0; m < METRICS; m++) {
			free(t->value[m]);
			free(t->previous[m]);
		}
	}
	free(s->text);
	free(s);
}

void sample_clear(struct sample *s)
{
	for (int i = 0; i < SCOPES; i++) {
		struct table *t = &s->table[i];

		/* Rows that are used again must start absent; 0xff bytes are ABSENT. */
		for (int m = 0; m < METRICS; m++) {
			if (t->value[m])
				memset(t->value[m], 0xff, t->rows * sizeof(uint64_t));
			if (t->previous[m])
				memset(t->previous[m], 0xff, t->rows * sizeof(uint64_t));
		}
		t->rows = 0;
	}
	if (!s->text) {
		s->text_room = 4096;
		s->text = xcalloc(1, s->text_room);
	}
	s->text_used = 1;
	s->refused = 0;
}

static void *grow(void *p, uint32_t from, uint32_t to, size_t size, int fill)
{
	p = xrealloc(p, to, size);
	memset((char *)p + from * size, fill, (to - from) * size);
	return p;
}

static void table_grow(struct table *t)
{
	uint32_t from = t->room, to = from ? from * 2 : 16;

	t->id = grow(t->id, from, to, sizeof(*t->id), 0);
	t->parent = grow(t->parent, from, to, sizeof(*t->parent), 0xff);
	t->counted = grow(t->counted, from, to, sizeof(*t->counted), 0);
	t->read_ns = grow(t->read_ns, from, to, sizeof(*t->read_ns), 0xff);
	t->prev_ns = grow(t->prev_ns, from, to, sizeof(*t->prev_ns), 0xff);
	for (int m = 0; m < METRICS; m++) {
		if (t->value[m])
			t->value[m] = grow(t->value[m], from, to, sizeof(uint64_t), 0xff);
		if (t->previous[m])
			t->previous[m] = grow(t->previous[m], from, to, sizeof(uint64_t), 0xff);
	}
	t->room = to;
}

uint32_t sample_row(struct sample *s, enum scope scope, uint32_t parent, uint64_t id)
{
	struct table *t = &s->table[scope];
	uint32_t row = t->rows;

	if (row >= SAMPLE_ROWS_MAX) {
		s->refused++;
		return NO_ROW;
	}
	if (row == t->room)
		table_grow(t);
	t->rows++;
	t->id[row] = id;
	t->parent[row] = parent;
	t->counted[row] = 1;
	t->read_ns[row] = ABSENT;
	t->prev_ns[row] = ABSENT;
	return row;
}

void sample_set(struct sample *s, enum scope scope, uint32_t row, enum metric_id m, uint64_t v)
{
	struct table *t = &s->table[scope];

	if (row >= t->rows)
		return;
	if (!t->value[m])
		t->value[m] = grow(NULL, 0, t->room, sizeof(uint64_t), 0xff);
	t->value[m][row] = v;
}

void sample_set_pair(struct sample *s, enum scope scope, uint32_t row, enum metric_id m, uint64_t v,
		     uint64_t previous)
{
	struct table *t = &s->table[scope];

	if (row >= t->rows)
		return;
	sample_set(s, scope, row, m, v);
	if (!t->previous[m])
		t->previous[m] = grow(NULL, 0, t->room, sizeof(uint64_t), 0xff);
	t->previous[m][row] = previous;
}

/* Cuts at SAMPLE_NAME_MAX, but not inside a UTF-8 character. */
static size_t bounded_length(const char *text)
{
	size_t n = strnlen(text, SAMPLE_NAME_MAX + 1);

	if (n <= SAMPLE_NAME_MAX)
		return n;
	n = SAMPLE_NAME_MAX;
	while (n > SAMPLE_NAME_MAX - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

void sample_set_text(struct sample *s, enum scope scope, uint32_t row, enum metric_id m,
		     const char *text)
{
	size_t n;

	if (!text || row >= s->table[scope].rows)
		return;
	n = bounded_length(text);
	if (s->text_used + n + 1 > SAMPLE_TEXT_MAX) {
		s->refused++;
		return;
	}
	while (s->text_used + n + 1 > s->text_room) {
		s->text = xrealloc(s->text, s->text_room * 2, 1);
		s->text_room *= 2;
	}
	memcpy(s->text + s->text_used, text, n);
	s->text[s->text_used + n] = '\0';
	sample_set(s, scope, row, m, s->text_used);
	s->text_used += n + 1;
}

const char *sample_text(const struct sample *s, enum scope scope, uint32_t row, enum metric_id m)
{
	uint64_t at = sample_get(s, scope, row, m);

	return at < s->text_used ? s->text + at : NULL;
}

/* http://www.isthe.com/chongo/tech/comp/fnv/: FNV-1a, 64 bits */
uint64_t id_hash(uint64_t seed, const char *text)
{
	uint64_t h = seed ^ 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}

uint64_t id_hash_u64(uint64_t seed, uint64_t v)
{
	uint64_t h = seed ^ 0xcbf29ce484222325u;

	for (int i = 0; i < 8; i++, v >>= 8)
		h = (h ^ (v & 0xff)) * 0x100000001b3u;
	return h;
}
