/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_guest.h"

#include <string.h>

static uint64_t value_of(const struct guest_values *g, unsigned metric)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->v[i].metric == metric)
			return g->v[i].value;
	return ABSENT;
}

/* Every value the source gave, with the one before it. */
static void set_values(struct cycle *c, enum scope scope, uint32_t row,
		       const struct guest_values *now, const struct guest_values *prev)
{
	for (unsigned i = 0; i < now->n; i++) {
		unsigned m = now->v[i].metric;

		if (m >= METRICS || !(metrics[m].scopes & (1u << scope)))
			continue;
		sample_set_pair(c->sample, scope, row, m, now->v[i].value,
				prev ? value_of(prev, m) : ABSENT);
	}
}

static void set_times(struct cycle *c, enum scope scope, uint32_t row, uint64_t read_ns,
		      uint64_t prev_ns)
{
	c->sample->table[scope].read_ns[row] = read_ns;
	c->sample->table[scope].prev_ns[row] = prev_ns;
}

void vm_guest_memory(struct cycle *c, uint32_t row, const struct vm *vm)
{
	struct guest_memory g;

	if (!vm->key || !hub_get_memory(c->hub, vm->key, c->now_ns, &g) || g.read_ns == ABSENT)
		return;
	set_times(c, SCOPE_VM, row, g.read_ns, g.prev_ns);
	set_values(c, SCOPE_VM, row, &g.now, g.prev_ns == ABSENT ? NULL : &g.prev);
}

/* ---- disks ---- */

static const struct guest_disk *disk_named(const struct guest_disk *d, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strncmp(d[i].name, name, GUEST_DISK_NAME - 1))
			return &d[i];
	return NULL;
}

static uint32_t disk_row(struct cycle *c, uint32_t vm_row, const struct vm *vm, const char *name)
{
	uint32_t row = sample_row(c->sample, SCOPE_VM_DISK, vm_row, id_hash(vm->id + 1, name));

	sample_set_text(c->sample, SCOPE_VM_DISK, row, M_DISK_NAME, name);
	return row;
}

static void guest_values(struct cycle *c, uint32_t row, const struct guest_disks *g,
			 const struct guest_disk *now)
{
	const struct guest_disk *prev = disk_named(g->prev, g->n_prev, now->name);

	set_times(c, SCOPE_VM_DISK, row, g->read_ns, g->prev_ns);
	set_values(c, SCOPE_VM_DISK, row, &now->values, prev ? &prev->values : NULL);
}

/* The backing device's busy time and requests, beside the guest's own: what disk_ioutil
 * is made of. */
static void backing_values(struct cycle *c, uint32_t row, const char *backing)
{
	const uint64_t *line = *backing ? disk_table_find(c->disks, backing) : NULL;

	if (!line)
		return;
	sample_set_text(c->sample, SCOPE_VM_DISK, row, M_DISK_BACKING, backing);
	sample_set(c->sample, SCOPE_VM_DISK, row, M_VD_BACKBUSY, line[9]);
	sample_set(c->sample, SCOPE_VM_DISK, row, M_VD_BACKOPS, line[0] + line[4]);
}

static void host_values(struct cycle *c, uint32_t row, const struct vm_disk *disk)
{
	struct sample *s = c->sample;

	sample_set_text(s, SCOPE_VM_DISK, row, M_DISK_DEVICE, disk->device);
	backing_values(c, row, disk->backing);
	if (sample_get(s, SCOPE_VM_DISK, row, M_VD_CAPACITY) == ABSENT)
		sample_set(s, SCOPE_VM_DISK, row, M_VD_CAPACITY, disk->capacity);
	/* The host's own stat(2) is the truth where it reaches the file. */
	if (disk->allocation != ABSENT)
		sample_set(s, SCOPE_VM_DISK, row, M_VD_ALLOCATION, disk->allocation);
	if (disk->physical != ABSENT)
		sample_set(s, SCOPE_VM_DISK, row, M_VD_PHYSICAL, disk->physical);
}

