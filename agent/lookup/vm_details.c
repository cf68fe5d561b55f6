/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_details.h"

#include "devices.h"
#include "proc_text.h"
#include "sample.h"
#include "scan.h"
#include "xalloc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LIMITS_MAX 256u /* cgroups with a limit that are read for one VM */
#define GAP_MAX    8u   /* missing vcpuN in a row that end the search */
#define FDS_MAX    4096u

static bool has_file(const char *dir, const char *name)
{
	char path[2 * PATH_MAX_OURS];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* ---- cgroups ---- */

/* libvirt puts QEMU's main thread into a child (emulator, libvirt/emulator) of the VM's
 * own cgroup, and each vCPU into another: the VM is the directory above. */
static void vm_cgroup(char *path)
{
	static const char *const below[] = {"/libvirt/emulator", "/emulator"};
	size_t n = strlen(path);

	for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
		size_t tail = strlen(below[i]);

		if (n > tail && !strcmp(path + n - tail, below[i])) {
			path[n - tail] = '\0';
			return;
		}
	}
}

/* Is the cgroup the VM's alone?  By the names that libvirt (…-qemu…, its machine slice)
 * and Proxmox VE (qemu.slice/VMID.scope) give, else if no other process is in it. */
static bool is_own(const char *dir, const char *path, pid_t pid)
{
	char text[256];
	const char *p = text;
	uint64_t only;

	if (!*path)
		return false;
	if (!strncmp(path, "qemu.slice/", 11) || strstr(path, "machine-qemu") ||
	    strstr(path, ".libvirt-qemu"))
		return true;
	if (file_read(text, sizeof(text), "%s/cgroup.procs", dir) <= 0)
		return false;
	return scan_u64(&p, &only) && only == (uint64_t)pid && *p == '\n' && !p[1];
}

/* cpu.max: "50000 100000" or "max 100000"; cpu.cfs_quota_us: -1 for none */
static bool has_limit(const char *dir)
{
	char text[64];

	if (file_read(text, sizeof(text), "%s/cpu.max", dir) > 0)
		return text[0] >= '0' && text[0] <= '9';
	if (file_read(text, sizeof(text), "%s/cpu.cfs_quota_us", dir) > 0)
		return text[0] >= '0' && text[0] <= '9';
	return false;
}

static void add_limit(struct vm *vm, const char *dir)
{
	if (vm->n_limits >= LIMITS_MAX || !has_limit(dir))
		return;
	vm->limits = xrealloc(vm->limits, vm->n_limits + 1, sizeof(*vm->limits));
	vm->limits[vm->n_limits++] = xasprintf("%s/cpu.stat", dir);
}

/* Is there a line at all?  One whose path cannot be used (outside the reader's cgroup
 * namespace: /../x) is something else. */
static bool has_cgroup_line(const char *text, const char *controller)
{
	char wanted[32];

	if (!*controller)
		return !strncmp(text, "0::", 3) || strstr(text, "\n0::");
	snprintf(wanted, sizeof(wanted), ":%s:", controller);
	if (strstr(text, wanted))
		return true;
	snprintf(wanted, sizeof(wanted), ":%s,", controller);
	if (strstr(text, wanted))
		return true;
	snprintf(wanted, sizeof(wanted), ",%s:", controller);
	return strstr(text, wanted) != NULL;
}

/* The limit of the VM as a whole, and those of each vCPU. */
static void find_limits(struct vm *vm, const char *dir)
{
	static const char *const parents[] = {"", "/libvirt"};

	add_limit(vm, dir);
	for (size_t i = 0; i < sizeof(parents) / sizeof(*parents); i++) {
		char vcpu[PATH_MAX_OURS + 64];

		unsigned gap = 0;

		/* vCPUs that were unplugged leave gaps. */
		for (unsigned n = 0; n < LIMITS_MAX && gap < GAP_MAX; n++) {
			snprintf(vcpu, sizeof(vcpu), "%s%s/vcpu%u", dir, parents[i], n);
			gap = access(vcpu, F_OK) ? gap + 1 : 0;
			if (!gap)
				add_limit(vm, vcpu);
		}
	}
}

/* One hierarchy: mounts are the places below sysfs where it may be.  True when all CPU
 * limits that hold for the VM are known: those of its own cgroups and of the ones above;
 * in a cgroup it shares only that there is none. */
static bool look_into(struct vm *vm, const struct files *f, const char *const *mounts, size_t n,
		      char *path, bool with_pressure)
{
	char dir[PATH_MAX_OURS];

	/* The root cgroup is nobody's own and has no limit. */
	if (!*path)
		return true;
	vm_cgroup(path);
	for (size_t i = 0; i < n; i++) {
		bool own;

		snprintf(dir, sizeof(dir), "%s/%s/%s", f->sysfs, mounts[i], path);
		if (!has_file(dir, "cgroup.procs"))
			continue;
		own = !vm->shared || is_own(dir, path, vm->pid);
		if (own) {
			vm->shared = false;
			if (with_pressure && has_file(dir, "cpu.pressure"))
				vm->psi_dir = xstrdup(dir);
			find_limits(vm, dir);
		}
		/* Up to the mount: what holds a parent back holds the VM back. */
		for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
			if (!own && has_limit(dir))
				return false;
			*slash = '\0';
			snprintf(dir, sizeof(dir), "%s/%s/%s", f->sysfs, mounts[i], path);
			if (own)
				add_limit(vm, dir);
		}
		return own || !has_limit(dir);
	}
	return false;
}

