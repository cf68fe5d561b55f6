/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_WIRE_SAMPLE_H
#define TEST_WIRE_SAMPLE_H

/*
 * Samples as a hypervisor would give them, made up: every raw metric in every scope, of the
 * size and at the pace that its unit suggests.  The same arguments give the same sample;
 * one second later counters have grown and gauges moved.
 */
#include "frame.h"
#include "sample.h"

#include <stdio.h>
#include <string.h>

#define WIRE_SECOND UINT64_C(1000000000)
#define WIRE_BOOT   (UINT64_C(4321000) * WIRE_SECOND) /* the host is up for fifty days */

struct wire_host {
	unsigned vms, vcpus, disks, nics; /* vms; the others for each VM */
	uint64_t seed;
	uint64_t second; /* samples are one second apart */
};

static inline uint64_t wire_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* 0 to 1 */
static inline double wire_part(uint64_t a, uint64_t b)
{
	return (double)(wire_mix(a, b) >> 11) / 9007199254740992.0;
}

/* What hardly ever happens. */
static inline bool wire_is_rare(enum metric_id m)
{
	switch (m) {
	case M_HN_RX_ERRS:
	case M_HN_RX_DROP:
	case M_HN_RX_FIFO:
	case M_HN_RX_FRAME:
	case M_HN_RX_COMPRESSED:
	case M_HN_TX_ERRS:
	case M_HN_TX_DROP:
	case M_HN_TX_FIFO:
	case M_HN_TX_COLLS:
	case M_HN_TX_CARRIER:
	case M_HN_TX_COMPRESSED:
	case M_VN_RX_ERRS:
	case M_VN_RX_DROP:
	case M_VN_RX_FIFO:
	case M_VN_RX_COMPRESSED:
	case M_VN_TX_ERRS:
	case M_VN_TX_DROP:
	case M_VN_TX_FIFO:
	case M_VN_TX_COMPRESSED:
	case M_RAM_CMINFLT:
	case M_RAM_CMAJFLT:
	case M_RAM_MAJFLT:
	case M_RAM_SWAPIN:
	case M_RAM_SWAPOUT:
	case M_IO_CANCELLED:
	case M_THROTTLED:
	case M_LIMITED:
		return true;
	default:
		return false;
	}
}

/* Taps have no such counters: VMs always lack them. */
static inline bool wire_is_lacking(enum metric_id m)
{
	return m == M_VN_RX_FRAME || m == M_VN_RX_MULTICAST || m == M_VN_TX_COLLS ||
	       m == M_VN_TX_CARRIER;
}

/* How much a counter grows in a second at the most. */
static inline double wire_pace(uint8_t unit)
{
	switch (unit) {
	case U_NS:
		return 9e8;
	case U_US:
		return 4e5;
	case U_MS:
		return 700;
	case U_TICK:
		return 60;
	case U_BYTE:
		return 2e7;
	case U_SECTOR:
		return 4e4;
	default:
		return 3000;
	}
}

static inline uint64_t wire_counter(uint64_t id, enum metric_id m, uint64_t second)
{
	/* Things are up for an hour to forty days, and most of them do little. */
	double up = 3600 + 3.5e6 * wire_part(id, 1000) * wire_part(id, 1001);
	double busy = wire_part(id, m) * wire_part(id, 1002) * wire_part(id, 1003);
	double at =
		(up + (double)second + wire_part(id, second)) * busy * wire_pace(metrics[m].unit);

	if (wire_is_rare(m))
		return wire_mix(id, m) % 12 ? 0 : wire_mix(id, m) % 5000 + second / 7;
	return (uint64_t)at;
}

