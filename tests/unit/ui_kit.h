/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_UI_KIT_H
#define PROXTOP_TEST_UI_KIT_H

/*
 * A small cluster that is the same every time, and a console on it.
 *
 * Of host 0: db-1 waits (steal 20 % of 2 vCPUs on CPU 3), and batch-7 burns CPU 3; web-2 has a
 * slow disk.  All other VMs do a little.  Every second the counters go on by the same.
 */
#include "grid_kit.h"
#include "ui.h"
#include "world_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS_NS UINT64_C(1000000)

struct fleet {
	unsigned hosts, vms; /* VMs of each host */
	unsigned stale;      /* the last hosts are silent */
	unsigned moved;      /* VM 0 of host 0 is on host 1 instead */
	unsigned gone;       /* so many VMs less on each host */
};

static inline void fleet_vcpus(struct sample *s, uint32_t vm, unsigned host, unsigned i,
			       uint64_t second)
{
	/* ns per second: run and wait of each vCPU */
	uint64_t run = (20 + i % 7 * 10 + host % 3) * MS_NS, wait = (i % 5) * MS_NS;
	uint64_t last = 4 + i % 12;

	if (!host && i == 0) {
		run = 300 * MS_NS;
		wait = 200 * MS_NS;
		last = 3;
	}
	if (!host && i == 1) {
		run = 980 * MS_NS;
		last = 3;
	}
	for (unsigned c = 0; c < 2; c++) {
		uint32_t row = kit_below(s, SCOPE_VCPU, vm, c);

		sample_set(s, SCOPE_VCPU, row, M_VCPU, c);
		sample_set(s, SCOPE_VCPU, row, M_RUN, (1000 + run) * second);
		sample_set(s, SCOPE_VCPU, row, M_WAIT, wait * second);
		sample_set(s, SCOPE_VCPU, row, M_CPU_LAST, last);
	}
}

static inline void fleet_pair(struct sample *s, uint32_t row, enum metric_id m, uint64_t by,
			      uint64_t second)
{
	sample_set_pair(s, SCOPE_VM_DISK, row, m, by * second, by * (second - 1));
}

static inline void fleet_disk(struct sample *s, uint32_t vm, unsigned host, unsigned i,
			      uint64_t second)
{
	uint32_t row = kit_below(s, SCOPE_VM_DISK, vm, 0);
	struct table *t = &s->table[SCOPE_VM_DISK];
	uint64_t latency = !host && i == 2 ? 60 * MS_NS : 1 * MS_NS, ops = 10 + i % 9;

	sample_set_text(s, SCOPE_VM_DISK, row, M_DISK_NAME, "scsi0");
	sample_set_text(s, SCOPE_VM_DISK, row, M_DISK_DEVICE, "/dev/vg/vm-disk-0");
	sample_set_text(s, SCOPE_VM_DISK, row, M_DISK_BACKING, "sda");
	sample_set_pair(s, SCOPE_VM_DISK, row, M_VD_CAPACITY, UINT64_C(34359738368), ABSENT);
	fleet_pair(s, row, M_VD_RD_OPS, ops, second);
	fleet_pair(s, row, M_VD_WR_OPS, 2 * ops, second);
	fleet_pair(s, row, M_VD_RD_NS, ops * latency, second);
	fleet_pair(s, row, M_VD_WR_NS, 2 * ops * latency, second);
	fleet_pair(s, row, M_VD_RD_BYTES, ops * 16384, second);
	fleet_pair(s, row, M_VD_WR_BYTES, ops * 65536, second);
	t->read_ns[row] = second * KIT_SECOND;
	t->prev_ns[row] = (second - 1) * KIT_SECOND;
}

static inline void fleet_nic(struct sample *s, uint32_t vm, unsigned i, uint64_t second)
{
	uint32_t row = kit_below(s, SCOPE_VM_NIC, vm, 0);
	char name[40];

	snprintf(name, sizeof(name), "tap%ui0", 100 + i);
	sample_set_text(s, SCOPE_VM_NIC, row, M_NIC_NAME, name);
	sample_set_text(s, SCOPE_VM_NIC, row, M_NIC_BRIDGE, "vmbr0");
	sample_set(s, SCOPE_VM_NIC, row, M_VN_RX_BYTES, (1000 + i * 100) * second);
	sample_set(s, SCOPE_VM_NIC, row, M_VN_TX_BYTES, (2000 + i * 50) * second);
}

static inline void fleet_vm(struct sample *s, unsigned host, unsigned i, uint64_t second)
{
	static const char *const names[] = {"db-1", "batch-7", "web-2"};
	char name[40], uuid[40];
	uint32_t vm;

	snprintf(name, sizeof(name), "vm-%u-%u", host, i);
	if (!host && i < 3)
		snprintf(name, sizeof(name), "%s", names[i]);
	snprintf(uuid, sizeof(uuid), "%08x-0000-4000-8000-%012x", host, i);
	vm = kit_vm(s, uuid, name, "running");
	sample_set(s, SCOPE_VM, vm, M_VMID, 100 + host * 1000 + i);
	sample_set(s, SCOPE_VM, vm, M_UPTIME, 86400 + i);
	sample_set(s, SCOPE_VM, vm, M_CPU_CORES, 2);
	sample_set(s, SCOPE_VM, vm, M_RAM_TOTAL, 4194304);
	if (i % 2)
		sample_set_text(s, SCOPE_VM, vm, M_TAGS, "prod;web");
	fleet_vcpus(s, vm, host, i, second);
	fleet_disk(s, vm, host, i, second);
	fleet_nic(s, vm, i, second);
}

