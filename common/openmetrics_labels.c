/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openmetrics: how series are told apart.
 *
 * VMs are labelled with their UUID, and with their PID and VMID too when two share a UUID.
 * Of other things with the same name below one parent only the first is there: two series
 * with the same labels would spoil the whole exposition.
 */
#include "openmetrics.h"
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

static void host_labels(struct printer *p, struct buf *b, bool *first)
{
	if (!p->origin)
		return;
	label(b, metrics[M_HOST_ID].name, p->origin->host_id ? p->origin->host_id : "", first);
	label(b, "host", p->origin->host_name ? p->origin->host_name : "", first);
}

static void vm_labels(struct printer *p, struct buf *b, const struct sample *s, uint32_t vm,
		      bool *first)
{
	static const enum metric_id numbers[] = {M_PID, M_VMID};

	own_label(b, s, SCOPE_VM, vm, first);
	if (vm >= s->table[SCOPE_VM].rows || !p->twins[SCOPE_VM].row[vm].shared)
		return;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		uint64_t v = sample_get(s, SCOPE_VM, vm, numbers[i]);

		if (v != ABSENT)
			number_label(b, metrics[numbers[i]].name, v, first);
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
	       p->twins[SCOPE_VM].row[parent].wanted;
}

static void row_labels(struct printer *p, struct buf *b, const struct sample *s, enum scope scope,
		       uint32_t row)
{
	bool first = true;

	host_labels(p, b, &first);
	if (scope == SCOPE_VM) {
		vm_labels(p, b, s, row, &first);
		return;
	}
	if (scope_parent(scope) == SCOPE_VM)
		vm_labels(p, b, s, s->table[scope].parent[row], &first);
	own_label(b, s, scope, row, &first);
}

void openmetrics_begin(struct printer *p, const struct sample *s)
{
	struct buf *b = &p->part;

	buf_clear(b);
	for (int scope = 0; scope < SCOPES; scope++)
		find_twins(p, s, scope);
	for (int scope = 0; scope < SCOPES; scope++) {
		for (uint32_t r = 0; r < s->table[scope].rows; r++) {
			struct twin *twin = &p->twins[scope].row[r];

			twin->wanted = wanted(p, s, scope, r);
			twin->labels = b->used;
			if (twin->wanted)
				row_labels(p, b, s, scope, r);
			twin->labels_n = (uint32_t)(b->used - twin->labels);
		}
	}
}

bool openmetrics_wants(const struct printer *p, enum scope scope, uint32_t row)
{
	return p->twins[scope].row[row].wanted;
}

const char *openmetrics_labels(const struct printer *p, enum scope scope, uint32_t row,
			       size_t *ret_n)
{
	const struct twin *twin = &p->twins[scope].row[row];

	*ret_n = twin->labels_n;
	return p->part.data + twin->labels;
}

void openmetrics_info_labels(struct printer *p, struct buf *b, const struct sample *s,
			     enum scope scope, uint32_t row)
{
	bool first = true;

	host_labels(p, b, &first);
	if (scope_parent(scope) == SCOPE_VM)
		vm_labels(p, b, s, s->table[scope].parent[row], &first);
	for (int m = 0; m < METRICS; m++) {
		uint64_t value = sample_get(s, scope, row, m);
		bool name = metrics[m].kind == INFO || metrics[m].unit == U_ID;

		/* The CPU it last ran on changes all the time: no name. */
		if (!name || value == ABSENT || m == M_CPU_LAST || (p->origin && m == M_HOST_ID))
			continue;
		if (metrics[m].kind == INFO)
			label(b, metrics[m].name, sample_text(s, scope, row, m), &first);
		else
			number_label(b, metrics[m].name, value, &first);
	}
}