static inline uint64_t wire_gauge(uint64_t id, enum metric_id m, uint64_t second)
{
	uint64_t h = wire_mix(id, m), gib = UINT64_C(1) << (h % 5);

	switch (metrics[m].unit) {
	case U_KIB:
		if (m == M_RAM_TOTAL || m == M_RAM_BALLOON || m == M_MEM_TOTAL)
			return gib << 20;
		return (gib << 20) / 3 + wire_mix(h, second) % 40000;
	case U_BYTE:
		if (m == M_VD_CAPACITY)
			return (h % 500 + 8) << 30;
		return ((h % 3000000) + wire_mix(h, second) % 100) << 12;
	case U_ID:
		return m == M_VCPU ? id % 8 : m == M_CPU_LAST ? h % 64 : h % 4000000;
	case U_SECOND:
		return 3600 + h % 4000000 + second;
	case U_CENTIPERCENT:
		return wire_mix(h, second) % 300;
	case U_MHZ:
		return 800 + h % 3000;
	case U_MBIT:
		return 10000;
	default:
		return h % 9;
	}
}

static inline void wire_text_of(char to[64], enum metric_id m, uint64_t id)
{
	uint64_t h = wire_mix(id, m);

	switch (m) {
	case M_UUID:
	case M_HOST_UUID:
		snprintf(to, 64, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)h,
			 (unsigned)(h >> 32 & 0xffff), (unsigned)(h >> 48 & 0xfff),
			 (unsigned)(h >> 20 & 0xfff), (unsigned long long)(wire_mix(h, 1) >> 16));
		break;
	case M_NAME:
		snprintf(to, 64, "vm-%u.example.com", (unsigned)(id % 100000));
		break;
	case M_STATE:
		snprintf(to, 64, "running");
		break;
	case M_HYPERVISOR:
		snprintf(to, 64, "proxmox");
		break;
	case M_NIC_MAC:
		snprintf(to, 64, "bc:24:11:%02x:%02x:%02x", (unsigned)h & 255,
			 (unsigned)(h >> 8) & 255, (unsigned)(h >> 16) & 255);
		break;
	case M_NIC_BRIDGE:
		snprintf(to, 64, "vmbr%u", (unsigned)(h % 2));
		break;
	case M_NIC_NAME:
		snprintf(to, 64, "tap%ui0", (unsigned)(id % 100000));
		break;
	case M_DISK_NAME:
		snprintf(to, 64, "scsi%u", (unsigned)(id % 4));
		break;
	case M_DISK_BACKING:
		snprintf(to, 64, "dm-%u", (unsigned)(h % 200));
		break;
	case M_DISK_DEVICE:
		snprintf(to, 64, "/dev/pve/vm-%u-disk-%u", (unsigned)(id / 8 % 100000),
			 (unsigned)(id % 4));
		break;
	default:
		snprintf(to, 64, "hv-07");
	}
}

/* All that a row of that scope can have. */
static inline void wire_fill_row(struct sample *s, enum scope scope, uint32_t row,
				 const struct wire_host *h)
{
	uint64_t id = s->table[scope].id[row];
	char text[64];

	for (int m = 0; m < METRICS; m++) {
		if (!(metrics[m].scopes & (1u << scope)) || metrics[m].kind == DERIVED ||
		    metric_is_rollup(m, scope) || (scope == SCOPE_VM_NIC && wire_is_lacking(m)))
			continue;
		if (metrics[m].kind == INFO) {
			wire_text_of(text, m, id);
			sample_set_text(s, scope, row, m, text);
		} else if (metrics[m].flags & OWN_TIME) {
			/* asked every five seconds, each at its own time */
			uint64_t asked = (h->second + id % 5) / 5 * 5;

			sample_set_pair(s, scope, row, m,
					metrics[m].kind == GAUGE ? wire_gauge(id, m, asked)
								 : wire_counter(id, m, asked),
					metrics[m].kind == GAUGE
						? ABSENT
						: wire_counter(id, m, asked >= 5 ? asked - 5 : 0));
		} else {
			sample_set(s, scope, row, m,
				   metrics[m].kind == GAUGE ? wire_gauge(id, m, h->second)
							    : wire_counter(id, m, h->second));
		}
	}
}

