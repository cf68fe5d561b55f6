/* SPDX-License-Identifier: Apache-2.0 */
/* cgroups and limits, backing devices and taps of one VM, in directories of our own. */
#include "vm_details.h"

#include "fakedir.h"
#include "sample.h"
#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#define PID 4000

/*
 * Nobody but root can make device files, so those below dev/ are files here, and stat(2)
 * calls them devices: their size in bytes is the minor number.
 */
int stat(const char *restrict path, struct stat *restrict st)
{
	int r = fstatat(AT_FDCWD, path, st, 0);

	if (r == 0 && strstr(path, "/rootfs/dev/")) {
		st->st_mode = S_IFBLK | 0600;
		st->st_rdev = makedev(253, (unsigned)st->st_size);
	}
	return r;
}

struct world {
	struct fakedir dir; /* proc, sys and rootfs below */
	struct files files;
	struct inventory *inventory;
	struct vm vm;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char proc[100], sys[100], root[100];

	fake_new(&w->dir);
	snprintf(proc, sizeof(proc), "%s/proc", w->dir.path);
	snprintf(sys, sizeof(sys), "%s/sys", w->dir.path);
	snprintf(root, sizeof(root), "%s/rootfs", w->dir.path);
	files_init(&w->files, proc, sys, root);
	w->inventory = inventory_new();
	w->vm.pid = PID;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	vm_fini(&w->vm);
	inventory_free(w->inventory);
	files_fini(&w->files);
	fake_free(&w->dir);
	free(w);
	return 0;
}

/* ---- cgroups ---- */

static void in_cgroup(struct world *w, const char *text)
{
	fake_put(&w->dir, text, "proc/%d/cgroup", PID);
}

/* A cgroup with processes, and pressure files where there are any. */
static void cgroup(struct world *w, const char *path, const char *procs, bool pressure)
{
	fake_put(&w->dir, procs, "sys/fs/cgroup/%s/cgroup.procs", path);
	if (pressure)
		fake_put(&w->dir, "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
			 "sys/fs/cgroup/%s/cpu.pressure", path);
}

static void find_again(struct world *w, const struct vm *old)
{
	vm_fini(&w->vm);
	w->vm.pid = PID;
	vm_find_cgroups(&w->vm, &w->files, old);
}

static const char *below(struct world *w, const char *path)
{
	size_t n = strlen(w->files.sysfs);

	if (!path)
		return "(none)";
	if (strncmp(path, w->files.sysfs, n))
		return path;
	path += n;
	return path + strspn(path, "/");
}

