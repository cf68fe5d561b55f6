/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BYTES_PER_MBIT 125000.0

static double sum_of(const struct view *v, uint32_t row, enum metric_id a, enum metric_id b)
{
	return view_get(v, SCOPE_VM, row, a) + view_get(v, SCOPE_VM, row, b);
}

static double cpu(const struct view *v, uint32_t row)
{
	return view_get(v, SCOPE_VM, row, M_CPU_DEMAND);
}

static double net(const struct view *v, uint32_t row)
{
	return sum_of(v, row, M_VN_RX_BYTES, M_VN_TX_BYTES);
}

static double io(const struct view *v, uint32_t row)
{
	return sum_of(v, row, M_IO_READ, M_IO_WRITE);
}

static double disk(const struct view *v, uint32_t row)
{
	return sum_of(v, row, M_VD_RD_BYTES, M_VD_WR_BYTES);
}

static double mem(const struct view *v, uint32_t row)
{
	double total = view_get(v, SCOPE_VM, row, M_RAM_TOTAL);

	return total > 0 ? 100 * view_get(v, SCOPE_VM, row, M_RAM_USED) / total : NAN;
}

static const struct {
	enum family family;
	double high; /* 0: the link's */
	double (*get)(const struct view *v, uint32_t row);
} values[] = {
	{F_CPU, 100, cpu},
	{F_NET, 0, net},
	{F_IO, VM_VALUES_STORE_MBIT *BYTES_PER_MBIT, io},
	{F_DISK, VM_VALUES_STORE_MBIT *BYTES_PER_MBIT, disk},
	{F_MEM, 100, mem},
};
#define VALUES (sizeof(values) / sizeof(*values))
_Static_assert(VALUES == VM_VALUES_MAX, "VM_VALUES_MAX is not their number");

void vm_values_settings(struct profile_settings *s, unsigned families, double link_mbit)
{
	double link = link_mbit > 0 ? link_mbit : VM_VALUES_LINK_MBIT;

	s->n_metrics = 0;
	for (unsigned i = 0; i < VALUES; i++) {
		struct profile_metric *m = &s->metric[s->n_metrics];

		if (!(families & 1u << values[i].family))
			continue;
		snprintf(m->name, sizeof(m->name), "%s", family_names[values[i].family]);
		m->low = 0;
		m->high = values[i].high > 0 ? values[i].high : link * BYTES_PER_MBIT;
		s->n_metrics++;
	}
}

unsigned vm_values_family(const char *name)
{
	for (unsigned i = 0; i < VALUES; i++)
		if (!strcmp(family_names[values[i].family], name))
			return 1u << values[i].family;
	return 0;
}

void vm_values_names(char *to, size_t size)
{
	size_t used = 0;

	*to = '\0';
	for (unsigned i = 0; i < VALUES && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, "%s%s", i ? ", " : "",
					 family_names[values[i].family]);
}

void vm_values_get(double *to, unsigned families, const struct view *v, uint32_t vm_row)
{
	for (unsigned i = 0; i < VALUES; i++)
		if (families & 1u << values[i].family)
			*to++ = values[i].get(v, vm_row);
}

double vm_values_link(const struct view *v)
{
	const struct table *nics = &v->now->table[SCOPE_HOST_NIC];
	double most = NAN;

	for (uint32_t r = 0; r < nics->rows; r++)
		if (nics->counted[r])
			most = fmax(most, view_get(v, SCOPE_HOST_NIC, r, M_HN_SPEED));
	return most > 0 ? most : NAN;
}
