/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of VM descriptions (source.h): making and freeing them. */
#include "source.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

const char *const vm_state_names[] = {
	[VM_UNKNOWN] = NULL,
	[VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",
	[VM_MIGRATING_IN] = "migrating in",
	[VM_BLOCKED] = "blocked",
	[VM_CRASHED] = "crashed",
	[VM_SHUTDOWN] = "shutting down",
	[VM_SUSPENDED] = "suspended",
};

struct vm_list *vm_list_new(void)
{
	return xcalloc(1, sizeof(struct vm_list));
}

void vm_desc_fini(struct vm_desc *d)
{
	free(d->uuid);
	free(d->name);
	free(d->tags);
	for (unsigned i = 0; i < d->n_disks; i++) {
		free(d->disks[i].name);
		free(d->disks[i].device);
	}
	for (unsigned i = 0; i < d->n_nics; i++) {
		free(d->nics[i].tap);
		free(d->nics[i].mac);
		free(d->nics[i].bridge);
	}
	free(d->disks);
	free(d->nics);
	memset(d, 0, sizeof(*d));
}

void vm_list_free(struct vm_list *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n; i++)
		vm_desc_fini(&l->vms[i]);
	free(l->vms);
	free(l);
}

struct vm_desc *vm_list_add(struct vm_list *l)
{
	if (l->n >= VM_LIST_MAX)
		return NULL;
	if (l->n == l->room) {
		l->room = l->room ? l->room * 2 : 8;
		l->vms = xrealloc(l->vms, l->room, sizeof(*l->vms));
	}
	return memset(&l->vms[l->n++], 0, sizeof(*l->vms));
}

struct disk_desc *vm_desc_disk(struct vm_desc *d)
{
	if (d->n_disks >= VM_DISKS_MAX)
		return NULL;
	d->disks = xrealloc(d->disks, d->n_disks + 1, sizeof(*d->disks));
	return memset(&d->disks[d->n_disks++], 0, sizeof(*d->disks));
}

struct nic_desc *vm_desc_nic(struct vm_desc *d)
{
	if (d->n_nics >= VM_NICS_MAX)
		return NULL;
	d->nics = xrealloc(d->nics, d->n_nics + 1, sizeof(*d->nics));
	return memset(&d->nics[d->n_nics++], 0, sizeof(*d->nics));
}
