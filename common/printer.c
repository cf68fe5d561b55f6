/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"
#include "xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* One cycle of 4,096 large VMs stays far below. */
#define RECORD_CEILING (256u << 20)

static const struct print_ops *const formats[] = {&out_text, &out_json, &out_openmetrics};

const char *const printer_names[] = {"text", "json", "openmetrics", NULL};

static bool is_as_read(enum metric_id m, enum scope s)
{
	const struct metric *row = &metrics[m];

	return (row->kind == GAUGE || (row->flags & AS_TOTAL)) && row->unit != U_CENTIPERCENT &&
	       !metric_is_rollup(m, s);
}

static bool is_wanted(const struct printer_options *o, enum metric_id m)
{
	return metric_wanted(m, o->families, o->verbose) ||
	       (o->cluster && metrics[m].show == CLUSTER);
}

#define METRIC(id, scopes, kind, unit, family, shown, decimals, flags, key, ...)                   \
	_Static_assert(sizeof(key) + sizeof(",\"\":") - 1 <= sizeof(((struct json_key *)0)->text), \
		       "a longer struct json_key");
#include "metrics.def"
#undef METRIC

struct printer *printer_new(const char *name, const struct printer_options *o)
{
	struct printer *p = NULL;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (strcmp(formats[i]->name, name))
			continue;
		p = xcalloc(1, sizeof(*p));
		p->ops = formats[i];
	}
	if (!p)
		return NULL;
	p->o = *o;
	p->o.human = o->human && p->ops == &out_text; /* json stays numbers */
	buf_init(&p->out, RECORD_CEILING);
	buf_init(&p->part, RECORD_CEILING);
	for (int m = 0; o->wants_metric && m < METRICS; m++)
		p->unwanted[m] = !o->wants_metric(o->wants_metric_arg, m);
	for (int s = 0; s < SCOPES; s++) {
		for (int m = 0; m < METRICS; m++) {
			if (!(metrics[m].scopes & (1u << s)) || !metrics[m].key)
				continue;
			if (!is_wanted(o, m) || p->unwanted[m])
				continue;
			p->column[s][p->columns[s]++] = (uint16_t)m;
			p->as_read[s][m] = is_as_read(m, s);
			p->array[s] = p->array[s] || metrics[m].family != F_IDENT;
			/* Keys of the table need no escaping; a unit test says so. */
			p->json_key[m].n =
				(uint8_t)snprintf(p->json_key[m].text, sizeof(p->json_key[m].text),
						  ",\"%s\":", metrics[m].key);
		}
		p->json[s] = xcalloc(p->columns[s] + 1, sizeof(*p->json[s]));
	}
	return p;
}

void printer_free(struct printer *p)
{
	if (!p)
		return;
	buf_fini(&p->out);
	buf_fini(&p->part);
	for (int s = 0; s < SCOPES; s++) {
		free(p->json[s]);
		free(p->children[s].head);
		free(p->children[s].next);
		free(p->twins[s].row);
	}
	free(p);
}

void printer_set_origin(struct printer *p, const struct printer_origin *o)
{
	p->origin = o;
}

bool printer_wants_rates(const struct printer *p)
{
	return p->ops->wants_rates;
}

bool printer_whole_file(const struct printer *p)
{
	return p->ops->whole_file;
}

int printer_print(struct printer *p, const struct view *v, put_fn *put, void *arg,
		  unsigned *dropped)
{
	*dropped = 0;
	return p->ops->print(p, v, put, arg, dropped);
}

bool print_wants_vm(const struct printer *p, const struct sample *s, uint32_t row)
{
	return !p->o.wants_vm || p->o.wants_vm(p->o.wants_arg, s, row);
}

static uint32_t *room(uint32_t *list, uint32_t *have, uint32_t need)
{
	if (need <= *have)
		return list;
	*have = need + need / 2 + 16;
	return xrealloc(list, *have, sizeof(*list));
}

void print_children(struct printer *p, const struct sample *s)
{
	for (int c = 0; c < SCOPES; c++) {
		const struct table *t = &s->table[c];
		uint32_t parents = s->table[scope_parent(c)].rows;
		struct children *k = &p->children[c];

		if (!scope_arrays[c])
			continue;
		k->head = room(k->head, &k->head_room, parents);
		k->next = room(k->next, &k->next_room, t->rows);
		for (uint32_t r = 0; r < parents; r++)
			k->head[r] = NO_ROW;
		/* Backwards, so that each list is in the order of the rows. */
		for (uint32_t r = t->rows; r-- > 0;) {
			uint32_t parent = t->parent[r];

			if (parent >= parents)
				continue;
			k->next[r] = k->head[parent];
			k->head[parent] = r;
		}
	}
}

bool print_number(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
		  uint32_t row, enum metric_id m)
{
	const struct metric *row_of = &metrics[m];
	double value;

	if (p->as_read[s][m]) {
		uint64_t raw = sample_get(v->now, s, row, m);

		if (raw == ABSENT)
			return false;
		if (p->o.human && row_of->unit != U_ID)
			print_human(b, (double)raw, row_of->unit, row_of->decimals);
		else
			buf_u64(b, raw);
		return true;
	}
	value = view_get(v, s, row, m);
	if (!isfinite(value))
		return false;
	if (row_of->unit == U_CENTIPERCENT)
		value *= 0.01;
	if (p->o.human)
		print_human(b, value, row_of->unit, row_of->decimals);
	else if (value == 0)
		buf_byte(b, '0'); /* most values of most VMs */
	else
		buf_double(b, value, row_of->decimals);
	return true;
}

void print_human(struct buf *b, double value, enum unit unit, unsigned decimals)
{
	static const char prefix[] = {0, 'K', 'M', 'G', 'T', 'P', 'E'};
	double step = 1000;
	size_t i = 0;

	switch (unit) {
	case U_BYTE:
	case U_KIB:
	case U_MIB:
	case U_SECTOR:
		value *= units[unit].base;
		step = 1024;
		break;
	case U_NONE:
		break;
	default:
		buf_double(b, value, decimals < 1 ? decimals : 1);
		return;
	}
	while (fabs(value) >= step && i + 1 < sizeof(prefix)) {
		value /= step;
		i++;
	}
	buf_double(b, value, i ? 1 : decimals < 1 ? decimals : 1);
	if (prefix[i])
		buf_byte(b, prefix[i]);
}

void print_time(struct buf *b, uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000u);
	unsigned ms = (unsigned)(wall_ns / 1000000u % 1000);
	char text[40];
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	buf_put(b, text, n);
	buf_byte(b, '.');
	buf_byte(b, (char)('0' + ms / 100));
	buf_byte(b, (char)('0' + ms / 10 % 10));
	buf_byte(b, (char)('0' + ms % 10));
	buf_byte(b, 'Z');
}
