/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"
#include "frame_keys.h"
#include "wire_column.h"
#include "wire_pack.h"
#include "xalloc.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

struct encoder {
	msgpack_packer pk;
	const struct frame_head *head;
	const struct sample *s;
	uint64_t *scratch; /* one column */
	uint64_t cells;
};

/* Numbers: is there any? */
static bool has_value(const uint64_t *v, uint32_t n)
{
	for (uint32_t r = 0; v && r < n; r++)
		if (v[r] != ABSENT)
			return true;
	return false;
}

/* Only what was measured travels: sums and formulas are made again by who reads. */
static unsigned list_columns(const struct sample *s, enum scope scope, uint16_t list[METRICS])
{
	const struct table *t = &s->table[scope];
	unsigned n = 0;

	for (int m = 0; m < METRICS; m++)
		if ((metrics[m].scopes & (1u << scope)) && metrics[m].kind != DERIVED &&
		    !metric_is_rollup(m, scope) && has_value(t->value[m], t->rows))
			list[n++] = (uint16_t)m;
	return n;
}

/* Of these those with a reading before. */
static unsigned list_gained(const struct table *t, const uint16_t *columns, unsigned n,
			    uint16_t list[METRICS])
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		if (metrics[columns[i]].kind == COUNTER && metrics[columns[i]].flags & OWN_TIME &&
		    has_value(t->previous[columns[i]], t->rows))
			list[found++] = columns[i];
	return found;
}

static void pack_ids(struct encoder *e, const struct table *t)
{
	wire_pack_str(&e->pk, FRAME_ID);
	for (uint32_t r = 0; r < t->rows; r++)
		e->scratch[r] = htole64(t->id[r]);
	wire_pack_bin(&e->pk, e->scratch, (size_t)t->rows * sizeof(uint64_t));
}

static void pack_parents(struct encoder *e, const struct table *t)
{
	for (uint32_t r = 0; r < t->rows; r++)
		e->scratch[r] = t->parent[r] == NO_ROW ? ABSENT : t->parent[r];
	wire_pack_str(&e->pk, FRAME_PARENT);
	column_pack(&e->pk, e->scratch, t->rows, false);
}

static void pack_counted(struct encoder *e, const struct table *t)
{
	for (uint32_t r = 0; r < t->rows; r++)
		e->scratch[r] = t->counted[r] != 0;
	wire_pack_str(&e->pk, FRAME_COUNTED);
	column_pack(&e->pk, e->scratch, t->rows, false);
}

/* Times of readings as how long ago they were. */
static void pack_ages(struct encoder *e, const char *key, const uint64_t *ns, uint32_t rows)
{
	for (uint32_t r = 0; r < rows; r++)
		e->scratch[r] = ns[r] == ABSENT ? ABSENT : e->head->boot_ns - ns[r];
	wire_pack_str(&e->pk, key);
	column_pack(&e->pk, e->scratch, rows, true);
}

static void pack_columns(struct encoder *e, enum scope scope, const uint16_t *list, unsigned n)
{
	const struct table *t = &e->s->table[scope];

	wire_pack_str(&e->pk, FRAME_COLUMNS);
	msgpack_pack_map(&e->pk, n);
	for (unsigned i = 0; i < n; i++) {
		wire_pack_str(&e->pk, metrics[list[i]].name);
		if (metrics[list[i]].kind == INFO)
			column_pack_text(&e->pk, e->s, scope, list[i]);
		else
			column_pack(&e->pk, t->value[list[i]], t->rows, false);
	}
}

static void pack_gained(struct encoder *e, const struct table *t, const uint16_t *list, unsigned n)
{
	wire_pack_str(&e->pk, FRAME_GAINED);
	msgpack_pack_map(&e->pk, n);
	for (unsigned i = 0; i < n; i++) {
		const uint64_t *v = t->value[list[i]], *previous = t->previous[list[i]];

		for (uint32_t r = 0; r < t->rows; r++)
			e->scratch[r] = v[r] == ABSENT || previous[r] == ABSENT
						? ABSENT
						: v[r] - previous[r];
		wire_pack_str(&e->pk, metrics[list[i]].name);
		column_pack(&e->pk, e->scratch, t->rows, true);
	}
}

static void pack_table(struct encoder *e, enum scope scope)
{
	const struct table *t = &e->s->table[scope];
	bool aged = has_value(t->read_ns, t->rows), aged_before = has_value(t->prev_ns, t->rows);
	uint16_t columns[METRICS], gained[METRICS];
	unsigned n = list_columns(e->s, scope, columns);
	unsigned n_gained = list_gained(t, columns, n, gained);

	e->cells += (uint64_t)(n + n_gained) * t->rows;
	wire_pack_str(&e->pk, scope_names[scope]);
	msgpack_pack_map(&e->pk, 4u + aged + aged_before + (n_gained > 0));
	pack_ids(e, t);
	pack_parents(e, t);
	pack_counted(e, t);
	if (aged)
		pack_ages(e, FRAME_AGE, t->read_ns, t->rows);
	if (aged_before)
		pack_ages(e, FRAME_AGE_BEFORE, t->prev_ns, t->rows);
	pack_columns(e, scope, columns, n);
	if (n_gained)
		pack_gained(e, t, gained, n_gained);
}

static void pack_head(msgpack_packer *pk, const struct frame_head *h)
{
	wire_pack_versioned(pk, FRAME_VERSION, 10);
	wire_pack_text(pk, FRAME_HOST_ID, h->host_id);
	wire_pack_text(pk, FRAME_HOST, h->host_name);
	wire_pack_text(pk, FRAME_AGENT, h->version);
	wire_pack_u64(pk, FRAME_EPOCH, h->epoch);
	wire_pack_u64(pk, FRAME_SEQUENCE, h->sequence);
	wire_pack_u64(pk, FRAME_BOOT, h->boot_ns);
	wire_pack_u64(pk, FRAME_WALL, h->wall_ns);
	wire_pack_u64(pk, FRAME_INTERVAL, h->interval_ns);
}

static void pack_tables(struct encoder *e)
{
	uint32_t most = 0, n = 0;

	for (int i = 0; i < SCOPES; i++) {
		n += e->s->table[i].rows > 0;
		if (e->s->table[i].rows > most)
			most = e->s->table[i].rows;
	}
	e->scratch = xcalloc(most + 1, sizeof(*e->scratch));
	wire_pack_str(&e->pk, FRAME_TABLES);
	msgpack_pack_map(&e->pk, n);
	for (int i = 0; i < SCOPES; i++)
		if (e->s->table[i].rows)
			pack_table(e, i);
	free(e->scratch);
}

int frame_encode(struct buf *to, const struct frame_head *head, const struct sample *s)
{
	struct encoder e = {.head = head, .s = s};
	size_t before = to->used;

	if (to->error)
		return to->error;
	wire_pack_init(&e.pk, to);
	pack_head(&e.pk, head);
	pack_tables(&e);
	if (!to->error && to->used - before <= FRAME_MAX && e.cells <= FRAME_CELLS_MAX)
		return 0;
	to->used = before;
	to->error = 0;
	return -EMSGSIZE;
}
