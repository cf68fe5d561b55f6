/* SPDX-License-Identifier: Apache-2.0 */
#include "json_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool json_text_number(const struct printer *p, const struct view *v, enum scope s, uint32_t row,
		      enum metric_id m, double *ret, unsigned *ret_decimals)
{
	*ret_decimals = metrics[m].decimals;
	if (p->as_read[s][m]) {
		uint64_t raw = sample_get(v->now, s, row, m);

		*ret = (double)raw;
		*ret_decimals = 0;
		return raw != ABSENT;
	}
	*ret = view_get(v, s, row, m);
	if (metrics[m].unit == U_CENTIPERCENT)
		*ret *= 0.01;
	return isfinite(*ret);
}

/* ---- snprintf ---- */

static void put(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buf *b, const char *format, ...)
{
	char *to = buf_room(b, 512);
	va_list args;

	if (!to)
		abort();
	va_start(args, format);
	b->used += (size_t)vsnprintf(to, 512, format, args);
	va_end(args);
}

/* Without the zeros at the end. */
static void put_number(struct buf *b, double value, unsigned decimals)
{
	put(b, "%.*f", (int)decimals, value);
	if (!decimals)
		return;
	while (b->data[b->used - 1] == '0')
		b->used--;
	if (b->data[b->used - 1] == '.')
		b->used--;
}

static void put_members(struct printer *p, const struct view *v, enum scope s, uint32_t row,
			struct buf *b)
{
	const char *comma = "";

	for (unsigned i = 0; i < p->columns[s]; i++) {
		enum metric_id m = p->column[s][i];
		const char *text;
		unsigned decimals;
		double value;

		if (metrics[m].kind == INFO) {
			text = sample_text(v->now, s, row, m);
			if (!text)
				continue;
			put(b, "%s\"%s\":\"%s\"", comma, metrics[m].key, text);
		} else {
			if (!json_text_number(p, v, s, row, m, &value, &decimals))
				continue;
			put(b, "%s\"%s\":", comma, metrics[m].key);
			put_number(b, value, decimals);
		}
		comma = ",";
	}
}

static void put_object(struct printer *p, const struct view *v, enum scope s, uint32_t row,
		       struct buf *b)
{
	put(b, "{");
	put_members(p, v, s, row, b);
	for (int c = 0; c < SCOPES; c++) {
		const char *comma = "";

		if (!scope_arrays[c] || scope_parent(c) != s || !p->array[c])
			continue;
		put(b, ",\"%s\":[", scope_arrays[c]);
		for (uint32_t r = p->children[c].head[row]; r != NO_ROW;
		     r = p->children[c].next[r]) {
			put(b, "%s{", comma);
			put_members(p, v, c, r, b);
			put(b, "}");
			comma = ",";
		}
		put(b, "]");
	}
	put(b, "}");
}

void json_text_snprintf(struct printer *p, const struct view *v, struct buf *b)
{
	buf_clear(b);
	print_children(p, v->now);
	put(b, "{\"@timestamp\":\"");
	print_time(b, v->now->wall_ns);
	put(b, "\",\"interval\":");
	put_number(b, v->interval, 3);
	put(b, ",\"host\":");
	put_object(p, v, SCOPE_HOST, 0, b);
	put(b, ",\"domains\":[");
	for (uint32_t r = 0; r < v->now->table[SCOPE_VM].rows; r++) {
		put(b, "%s", r ? "," : "");
		put_object(p, v, SCOPE_VM, r, b);
	}
	put(b, "]}\n");
}

/* ---- jansson ---- */

static json_t *number(double value, unsigned decimals)
{
	double scale = pow(10, decimals), whole = rint(value * scale);

	if (fmod(whole, scale) == 0)
		return json_integer((json_int_t)(whole / scale));
	return json_real(whole / scale);
}

static void add_members(struct printer *p, const struct view *v, enum scope s, uint32_t row,
			json_t *to)
{
	for (unsigned i = 0; i < p->columns[s]; i++) {
		enum metric_id m = p->column[s][i];
		const char *text;
		unsigned decimals;
		double value;

		if (metrics[m].kind == INFO) {
			text = sample_text(v->now, s, row, m);
			if (text)
				json_object_set_new_nocheck(to, metrics[m].key, json_string(text));
		} else if (json_text_number(p, v, s, row, m, &value, &decimals)) {
			json_object_set_new_nocheck(to, metrics[m].key, number(value, decimals));
		}
	}
}

static json_t *object(struct printer *p, const struct view *v, enum scope s, uint32_t row)
{
	json_t *to = json_object();

	add_members(p, v, s, row, to);
	for (int c = 0; c < SCOPES; c++) {
		json_t *array;

		if (!scope_arrays[c] || scope_parent(c) != s || !p->array[c])
			continue;
		array = json_array();
		for (uint32_t r = p->children[c].head[row]; r != NO_ROW;
		     r = p->children[c].next[r]) {
			json_t *one = json_object();

			add_members(p, v, c, r, one);
			json_array_append_new(array, one);
		}
		json_object_set_new_nocheck(to, scope_arrays[c], array);
	}
	return to;
}

json_t *json_text_tree(struct printer *p, const struct view *v)
{
	json_t *root = json_object(), *domains = json_array();
	char text[64];
	struct buf time;

	print_children(p, v->now);
	buf_init(&time, sizeof(text));
	print_time(&time, v->now->wall_ns);
	json_object_set_new(root, "@timestamp", json_stringn(time.data, time.used));
	buf_fini(&time);
	json_object_set_new(root, "interval", number(v->interval, 3));
	json_object_set_new(root, "host", object(p, v, SCOPE_HOST, 0));
	for (uint32_t r = 0; r < v->now->table[SCOPE_VM].rows; r++)
		json_array_append_new(domains, object(p, v, SCOPE_VM, r));
	json_object_set_new(root, "domains", domains);
	return root;
}
