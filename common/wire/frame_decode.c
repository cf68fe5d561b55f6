/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"
#include "frame_decoder.h"
#include "frame_head.h"
#include "frame_keys.h"

#include <endian.h>
#include <errno.h>

#define CHUNK 256u /* rows that are read at once where a column is not of uint64_t */

/* ---- rows ---- */

static void take_parents(struct decoder *d, struct table *t)
{
	uint64_t chunk[CHUNK];
	struct column col;

	if (!column_open(&d->c, t->rows, &col))
		return;
	for (uint32_t r = 0, n; r < t->rows; r += n) {
		n = t->rows - r < CHUNK ? t->rows - r : CHUNK;
		column_read(&d->c, &col, n, chunk, false);
		for (uint32_t i = 0; i < n; i++)
			t->parent[r + i] = chunk[i] < NO_ROW ? (uint32_t)chunk[i] : NO_ROW;
	}
}

static void take_counted(struct decoder *d, struct table *t)
{
	uint64_t chunk[CHUNK];
	struct column col;

	if (!column_open(&d->c, t->rows, &col))
		return;
	for (uint32_t r = 0, n; r < t->rows; r += n) {
		n = t->rows - r < CHUNK ? t->rows - r : CHUNK;
		column_read(&d->c, &col, n, chunk, false);
		for (uint32_t i = 0; i < n; i++)
			t->counted[r + i] = chunk[i] != 0;
	}
}

static void take_ages(struct decoder *d, struct table *t, uint64_t *to)
{
	struct column col;

	if (column_open(&d->c, t->rows, &col))
		column_read(&d->c, &col, t->rows, to, true);
}

/* "id" is first: it says how many rows there are, and brings eight bytes for each. */
static void take_ids(struct decoder *d, enum scope scope)
{
	struct wire_item key, ids;

	if (!wire_key(&d->c, &key) || !wire_next(&d->c, &ids))
		return;
	if (!wire_is(&key, FRAME_ID) || ids.type != WIRE_BIN || ids.n % 8 ||
	    ids.n / 8 > SAMPLE_ROWS_MAX) {
		wire_fail(&d->c);
		return;
	}
	if (!decoder_rows(d, scope, ids.n / 8))
		return;
	for (uint32_t r = 0; r < ids.n / 8; r++) {
		uint64_t id;

		memcpy(&id, ids.p + 8u * r, 8);
		d->s->table[scope].id[r] = le64toh(id);
	}
}

enum { PARENT = 1, COUNTED = 2, AGE = 4, AGE_BEFORE = 8, COLUMNS = 16, GAINED = 32 };

static unsigned part_of(const struct wire_item *key)
{
	return wire_is(key, FRAME_PARENT)       ? PARENT
	       : wire_is(key, FRAME_COUNTED)    ? COUNTED
	       : wire_is(key, FRAME_AGE)        ? AGE
	       : wire_is(key, FRAME_AGE_BEFORE) ? AGE_BEFORE
	       : wire_is(key, FRAME_COLUMNS)    ? COLUMNS
	       : wire_is(key, FRAME_GAINED)     ? GAINED
						: 0;
}

static void take_part(struct decoder *d, enum scope scope, unsigned part)
{
	struct table *t = &d->s->table[scope];

	switch (part) {
	case PARENT:
		take_parents(d, t);
		break;
	case COUNTED:
		take_counted(d, t);
		break;
	case AGE:
		take_ages(d, t, t->read_ns);
		break;
	case AGE_BEFORE:
		take_ages(d, t, t->prev_ns);
		break;
	case COLUMNS:
		decoder_columns(d, scope);
		break;
	case GAINED:
		decoder_gained(d, scope);
		break;
	default:
		wire_skip(&d->c);
	}
}

static void take_table(struct decoder *d, enum scope scope)
{
	uint32_t n = wire_map(&d->c);
	unsigned seen = 0, part;
	struct wire_item key;

	if (!n) {
		wire_fail(&d->c);
		return;
	}
	take_ids(d, scope);
	while (--n && wire_key(&d->c, &key)) {
		part = part_of(&key);
		if (part & seen) {
			wire_fail(&d->c);
			return;
		}
		seen |= part;
		take_part(d, scope, part);
	}
}