static inline void wire_read_times(struct sample *s, enum scope scope, uint32_t row, uint64_t vm)
{
	uint64_t ago = wire_mix(vm, s->boot_ns / WIRE_SECOND / 5) % (5 * WIRE_SECOND);

	s->table[scope].read_ns[row] = s->boot_ns - ago;
	s->table[scope].prev_ns[row] =
		s->boot_ns - ago - 5 * WIRE_SECOND - wire_mix(vm, ago) % 3000000;
}

static inline void wire_fill_vm(struct sample *s, const struct wire_host *h, uint64_t id)
{
	uint32_t vm = sample_row(s, SCOPE_VM, 0, wire_mix(h->seed, id)), row;

	wire_fill_row(s, SCOPE_VM, vm, h);
	wire_read_times(s, SCOPE_VM, vm, id);
	for (unsigned i = 0; i < h->vcpus; i++) {
		row = sample_row(s, SCOPE_VCPU, vm, wire_mix(h->seed, id * 8 + i + 1000000));
		wire_fill_row(s, SCOPE_VCPU, row, h);
	}
	for (unsigned i = 0; i < h->disks; i++) {
		row = sample_row(s, SCOPE_VM_DISK, vm, wire_mix(h->seed, id * 8 + i + 2000000));
		wire_fill_row(s, SCOPE_VM_DISK, row, h);
		wire_read_times(s, SCOPE_VM_DISK, row, id);
	}
	for (unsigned i = 0; i < h->nics; i++) {
		row = sample_row(s, SCOPE_VM_NIC, vm, wire_mix(h->seed, id * 8 + i + 3000000));
		wire_fill_row(s, SCOPE_VM_NIC, row, h);
	}
}

static inline void wire_fill(struct sample *s, const struct wire_host *h)
{
	uint32_t row;

	sample_clear(s);
	s->boot_ns = WIRE_BOOT + h->second * WIRE_SECOND;
	s->wall_ns = UINT64_C(1795000000) * WIRE_SECOND + h->second * WIRE_SECOND;
	s->epoch = 77;
	s->sequence = h->second + 1;
	wire_fill_row(s, SCOPE_HOST, sample_row(s, SCOPE_HOST, NO_ROW, 1), h);
	for (unsigned i = 0; i < h->vms; i++)
		wire_fill_vm(s, h, i);
	for (uint64_t i = 0; i < 4; i++) {
		row = sample_row(s, SCOPE_HOST_DISK, 0, wire_mix(h->seed, 4000000 + i));
		wire_fill_row(s, SCOPE_HOST_DISK, row, h);
		s->table[SCOPE_HOST_DISK].counted[row] = i % 2 == 0;
		row = sample_row(s, SCOPE_HOST_NIC, 0, wire_mix(h->seed, 5000000 + i));
		wire_fill_row(s, SCOPE_HOST_NIC, row, h);
		row = sample_row(s, SCOPE_SELF, 0, wire_mix(h->seed, 6000000 + i));
		wire_fill_row(s, SCOPE_SELF, row, h);
	}
}

static inline void wire_head(struct frame_head *head, const struct sample *s)
{
	*head = (struct frame_head){.host_id = "0123456789abcdef0123456789abcdef",
				    .host_name = "hv-07.example.com",
				    .version = "0.1.0",
				    .epoch = s->epoch,
				    .sequence = s->sequence,
				    .boot_ns = s->boot_ns,
				    .wall_ns = s->wall_ns,
				    .interval_ns = WIRE_SECOND};
}

/* What travels and is there, without readings before and what makes up a row. */
static inline size_t wire_values(const struct sample *s)
{
	size_t n = 0;

	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS; m++)
			for (uint32_t r = 0; r < s->table[i].rows; r++)
				n += metrics[m].kind != DERIVED && !metric_is_rollup(m, i) &&
				     sample_get(s, i, r, m) != ABSENT;
	return n;
}

#endif
