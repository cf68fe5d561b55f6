/* SPDX-License-Identifier: Apache-2.0 */
#include "diff_base_table.h"

#include <math.h>
#include <stdlib.h>

void diff_base_free(struct diff_base *b)
{
	if (!b)
		return;
	for (int i = 0; i < 2; i++) {
		for (int m = 0; m < METRICS; m++) {
			free(b->of[i].value[m]);
			free(b->of[i].text[m]);
		}
		free(b->of[i].host);
		free(b->of[i].id);
		free(b->of[i].by);
	}
	free(b->readable);
	free(b->stale);
	free(b->name);
	free(b->own);
	free(b->texts);
	free(b);
}

/* ---- asked for ---- */

uint64_t diff_base_wall_ns(const struct diff_base *b)
{
	return b->wall_ns;
}

uint32_t diff_base_rows(const struct diff_base *b, enum scope s)
{
	return base_table(b, s)->n;
}

size_t diff_base_size(const struct diff_base *b)
{
	size_t size = sizeof(*b) + b->text_room +
		      b->of[0].n * (sizeof(*b->readable) + sizeof(*b->stale) + sizeof(*b->name));

	for (int i = 0; i < 2; i++) {
		const struct base_table *t = &b->of[i];

		size += t->n * (sizeof(*t->host) + sizeof(*t->id) + sizeof(*t->by));
		for (int m = 0; m < METRICS; m++) {
			size += t->value[m] ? t->n * sizeof(double) : 0;
			size += t->text[m] ? t->n * sizeof(uint32_t) : 0;
		}
	}
	return size;
}

const double *diff_base_column(const struct diff_base *b, enum scope s, enum metric_id m)
{
	return base_table(b, s)->value[m];
}

double diff_base_value(const struct diff_base *b, enum scope s, uint32_t row, enum metric_id m)
{
	const struct base_table *t = base_table(b, s);

	return row < t->n && t->value[m] ? t->value[m][row] : NAN;
}

const char *diff_base_text(const struct diff_base *b, enum scope s, uint32_t row, enum metric_id m)
{
	const struct base_table *t = base_table(b, s);

	return row < t->n && t->text[m] && t->text[m][row] ? b->texts + t->text[m][row] : NULL;
}

const char *diff_base_host(const struct diff_base *b, enum scope s, uint32_t row)
{
	return b->texts + b->name[base_table(b, s)->host[row]];
}

uint64_t diff_base_id(const struct diff_base *b, enum scope s, uint32_t row)
{
	return base_table(b, s)->id[row];
}

uint64_t diff_base_host_id(const struct diff_base *b, enum scope s, uint32_t row)
{
	return b->of[0].id[base_table(b, s)->host[row]];
}

bool diff_base_stale(const struct diff_base *b, enum scope s, uint32_t row)
{
	return b->stale[base_table(b, s)->host[row]];
}

bool diff_base_readable(const struct diff_base *b, enum scope s, uint32_t row)
{
	return b->readable[base_table(b, s)->host[row]];
}

uint32_t diff_base_find(const struct diff_base *b, enum scope s, uint64_t id, uint32_t *near)
{
	const struct base_table *t = base_table(b, s);
	uint32_t low = 0, high = t->n;

	if (*near < t->n && t->id[*near] == id)
		return (*near)++;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->by[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->n || t->by[low].id != id)
		return NO_ROW;
	*near = t->by[low].row + 1;
	return t->by[low].row;
}
