/* SPDX-License-Identifier: Apache-2.0 */
/* --check: what this host gives, a line each, for people who set it up. */
#include "connector.h"
#include "lookup.h"
#include "measure.h"
#include "report.h"
#include "sample.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_file(struct report *r, const char *path, const char *gives, const char *remedy)
{
	char text[4096];
	long n = file_read(text, sizeof(text), "%s", path);

	if (n > 0)
		report_line(r, true, "%s: %s", path, gives);
	else
		report_line(r, false, "%s: %s; %s", path, strerror((int)-n), remedy);
}

static void check_host(struct report *r, const struct files *f)
{
	static const struct {
		const char *name, *gives, *remedy;
	} files[] = {
		{"stat", "CPU of the host", "is --procfs right?"},
		{"meminfo", "memory of the host", "is --procfs right?"},
		{"diskstats", "disks of the host", "is --procfs right?"},
		{"1/net/dev", "interfaces of the host", "the PID namespace must be the host's"},
		{"pressure/cpu", "pressure (PSI)",
		 "it needs Linux 4.20 or newer (uname -r) booted with psi=1"},
		{"self/schedstat", "run-queue wait (steal)", "the kernel needs CONFIG_SCHED_INFO"},
	};
	char path[PATH_MAX_OURS];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->procfs, files[i].name);
		check_file(r, path, files[i].gives, files[i].remedy);
	}
	snprintf(path, sizeof(path), "%s/class/net", f->sysfs);
	report_line(r, access(path, R_OK) == 0, "%s: classes and speeds of devices", path);
}

static void check_vm(struct report *r, const struct files *f, const struct vm *vm)
{
	char text[256];
	long io = vm->pid ? file_read(text, sizeof(text), "%s/%d/io", f->procfs, (int)vm->pid)
			  : -ESRCH;
	char vmid[32] = "";

	if (vm->vmid)
		snprintf(vmid, sizeof(vmid), " VMID %u", vm->vmid);
	if (!vm->pid) {
		report_line(r, false, "VM %s (%s)%s: its process is not seen below %s", vm->name,
			    vm->uuid, vmid, f->procfs);
		return;
	}
	report_line(r, io > 0, "VM %s (%s)%s: PID %d, found by %s, %u disks, %u interfaces, %s, %s",
		    vm->name, vm->uuid, vmid, (int)vm->pid, vm->hypervisor, vm->n_disks, vm->n_nics,
		    vm->psi_dir ? "own cgroup with pressure" : "no cgroup of its own (no pressure)",
		    io > 0 ? "I/O readable" : "I/O not readable: needs root (sudo proxtop --io)");
}

/* connector NULL: none, or one that gives nothing. */
static void check_vms(struct report *r, const struct files *f, const struct source_ops *connector,
		      const struct source_options *so)
{
	struct hub *hub = hub_new();
	struct lookup_options lo = {.files = f,
				    .hub = hub,
				    .source = connector ? connector->name : NULL,
				    .synchronous = true};
	struct lookup *l = lookup_new(&lo);
	const struct inventory *i;
	struct source *source = NULL;

	if (connector && connector->open(&source, so, hub) == 0)
		connector->step(source);
	lookup_run(l);
	i = lookup_get(l);
	for (unsigned v = 0; v < i->n_vms; v++)
		check_vm(r, f, &i->vms[v]);
	if (!i->n_vms)
		report_line(r, true,
			    "no QEMU process is seen in %s (virsh list --all, qm list; in a "
			    "container the host's processes must be visible)",
			    f->procfs);
	lookup_put(l, i);
	if (source)
		connector->close(source);
	lookup_free(l);
	hub_free(hub);
}

static uint64_t now(void *arg)
{
	(void)arg;
	return 0;
}

int measure_check(const struct measure_options *o, void (*say)(void *arg, const char *line),
		  void *arg)
{
	struct report r = {say, arg, 0};
	struct files f;
	struct source_options so = {0};
	const struct source_ops *connector;
	int faults = 0;

	files_init(&f, o->procfs, o->sysfs, o->rootfs);
	check_host(&r, &f);
	connector = connector_choose(o->connector, &f, o->connection);
	if (connector) {
		so = (struct source_options){
			.procfs = f.procfs,
			.rootfs = f.rootfs,
			.connection = o->connection,
			.interval = 5,
			.families = 1u << F_IDENT, /* the list; nothing is asked of VMs */
			.synchronous = true,
			.now_ns = now,
		};
		faults = connector->check(&so, say, arg);
		r.faults += faults;
	} else {
		report_line(&r, false, "no connector: neither libvirt nor Proxmox VE found");
	}
	check_vms(&r, &f, faults ? NULL : connector, &so);
	files_fini(&f);
	return r.faults;
}
