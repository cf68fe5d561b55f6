/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openmetrics: raw counters and gauges in base units (OpenMetrics 1.0), for Prometheus
 * and node_exporter's textfile collector.  Rates are the query's business.
 *
 *   proxtop_<scope>_<name>[_<unit>][_total]{uuid=...,disk=...}
 *
 * VMs are labelled with their UUID, and with their PID and VMID too when two share a UUID.
 * Of other things with the same name below one parent only the first is there: two series
 * with the same labels would spoil the whole exposition.  What names a thing beyond that
 * is in proxtop_<scope>_info, to be joined.  The type of info is gauge: the parser of the
 * textfile collector knows no other.
 */
#include "print.h"
#include "utf8.h"
#include "xalloc.h"

#include <stdio.h>

/* The metric that tells children of one parent apart, by scope. */
static const int distinguishes[SCOPES] = {
	[SCOPE_HOST] = -1,
	[SCOPE_VM] = M_UUID,
	[SCOPE_VCPU] = M_VCPU,
	[SCOPE_VM_DISK] = M_DISK_NAME,
	[SCOPE_VM_NIC] = M_NIC_NAME,
	[SCOPE_HOST_DISK] = M_DISK_NAME,
	[SCOPE_HOST_NIC] = M_NIC_NAME,
	[SCOPE_SELF] = M_SELF_PART,
};

static void label(struct buf *b, const char *name, const char *value, bool *first)
{
	if (!*first)
		buf_byte(b, ',');
	*first = false;
	buf_text(b, name);
	buf_lit(b, "=");
	/* An exposition is UTF-8 and cannot carry control characters. */
	buf_byte(b, '"');
	while (*value) {
		size_t n = utf8_length(value);

		if (*value == '\n')
			buf_lit(b, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_put(b, (char[]){'\\', *value}, 2);
		else if (!n)
			buf_lit(b, "\xef\xbf\xbd"); /* U+FFFD */
		else if (utf8_is_control(value))
			buf_byte(b, '?');
		else
			buf_put(b, value, n);
		value += n ? n : 1;
	}
	buf_byte(b, '"');
}

static void number_label(struct buf *b, const char *name, uint64_t value, bool *first)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	label(b, name, text, first);
}

static void own_label(struct buf *b, const struct sample *s, enum scope scope, uint32_t row,
		      bool *first)
{
	int m = distinguishes[scope];

	if (m < 0)
		return;
	if (metrics[m].kind == INFO) {
		const char *text = sample_text(s, scope, row, m);

		label(b, metrics[m].name, text ? text : "", first);
	} else {
		number_label(b, metrics[m].name, sample_get(s, scope, row, m), first);
	}
}

/* v * 10^-digits, exactly */
static void decimal(struct buf *b, uint64_t v, unsigned digits)
{
	uint64_t power = 1;
	char text[20];

	for (unsigned i = 0; i < digits; i++)
		power *= 10;
	buf_u64(b, v / power);
	v %= power;
	if (!v)
		return;
	for (unsigned i = digits; i-- > 0; v /= 10)
		text[i] = (char)('0' + v % 10);
	while (text[digits - 1] == '0')
		digits--;
	buf_byte(b, '.');
	buf_put(b, text, digits);
}

static void base_value(struct buf *b, uint64_t v, double base)
{
	unsigned digits = 0;

	if (base >= 1) {
		if (v <= UINT64_MAX / (uint64_t)base)
			buf_u64(b, v * (uint64_t)base);
		else
			buf_double(b, (double)v * base, 0, 0);
		return;
	}
	for (; base < 0.99; base *= 10)
		digits++;
	decimal(b, v, digits);
}

/* What its labels say of a row beyond its parent; an interface without a name still has
 * its MAC address. */
static uint64_t name_hash(const struct sample *s, enum scope scope, uint32_t row)
{
	int m = distinguishes[scope];
	const char *name;

	if (m < 0)
		return row;
	if (metrics[m].kind != INFO)
		return id_hash_u64(0, sample_get(s, scope, row, m));
	name = sample_text(s, scope, row, m);
	if (!name && scope == SCOPE_VM_NIC)
		name = sample_text(s, scope, row, M_NIC_MAC);
	return id_hash(0, name ? name : "");
}

/* Which rows share their name with another one of the same parent?  Seldom any; a
 * clone may.  Rows of one parent stand together. */
static void find_twins(struct printer *p, const struct sample *s, enum scope scope)
{
	const struct table *t = &s->table[scope];
	struct twins *twins = &p->twins[scope];

	if (t->rows > twins->room) {
		twins->room = t->rows;
		twins->row = xrealloc(twins->row, t->rows, sizeof(*twins->row));
	}
	for (uint32_t r = 0; r < t->rows; r++) {
		struct twin *twin = &twins->row[r];

		*twin = (struct twin){.hash = name_hash(s, scope, r)};
		for (uint32_t o = r; o-- > 0 && t->parent[o] == t->parent[r];)
			if (twins->row[o].hash == twin->hash)
				twin->shared = twin->again = twins->row[o].shared = true;
	}
}

static void vm_labels(struct printer *p, const struct sample *s, uint32_t vm, bool *first)
{
	static const enum metric_id numbers[] = {M_PID, M_VMID};

	own_label(&p->out, s, SCOPE_VM, vm, first);
	if (vm >= s->table[SCOPE_VM].rows || !p->twins[SCOPE_VM].row[vm].shared)
		return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		uint64_t v = sample_get(s, SCOPE_VM, vm, numbers[i]);

		if (v != ABSENT)
			number_label(&p->out, metrics[numbers[i]].name, v, first);
	}
}

