/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM of Proxmox VE leaves in the file system and in its command line. */
#include "fakevm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_NAME "FAKEVM"

/* Parents first; removed from the end. */
static const char *const directories[] = {"run", "run/qemu-server", "var",
					  "etc", "etc/pve",         "etc/pve/qemu-server"};
enum { N_DIRECTORIES = sizeof directories / sizeof *directories };

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	if (vasprintf(&s, format, ap) < 0)
		abort();
	va_end(ap);
	return s;
}

int fakevm_make_root(const char *dir)
{
	char path[PATH_MAX];

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	for (int i = 0; i < N_DIRECTORIES; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, directories[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	/* Relative, so that it also holds below another root. */
	snprintf(path, sizeof path, "%s/var/run", dir);
	if (symlink("../run", path) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

void fakevm_remove_root(const char *dir)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/var/run", dir);
	unlink(path);
	for (int i = N_DIRECTORIES; i-- > 0;) {
		snprintf(path, sizeof path, "%s/%s", dir, directories[i]);
		rmdir(path);
	}
	rmdir(dir);
}

static int write_file(const char *path, const char *content)
{
	size_t n = strlen(content);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	ssize_t done;
	int err;

	if (fd < 0)
		return -errno;
	done = write(fd, content, n);
	err = done < 0 ? -errno : (size_t)done < n ? -ENOSPC : 0;
	close(fd);
	return err;
}

static char *uuid(unsigned id)
{
	return text("b7a9f0e2-6c1d-4e83-9a57-%012x", id);
}

static char *mac(unsigned id)
{
	return text("BC:24:11:%02X:%02X:%02X", id >> 16 & 0xff, id >> 8 & 0xff, id & 0xff);
}

int fakevm_write_config(const char *dir, const struct fakevm *vm)
{
	char path[PATH_MAX], content[4096];
	char *u = uuid(vm->id), *m = mac(vm->id);
	int n;

	n = snprintf(content, sizeof content,
		     "#made for a measurement\n"
		     "agent: 1\n"
		     "balloon: 1024\n"
		     "boot: order=scsi0;net0\n"
		     "cores: %u\n"
		     "cpu: kvm64\n"
		     "memory: 2048\n"
		     "meta: creation-qemu=9.0.2,ctime=1700000000\n"
		     "name: vm%u\n"
		     "net0: virtio=%s,bridge=vmbr0,firewall=1\n"
		     "numa: 0\n"
		     "onboot: 1\n"
		     "ostype: l26\n",
		     vm->vcpus, vm->id, m);
	for (unsigned d = 0; d < vm->disks; d++)
		n += snprintf(content + n, sizeof content - (size_t)n,
			      "scsi%u: local-lvm:vm-%u-disk-%u,iothread=1,size=32G\n", d, vm->id,
			      d);
	snprintf(content + n, sizeof content - (size_t)n,
		 "scsihw: virtio-scsi-single\n"
		 "smbios1: uuid=%s\n"
		 "sockets: 1\n"
		 "tags: bench;%s\n"
		 "\n"
		 "[before]\n"
		 "cores: 1\n"
		 "memory: 512\n"
		 "name: older\n",
		 u, vm->id % 2 ? "odd" : "even");
	free(u);
	free(m);
	snprintf(path, sizeof path, "%s/etc/pve/qemu-server/%u.conf", dir, vm->id);
	return write_file(path, content);
}

int fakevm_write_pid(const char *dir, unsigned id, pid_t pid)
{
	char path[PATH_MAX], content[32];

	snprintf(path, sizeof path, "%s/run/qemu-server/%u.pid", dir, id);
	snprintf(content, sizeof content, "%d\n", (int)pid);
	return write_file(path, content);
}

void fakevm_remove_files(const char *dir, unsigned id)
{
	static const char *const suffixes[] = {"pid", "qmp"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(path, sizeof path, "%s/run/qemu-server/%u.%s", dir, id, suffixes[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/etc/pve/qemu-server/%u.conf", dir, id);
	unlink(path);
}

char **fakevm_argv(const struct fakevm *vm)
{
	unsigned id = vm->id, n = 0;
	char *u = uuid(id), *m = mac(id);
	char **argv = calloc(64 + 4 * (size_t)vm->disks, sizeof *argv);

	if (!argv)
		abort();
#define ADD(...) (argv[n++] = text(__VA_ARGS__))
	ADD("/usr/bin/kvm");
	ADD("-id"), ADD("%u", id);
	ADD("-name"), ADD("vm%u,debug-threads=on", id);
	ADD("-no-shutdown");
	ADD("-chardev");
	ADD("socket,id=qmp,path=/var/run/qemu-server/%u.qmp,server=on,wait=off", id);
	ADD("-mon"), ADD("chardev=qmp,mode=control");
	ADD("-chardev"), ADD("socket,id=qmp-event,path=/var/run/qmeventd.sock,reconnect=5");
	ADD("-mon"), ADD("chardev=qmp-event,mode=control");
	ADD("-pidfile"), ADD("/var/run/qemu-server/%u.pid", id);
	ADD("-daemonize");
	ADD("-smbios"), ADD("type=1,uuid=%s", u);
	ADD("-smp"), ADD("%u,sockets=1,cores=%u,maxcpus=%u", vm->vcpus, vm->vcpus, vm->vcpus);
	ADD("-nodefaults");
	ADD("-boot"), ADD("menu=on,strict=on,reboot-timeout=1000");
	ADD("-vnc"), ADD("unix:/var/run/qemu-server/%u.vnc,password=on", id);
	ADD("-cpu"), ADD("kvm64,enforce,+kvm_pv_eoi,+kvm_pv_unhalt,+lahf_lm,+sep");
	ADD("-m"), ADD("2048");
	ADD("-object"), ADD("iothread,id=iothread-virtioscsi0");
	ADD("-device"),
		ADD("virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x3,free-page-reporting=on");
	ADD("-device");
	ADD("virtio-scsi-pci,id=virtioscsi0,bus=pci.3,addr=0x1,iothread=iothread-virtioscsi0");
	for (unsigned d = 0; d < vm->disks; d++) {
		ADD("-drive");
		ADD("file=/dev/pve/vm-%u-disk-%u,if=none,id=drive-scsi%u,format=raw,cache=none,"
		    "aio=io_uring,detect-zeroes=on",
		    id, d, d);
		ADD("-device");
		ADD("scsi-hd,bus=virtioscsi0.0,channel=0,scsi-id=0,lun=%u,drive=drive-scsi%u,"
		    "id=scsi%u",
		    d, d, d);
	}
	ADD("-netdev");
	ADD("type=tap,id=net0,ifname=tap%ui0,script=/usr/libexec/qemu-server/pve-bridge,"
	    "downscript=/usr/libexec/qemu-server/pve-bridgedown,vhost=on",
	    id);
	ADD("-device"), ADD("virtio-net-pci,mac=%s,netdev=net0,bus=pci.0,addr=0x12,id=net0", m);
	ADD("-machine"), ADD("type=pc+pve0");
#undef ADD
	free(u);
	free(m);
	return argv;
}

char *fakevm_to_env(const struct fakevm *vm)
{
	return text(ENV_NAME "=%u %u %u %u %u %u %u %d %d %llu", vm->id, vm->vcpus, vm->others,
		    vm->busy, vm->sleep_min_ms, vm->sleep_max_ms, vm->disks, (int)vm->monitor,
		    (int)vm->tap, vm->started_ms);
}

int fakevm_from_env(struct fakevm *ret)
{
	const char *s = getenv(ENV_NAME);
	struct fakevm vm = {0};
	int monitor, tap;

	if (!s || sscanf(s, "%u %u %u %u %u %u %u %d %d %llu", &vm.id, &vm.vcpus, &vm.others,
			 &vm.busy, &vm.sleep_min_ms, &vm.sleep_max_ms, &vm.disks, &monitor, &tap,
			 &vm.started_ms) != 10)
		return -EINVAL;
	vm.monitor = (enum fakevm_monitor)monitor;
	vm.tap = tap;
	*ret = vm;
	return 0;
}