static void take_tables(struct decoder *d)
{
	uint32_t n = wire_map(&d->c);
	struct wire_item name;

	while (n-- && wire_key(&d->c, &name)) {
		int scope = 0;

		while (scope < SCOPES && !wire_is(&name, scope_names[scope]))
			scope++;
		if (scope == SCOPES) {
			wire_skip(&d->c);
			continue;
		}
		if (d->tables & (1u << scope)) {
			wire_fail(&d->c);
			return;
		}
		d->tables |= 1u << scope;
		take_table(d, scope);
	}
}

/* ---- what could only be known at the end ---- */

static void resolve_parents(struct sample *s, enum scope scope)
{
	struct table *t = &s->table[scope];
	/* A host has nothing above it. */
	uint32_t above = scope == SCOPE_HOST ? 0 : s->table[scope_parent(scope)].rows;

	for (uint32_t r = 0; r < t->rows; r++)
		if (t->parent[r] >= above)
			t->parent[r] = NO_ROW;
}

static void resolve_times(struct table *t, uint64_t boot_ns)
{
	for (uint32_t r = 0; r < t->rows; r++) {
		if (t->read_ns[r] != ABSENT)
			t->read_ns[r] = boot_ns - t->read_ns[r];
		if (t->prev_ns[r] != ABSENT)
			t->prev_ns[r] = boot_ns - t->prev_ns[r];
	}
}

static void resolve_previous(struct table *t, const uint64_t gained[COLUMN_WORDS])
{
	for (unsigned m = 0; (m = table_column_from(t, m)) < METRICS; m++) {
		const uint64_t *v = t->value[m];
		uint64_t *previous = t->previous[m];

		if (!(gained[m / 64] >> m % 64 & 1))
			continue;
		for (uint32_t r = 0; r < t->rows; r++)
			previous[r] = !v || v[r] == ABSENT || previous[r] == ABSENT
					      ? ABSENT
					      : v[r] - previous[r];
	}
}

static void resolve(struct decoder *d, const struct frame_head *head)
{
	struct sample *s = d->s;

	s->boot_ns = head->boot_ns;
	s->wall_ns = head->wall_ns;
	s->epoch = head->epoch;
	s->sequence = head->sequence;
	for (int i = 0; i < SCOPES; i++) {
		resolve_parents(s, i);
		resolve_times(&s->table[i], head->boot_ns);
		resolve_previous(&s->table[i], d->gained[i]);
	}
}

/* ---- */

static int decode(struct decoder *d, struct frame_head *head, const void *bytes, size_t n)
{
	struct wire_item key;
	unsigned seen = 0;
	uint32_t members;
	bool tables = false;
	int r;

	*head = (struct frame_head){.host_id = ""};
	sample_clear(d->s);
	if (n > FRAME_MAX)
		return -EBADMSG;
	wire_start(&d->c, bytes, n);
	r = wire_versioned(&d->c, FRAME_VERSION, &members);
	if (r)
		return r;
	while (members-- && wire_key(&d->c, &key)) {
		if (frame_head_member(&d->c, &key, head, &seen))
			continue;
		if (!wire_is(&key, FRAME_TABLES)) {
			wire_skip(&d->c);
		} else if (tables) {
			wire_fail(&d->c);
		} else {
			tables = true;
			take_tables(d);
		}
	}
	if (!wire_done(&d->c) || !frame_head_complete(head, seen))
		return -EBADMSG;
	resolve(d, head);
	return 0;
}

int frame_decode(struct sample *s, struct frame_head *ret, const void *bytes, size_t n)
{
	struct decoder d = {.s = s};
	int r = decode(&d, ret, bytes, n);

	/* Columns of earlier frames may be what fills it. */
	if (d.full) {
		sample_release(s);
		d = (struct decoder){.s = s};
		r = decode(&d, ret, bytes, n);
	}
	if (d.full)
		sample_release(s);
	else if (r)
		sample_clear(s);
	return r;
}
