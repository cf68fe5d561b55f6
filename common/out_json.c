/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: one object per cycle and line (NDJSON):
 *
 *   {"@timestamp":"2026-11-24T17:18:43.123Z","interval":1,"host":{...},"domains":[...]}
 *
 * With an origin, "host_name", "host_id", "epoch" and "seq" follow the interval.
 *
 * Keys are the metric table's; absent values have no key.  In verbose mode host and
 * domains carry arrays of what is below them (scope_arrays).  Where a record must not
 * pass record_max (udp), the object is split by VMs: each part is valid on its own,
 * has "part" (from 1), and only the first one has the host's values.
 */
#include "print.h"

#include <errno.h>
#include <math.h>

/* The members of one row, and the brace before them where the first one's comma would be. */
static void open_object(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
			uint32_t row)
{
	size_t start = b->used;

	print_members(p, b, v, s, row);
	if (b->used > start)
		b->data[start] = '{';
	else
		buf_byte(b, '{');
}

static void array(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
		  uint32_t row)
{
	buf_byte(b, '"');
	buf_text(b, scope_arrays[s]);
	buf_lit(b, "\":[");
	for (uint32_t r = p->children[s].head[row]; r != NO_ROW; r = p->children[s].next[r]) {
		open_object(p, b, v, s, r);
		buf_lit(b, "},");
	}
	/* The last one's comma becomes the bracket. */
	if (p->children[s].head[row] != NO_ROW && !b->error)
		b->used--;
	buf_byte(b, ']');
}

static void object(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
		   uint32_t row, bool arrays)
{
	size_t start = b->used + 1;

	open_object(p, b, v, s, row);
	for (int c = 0; arrays && c < SCOPES; c++) {
		if (!scope_arrays[c] || scope_parent(c) != s || !p->array[c])
			continue;
		if (b->used > start)
			buf_byte(b, ',');
		array(p, b, v, c, row);
	}
	buf_byte(b, '}');
}

static void text_member(struct buf *b, enum metric_id m, const char *text)
{
	if (!text || !*text)
		return;
	buf_lit(b, ",\"");
	buf_text(b, metrics[m].key);
	buf_lit(b, "\":");
	buf_json_string(b, text);
}

void print_origin(struct buf *b, const struct printer_origin *o)
{
	if (!o)
		return;
	text_member(b, M_HOST_NAME, o->host_name);
	text_member(b, M_HOST_ID, o->host_id);
	buf_lit(b, ",\"epoch\":");
	buf_u64(b, o->epoch);
	buf_lit(b, ",\"seq\":");
	buf_u64(b, o->sequence);
}

static void head(const struct printer *p, struct buf *b, const struct view *v)
{
	buf_lit(b, "{\"@timestamp\":\"");
	print_time(b, v->now->wall_ns);
	buf_byte(b, '"');
	if (isfinite(v->interval)) {
		buf_lit(b, ",\"interval\":");
		buf_double(b, v->interval, 3);
	}
	print_origin(b, p->origin);
}

static void host(struct printer *p, struct buf *b, const struct view *v, bool arrays)
{
	buf_lit(b, ",\"host\":");
	if (v->now->table[SCOPE_HOST].rows)
		object(p, b, v, SCOPE_HOST, 0, arrays);
	else
		buf_lit(b, "{}");
}

static void part_head(const struct printer *p, struct buf *b, const struct view *v, unsigned part)
{
	buf_clear(b);
	head(p, b, v);
	if (part) {
		buf_lit(b, ",\"part\":");
		buf_u64(b, part);
	}
}

static int finish(struct buf *b, put_fn *put, void *arg)
{
	buf_lit(b, "]}\n");
	return b->error ? b->error : put(arg, b->data, b->used);
}

/* The whole cycle as one object in p->out. */
static void compose(struct printer *p, const struct view *v)
{
	const struct sample *s = v->now;
	struct buf *b = &p->out;
	bool first = true;

	part_head(p, b, v, 0);
	host(p, b, v, p->o.verbose);
	buf_lit(b, ",\"domains\":[");
	for (uint32_t r = 0; r < s->table[SCOPE_VM].rows; r++) {
		if (!print_wants_vm(p, s, r))
			continue;
		if (!first)
			buf_byte(b, ',');
		first = false;
		object(p, b, v, SCOPE_VM, r, p->o.verbose);
	}
	buf_lit(b, "]}\n");
}

/* "]}\n" and the comma */
#define TAIL 4

static int print_parts(struct printer *p, const struct view *v, put_fn *put, void *arg,
		       unsigned *dropped)
{
	const struct sample *s = v->now;
	struct buf *b = &p->out, *one = &p->part;
	unsigned part = 1;
	size_t empty;
	int r;

	part_head(p, b, v, part);
	host(p, b, v, p->o.verbose);
	if (b->used + sizeof(",\"domains\":[]}\n") > p->o.record_max) {
		part_head(p, b, v, part);
		host(p, b, v, false);
		(*dropped)++;
		if (b->used + sizeof(",\"domains\":[]}\n") > p->o.record_max)
			return -EMSGSIZE;
	}
	buf_lit(b, ",\"domains\":[");
	empty = b->used;
	for (uint32_t row = 0; row < s->table[SCOPE_VM].rows; row++) {
		if (!print_wants_vm(p, s, row))
			continue;
		buf_clear(one);
		object(p, one, v, SCOPE_VM, row, p->o.verbose);
		if (b->used + one->used + TAIL > p->o.record_max &&
		    (b->used > empty || part == 1)) {
			r = finish(b, put, arg);
			if (r < 0)
				return r;
			part_head(p, b, v, ++part);
			buf_lit(b, ",\"domains\":[");
			empty = b->used;
		}
		if (b->used + one->used + TAIL > p->o.record_max) {
			(*dropped)++;
			continue;
		}
		if (b->used > empty)
			buf_byte(b, ',');
		buf_put(b, one->data, one->used);
	}
	if (part > 1 && b->used == empty)
		return 0;
	return finish(b, put, arg);
}

static int print(struct printer *p, const struct view *v, put_fn *put, void *arg, unsigned *dropped)
{
	print_begin(p, v);
	if (p->o.verbose)
		print_children(p, v->now);
	compose(p, v);
	if (p->out.error)
		return p->out.error;
	if (p->out.used <= p->o.record_max)
		return put(arg, p->out.data, p->out.used);
	return print_parts(p, v, put, arg, dropped);
}

const struct print_ops out_json = {.name = "json", .wants_rates = true, .print = print};