static void cgroup_of_its_own(void **state)
{
	static const struct {
		const char *name, *cgroup, *dir, *procs, *psi; /* psi NULL: none */
		bool pressure;
	} cases[] = {
		{"Proxmox VE", "0::/qemu.slice/100.scope\n", "qemu.slice/100.scope",
		 "4000\n71\n72\n", "fs/cgroup/qemu.slice/100.scope", true},
		{"libvirt with systemd",
		 "0::/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator\n",
		 "machine.slice/machine-qemu\\x2d1\\x2dvm1.scope", "4000\n",
		 "fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope", true},
		{"libvirt without systemd", "0::/machine/qemu-1-vm1.libvirt-qemu/emulator\n",
		 "machine/qemu-1-vm1.libvirt-qemu", "", "fs/cgroup/machine/qemu-1-vm1.libvirt-qemu",
		 true},
		{"beside v1", "1:cpu:/x\n0::/qemu.slice/100.scope\n",
		 "unified/qemu.slice/100.scope", "4000\n", "fs/cgroup/unified/qemu.slice/100.scope",
		 true},
		{"a unit of somebody's, alone", "0::/system.slice/myvm.service\n",
		 "system.slice/myvm.service", "4000\n", "fs/cgroup/system.slice/myvm.service",
		 true},
		{"together with its shell", "0::/user.slice/session-1.scope\n",
		 "user.slice/session-1.scope", "3999\n4000\n", NULL, true},
		{"and children after it", "0::/user.slice/session-1.scope\n",
		 "user.slice/session-1.scope", "4000\n4001\n", NULL, true},
		{"another process only", "0::/a\n", "a", "40000\n", NULL, true},
		{"nobody in it", "0::/a\n", "a", "", NULL, true},
		{"the root", "0::/\n", "", "4000\n", NULL, true},
		{"no pressure files", "0::/qemu.slice/100.scope\n", "qemu.slice/100.scope",
		 "4000\n", NULL, false},
		{"not below our sysfs", "0::/qemu.slice/100.scope\n", "elsewhere", "4000\n", NULL,
		 true},
		{"a name that only begins so", "0::/qemu.slice2/100.scope\n",
		 "qemu.slice2/100.scope", "4000\n5\n", NULL, true},
		{"v1 only", "4:cpu:/qemu.slice/100.scope\n", "qemu.slice/100.scope", "4000\n", NULL,
		 true},
		{"empty", "", "x", "4000\n", NULL, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got;
		struct world *w;
		void *s;

		setup(&s);
		w = s;
		in_cgroup(w, cases[i].cgroup);
		cgroup(w, cases[i].dir, cases[i].procs, cases[i].pressure);
		vm_find_cgroups(&w->vm, &w->files, NULL);
		got = below(w, w->vm.psi_dir);
		if (strcmp(got, cases[i].psi ? cases[i].psi : "(none)"))
			fail_msg("%s: %s", cases[i].name, got);
		assert_int_equal(w->vm.n_limits, 0);
		teardown(&s);
	}
}

static void limits(void **state)
{
	static const char dir[] = "machine/qemu-1-vm1.libvirt-qemu";
	struct world *w = *state;

	in_cgroup(w, "0::/machine/qemu-1-vm1.libvirt-qemu/emulator\n");
	cgroup(w, dir, "", true);
	fake_put(&w->dir, "max 100000\n", "sys/fs/cgroup/%s/cpu.max", dir);
	for (unsigned n = 0; n < 4; n++)
		fake_put(&w->dir, n % 2 ? "50000 100000\n" : "max 100000\n",
			 "sys/fs/cgroup/%s/vcpu%u/cpu.max", dir, n);
	fake_put(&w->dir, "1000 100000\n", "sys/fs/cgroup/%s/emulator/cpu.max", dir);
	fake_put(&w->dir, "1000 100000\n", "sys/fs/cgroup/%s/vcpu9/cpu.max",
		 dir); /* 4 to 8 unplugged */
	vm_find_cgroups(&w->vm, &w->files, NULL);
	/* those of vCPUs; what holds the main thread back is not steal of a vCPU */
	assert_int_equal(w->vm.n_limits, 3);
	assert_string_equal(below(w, w->vm.limits[0]),
			    "fs/cgroup/machine/qemu-1-vm1.libvirt-qemu/vcpu1/cpu.stat");
	assert_string_equal(below(w, w->vm.limits[1]),
			    "fs/cgroup/machine/qemu-1-vm1.libvirt-qemu/vcpu3/cpu.stat");
	assert_string_equal(below(w, w->vm.limits[2]),
			    "fs/cgroup/machine/qemu-1-vm1.libvirt-qemu/vcpu9/cpu.stat");
	/* of the VM as a whole */
	fake_put(&w->dir, "20000 100000\n", "sys/fs/cgroup/%s/cpu.max", dir);
	find_again(w, NULL);
	assert_int_equal(w->vm.n_limits, 4);
	assert_string_equal(below(w, w->vm.limits[0]),
			    "fs/cgroup/machine/qemu-1-vm1.libvirt-qemu/cpu.stat");
}

/* A limit that is not the VM's own: of a parent it counts, of a cgroup that others are in
 * too nothing can be told. */
static void limits_of_others(void **state)
{
	static const char scope[] = "qemu.slice/100.scope",
			  session[] = "user.slice/session-1.scope";
	struct world *w = *state;

	in_cgroup(w, "0::/qemu.slice/100.scope\n");
	cgroup(w, scope, "", true);
	fake_put(&w->dir, "max 100000\n", "sys/fs/cgroup/%s/cpu.max", scope);
	vm_find_cgroups(&w->vm, &w->files, NULL);
	assert_int_equal(w->vm.n_limits, 0);
	assert_true(w->vm.limits_known);
	fake_put(&w->dir, "50000 100000\n", "sys/fs/cgroup/qemu.slice/cpu.max");
	find_again(w, NULL);
	assert_int_equal(w->vm.n_limits, 1);
	assert_non_null(strstr(w->vm.limits[0], "/qemu.slice/cpu.stat"));
	assert_true(w->vm.limits_known);

	in_cgroup(w, "0::/user.slice/session-1.scope\n");
	cgroup(w, session, "1\n2\n", true);
	find_again(w, NULL);
	assert_int_equal(w->vm.n_limits, 0);
	assert_true(w->vm.limits_known);
	fake_put(&w->dir, "50000 100000\n", "sys/fs/cgroup/user.slice/cpu.max");
	find_again(w, NULL);
	assert_int_equal(w->vm.n_limits, 0);
	assert_false(w->vm.limits_known);
	in_cgroup(w, "0::/../outside\n");
	find_again(w, NULL);
	assert_false(w->vm.limits_known);
	in_cgroup(w, "0::/\n");
	find_again(w, NULL);
	assert_true(w->vm.limits_known);
}

static void limits_of_systemds_libvirt(void **state)
{
	static const char dir[] = "machine.slice/machine-qemu\\x2d1\\x2dvm1.scope";
	struct world *w = *state;

	in_cgroup(w, "0::/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator\n");
	cgroup(w, dir, "", true);
	fake_put(&w->dir, "50000 100000\n", "sys/fs/cgroup/%s/libvirt/vcpu0/cpu.max", dir);
	vm_find_cgroups(&w->vm, &w->files, NULL);
	assert_int_equal(w->vm.n_limits, 1);
	assert_non_null(strstr(w->vm.limits[0], "/libvirt/vcpu0/cpu.stat"));
}

static void limits_of_v1(void **state)
{
	static const struct {
		const char *mount, *text, *quota;
		unsigned n;
	} cases[] = {
		{"cpu", "4:cpu:/qemu.slice/100.scope\n0::/\n", "50000\n", 1},
		{"cpu,cpuacct", "4:cpu,cpuacct:/qemu.slice/100.scope\n0::/\n", "50000\n", 1},
		{"cpuacct,cpu", "4:cpuacct,cpu:/qemu.slice/100.scope\n", "50000\n", 1},
		{"cpu", "4:cpu:/qemu.slice/100.scope\n", "-1\n", 0},
		{"cpu", "4:cpuset:/qemu.slice/100.scope\n", "50000\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct world *w;
		char path[100];
		void *s;

		setup(&s);
		w = s;
		in_cgroup(w, cases[i].text);
		snprintf(path, sizeof(path), "%s/qemu.slice/100.scope", cases[i].mount);
		cgroup(w, path, "4000\n", false);
		fake_put(&w->dir, cases[i].quota, "sys/fs/cgroup/%s/cpu.cfs_quota_us", path);
		vm_find_cgroups(&w->vm, &w->files, NULL);
		if (w->vm.n_limits != cases[i].n)
			fail_msg("case %zu: %u limits", i, w->vm.n_limits);
		assert_null(w->vm.psi_dir);
		teardown(&s);
	}
}

/* A limit that is set while the VM runs, on a host without pressure files. */
static void a_limit_that_comes_later(void **state)
{
	struct world *w = *state;
	struct vm old = {0};

	in_cgroup(w, "0::/qemu.slice/100.scope\n");
	cgroup(w, "qemu.slice/100.scope", "4000\n", false);
	vm_find_cgroups(&w->vm, &w->files, NULL);
	assert_int_equal(w->vm.n_limits, 0);
	old = w->vm;
	memset(&w->vm, 0, sizeof(w->vm));
	fake_write(&w->dir, "sys/fs/cgroup/qemu.slice/100.scope/cpu.max", "50000 100000\n");
	find_again(w, &old);
	assert_int_equal(w->vm.n_limits, 1);
	vm_fini(&old);
	/* and gone again */
	old = w->vm;
	memset(&w->vm, 0, sizeof(w->vm));
	fake_write(&w->dir, "sys/fs/cgroup/qemu.slice/100.scope/cpu.max", "max 100000\n");
	find_again(w, &old);
	assert_int_equal(w->vm.n_limits, 0);
	vm_fini(&old);
}

/* A shared cgroup is not looked at again, until the process is moved. */
static void moved_into_its_own(void **state)
{
	struct world *w = *state;
	struct vm old = {0};

	in_cgroup(w, "0::/a\n");
	cgroup(w, "a", "1\n4000\n", true);
	vm_find_cgroups(&w->vm, &w->files, NULL);
	assert_null(w->vm.psi_dir);
	for (int round = 0; round < 3; round++) {
		vm_fini(&old);
		old = w->vm;
		memset(&w->vm, 0, sizeof(w->vm));
		cgroup(w, "a", "4000\n", true); /* alone by now: not worth a look */
		find_again(w, &old);
		assert_null(w->vm.psi_dir);
	}
	in_cgroup(w, "0::/qemu.slice/100.scope\n");
	cgroup(w, "qemu.slice/100.scope", "4000\n", true);
	find_again(w, &old);
	assert_non_null(w->vm.psi_dir);
	vm_fini(&old);
}

static void long_paths(void **state)
{
	struct world *w = *state;
	char text[3000] = "0::/qemu.slice/";

	memset(text + 15, 'x', 2500);
	strcpy(text + 2515, "\n");
	in_cgroup(w, text);
	vm_find_cgroups(&w->vm, &w->files, NULL);
	assert_null(w->vm.psi_dir);
	assert_int_equal(w->vm.n_limits, 0);
}

/* ---- backing ---- */

static void host_disk(struct world *w, const char *name)
{
	struct inventory *i = w->inventory;
	struct host_disk *d;

	i->disks = xrealloc(i->disks, i->n_disks + 1, sizeof(*i->disks));
	d = memset(&i->disks[i->n_disks++], 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->label = xstrdup(name);
}

static struct vm_disk *disk(struct world *w, const char *device)
{
	struct vm *vm = &w->vm;
	struct vm_disk *d;

	vm->disks = xrealloc(vm->disks, vm->n_disks + 1, sizeof(*vm->disks));
	d = memset(&vm->disks[vm->n_disks++], 0, sizeof(*d));
	d->name = xstrdup("vda");
	d->device = xstrdup(device);
	d->capacity = d->allocation = d->physical = ABSENT;
	return d;
}

/* A device with this minor number, and where sysfs says it is. */
static void device(struct world *w, const char *name, unsigned minor_, const char *target)
{
	char data[64] = "", path[100];

	assert_true(minor_ < sizeof(data));
	snprintf(path, sizeof(path), "rootfs/dev/%s", name);
	fake_write_n(&w->dir, path, data, minor_);
	snprintf(path, sizeof(path), "sys/dev/block/253:%u", minor_);
	if (target)
		fake_link(&w->dir, target, path);
}

static void devices_below(void **state)
{
	static const struct {
		const char *name, *target, *backing;
	} cases[] = {
		{"a SCSI disk", "../../devices/pci0000:00/host0/target0:0:0/block/sda", "sda"},
		{"its partition", "../../devices/pci0000:00/host0/target0:0:0/block/sda/sda1",
		 "sda"},
		{"a partition whose line comes first",
		 "../../devices/pci0000:00/virtio1/block/vda/vda1", "vda"},
		{"LVM", "../../devices/virtual/block/dm-0", "dm-0"},
		/* its directory is the controller's, there is no "block" */
		{"NVMe", "../../devices/pci0000:00/0000:00:1d.0/nvme/nvme0/nvme0n1", "nvme0n1"},
		{"NVMe's partition",
		 "../../devices/pci0000:00/0000:00:1d.0/nvme/nvme0/nvme0n1/nvme0n1p1", "nvme0n1"},
		{"NVMe with several paths",
		 "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "nvme0n1"},
		{"a partition that has a line but whose disk has none",
		 "../../devices/x/block/sdz/sdz1", "sdz1"},
		{"not in diskstats", "../../devices/virtual/block/zd16", ""},
		{"a link without directories", "sda", ""},
		{"no link", NULL, ""},
	};
	struct world *w = *state;

	host_disk(w, "vda1");
	host_disk(w, "vda");
	host_disk(w, "sda");
	host_disk(w, "sda1");
	host_disk(w, "dm-0");
	host_disk(w, "nvme0n1");
	host_disk(w, "nvme0n1p1");
	host_disk(w, "sdz1");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		device(w, "x", i + 1, cases[i].target);
		vm_fini(&w->vm);
		disk(w, "/dev/x");
		vm_find_backing(&w->vm, &w->files, w->inventory);
		if (strcmp(w->vm.disks[0].backing, cases[i].backing))
			fail_msg("%s: '%s', not '%s'", cases[i].name, w->vm.disks[0].backing,
				 cases[i].backing);
	}
}

static void sizes_of_devices(void **state)
{
	struct world *w = *state;

	fake_write(&w->dir, "sys/devices/virtual/block/dm-0/size", "2048\n");
	device(w, "pve/vm-100-disk-0", 7, "../../devices/virtual/block/dm-0");
	host_disk(w, "dm-0");
	disk(w, "/dev/pve/vm-100-disk-0");
	vm_find_backing(&w->vm, &w->files, w->inventory);
	assert_string_equal(w->vm.disks[0].backing, "dm-0");
	assert_int_equal(w->vm.disks[0].physical, 2048 * 512);
	assert_int_equal(w->vm.disks[0].allocation, 2048 * 512);
	assert_true(w->vm.disks[0].capacity == ABSENT); /* the guest's, not ours to say */
}

static void files_below(void **state)
{
	struct world *w = *state;
	char path[200], link[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/rootfs/images/a.raw", w->dir.path);
	fake_write(&w->dir, "rootfs/images/a.raw", "data");
	/* sparse: a megabyte of which little is there */
	fd = open(path, O_WRONLY);
	fake_must(fd >= 0 && ftruncate(fd, 1 << 20) == 0, path);
	close(fd);
	fake_must(stat(path, &st) == 0, path);
	snprintf(link, sizeof(link), "sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	fake_link(&w->dir, "../../devices/virtual/block/dm-3", link);
	host_disk(w, "dm-3");
	disk(w, "/images/a.raw");
	disk(w, "/images/none.raw");
	disk(w, "/images");
	disk(w, "rbd:pool/image");
	disk(w, "images/a.raw"); /* relative to what? */
	disk(w, NULL);
	disk(w, "");
	vm_find_backing(&w->vm, &w->files, w->inventory);
	assert_string_equal(w->vm.disks[0].backing, "dm-3");
	assert_int_equal(w->vm.disks[0].physical, 1 << 20);
	assert_int_equal(w->vm.disks[0].allocation, (uint64_t)st.st_blocks * 512);
	assert_true(w->vm.disks[0].allocation < 1 << 20);
	for (unsigned d = 1; d < 7; d++) {
		const struct vm_disk *k = &w->vm.disks[d];

		if (*k->backing || k->physical != ABSENT || k->allocation != ABSENT)
			fail_msg("%s: '%s'", k->device ? k->device : "(none)", k->backing);
	}
}

/* ---- taps ---- */

static void fd_of(struct world *w, unsigned fd, const char *target, const char *info)
{
	char name[64];

	snprintf(name, sizeof(name), "proc/%d/fd/%u", PID, fd);
	fake_link(&w->dir, target, name);
	if (info)
		fake_put(&w->dir, info, "proc/%d/fdinfo/%u", PID, fd);
}

static void taps(void **state)
{
	struct world *w = *state;

	fd_of(w, 0, "/dev/null", "pos:\t0\n");
	fd_of(w, 29, "/dev/net/tun",
	      "pos:\t0\nflags:\t0104002\nmnt_id:\t27\nino:\t5\niff:\tvnet0\n");
	fd_of(w, 30, "/dev/net/tun", "pos:\t0\niff:\tvnet1\n");
	fd_of(w, 31, "/dev/net/tun", "pos:\t0\niff:\tvnet1\n"); /* a second queue of it */
	fd_of(w, 32, "/dev/net/tun", "pos:\t0\n");              /* without an interface */
	fd_of(w, 33, "/dev/net/tun", NULL);
	fd_of(w, 34, "/dev/net/tunx", "iff:\tnot-this\n");
	fd_of(w, 35, "socket:[123]", "iff:\tnor-this\n");
	/* no more than a name's length of it is taken */
	fd_of(w, 36, "/dev/net/tun", "iff:\ta2345678901234567890123456789012345678901234567890\n");
	vm_find_taps(&w->vm, &w->files);
	assert_int_equal(w->vm.n_nics, 3);
	for (unsigned n = 0; n < 3; n++) {
		const char *tap = w->vm.nics[n].tap;

		if (strcmp(tap, "vnet0") && strcmp(tap, "vnet1") && strlen(tap) != 31)
			fail_msg("tap '%s'", tap);
	}
	/* found already */
	vm_find_taps(&w->vm, &w->files);
	assert_int_equal(w->vm.n_nics, 3);
}

/* An interface that is known by its MAC address only gets the tap. */
static void taps_of_known_interfaces(void **state)
{
	struct world *w = *state;

	w->vm.nics = xcalloc(2, sizeof(*w->vm.nics));
	w->vm.n_nics = 2;
	w->vm.nics[0].tap = xstrdup("vnet0");
	w->vm.nics[1].mac = xstrdup("52:54:00:00:00:01");
	fd_of(w, 29, "/dev/net/tun", "iff:\tvnet0\n");
	fd_of(w, 30, "/dev/net/tun", "iff:\tvnet1\n");
	vm_find_taps(&w->vm, &w->files);
	assert_int_equal(w->vm.n_nics, 2);
	assert_string_equal(w->vm.nics[1].tap, "vnet1");
	assert_string_equal(w->vm.nics[1].mac, "52:54:00:00:00:01");
}

static void too_many_taps(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 100; i++) {
		char info[32];

		snprintf(info, sizeof(info), "iff:\ttap%u\n", i);
		fd_of(w, i, "/dev/net/tun", info);
	}
	vm_find_taps(&w->vm, &w->files);
	assert_int_equal(w->vm.n_nics, VM_NICS_MAX);
}

static void no_permission_no_taps(void **state)
{
	struct world *w = *state;

	vm_find_taps(&w->vm, &w->files); /* no such directory */
	assert_int_equal(w->vm.n_nics, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cgroup_of_its_own),
		TEST(limits),
		TEST(limits_of_others),
		TEST(limits_of_systemds_libvirt),
		cmocka_unit_test(limits_of_v1),
		TEST(a_limit_that_comes_later),
		TEST(moved_into_its_own),
		TEST(long_paths),
		TEST(devices_below),
		TEST(sizes_of_devices),
		TEST(files_below),
		TEST(taps),
		TEST(taps_of_known_interfaces),
		TEST(too_many_taps),
		TEST(no_permission_no_taps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
