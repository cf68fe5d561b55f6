/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet_host.h"

#include <stdio.h>
#include <stdlib.h>

void fleet_die(const char *what)
{
	fprintf(stderr, "fleet: %s\n", what);
	exit(1);
}

static size_t column_values(const struct sample *s, enum scope scope, enum metric_id m)
{
	size_t n = 0;

	for (uint32_t r = 0; r < s->table[scope].rows; r++)
		n += metrics[m].kind != DERIVED && !metric_is_rollup(m, scope) &&
		     sample_get(s, scope, r, m) != ABSENT;
	return n;
}

/* What each VM has once; first what hardly moves, then from the table's end. */
static void leave_out(struct fleet_left_out *l, const struct sample *s, size_t too_many)
{
	static const enum scope from[] = {SCOPE_VM_NIC, SCOPE_VM_DISK, SCOPE_VM};

	for (int rare = 1; rare >= 0; rare--)
		for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
			for (int m = METRICS; m-- > 0 && too_many;) {
				if (metrics[m].kind == INFO || wire_is_rare(m) != rare ||
				    l->is[from[i]][m] || !column_values(s, from[i], m))
					continue;
				l->is[from[i]][m] = true;
				too_many--;
			}
	if (too_many)
		fleet_die("--values: a VM cannot have so few");
}

void fleet_fill(struct sample *s, const struct wire_host *h, const struct fleet_left_out *l,
		uint64_t epoch)
{
	char text[64];

	wire_fill(s, h);
	s->epoch = epoch;
	s->sequence = h->second;
	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS; m++)
			for (uint32_t r = 0; l->is[i][m] && r < s->table[i].rows; r++)
				s->table[i].value[m][r] = ABSENT;
	sample_set_text(s, SCOPE_HOST, 0, M_HOST_ID, MARK_ID);
	sample_set_text(s, SCOPE_HOST, 0, M_HOST_NAME, MARK_NAME);
	for (uint32_t r = 0; r < s->table[SCOPE_VM].rows; r++) {
		sample_set_text(s, SCOPE_VM, r, M_HOST_NAME, MARK_NAME);
		snprintf(text, sizeof(text), MARK_UUID "%012x", r);
		sample_set_text(s, SCOPE_VM, r, M_UUID, text);
	}
}

/* Of all VMs, with what is below them. */
static size_t vm_values(const struct sample *s)
{
	size_t values = 0;

	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS && (i == SCOPE_VM || scope_parent(i) == SCOPE_VM); m++)
			values += column_values(s, i, m);
	return values;
}

void fleet_choose(struct fleet_left_out *ret, const struct wire_host *h, size_t values)
{
	struct sample *s = sample_new();
	size_t has;

	*ret = (struct fleet_left_out){0};
	fleet_fill(s, h, ret, 1);
	has = vm_values(s);
	if (h->vms && (has % h->vms || has / h->vms < values))
		fleet_die("--values: a VM cannot have so many");
	if (h->vms)
		leave_out(ret, s, has / h->vms - values);
	sample_free(s);
}

void fleet_compare(struct patterns_facts *ret, const struct sample *a, const struct sample *b)
{
	size_t columns = 0, other_columns = 0, other = 0;

	ret->values = wire_values(b);
	ret->vm_values = b->table[SCOPE_VM].rows ? vm_values(b) / b->table[SCOPE_VM].rows : 0;
	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS; m++) {
			size_t differ = 0;

			if (!column_values(b, i, m))
				continue;
			for (uint32_t r = 0; metrics[m].kind != INFO && r < b->table[i].rows; r++)
				differ += sample_get(a, i, r, m) != sample_get(b, i, r, m);
			columns++;
			other_columns += differ > 0;
			other += differ;
		}
	ret->columns = (double)other_columns / (double)columns;
	ret->all = (double)other / (double)ret->values;
}
