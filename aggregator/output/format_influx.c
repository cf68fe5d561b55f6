/* SPDX-License-Identifier: Apache-2.0 */
/*
 * influx: line protocol, a line per row of each scope.
 *
 *   proxtop_vm,host=kvm1,host_id=...,name=web,uuid=...,vmid=100 cpu_total=12.5,uptime=7i
 * 1795540723123456789
 *
 * https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 *
 * A field's type is its metric's for ever: integer (i) for a gauge that is shown as it was
 * read, string for INFO, float for all else (rates, formulas, sums).  Tags stand in the
 * order of their keys; an empty one is left out.  What was absent is no field, a row
 * without fields no line, and neither is one of a vCPU, disk or interface that has nothing
 * but what it is (class, bridge).
 *
 * Tags and newlines: a tag cannot hold a control character (becomes ?), and a backslash
 * that stands before a comma, an equals sign, a blank, a quote, another backslash or the
 * end is read by each server differently; it becomes a slash.
 */
#include "render.h"
#include "utf8.h"
#include "xalloc.h"

#include <stdlib.h>

#define PREFIX "proxtop_"

struct influx_names {
	char *measurement[SCOPES];
	char *field[METRICS]; /* "cpu_total=" */
	uint8_t field_size[METRICS];
	char *total[METRICS]; /* "run_total=": the raw counter */
	uint16_t raw[SCOPES][METRICS];
	unsigned n_raw[SCOPES];
	struct twin_key {
		uint64_t hash;
		uint32_t row;
	} * twin;
	bool *shared; /* VM rows whose UUID another row has too */
	uint32_t room;
};

struct influx_names *influx_names_new(const struct render *r)
{
	struct influx_names *n = xcalloc(1, sizeof(*n));

	for (int s = 0; s < SCOPES; s++) {
		n->measurement[s] = xasprintf(PREFIX "%s", scope_names[s]);
		for (int m = 0; m < METRICS && r->u->counters; m++)
			if (metrics[m].kind == COUNTER && (metrics[m].scopes & (1u << s)) &&
			    !metric_is_rollup(m, s) && output_url_wants(r->u, m))
				n->raw[s][n->n_raw[s]++] = (uint16_t)m;
	}
	for (int m = 0; m < METRICS; m++) {
		if (metrics[m].key) {
			n->field[m] = xasprintf("%s=", metrics[m].key);
			n->field_size[m] = (uint8_t)strlen(n->field[m]);
		}
		if (metrics[m].kind == COUNTER)
			n->total[m] = xasprintf("%s_total=", metrics[m].name);
	}
	return n;
}

void influx_names_free(struct influx_names *n)
{
	if (!n)
		return;
	for (int s = 0; s < SCOPES; s++)
		free(n->measurement[s]);
	for (int m = 0; m < METRICS; m++) {
		free(n->field[m]);
		free(n->total[m]);
	}
	free(n->twin);
	free(n->shared);
	free(n);
}

/* Is it a byte that needs no second look, whatever it stands in? */
static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != ',' && c != '=' && c != '"' && c != '\\';
}

static bool is_special(char c, bool in_tag)
{
	return in_tag ? c == ',' || c == '=' || c == ' ' : c == '"';
}

/* What is done with each byte is said at the top of this file. */
static void escaped(struct buf *b, const char *s, bool in_tag)
{
	const char *plain = s;

	while (*s) {
		size_t n = is_plain(*s) ? 1 : utf8_length(s);
		bool odd = !n || (!is_plain(*s) && utf8_is_control(s));

		if (!odd && !is_special(*s, in_tag) && *s != '\\') {
			s += n;
			continue;
		}
		buf_put(b, plain, (size_t)(s - plain));
		if (n == 0) {
			buf_lit(b, "\xef\xbf\xbd"); /* U+FFFD */
			n = 1;
		} else if (odd) {
			buf_byte(b, '?');
		} else if (in_tag && *s == '\\') {
			buf_byte(b, strchr(",= \"\\", s[1]) ? '/' : '\\'); /* also the NUL */
		} else {
			buf_byte(b, '\\');
			buf_byte(b, *s);
		}
		s += n;
		plain = s;
	}
	buf_put(b, plain, (size_t)(s - plain));
}

static void tag(struct buf *b, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_byte(b, ',');
	buf_text(b, key);
	buf_byte(b, '=');
	escaped(b, value, true);
}

/* The metric's value as a tag of its name. */
static void metric_tag(struct buf *b, const struct sample *s, enum scope scope, uint32_t row,
		       enum metric_id m)
{
	uint64_t v;

	if (metrics[m].kind == INFO) {
		tag(b, metrics[m].name, sample_text(s, scope, row, m));
		return;
	}
	v = sample_get(s, scope, row, m);
	if (v == ABSENT)
		return;
	buf_byte(b, ',');
	buf_text(b, metrics[m].name);
	buf_byte(b, '=');
	buf_u64(b, v);
}

/* In the order of their keys: disk, host, host_id, interface, mac, name, part, pid, uuid,
 * vcpu, vmid. */
