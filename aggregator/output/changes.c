/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>

/* What was seen of the rows of one scope: row r's cells from value[r * cells] on. */
struct seen_table {
	uint32_t rows, room;
	uint64_t *id, *value;
};

struct seen {
	struct seen *next; /* the latest used one first */
	uint32_t stream;
	struct seen_table table[SCOPES];
};

struct cell {
	uint16_t m;
	bool of_sample; /* else of the view */
	double scale;   /* of the view: what is rounded to a whole number */
};

struct changes {
	struct seen *streams;
	unsigned n_streams;
	struct cell *cell[SCOPES];
	unsigned cells[SCOPES];
	struct seen_table spare; /* what the next table is made in */
	uint8_t *any[SCOPES];
	uint32_t any_room[SCOPES];
};

bool changes_is_name(enum metric_id m)
{
	switch (m) {
	case M_UUID:
	case M_NAME:
	case M_VMID:
	case M_VCPU:
	case M_DISK_NAME:
	case M_NIC_NAME:
	case M_NIC_MAC:
	case M_HOST_NAME:
	case M_HOST_ID:
	case M_SELF_PART:
		return true;
	default:
		return false;
	}
}

static void add_cell(struct changes *c, enum scope s, enum metric_id m, bool of_sample)
{
	static const double power[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
	double scale = power[metrics[m].decimals < 6 ? metrics[m].decimals : 6];

	for (unsigned i = 0; i < c->cells[s]; i++)
		if (c->cell[s][i].m == m && c->cell[s][i].of_sample == of_sample)
			return;
	c->cell[s] = xrealloc(c->cell[s], c->cells[s] + 1, sizeof(struct cell));
	c->cell[s][c->cells[s]++] = (struct cell){
		.m = (uint16_t)m,
		.of_sample = of_sample,
		.scale = metrics[m].unit == U_CENTIPERCENT ? scale * 0.01 : scale,
	};
}

struct changes *changes_new(const struct printer *p, bool counters)
{
	struct changes *c = xcalloc(1, sizeof(*c));

	for (int s = 0; s < SCOPES; s++) {
		for (unsigned i = 0; i < p->columns[s]; i++) {
			enum metric_id m = p->column[s][i];

			if (!changes_is_name(m))
				add_cell(c, s, m, p->as_read[s][m] || metrics[m].kind == INFO);
		}
		for (int m = 0; counters && m < METRICS; m++)
			if (metrics[m].kind == COUNTER && (metrics[m].scopes & (1u << s)))
				add_cell(c, s, m, true);
	}
	return c;
}

static void seen_free(struct seen *s)
{
	for (int i = 0; i < SCOPES; i++) {
		free(s->table[i].id);
		free(s->table[i].value);
	}
	free(s);
}

void changes_forget(struct changes *c)
{
	struct seen *s;

	while ((s = c->streams)) {
		c->streams = s->next;
		seen_free(s);
	}
	c->n_streams = 0;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	changes_forget(c);
	for (int s = 0; s < SCOPES; s++) {
		free(c->cell[s]);
		free(c->any[s]);
	}
	free(c->spare.id);
	free(c->spare.value);
	free(c);
}

/* The stream's, new when it is not known; the one that was not used for longest goes. */
static struct seen *find(struct changes *c, uint32_t stream)
{
	struct seen **at = &c->streams, **last = NULL, *s;

	for (; *at && (*at)->stream != stream; at = &(*at)->next)
		last = at;
	s = *at;
	if (s) {
		*at = s->next;
	} else if (c->n_streams >= CHANGES_STREAMS_MAX) {
		s = *last;
		*last = NULL;
		seen_free(s);
		s = NULL;
		c->n_streams--;
	}
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		s->stream = stream;
		c->n_streams++;
	}
	s->next = c->streams;
	c->streams = s;
	return s;
}

