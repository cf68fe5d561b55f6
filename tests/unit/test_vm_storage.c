/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_storage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *of(const char *first, const char *second, size_t size)
{
	static char to[128];
	struct sample *s = sample_new();
	uint32_t vm = sample_row(s, SCOPE_VM, NO_ROW, 1), disk;

	/* Another VM's. */
	sample_row(s, SCOPE_VM, NO_ROW, 2);
	disk = sample_row(s, SCOPE_VM_DISK, 1, 3);
	sample_set_text(s, SCOPE_VM_DISK, disk, M_DISK_DEVICE, "/dev/other/disk");
	disk = sample_row(s, SCOPE_VM_DISK, vm, 4);
	sample_set_text(s, SCOPE_VM_DISK, disk, M_DISK_DEVICE, first);
	disk = sample_row(s, SCOPE_VM_DISK, vm, 5);
	sample_set_text(s, SCOPE_VM_DISK, disk, M_DISK_DEVICE, second);
	vm_storage(s, vm, to, size);
	sample_free(s);
	return to;
}

static void paths(void **state)
{
	static const struct {
		const char *path, *storage;
	} cases[] = {
		{"/mnt/pve/nfs1/images/100/vm-100-disk-0.qcow2", "/mnt/pve/nfs1"},
		{"/dev/pve/vm-100-disk-0", "/dev/pve"},
		{"/dev/zvol/rpool/data/vm-100-disk-0", "/dev/zvol/rpool"},
		{"/var/lib/libvirt/images/a.qcow2", "/var/lib/libvirt"},
		{"rbd:pool/vm-100-disk-0:conf=/etc/ceph.conf", "rbd:pool"},
		{"rbd:pool/vm-100", "rbd:pool"},
		{"disk", ""},
		{"/disk", ""},
		{"/", ""},
		{"", ""},
		{NULL, ""},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(of(cases[i].path, NULL, 128), cases[i].storage))
			fail_msg("%s: %s, not %s", cases[i].path, of(cases[i].path, NULL, 128),
				 cases[i].storage);
	assert_string_equal(of(NULL, "/dev/pve/x", 128), "/dev/pve");
	assert_string_equal(of("", "/dev/pve/x", 128), "/dev/pve");
	assert_string_equal(of("/dev/pve/x", NULL, 5), "/dev");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(paths)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
