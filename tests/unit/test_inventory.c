/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories and lists of VMs own what is in them, within bounds. */
#include "inventory.h"

#include "sample.h"
#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct vm *vm)
{
	vm->uuid = xstrdup("u");
	vm->name = xstrdup("n");
	vm->tags = xstrdup("a;b");
	vm->hypervisor = "proc";
	vm->pid = 42;
	vm->psi_dir = xstrdup("/sys/fs/cgroup/x");
	vm->n_disks = 2;
	vm->disks = xcalloc(2, sizeof(*vm->disks));
	vm->disks[0].name = xstrdup("vda");
	vm->disks[0].device = xstrdup("/dev/x");
	vm->disks[1].name = xstrdup("vdb"); /* no device */
	strcpy(vm->disks[1].backing, "sda");
	vm->n_nics = 2;
	vm->nics = xcalloc(2, sizeof(*vm->nics));
	vm->nics[0].tap = xstrdup("tap0");
	vm->nics[1].mac = xstrdup("52:54:00:00:00:01");
	vm->nics[1].bridge = xstrdup("br0");
	vm->n_limits = 1;
	vm->limits = xcalloc(1, sizeof(*vm->limits));
	vm->limits[0] = xstrdup("/sys/fs/cgroup/x/cpu.stat");
	vm->n_vhost = 2;
	vm->vhost = xcalloc(2, sizeof(*vm->vhost));
	vm->vhost[0] = 7;
	vm->vhost[1] = 8;
}

static void a_vm_gives_all_back(void **state)
{
	struct vm vm = {0};

	(void)state;
	fill(&vm);
	vm_fini(&vm);
	assert_null(vm.uuid);
	assert_null(vm.disks);
	assert_int_equal(vm.n_disks + vm.n_nics + vm.n_limits + vm.n_vhost, 0);
	vm_fini(&vm); /* of nothing */
}

static void inventories_own_their_vms(void **state)
{
	struct inventory *i = inventory_new();

	(void)state;
	assert_int_equal(i->references, 1);
	assert_true(i->freq_now == ABSENT && i->freq_min == ABSENT && i->freq_max == ABSENT);
	for (int n = 0; n < 100; n++) {
		struct vm *vm = inventory_add_vm(i);

		assert_null(vm->uuid);
		assert_int_equal(vm->n_disks, 0);
		fill(vm);
		vm->vmid = (uint32_t)n;
	}
	assert_int_equal(i->n_vms, 100);
	assert_int_equal(i->vms[57].vmid, 57);
	i->disks = xcalloc(1, sizeof(*i->disks));
	i->n_disks = 1;
	i->disks[0].label = xstrdup("mpatha");
	i->host_uuid = xstrdup("h");
	inventory_free(i);
	inventory_free(NULL);
}

static void lists_are_bounded(void **state)
{
	struct vm_list *l = vm_list_new();
	struct vm_desc *d;

	(void)state;
	for (unsigned n = 0; n < VM_LIST_MAX; n++) {
		d = vm_list_add(l);
		assert_non_null(d);
		assert_null(d->uuid);
		d->uuid = xstrdup("u");
		d->name = xstrdup("n");
	}
	assert_null(vm_list_add(l));
	assert_int_equal(l->n, VM_LIST_MAX);
	d = &l->vms[VM_LIST_MAX - 1];
	for (unsigned n = 0; n < VM_DISKS_MAX; n++) {
		struct disk_desc *disk = vm_desc_disk(d);

		assert_non_null(disk);
		assert_null(disk->name);
		disk->name = xstrdup("vda");
		disk->device = xstrdup("/x");
	}
	assert_null(vm_desc_disk(d));
	for (unsigned n = 0; n < VM_NICS_MAX; n++) {
		struct nic_desc *nic = vm_desc_nic(d);

		assert_non_null(nic);
		assert_null(nic->tap);
		nic->tap = xstrdup("tap0");
		nic->mac = xstrdup("m");
		nic->bridge = xstrdup("b");
	}
	assert_null(vm_desc_nic(d));
	vm_list_free(l);
	vm_list_free(NULL);
}

static void names_of_states(void **state)
{
	(void)state;
	assert_null(vm_state_names[VM_UNKNOWN]);
	assert_string_equal(vm_state_names[VM_RUNNING], "running");
	assert_string_equal(vm_state_names[VM_PAUSED], "paused");
	assert_string_equal(vm_state_names[VM_MIGRATING_IN], "migrating in");
	assert_string_equal(vm_state_names[VM_BLOCKED], "blocked");
	assert_string_equal(vm_state_names[VM_CRASHED], "crashed");
	assert_string_equal(vm_state_names[VM_SHUTDOWN], "shutting down");
	assert_string_equal(vm_state_names[VM_SUSPENDED], "suspended");
	assert_string_equal(disk_class_names[DISK_PHYSICAL], "physical");
	assert_string_equal(disk_class_names[DISK_LVM], "lvm");
	assert_string_equal(disk_class_names[DISK_MULTIPATH], "multipath");
	assert_string_equal(disk_class_names[DISK_OTHER], "other");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_gives_all_back),
		cmocka_unit_test(inventories_own_their_vms),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(names_of_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