struct by_id {
	uint64_t id;
	uint32_t row;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct by_id *)a)->id, y = ((const struct by_id *)b)->id;

	return x < y ? -1 : x > y;
}

/* Where a row was when it was last printed, or NO_ROW.  Mostly at the same place. */
static uint32_t old_row(const struct seen_table *old, struct by_id **index, uint32_t row,
			uint64_t id)
{
	struct by_id key = {id, 0}, *hit;

	if (row < old->rows && old->id[row] == id)
		return row;
	if (!old->rows)
		return NO_ROW;
	if (!*index) {
		*index = xcalloc(old->rows, sizeof(**index));
		for (uint32_t i = 0; i < old->rows; i++)
			(*index)[i] = (struct by_id){old->id[i], i};
		qsort(*index, old->rows, sizeof(**index), compare);
	}
	hit = bsearch(&key, *index, old->rows, sizeof(**index), compare);
	return hit ? hit->row : NO_ROW;
}

/* A cell as it would be seen; ABSENT when nothing would. */
static uint64_t look(const struct cell *cell, enum scope s, uint32_t row, const struct view *v,
		     const struct sample *now)
{
	double d;
	uint64_t bits;

	if (cell->of_sample && metrics[cell->m].kind == INFO) {
		const char *text = sample_text(now, s, row, cell->m);

		return text ? id_hash(0, text) : ABSENT;
	}
	if (cell->of_sample)
		return sample_get(now, s, row, cell->m);
	d = view_get(v, s, row, cell->m);
	if (!isfinite(d))
		return ABSENT;
	d = rint(d * cell->scale) + 0.0; /* -0 is 0 */
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static void take_out(const struct cell *cell, enum scope s, uint32_t row, struct view *v,
		     struct sample *now)
{
	if (cell->of_sample)
		now->table[s].value[cell->m][row] = ABSENT;
	else
		v->table[s].col[cell->m][row] = NAN;
}

static void size(struct seen_table *t, uint32_t rows, unsigned cells)
{
	if (rows > t->room) {
		t->room = rows + rows / 2 + 16;
		t->id = xrealloc(t->id, t->room, sizeof(*t->id));
	}
	t->value = xrealloc(t->value, (size_t)(t->room ? t->room : 1) * (cells ? cells : 1),
			    sizeof(*t->value));
	t->rows = rows;
}

static void keep_scope(struct changes *c, struct seen_table *old, enum scope s, struct view *v,
		       struct sample *now)
{
	const struct table *t = &now->table[s];
	struct seen_table *fresh = &c->spare, swap;
	struct by_id *index = NULL;
	unsigned cells = c->cells[s];

	if (t->rows > c->any_room[s]) {
		c->any_room[s] = t->rows;
		c->any[s] = xrealloc(c->any[s], t->rows, 1);
	}
	size(fresh, t->rows, cells);
	for (uint32_t r = 0; r < t->rows; r++) {
		uint32_t o = old_row(old, &index, r, t->id[r]);

		fresh->id[r] = t->id[r];
		c->any[s][r] = 0;
		for (unsigned i = 0; i < cells; i++) {
			const struct cell *cell = &c->cell[s][i];
			uint64_t seen = look(cell, s, r, v, now);

			fresh->value[(size_t)r * cells + i] = seen;
			if (seen == ABSENT)
				continue;
			if (o != NO_ROW && old->value[(size_t)o * cells + i] == seen)
				take_out(cell, s, r, v, now);
			else
				c->any[s][r] = 1;
		}
	}
	free(index);
	swap = *old;
	*old = *fresh;
	*fresh = swap;
}

void changes_keep(struct changes *c, uint32_t stream, struct view *v, struct sample *now)
{
	struct seen *seen = find(c, stream);

	for (int s = 0; s < SCOPES; s++)
		keep_scope(c, &seen->table[s], s, v, now);
}

bool changes_any(const struct changes *c, enum scope s, uint32_t row)
{
	return row < c->any_room[s] && c->any[s][row];
}
