/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a frame's tables, and the memory they get. */
#include "frame.h"
#include "frame_decoder.h"

/* ---- memory ---- */

static unsigned columns_of(const struct table *t)
{
	unsigned n = 0;

	for (unsigned m = 0; (m = table_column_from(t, m)) < METRICS; m++)
		n += (t->value[m] != NULL) + (t->previous[m] != NULL);
	return n;
}

/* A column that says one value for all rows is a few bytes, in memory it is not: what the
 * sample may grow to is bounded too, and not only by this frame. */
static bool may_grow(struct decoder *d, uint64_t more)
{
	if (!d->cells)
		for (int i = 0; i < SCOPES; i++)
			d->cells += (uint64_t)d->s->table[i].room * columns_of(&d->s->table[i]);
	d->cells += more;
	d->full = d->full || d->cells > FRAME_CELLS_MAX;
	return !d->full || wire_fail(&d->c);
}

bool decoder_rows(struct decoder *d, enum scope scope, uint32_t n)
{
	const struct table *t = &d->s->table[scope];

	if (n > t->room && !may_grow(d, (uint64_t)(n - t->room) * columns_of(t)))
		return false;
	return sample_rows(d->s, scope, n) != NO_ROW || wire_fail(&d->c);
}

static uint64_t *column_of(struct decoder *d, enum scope scope, int m)
{
	const struct table *t = &d->s->table[scope];

	if (!t->value[m] && !may_grow(d, t->room))
		return NULL;
	return sample_column(d->s, scope, m);
}

static uint64_t *previous_of(struct decoder *d, enum scope scope, int m)
{
	const struct table *t = &d->s->table[scope];

	if (!t->previous[m] && !may_grow(d, t->room))
		return NULL;
	return sample_previous(d->s, scope, m);
}

/* ---- columns ---- */

static bool is_called(enum scope scope, int m, const struct wire_item *name)
{
	return (metrics[m].scopes & (1u << scope)) && name->n &&
	       metrics[m].name[0] == (char)name->p[0] && wire_is(name, metrics[m].name) &&
	       metrics[m].kind != DERIVED && !metric_is_rollup(m, scope);
}

/* Columns mostly come in the order of the metric table, and are those that this sample had
 * before: m of the one before is where the search begins.  METRICS: unknown here. */
static int find_metric(const struct table *t, enum scope scope, const struct wire_item *name,
		       int before)
{
	int m = (int)table_column_from(t, (unsigned)before + 1);

	if (m < METRICS && is_called(scope, m, name))
		return m;
	m = before;
	for (int i = 0; i < METRICS; i++) {
		m = m + 1 < METRICS ? m + 1 : 0;
		if (is_called(scope, m, name))
			return m;
	}
	return METRICS;
}

static bool first_time(uint64_t *seen, int m)
{
	uint64_t bit = UINT64_C(1) << m % 64;

	if (seen[m / 64] & bit)
		return false;
	seen[m / 64] |= bit;
	return true;
}

static void take_column(struct decoder *d, enum scope scope, int m)
{
	uint32_t rows = d->s->table[scope].rows;
	struct column col;
	uint64_t *to;

	if (!column_open(&d->c, rows, &col))
		return;
	to = column_of(d, scope, m);
	if (!to)
		return;
	if (metrics[m].kind == INFO)
		column_read_text(&d->c, &col, rows, d->s, to);
	else
		column_read(&d->c, &col, rows, to, false);
}

/* Each name that is not known costs a search: there are not as many as one likes. */
static uint32_t columns_map(struct decoder *d)
{
	uint32_t n = wire_map(&d->c);

	if (n <= FRAME_COLUMNS_MAX)
		return n;
	wire_fail(&d->c);
	return 0;
}

void decoder_columns(struct decoder *d, enum scope scope)
{
	uint64_t seen[COLUMN_WORDS] = {0};
	uint32_t n = columns_map(d);
	struct wire_item name;
	int m = -1;

	while (n-- && wire_key(&d->c, &name)) {
		int found = find_metric(&d->s->table[scope], scope, &name, m);

		if (found == METRICS || !d->s->table[scope].rows) {
			wire_skip(&d->c);
		} else if (!first_time(seen, found)) {
			wire_fail(&d->c);
		} else {
			take_column(d, scope, found);
			m = found;
		}
	}
}

/* They stay differences for now: the values may not be there yet. */
void decoder_gained(struct decoder *d, enum scope scope)
{
	uint32_t rows = d->s->table[scope].rows, n = columns_map(d);
	struct wire_item name;
	struct column col;
	int m = -1;
	uint64_t *to;

	while (n-- && wire_key(&d->c, &name)) {
		int found = find_metric(&d->s->table[scope], scope, &name, m);

		if (found == METRICS || !rows || metrics[found].kind != COUNTER ||
		    !(metrics[found].flags & OWN_TIME)) {
			wire_skip(&d->c);
			continue;
		}
		m = found;
		if (!first_time(d->gained[scope], m)) {
			wire_fail(&d->c);
			return;
		}
		if (!column_open(&d->c, rows, &col) || !(to = previous_of(d, scope, m)))
			return;
		column_read(&d->c, &col, rows, to, true);
	}
}
