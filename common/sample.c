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

static void free_all(struct sample *s)
{
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
}

void sample_free(struct sample *s)
{
	if (!s)
		return;
	free_all(s);
	free(s);
}

void sample_release(struct sample *s)
{
	free_all(s);
	memset(s, 0, sizeof(*s));
	sample_clear(s);
}

void sample_clear(struct sample *s)
{
	for (int i = 0; i < SCOPES; i++) {
		struct table *t = &s->table[i];

		/* Rows that are used again must start absent; 0xff bytes are ABSENT. */
		for (unsigned m = 0; (m = table_column_from(t, m)) < METRICS; m++) {
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

static void table_grow(struct table *t, uint32_t to)
{
	uint32_t from = t->room;

	t->id = grow(t->id, from, to, sizeof(*t->id), 0);
	t->parent = grow(t->parent, from, to, sizeof(*t->parent), 0xff);
	t->counted = grow(t->counted, from, to, sizeof(*t->counted), 0);
	t->read_ns = grow(t->read_ns, from, to, sizeof(*t->read_ns), 0xff);
	t->prev_ns = grow(t->prev_ns, from, to, sizeof(*t->prev_ns), 0xff);
	for (unsigned m = 0; (m = table_column_from(t, m)) < METRICS; m++) {
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
		table_grow(t, row ? row * 2 : 16);
	t->rows++;
	t->id[row] = id;
	t->parent[row] = parent;
	t->counted[row] = 1;
	t->read_ns[row] = ABSENT;
	t->prev_ns[row] = ABSENT;
	return row;
}

uint32_t sample_rows(struct sample *s, enum scope scope, uint32_t n)
{
	struct table *t = &s->table[scope];
	uint32_t first = t->rows;

	if (n > SAMPLE_ROWS_MAX - first) {
		s->refused += n;
		return NO_ROW;
	}
	if (n > t->room - first)
		table_grow(t, first + n);
	if (!n)
		return first;
	t->rows += n;
	memset(t->id + first, 0, n * sizeof(*t->id));
	memset(t->parent + first, 0xff, n * sizeof(*t->parent));
	memset(t->counted + first, 1, n * sizeof(*t->counted));
	memset(t->read_ns + first, 0xff, n * sizeof(*t->read_ns));
	memset(t->prev_ns + first, 0xff, n * sizeof(*t->prev_ns));
	return first;
}

static uint64_t *column(struct table *t, uint64_t **all, enum metric_id m)
{
	if (!all[m]) {
		all[m] = grow(NULL, 0, t->room, sizeof(uint64_t), 0xff);
		t->made[m / 64] |= UINT64_C(1) << m % 64;
	}
	return all[m];
}

uint64_t *sample_column(struct sample *s, enum scope scope, enum metric_id m)
{
	return column(&s->table[scope], s->table[scope].value, m);
}

uint64_t *sample_previous(struct sample *s, enum scope scope, enum metric_id m)
{
	return column(&s->table[scope], s->table[scope].previous, m);
}

void sample_set(struct sample *s, enum scope scope, uint32_t row, enum metric_id m, uint64_t v)
{
	if (row < s->table[scope].rows)
		sample_column(s, scope, m)[row] = v;
}

void sample_set_pair(struct sample *s, enum scope scope, uint32_t row, enum metric_id m, uint64_t v,
		     uint64_t previous)
{
	if (row >= s->table[scope].rows)
		return;
	sample_column(s, scope, m)[row] = v;
	sample_previous(s, scope, m)[row] = previous;
}

/* Cuts at SAMPLE_NAME_MAX, but not inside a UTF-8 character. */
static size_t bounded_length(const char *text, size_t n)
{
	if (n <= SAMPLE_NAME_MAX)
		return n;
	n = SAMPLE_NAME_MAX;
	while (n > SAMPLE_NAME_MAX - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

uint64_t sample_keep_text(struct sample *s, const char *text, size_t n)
{
	uint32_t at = s->text_used;

	n = bounded_length(text, n);
	if (at + n + 1 > SAMPLE_TEXT_MAX) {
		s->refused++;
		return ABSENT;
	}
	while (at + n + 1 > s->text_room) {
		s->text = xrealloc(s->text, s->text_room * 2, 1);
		s->text_room *= 2;
	}
	memcpy(s->text + at, text, n);
	s->text[at + n] = '\0';
	s->text_used = at + (uint32_t)n + 1;
	return at;
}

void sample_set_text(struct sample *s, enum scope scope, uint32_t row, enum metric_id m,
		     const char *text)
{
	uint64_t at;

	if (!text || row >= s->table[scope].rows)
		return;
	at = sample_keep_text(s, text, strnlen(text, SAMPLE_NAME_MAX + 1));
	if (at != ABSENT)
		sample_set(s, scope, row, m, at);
}

const char *sample_text(const struct sample *s, enum scope scope, uint32_t row, enum metric_id m)
{
	uint64_t at = sample_get(s, scope, row, m);

	return at < s->text_used ? s->text + at : NULL;
}

/* http://www.isthe.com/chongo/tech/comp/fnv/: FNV-1a, 64 bits */
uint64_t id_hash_bytes(uint64_t seed, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t h = seed ^ 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

uint64_t id_hash(uint64_t seed, const char *text)
{
	return id_hash_bytes(seed, text, strlen(text));
}

/* The same on every machine: the lowest byte first. */
uint64_t id_hash_u64(uint64_t seed, uint64_t v)
{
	unsigned char bytes[8];

	for (unsigned i = 0; i < sizeof(bytes); i++, v >>= 8)
		bytes[i] = (unsigned char)v;
	return id_hash_bytes(seed, bytes, sizeof(bytes));
}