void vm_find_cgroups(struct vm *vm, const struct files *f, const struct vm *old)
{
	/* Mounted alone (v2), beside v1 (hybrid), or not at all. */
	static const char *const unified[] = {"fs/cgroup", "fs/cgroup/unified"};
	static const char *const v1_cpu[] = {"fs/cgroup/cpu", "fs/cgroup/cpu,cpuacct",
					     "fs/cgroup/cpuacct,cpu"};
	char text[8192], path[PATH_MAX_OURS / 2];
	bool known = true, any = false;

	if (file_read(text, sizeof(text), "%s/%d/cgroup", f->procfs, (int)vm->pid) <= 0)
		return;
	vm->cgroup = id_hash(0, text);
	vm->shared = true;
	/* Listing the processes of a large shared cgroup costs the kernel a sort of them all. */
	if (old && old->cgroup == vm->cgroup && old->shared) {
		vm->limits_known = old->limits_known;
		return;
	}
	if (has_cgroup_line(text, "")) {
		any = true;
		known = parse_cgroup_path(text, "", path, sizeof(path)) &&
			look_into(vm, f, unified, 2, path, true);
	}
	if (has_cgroup_line(text, "cpu")) {
		any = true;
		known = parse_cgroup_path(text, "cpu", path, sizeof(path)) &&
			look_into(vm, f, v1_cpu, 3, path, false) && known;
	}
	vm->limits_known = any && known;
}

/* ---- disks ---- */

/* The line of /proc/diskstats that is the device, or the disk of a partition. */
static void backing_name(char *ret, const struct files *f, const struct inventory *i, dev_t dev)
{
	char link[PATH_MAX_OURS], target[PATH_MAX_OURS], *name, *parent;
	ssize_t n;

	/* /sys/dev/block/8:1 -> ../../devices/.../block/sda/sda1 */
	snprintf(link, sizeof(link), "%s/dev/block/%u:%u", f->sysfs, major(dev), minor(dev));
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	if (!name || name == target)
		return;
	*name++ = '\0';
	parent = strrchr(target, '/');
	for (unsigned d = 0; d < i->n_disks; d++) {
		const char *disk = i->disks[d].name;

		/* The directory above is "block", a controller (nvme0), or a partition's disk. */
		if (parent && !strcmp(disk, parent + 1)) {
			snprintf(ret, BACKING_NAME, "%s", disk);
			return;
		}
		if (!strcmp(disk, name))
			snprintf(ret, BACKING_NAME, "%s", disk);
	}
}

void vm_find_backing(struct vm *vm, const struct files *f, const struct inventory *i)
{
	for (unsigned d = 0; d < vm->n_disks; d++) {
		struct vm_disk *disk = &vm->disks[d];
		char path[PATH_MAX_OURS];
		struct stat st;

		if (!disk->device || disk->device[0] != '/')
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s%s", f->rootfs, disk->device) >=
			    sizeof(path) ||
		    stat(path, &st))
			continue;
		if (S_ISBLK(st.st_mode)) {
			uint64_t sectors = file_number("%s/dev/block/%u:%u/size", f->sysfs,
						       major(st.st_rdev), minor(st.st_rdev));

			backing_name(disk->backing, f, i, st.st_rdev);
			if (sectors != ABSENT)
				disk->allocation = disk->physical = sectors * 512;
		} else if (S_ISREG(st.st_mode)) {
			backing_name(disk->backing, f, i, st.st_dev);
			disk->allocation = (uint64_t)st.st_blocks * 512;
			disk->physical = (uint64_t)st.st_size;
		}
	}
}

/* ---- taps ---- */

static struct nic_desc *add_nic(struct vm *vm)
{
	if (vm->n_nics >= VM_NICS_MAX)
		return NULL;
	vm->nics = xrealloc(vm->nics, vm->n_nics + 1, sizeof(*vm->nics));
	return memset(&vm->nics[vm->n_nics++], 0, sizeof(*vm->nics));
}

static bool has_tap(const struct vm *vm, const char *name)
{
	for (unsigned n = 0; n < vm->n_nics; n++)
		if (vm->nics[n].tap && !strcmp(vm->nics[n].tap, name))
			return true;
	return false;
}

/* iff:	vnet0 */
static void tap_of_fd(struct vm *vm, const struct files *f, const char *fd)
{
	char text[1024], *line, name[32];
	struct nic_desc *nic = NULL;

	if (file_read(text, sizeof(text), "%s/%d/fdinfo/%s", f->procfs, (int)vm->pid, fd) <= 0)
		return;
	line = strstr(text, "iff:");
	if (!line || sscanf(line, "iff: %31s", name) != 1 || has_tap(vm, name))
		return;
	/* An interface that is known without its tap is the one. */
	for (unsigned n = 0; n < vm->n_nics && !nic; n++)
		if (!vm->nics[n].tap)
			nic = &vm->nics[n];
	if (!nic)
		nic = add_nic(vm);
	if (nic)
		nic->tap = xstrdup(name);
}

void vm_find_taps(struct vm *vm, const struct files *f)
{
	char path[PATH_MAX_OURS];
	struct dirent *e;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%d/fd", f->procfs, (int)vm->pid);
	dir = opendir(path);
	while (dir && n++ < FDS_MAX && (e = readdir(dir))) {
		char link[PATH_MAX_OURS], target[64];
		ssize_t length;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		if ((size_t)snprintf(link, sizeof(link), "%s/%.16s", path, e->d_name) >=
		    sizeof(link))
			continue;
		length = readlink(link, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		if (!strcmp(target, "/dev/net/tun"))
			tap_of_fd(vm, f, e->d_name);
	}
	if (dir)
		closedir(dir);
}