static inline void fleet_devices(struct sample *s, uint64_t second)
{
	static const char *const disks[][2] = {{"sda", "physical"},
					       {"nvme0n1", "physical"},
					       {"vg-root", "lvm"},
					       {"mpatha", "multipath"}};

	for (unsigned i = 0; i < 4; i++) {
		uint32_t row = sample_row(s, SCOPE_HOST_DISK, 0, 1000 + i);

		sample_set_text(s, SCOPE_HOST_DISK, row, M_DISK_NAME, disks[i][0]);
		sample_set_text(s, SCOPE_HOST_DISK, row, M_DISK_CLASS, disks[i][1]);
		sample_set(s, SCOPE_HOST_DISK, row, M_HD_READS, (10 + i) * second);
		sample_set(s, SCOPE_HOST_DISK, row, M_HD_WRITES, 5 * second);
		sample_set(s, SCOPE_HOST_DISK, row, M_HD_BUSYMS, (100 + 200 * i) * second);
		sample_set(s, SCOPE_HOST_DISK, row, M_HD_COUNT, 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		uint32_t row = sample_row(s, SCOPE_HOST_NIC, 0, 2000 + i);

		sample_set_text(s, SCOPE_HOST_NIC, row, M_NIC_NAME, i ? "eno2" : "eno1");
		sample_set(s, SCOPE_HOST_NIC, row, M_HN_SPEED, 10000);
		sample_set(s, SCOPE_HOST_NIC, row, M_HN_RX_BYTES, 1000000 * (i + 1) * second);
		sample_set(s, SCOPE_HOST_NIC, row, M_HN_TX_BYTES, 500000 * second);
	}
}

static inline struct frame *fleet_frame(const struct fleet *f, unsigned host, uint64_t second)
{
	struct sample *s = sample_new();
	struct frame *frame;
	char name[40];

	kit_host(s);
	snprintf(name, sizeof(name), "hv%02u", host);
	sample_set(s, SCOPE_HOST, 0, M_CPU_CORES, 16);
	sample_set(s, SCOPE_HOST, 0, M_HOST_UPTIME, 1000000 + second);
	sample_set(s, SCOPE_HOST, 0, M_MEM_TOTAL, 67108864);
	sample_set(s, SCOPE_HOST, 0, M_MEM_FREE, 30000000);
	sample_set(s, SCOPE_HOST, 0, M_MEM_AVAILABLE, 33554432);
	sample_set(s, SCOPE_HOST, 0, M_HT_USER, 400 * second);
	sample_set(s, SCOPE_HOST, 0, M_HT_SYSTEM, 200 * second);
	sample_set(s, SCOPE_HOST, 0, M_HT_NICE, 0);
	sample_set(s, SCOPE_HOST, 0, M_HT_IDLE, 1000 * second);
	for (unsigned i = 0; i + f->gone < f->vms; i++)
		if (!(f->moved && !host && !i))
			fleet_vm(s, host, i, second);
	if (f->moved && host == 1)
		fleet_vm(s, 0, 0, second);
	fleet_devices(s, second);
	frame = kit_frame(s, name, second);
	sample_free(s);
	return frame;
}

/* The moment of this second; stale hosts stay at the second they had at first. */
static inline struct moment *fleet_moment(const struct fleet *f, uint64_t second, bool live)
{
	struct moment *m = moment_new();

	for (unsigned h = 0; h < f->hosts; h++) {
		bool stale = h + f->stale >= f->hosts;
		uint64_t at = stale ? 10 : second;
		struct frame *now = fleet_frame(f, h, at), *before = fleet_frame(f, h, at - 1);

		moment_add(m, NULL, now, before, KIT_WALL + second * KIT_SECOND);
		frame_unref(now);
		frame_unref(before);
	}
	moment_sort(m);
	m->wall_ns = KIT_WALL + second * KIT_SECOND;
	m->live = live;
	return m;
}

/* ---- the console ---- */

static inline struct ui *kit_ui(const struct fleet *f, const struct settings *settings)
{
	struct ui_options o = {.settings = settings, .interval = 2, .feed = f->hosts > 1};

	return ui_new(&o);
}

static inline void kit_show(struct ui *u, const struct fleet *f, uint64_t second)
{
	struct moment *m = fleet_moment(f, second, true);

	ui_moment(u, m);
	moment_unref(m);
}

/* Runs a script of keys, drawing after each. */
static inline void kit_keys(struct ui *u, struct grid *g, const char *script)
{
	struct key *keys;
	size_t n;
	char why[200];

	if (key_script(&keys, &n, script, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	ui_draw(u, g);
	for (size_t i = 0; i < n; i++) {
		ui_key(u, &keys[i]);
		ui_draw(u, g);
	}
	free(keys);
}

/* The screen as text, freed by the caller. */
static inline char *kit_text(struct ui *u, struct grid *g)
{
	ui_draw(u, g);
	return grid_kit_text(g, false);
}

/* Row y of it. */
static inline char *kit_line(struct ui *u, struct grid *g, unsigned y)
{
	char *text = kit_text(u, g), *line = text, *copy;

	while (y-- && line && (line = strchr(line, '\n')))
		line++;
	copy = line ? strndup(line, strcspn(line, "\n")) : strdup("");
	free(text);
	return copy;
}

static inline void kit_on_screen(struct ui *u, struct grid *g, const char *what, bool wanted)
{
	char *text = kit_text(u, g);

	if (!strstr(text, what) == wanted)
		fail_msg("'%s' is%s on the screen:\n%s", what, wanted ? " not" : "", text);
	free(text);
}

static inline void kit_rows_are(const struct ui *u, uint32_t n, const char *why)
{
	uint32_t at, rows;

	ui_cursor(u, &at, &rows);
	if (rows != n)
		fail_msg("%s: %u rows, not %u", why, rows, n);
}

#endif