void vm_guest_disks(struct cycle *c, uint32_t vm_row, const struct vm *vm)
{
	struct guest_disks *g = c->guest;
	uint32_t row;

	g->n = g->n_prev = 0;
	if (vm->key)
		hub_get_disks(c->hub, vm->key, c->now_ns, g);
	for (unsigned d = 0; d < vm->n_disks; d++) {
		const struct vm_disk *disk = &vm->disks[d];
		const struct guest_disk *said = disk_named(g->now, g->n, disk->name);

		row = disk_row(c, vm_row, vm, disk->name);
		if (row == NO_ROW)
			return;
		if (said)
			guest_values(c, row, g, said);
		host_values(c, row, disk);
	}
	/* Disks the source counts but did not describe. */
	for (unsigned i = 0; i < g->n; i++) {
		bool described = false;

		for (unsigned d = 0; d < vm->n_disks && !described; d++)
			described =
				!strncmp(vm->disks[d].name, g->now[i].name, GUEST_DISK_NAME - 1);
		if (described)
			continue;
		row = disk_row(c, vm_row, vm, g->now[i].name);
		if (row == NO_ROW)
			return;
		guest_values(c, row, g, &g->now[i]);
	}
}

/* ---- interfaces ---- */

/* The guest's view: what a tap transmits the guest receives.  Where the other direction
 * has no such counter the guest's value is absent. */
#define NONE (-1)
static const struct {
	int metric, tap, macvtap; /* column of net/dev */
} nic_column[] = {
	{M_VN_RX_BYTES, 8, 0},       {M_VN_RX_PACKETS, 9, 1},      {M_VN_RX_ERRS, 10, 2},
	{M_VN_RX_DROP, 11, 3},       {M_VN_RX_FIFO, 12, 4},        {M_VN_RX_FRAME, NONE, 5},
	{M_VN_RX_COMPRESSED, 15, 6}, {M_VN_RX_MULTICAST, NONE, 7}, {M_VN_TX_BYTES, 0, 8},
	{M_VN_TX_PACKETS, 1, 9},     {M_VN_TX_ERRS, 2, 10},        {M_VN_TX_DROP, 3, 11},
	{M_VN_TX_FIFO, 4, 12},       {M_VN_TX_COLLS, NONE, 13},    {M_VN_TX_CARRIER, NONE, 14},
	{M_VN_TX_COMPRESSED, 6, 15}};

void vm_guest_nics(struct cycle *c, uint32_t vm_row, const struct vm *vm)
{
	for (unsigned n = 0; n < vm->n_nics; n++) {
		const struct nic_desc *nic = &vm->nics[n];
		const char *name = nic->tap ? nic->tap : nic->mac ? nic->mac : "";
		uint32_t row =
			sample_row(c->sample, SCOPE_VM_NIC, vm_row,
				   id_hash_u64(id_hash(vm->id + 2, name), nic->tap ? 0 : n + 1));
		const uint64_t *line =
			nic->tap && vm->pid ? net_tables_find(c->nets, c, vm, nic->tap) : NULL;
		/* A macvtap's own counters are the guest's already (libvirt does not swap them). */
		bool swap = !nic->tap || strncmp(nic->tap, "macvtap", 7) != 0;

		sample_set_text(c->sample, SCOPE_VM_NIC, row, M_NIC_NAME, nic->tap);
		sample_set_text(c->sample, SCOPE_VM_NIC, row, M_NIC_MAC, nic->mac);
		sample_set_text(c->sample, SCOPE_VM_NIC, row, M_NIC_BRIDGE, nic->bridge);
		for (size_t i = 0; line && i < sizeof(nic_column) / sizeof(*nic_column); i++) {
			int from = swap ? nic_column[i].tap : nic_column[i].macvtap;

			if (from != NONE)
				sample_set(c->sample, SCOPE_VM_NIC, row, nic_column[i].metric,
					   line[from]);
		}
	}
}