static bool wants_vm(const struct printer *p, const struct sample *s, uint32_t vm)
{
	bool told_apart = !p->twins[SCOPE_VM].row[vm].again ||
			  sample_get(s, SCOPE_VM, vm, M_PID) != ABSENT ||
			  sample_get(s, SCOPE_VM, vm, M_VMID) != ABSENT;

	return told_apart && print_wants_vm(p, s, vm);
}

static bool wanted(const struct printer *p, const struct sample *s, enum scope scope, uint32_t row)
{
	uint32_t parent = s->table[scope].parent[row];

	if (scope == SCOPE_VM)
		return wants_vm(p, s, row);
	if (p->twins[scope].row[row].again)
		return false;
	return scope_parent(scope) != SCOPE_VM || parent >= s->table[SCOPE_VM].rows ||
	       wants_vm(p, s, parent);
}

static void labels(struct printer *p, const struct sample *s, enum scope scope, uint32_t row)
{
	bool first = true;

	if (scope == SCOPE_VM) {
		vm_labels(p, s, row, &first);
		return;
	}
	if (scope_parent(scope) == SCOPE_VM)
		vm_labels(p, s, s->table[scope].parent[row], &first);
	own_label(&p->out, s, scope, row, &first);
}

static void meta(struct buf *b, const char *what, enum scope s, const char *name, const char *unit,
		 const char *text)
{
	buf_lit(b, "# ");
	buf_text(b, what);
	buf_lit(b, " proxtop_");
	buf_text(b, scope_names[s]);
	buf_byte(b, '_');
	buf_text(b, name);
	if (*unit) {
		buf_byte(b, '_');
		buf_text(b, unit);
	}
	buf_byte(b, ' ');
	buf_text(b, text);
	buf_byte(b, '\n');
}

static void family(struct printer *p, const struct sample *s, enum scope scope, enum metric_id m)
{
	const struct metric *row_of = &metrics[m];
	const struct unit_info *unit = &units[row_of->unit];
	const uint64_t *value = s->table[scope].value[m];
	struct buf *b = &p->out;
	bool begun = false;

	for (uint32_t r = 0; value && r < s->table[scope].rows; r++) {
		if (value[r] == ABSENT || !wanted(p, s, scope, r))
			continue;
		if (!begun) {
			meta(b, "HELP", scope, row_of->name, unit->base_name, row_of->help);
			meta(b, "TYPE", scope, row_of->name, unit->base_name,
			     kind_names[row_of->kind]);
			if (*unit->base_name)
				meta(b, "UNIT", scope, row_of->name, unit->base_name,
				     unit->base_name);
			begun = true;
		}
		buf_lit(b, "proxtop_");
		buf_text(b, scope_names[scope]);
		buf_byte(b, '_');
		buf_text(b, row_of->name);
		if (*unit->base_name) {
			buf_byte(b, '_');
			buf_text(b, unit->base_name);
		}
		if (row_of->kind == COUNTER)
			buf_lit(b, "_total");
		if (distinguishes[scope] >= 0) {
			buf_byte(b, '{');
			labels(p, s, scope, r);
			buf_byte(b, '}');
		}
		buf_byte(b, ' ');
		base_value(b, value[r], unit->base);
		buf_byte(b, '\n');
	}
}

/* Everything that names a thing: INFO, and numbers that are names. */
static void info(struct printer *p, const struct sample *s, enum scope scope)
{
	struct buf *b = &p->out;
	bool begun = false;

	for (uint32_t r = 0; r < s->table[scope].rows; r++) {
		bool first = true;

		if (!wanted(p, s, scope, r))
			continue;
		if (!begun) {
			meta(b, "HELP", scope, "info", "", "What is known of it by name");
			meta(b, "TYPE", scope, "info", "", "gauge");
			begun = true;
		}
		buf_lit(b, "proxtop_");
		buf_text(b, scope_names[scope]);
		buf_lit(b, "_info{");
		if (scope_parent(scope) == SCOPE_VM)
			vm_labels(p, s, s->table[scope].parent[r], &first);
		for (int m = 0; m < METRICS; m++) {
			uint64_t value = sample_get(s, scope, r, m);
			bool name = metrics[m].kind == INFO || metrics[m].unit == U_ID;

			/* The CPU it last ran on changes all the time: no name. */
			if (!name || value == ABSENT || m == M_CPU_LAST)
				continue;
			if (metrics[m].kind == INFO)
				label(b, metrics[m].name, sample_text(s, scope, r, m), &first);
			else
				number_label(b, metrics[m].name, value, &first);
		}
		buf_lit(b, "} 1\n");
	}
}

static int print(struct printer *p, const struct view *v, put_fn *put, void *arg, unsigned *dropped)
{
	const struct sample *s = v->now;

	(void)dropped;
	buf_clear(&p->out);
	for (int scope = 0; scope < SCOPES; scope++)
		find_twins(p, s, scope);
	for (int scope = 0; scope < SCOPES; scope++) {
		if (scope != SCOPE_SELF)
			info(p, s, scope);
		for (int m = 0; m < METRICS; m++) {
			bool raw = metrics[m].kind == COUNTER || metrics[m].kind == GAUGE;

			if (raw && metrics[m].unit != U_ID && (metrics[m].scopes & (1u << scope)) &&
			    !metric_is_rollup(m, scope))
				family(p, s, scope, m);
		}
	}
	buf_lit(&p->out, "# EOF\n");
	return p->out.error ? p->out.error : put(arg, p->out.data, p->out.used);
}

const struct print_ops out_openmetrics = {
	.name = "openmetrics", .wants_rates = false, .whole_file = true, .print = print};