static void tags(struct render *r, enum scope s, uint32_t row, uint32_t vm)
{
	const struct sample *now = r->now;
	struct buf *b = &r->out;
	bool nic = s == SCOPE_VM_NIC || s == SCOPE_HOST_NIC;

	if (s == SCOPE_VM_DISK || s == SCOPE_HOST_DISK)
		metric_tag(b, now, s, row, M_DISK_NAME);
	buf_put(b, r->scratch.data, r->scratch.used); /* host, host_id */
	if (nic)
		metric_tag(b, now, s, row, M_NIC_NAME);
	if (s == SCOPE_VM_NIC)
		metric_tag(b, now, s, row, M_NIC_MAC);
	if (s == SCOPE_SELF)
		metric_tag(b, now, s, row, M_SELF_PART);
	if (vm == NO_ROW)
		return;
	metric_tag(b, now, SCOPE_VM, vm, M_NAME);
	if (r->influx->shared[vm])
		metric_tag(b, now, SCOPE_VM, vm, M_PID);
	metric_tag(b, now, SCOPE_VM, vm, M_UUID);
	if (s == SCOPE_VCPU)
		metric_tag(b, now, s, row, M_VCPU);
	metric_tag(b, now, SCOPE_VM, vm, M_VMID);
}

static bool field(struct render *r, enum scope s, uint32_t row, enum metric_id m)
{
	struct buf *b = &r->out;
	size_t mark = b->used;
	const char *text;
	uint64_t raw;

	buf_put(b, r->influx->field[m], r->influx->field_size[m]);
	if (metrics[m].kind == INFO) {
		text = sample_text(r->now, s, row, m);
		if (text) {
			buf_byte(b, '"');
			escaped(b, text, false);
			buf_byte(b, '"');
			return true;
		}
	} else if (r->printer->as_read[s][m]) {
		raw = sample_get(r->now, s, row, m);
		if (raw <= INT64_MAX) {
			buf_u64(b, raw);
			buf_byte(b, 'i');
			return true;
		}
	} else if (print_number(r->printer, b, r->view, s, row, m)) {
		return true;
	}
	b->used = mark;
	return false;
}

static bool counter(struct render *r, enum scope s, uint32_t row, enum metric_id m)
{
	uint64_t raw = sample_get(r->now, s, row, m);

	if (raw > INT64_MAX)
		return false;
	buf_text(&r->out, r->influx->total[m]);
	buf_u64(&r->out, raw);
	buf_byte(&r->out, 'i');
	return true;
}

/* Is it worth a line of a part of a host or VM what it is?  Where only changes are written
 * it is, once, beside values that come later. */
static bool wants_identity(const struct render *r, enum scope s)
{
	if (!scope_arrays[s])
		return true;
	return r->u->changed && (r->printer->array[s] || r->influx->n_raw[s]);
}

static void line(struct render *r, enum scope s, uint32_t row, uint32_t vm)
{
	const struct printer *p = r->printer;
	struct buf *b = &r->out;
	size_t start = b->used;
	bool any = false, told = wants_identity(r, s);

	buf_text(b, r->influx->measurement[s]);
	tags(r, s, row, vm);
	/* The separator that a value turns out not to need goes again. */
	for (unsigned i = 0; i < p->columns[s]; i++) {
		if (changes_is_name(p->column[s][i])) /* a tag already */
			continue;
		buf_byte(b, any ? ',' : ' ');
		if (field(r, s, row, p->column[s][i])) {
			any = true;
			told = told || metrics[p->column[s][i]].family != F_IDENT;
		} else if (!b->error) {
			b->used--;
		}
	}
	for (unsigned i = 0; i < r->influx->n_raw[s]; i++) {
		buf_byte(b, any ? ',' : ' ');
		if (counter(r, s, row, r->influx->raw[s][i]))
			any = told = true;
		else if (!b->error)
			b->used--;
	}
	if (!any || !told) {
		b->used = start;
		return;
	}
	if (r->now->wall_ns <= INT64_MAX) {
		buf_byte(b, ' ');
		buf_u64(b, r->now->wall_ns / r->u->tick_ns);
	}
	buf_byte(b, '\n');
	render_cut(r);
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = ((const struct twin_key *)a)->hash, y = ((const struct twin_key *)b)->hash;

	return x < y ? -1 : x > y;
}

/* Two VMs of one UUID (a clone) would be one series: they get their PIDs as well. */
static void find_twins(struct render *r)
{
	struct influx_names *n = r->influx;
	uint32_t rows = r->now->table[SCOPE_VM].rows;

	if (rows > n->room) {
		n->room = rows;
		n->twin = xrealloc(n->twin, rows, sizeof(*n->twin));
		n->shared = xrealloc(n->shared, rows, sizeof(*n->shared));
	}
	for (uint32_t i = 0; i < rows; i++) {
		const char *uuid = sample_text(r->now, SCOPE_VM, i, M_UUID);

		n->shared[i] = false;
		n->twin[i] = (struct twin_key){id_hash(0, uuid ? uuid : ""), i};
	}
	if (rows > 1)
		qsort(n->twin, rows, sizeof(*n->twin), by_hash);
	for (uint32_t i = 1; i < rows; i++)
		if (n->twin[i].hash == n->twin[i - 1].hash)
			n->shared[n->twin[i].row] = n->shared[n->twin[i - 1].row] = true;
}

int format_influx(struct render *r)
{
	uint32_t vms = r->now->table[SCOPE_VM].rows;

	find_twins(r);
	buf_clear(&r->scratch);
	tag(&r->scratch, "host", r->head.host_name);
	tag(&r->scratch, metrics[M_HOST_ID].name, r->head.host_id);
	for (int s = 0; s < SCOPES; s++) {
		const struct table *t = &r->now->table[s];

		if (!(r->u->scopes & (1u << s)))
			continue;
		for (uint32_t row = 0; row < t->rows; row++) {
			uint32_t vm = s == SCOPE_VM                 ? row
				      : scope_parent(s) == SCOPE_VM ? t->parent[row]
								    : NO_ROW;

			/* A device of no VM is nobody's. */
			if (scope_parent(s) == SCOPE_VM && vm >= vms)
				continue;
			line(r, s, row, vm);
		}
	}
	return r->out.error;
}
