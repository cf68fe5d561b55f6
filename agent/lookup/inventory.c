/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory.h"

#include "sample.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

const char *const disk_class_names[] = {"physical", "lvm", "multipath", "other"};

struct inventory *inventory_new(void)
{
	struct inventory *i = xcalloc(1, sizeof(*i));

	i->references = 1;
	i->freq_now = i->freq_min = i->freq_max = ABSENT;
	return i;
}

void vm_fini(struct vm *vm)
{
	free(vm->uuid);
	free(vm->name);
	free(vm->tags);
	for (unsigned d = 0; d < vm->n_disks; d++) {
		free(vm->disks[d].name);
		free(vm->disks[d].device);
	}
	for (unsigned n = 0; n < vm->n_nics; n++) {
		free(vm->nics[n].tap);
		free(vm->nics[n].mac);
		free(vm->nics[n].bridge);
	}
	for (unsigned l = 0; l < vm->n_limits; l++)
		free(vm->limits[l]);
	free(vm->disks);
	free(vm->nics);
	free(vm->limits);
	free(vm->psi_dir);
	free(vm->vhost);
	memset(vm, 0, sizeof(*vm));
}

void inventory_free(struct inventory *i)
{
	if (!i)
		return;
	for (unsigned v = 0; v < i->n_vms; v++)
		vm_fini(&i->vms[v]);
	for (unsigned d = 0; d < i->n_disks; d++)
		free(i->disks[d].label);
	free(i->vms);
	free(i->disks);
	free(i->nics);
	free(i->host_uuid);
	free(i);
}

struct vm *inventory_add_vm(struct inventory *i)
{
	if (i->n_vms == i->room_vms) {
		i->room_vms = i->room_vms ? i->room_vms * 2 : 8;
		i->vms = xrealloc(i->vms, i->room_vms, sizeof(*i->vms));
	}
	return memset(&i->vms[i->n_vms++], 0, sizeof(*i->vms));
}
