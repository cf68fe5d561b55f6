/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_PROXMOX_KIT_H
#define PROXTOP_TEST_PROXMOX_KIT_H

/* What the tests of the Proxmox VE source share: a node of files with monitors, and a connector at
 * it. */
#include "capture.h"
#include "fake_pve.h"
#include "hub.h"
#include "log.h"
#include "sample.h"
#include "source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab31"

/* The tests' clock: what readings are stamped with. */
static uint64_t test_clock = 1000;

static inline uint64_t test_now(void *arg)
{
	(void)arg;
	return test_clock;
}

struct world {
	struct fake f;
	struct hub *hub;
	struct source *source;
	struct source_options o;
};

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fake_init(&w->f);
	w->hub = hub_new();
	w->o = (struct source_options){
		.procfs = w->f.procfs,
		.rootfs = w->f.rootfs,
		.interval = 5,
		.families = ~0u,
		.synchronous = true,
		.now_ns = test_now,
	};
}

static inline void world_open(struct world *w)
{
	assert_int_equal(source_proxmox.open(&w->source, &w->o, w->hub), 0);
}

static inline void world_fini(struct world *w)
{
	source_proxmox.close(w->source);
	hub_free(w->hub);
	fake_free(&w->f);
}

/* A QEMU as Proxmox VE starts it, with PID vmid + 1000. */
static inline void add_vm(struct world *w, unsigned vmid, const char *more)
{
	char text[2048], name[32];

	snprintf(text, sizeof(text),
		 "/usr/bin/kvm -id %u -name vm%u,debug-threads=on -smbios type=1,uuid=" UUID "%02u "
		 "-smp 2 -m 192 -drive file=/img/%u,if=none,id=drive-scsi0 -device "
		 "scsi-hd,drive=drive-scsi0,id=scsi0 -netdev type=tap,id=net0,ifname=tap%ui0 "
		 "-device virtio-net-pci,mac=BC:24:11:00:00:01,netdev=net0,id=net0%s%s",
		 vmid, vmid, vmid % 100, vmid, vmid, *more ? " " : "", more);
	fake_process(&w->f, (int)vmid + 1000, 77, text);
	snprintf(name, sizeof(name), "%u.pid", vmid);
	snprintf(text, sizeof(text), "%u\n", vmid + 1000);
	fake_run_file(&w->f, name, text);
}

static inline void add_config(struct world *w, unsigned vmid, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "cores: 2\nide2: none,media=cdrom\nmemory: 192\nname: web%u\nnet0: "
		 "virtio=BC:24:11:00:00:01,bridge=vmbr0\nscsi0: local:%u/d.raw,size=64M\nscsi1: "
		 "ceph:vm-%u-disk-1,size=1G\ntags: a;b\n%s\n[snap]\nname: old\nlock: snapshot\n",
		 vmid, vmid, vmid, more);
	fake_config(&w->f, vmid, text);
}

static inline const struct vm_desc *find(const struct vm_list *l, unsigned vmid)
{
	for (unsigned i = 0; l && i < l->n; i++) {
		if (l->vms[i].vmid == vmid)
			return &l->vms[i];
	}
	return NULL;
}

static inline const struct vm_desc *must_find(const struct vm_list *l, unsigned vmid)
{
	const struct vm_desc *d = find(l, vmid);

	if (!d)
		fail_msg("VM %u is not listed", vmid);
	return d;
}

static inline uint64_t value_of(const struct guest_values *g, enum metric_id m)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->v[i].metric == m)
			return g->v[i].value;
	}
	return ABSENT;
}

#define TWO_DISKS                                                                                  \
	"{\"return\": [{\"device\": \"drive-scsi0\", \"stats\": {\"rd_bytes\": 11}, \"qdev\": "    \
	"\"scsi0\"}, {\"device\": \"drive-ide2\", \"stats\": {\"rd_bytes\": 12}, \"qdev\": "       \
	"\"ide2\"}, {\"device\": \"\", \"qdev\": \"scsi1\", \"node-name\": \"drive-scsi1\", "      \
	"\"stats\": {\"rd_bytes\": 13}}, {\"device\": \"pflash0\", \"stats\": {\"rd_bytes\": "     \
	"14}}, {\"device\": \"\", \"node-name\": \"drive-scsi0-fleecing\", \"stats\": "            \
	"{\"rd_bytes\": 15}}]}"

#endif
