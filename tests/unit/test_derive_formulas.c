/* SPDX-License-Identifier: Apache-2.0 */
/* Each formula by an example: none is left out. */
#include "derive_kit.h"

/* Which DERIVED metric was checked in which scope. */
static bool checked[SCOPES][METRICS];

static void formula(const struct pair *p, const char *what, enum scope s, uint32_t row,
		    enum metric_id m, double want)
{
	check(p, what, s, row, m, want);
	checked[s][m] = true;
}

static void host_cpu(void **state)
{
	static const struct {
		enum metric_id counter, share;
		uint64_t ticks;
		double want;
	} rows[] = {
		/* 400 ticks in all: guest is in user, guest nice in nice */
		{M_HT_USER, M_HOST_CPU_USER, 100, 25},
		{M_HT_NICE, M_HOST_CPU_NICE, 20, 5},
		{M_HT_SYSTEM, M_HOST_CPU_SYSTEM, 60, 15},
		{M_HT_IDLE, M_HOST_CPU_IDLE, 180, 45},
		{M_HT_IOWAIT, M_HOST_CPU_IOWAIT, 16, 4},
		{M_HT_IRQ, M_HOST_CPU_IRQ, 4, 1},
		{M_HT_SOFTIRQ, M_HOST_CPU_SOFTIRQ, 8, 2},
		{M_HT_STEAL, M_HOST_CPU_STEAL, 12, 3},
		{M_HT_GUEST, M_HOST_CPU_GUEST, 50, 12.5},
		{M_HT_GUESTNICE, M_HOST_CPU_GUESTNICE, 10, 2.5},
	};
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		grew(p, SCOPE_HOST, 0, rows[i].counter, rows[i].ticks);
	derive(p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		formula(p, "share of 400 ticks", SCOPE_HOST, 0, rows[i].share, rows[i].want);
}

static void host_cpu_incomplete(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	/* Linux 2.4 has four columns only: the others count as nothing. */
	grew(p, SCOPE_HOST, 0, M_HT_USER, 100);
	grew(p, SCOPE_HOST, 0, M_HT_NICE, 0);
	grew(p, SCOPE_HOST, 0, M_HT_SYSTEM, 50);
	grew(p, SCOPE_HOST, 0, M_HT_IDLE, 50);
	/* iowait may go back (proc(5)): it is absent, the others are not */
	sample_set(p->before, SCOPE_HOST, 0, M_HT_IOWAIT, 10);
	sample_set(p->now, SCOPE_HOST, 0, M_HT_IOWAIT, 9);
	derive(p);
	check(p, "of 200", SCOPE_HOST, 0, M_HOST_CPU_USER, 50);
	check(p, "of 200", SCOPE_HOST, 0, M_HOST_CPU_IDLE, 25);
	check(p, "went back", SCOPE_HOST, 0, M_HOST_CPU_IOWAIT, NAN);
	check(p, "not there", SCOPE_HOST, 0, M_HOST_CPU_STEAL, NAN);
	/* no tick at all: nothing to share */
	grew(p, SCOPE_HOST, 0, M_HT_USER, 0);
	grew(p, SCOPE_HOST, 0, M_HT_SYSTEM, 0);
	grew(p, SCOPE_HOST, 0, M_HT_IDLE, 0);
	derive(p);
	check(p, "of 0", SCOPE_HOST, 0, M_HOST_CPU_USER, NAN);
}

static void vm_cpu(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	both(p, SCOPE_VCPU, 0, 6);
	both(p, SCOPE_VCPU, 0, 7);
	sample_set(p->now, SCOPE_VM, 0, M_CPU_CORES, 2);
	/* in 2 s: vCPU 0 ran 1.5 s and waited 0.4 s, vCPU 1 0.5 s and 0.2 s */
	grew(p, SCOPE_VCPU, 0, M_RUN, 1500000000);
	grew(p, SCOPE_VCPU, 0, M_WAIT, 400000000);
	grew(p, SCOPE_VCPU, 1, M_RUN, 500000000);
	grew(p, SCOPE_VCPU, 1, M_WAIT, 200000000);
	grew(p, SCOPE_VM, 0, M_LIMITED, 200000000);
	grew(p, SCOPE_VM, 0, M_OTHER_RUN, 600000000);
	grew(p, SCOPE_VM, 0, M_OTHER_WAIT, 100000000);
	derive(p);
	formula(p, "1.5 s of 2 s", SCOPE_VCPU, 0, M_CPU_TOTAL, 75);
	formula(p, "0.4 s of 2 s", SCOPE_VCPU, 0, M_CPU_STEAL, 20);
	formula(p, "both", SCOPE_VCPU, 0, M_CPU_DEMAND, 95);
	check(p, "0.5 s of 2 s", SCOPE_VCPU, 1, M_CPU_TOTAL, 25);
	formula(p, "mean of 75 and 25", SCOPE_VM, 0, M_CPU_TOTAL, 50);
	formula(p, "mean of 20 and 10", SCOPE_VM, 0, M_CPU_STEAL, 15);
	formula(p, "50 + 15", SCOPE_VM, 0, M_CPU_DEMAND, 65);
	formula(p, "0.2 s of 4 s", SCOPE_VM, 0, M_CPU_LIMIT, 5);
	formula(p, "15 - 5", SCOPE_VM, 0, M_CPU_READY, 10);
	formula(p, "0.6 s of 4 s: a sum in the unit of cpu_total", SCOPE_VM, 0, M_CPU_OTHER_TOTAL,
		15);
	formula(p, "0.1 s of 4 s", SCOPE_VM, 0, M_CPU_OTHER_STEAL, 2.5);
}

static void vm_cpu_odd(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	/* 0: limit unknown; 1: more limited than waited; 2: no cores; 3: cores 0; 4: one vCPU new
	 */
	for (uint64_t vm = 0; vm < 5; vm++) {
		both(p, SCOPE_VM, 0, 10 + vm);
		both(p, SCOPE_VCPU, (uint32_t)vm, 20 + vm);
		grew(p, SCOPE_VCPU, (uint32_t)vm, M_RUN, 1000000000);
		grew(p, SCOPE_VCPU, (uint32_t)vm, M_WAIT, 200000000);
		if (vm != 2)
			sample_set(p->now, SCOPE_VM, (uint32_t)vm, M_CPU_CORES,
				   vm == 3   ? 0
				   : vm == 4 ? 2
					     : 1);
	}
	grew(p, SCOPE_VM, 1, M_LIMITED, 300000000);
	sample_row(p->now, SCOPE_VCPU, 4, 99);
	sample_set(p->now, SCOPE_VCPU, 5, M_RUN, UINT64_C(1) << 50);
	sample_set(p->now, SCOPE_VCPU, 5, M_WAIT, UINT64_C(1) << 50);
	derive(p);
	check(p, "steal", SCOPE_VM, 0, M_CPU_STEAL, 10);
	check(p, "contention where limits are not known", SCOPE_VM, 0, M_CPU_READY, NAN);
	check(p, "a limit that is not known", SCOPE_VM, 0, M_CPU_LIMIT, NAN);
	check(p, "never below zero", SCOPE_VM, 1, M_CPU_READY, 0);
	check(p, "number of vCPUs not known", SCOPE_VM, 2, M_CPU_TOTAL, NAN);
	check(p, "none", SCOPE_VM, 3, M_CPU_TOTAL, NAN);
	check(p, "a vCPU that came does not jump", SCOPE_VM, 4, M_CPU_TOTAL, 25);
	check(p, "nor does its own row", SCOPE_VCPU, 5, M_CPU_TOTAL, NAN);
}

static void guest_memory(void **state)
{
	static const struct {
		const char *name;
		uint64_t guest, usable, unused;
		double want;
	} cases[] = {
		{"guest - usable", 1000000, 400000, 300000, 600000},
		{"a guest that does not say usable", 1000000, ABSENT, 300000, 700000},
		{"more usable than there is", 1000, 2000, ABSENT, 0},
		{"no size", ABSENT, 400000, 300000, NAN},
		{"nothing said", 1000000, ABSENT, ABSENT, NAN},
		{"all used", 1000000, 0, 0, 1000000},
	};
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		both(p, SCOPE_VM, 0, i);
		sample_set(p->now, SCOPE_VM, i, M_RAM_GUEST, cases[i].guest);
		sample_set(p->now, SCOPE_VM, i, M_RAM_USABLE, cases[i].usable);
		sample_set(p->now, SCOPE_VM, i, M_RAM_FREE, cases[i].unused);
	}
	derive(p);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		formula(p, cases[i].name, SCOPE_VM, i, M_RAM_USED, cases[i].want);
}

static void host_disks(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint64_t d = 0; d < 3; d++) {
		both(p, SCOPE_HOST_DISK, 0, 50 + d);
		sample_set(p->now, SCOPE_HOST_DISK, (uint32_t)d, M_HD_COUNT, 1);
		sample_set(p->now, SCOPE_HOST_DISK, (uint32_t)d, M_HD_INFLIGHT, d);
	}
	/* in 2 s; the third is not counted */
	grew(p, SCOPE_HOST_DISK, 0, M_HD_READS, 200);
	grew(p, SCOPE_HOST_DISK, 0, M_HD_WRITES, 100);
	grew(p, SCOPE_HOST_DISK, 0, M_HD_RDSECTORS, 8192); /* 4 MiB */
	grew(p, SCOPE_HOST_DISK, 0, M_HD_WRSECTORS, 4096); /* 2 MiB */
	grew(p, SCOPE_HOST_DISK, 0, M_HD_RDMS, 600);
	grew(p, SCOPE_HOST_DISK, 0, M_HD_WRMS, 300);
	grew(p, SCOPE_HOST_DISK, 0, M_HD_BUSYMS, 500);
	grew(p, SCOPE_HOST_DISK, 0, M_HD_QUEUEMS, 3000);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_READS, 100);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_WRITES, 0);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_RDSECTORS, 4096);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_WRSECTORS, 0);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_RDMS, 1100);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_WRMS, 0);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_BUSYMS, 1500);
	grew(p, SCOPE_HOST_DISK, 1, M_HD_QUEUEMS, 1000);
	grew(p, SCOPE_HOST_DISK, 2, M_HD_BUSYMS, 0);
	grew(p, SCOPE_HOST_DISK, 2, M_HD_READS, 0);
	grew(p, SCOPE_HOST_DISK, 2, M_HD_WRITES, 0);
	p->now->table[SCOPE_HOST_DISK].counted[2] = 0;
	derive(p);
	formula(p, "4 MiB in 2 s", SCOPE_HOST_DISK, 0, M_HD_MBREAD, 2);
	formula(p, "2 MiB in 2 s", SCOPE_HOST_DISK, 0, M_HD_MBWRITE, 1);
	formula(p, "500 ms of 2 s", SCOPE_HOST_DISK, 0, M_HD_UTIL, 25);
	formula(p, "3 s of requests in 2 s", SCOPE_HOST_DISK, 0, M_HD_QUEUE, 1.5);
	formula(p, "500 ms / 300 requests", SCOPE_HOST_DISK, 0, M_HD_SVCTM, 5.0 / 3);
	formula(p, "900 ms / 300 requests", SCOPE_HOST_DISK, 0, M_HD_AWAIT, 3);
	formula(p, "6 MiB in 2 s", SCOPE_HOST, 0, M_HD_MBREAD, 3);
	formula(p, "2 MiB in 2 s", SCOPE_HOST, 0, M_HD_MBWRITE, 1);
	formula(p, "mean of 25 and 75", SCOPE_HOST, 0, M_HD_UTIL, 50);
	formula(p, "1.5 + 0.5", SCOPE_HOST, 0, M_HD_QUEUE, 2);
	formula(p, "2000 ms / 400 requests", SCOPE_HOST, 0, M_HD_SVCTM, 5);
	formula(p, "2000 ms / 400 requests, waited", SCOPE_HOST, 0, M_HD_AWAIT, 5);
	check(p, "two disks", SCOPE_HOST, 0, M_HD_COUNT, 2);
	check(p, "0 + 1", SCOPE_HOST, 0, M_HD_INFLIGHT, 1);
	check(p, "idle", SCOPE_HOST_DISK, 2, M_HD_UTIL, 0);
	check(p, "no requests have no time", SCOPE_HOST_DISK, 2, M_HD_SVCTM, NAN);
	check(p, "nor wait", SCOPE_HOST_DISK, 2, M_HD_AWAIT, NAN);
}

/* A disk of a VM whose source was read 5 s apart. */
static uint32_t vm_disk(struct pair *p, uint32_t vm, const char *backing)
{
	static uint64_t id = 1000;
	uint32_t r = both(p, SCOPE_VM_DISK, vm, ++id);

	p->now->table[SCOPE_VM_DISK].read_ns[r] = 101 * S;
	p->now->table[SCOPE_VM_DISK].prev_ns[r] = 96 * S;
	sample_set_text(p->now, SCOPE_VM_DISK, r, M_DISK_BACKING, backing);
	return r;
}

static void guest_grew(struct pair *p, uint32_t r, enum metric_id m, uint64_t by)
{
	sample_set_pair(p->now, SCOPE_VM_DISK, r, m, 777 + by, 777);
}

static void vm_disks(void **state)
{
	struct pair *p = *state;
	uint32_t a, b;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	a = vm_disk(p, 0, "sda");
	b = vm_disk(p, 0, "sdb");
	/* in 5 s */
	guest_grew(p, a, M_VD_RD_OPS, 500);
	guest_grew(p, a, M_VD_WR_OPS, 250);
	guest_grew(p, a, M_VD_FL_OPS, 50);
	guest_grew(p, a, M_VD_RD_BYTES, 10485760);
	guest_grew(p, a, M_VD_WR_BYTES, 5242880);
	guest_grew(p, a, M_VD_RD_NS, 2000000000);
	guest_grew(p, a, M_VD_WR_NS, 500000000);
	guest_grew(p, a, M_VD_FL_NS, 300000000);
	guest_grew(p, b, M_VD_RD_OPS, 0);
	guest_grew(p, b, M_VD_WR_OPS, 250);
	guest_grew(p, b, M_VD_RD_BYTES, 0);
	guest_grew(p, b, M_VD_WR_BYTES, 5242880);
	guest_grew(p, b, M_VD_RD_NS, 0);
	guest_grew(p, b, M_VD_WR_NS, 1500000000);
	/* in 2 s: sda busy half of the time with 300 requests/s, of which 150 are a's */
	grew(p, SCOPE_VM_DISK, a, M_VD_BACKBUSY, 1000);
	grew(p, SCOPE_VM_DISK, a, M_VD_BACKOPS, 600);
	/* sdb busy 20 % with 100 requests/s, of which 50 are b's */
	grew(p, SCOPE_VM_DISK, b, M_VD_BACKBUSY, 400);
	grew(p, SCOPE_VM_DISK, b, M_VD_BACKOPS, 200);
	derive(p);
	check(p, "500 in 5 s, not in 2 s", SCOPE_VM_DISK, a, M_VD_RD_OPS, 100);
	formula(p, "half of 50", SCOPE_VM_DISK, a, M_VD_UTIL, 25);
	formula(p, "10 MiB in 5 s", SCOPE_VM_DISK, a, M_VD_MBREAD, 2);
	formula(p, "5 MiB in 5 s", SCOPE_VM_DISK, a, M_VD_MBWRITE, 1);
	formula(p, "2 s / 500", SCOPE_VM_DISK, a, M_VD_LAT_RD, 4);
	formula(p, "0.5 s / 250", SCOPE_VM_DISK, a, M_VD_LAT_WR, 2);
	formula(p, "0.3 s / 50", SCOPE_VM_DISK, a, M_VD_LAT_FL, 6);
	formula(p, "2.8 s / 800", SCOPE_VM_DISK, a, M_VD_LAT_AVG, 3.5);
	formula(p, "2.8 s in 5 s", SCOPE_VM_DISK, a, M_VD_QUEUE, 0.56);
	check(p, "half of 20", SCOPE_VM_DISK, b, M_VD_UTIL, 10);
	check(p, "no reads, no latency", SCOPE_VM_DISK, b, M_VD_LAT_RD, NAN);
	check(p, "flushes not known", SCOPE_VM_DISK, b, M_VD_LAT_FL, NAN);
	check(p, "1.5 s / 250, without flushes", SCOPE_VM_DISK, b, M_VD_LAT_AVG, 6);
	check(p, "1.5 s in 5 s", SCOPE_VM_DISK, b, M_VD_QUEUE, 0.3);
	formula(p, "the busier device", SCOPE_VM, 0, M_VD_UTIL, 25);
	formula(p, "10 MiB in 5 s", SCOPE_VM, 0, M_VD_MBREAD, 2);
	formula(p, "10 MiB in 5 s, written", SCOPE_VM, 0, M_VD_MBWRITE, 2);
	formula(p, "2 s / 500", SCOPE_VM, 0, M_VD_LAT_RD, 4);
	formula(p, "2 s / 500, written", SCOPE_VM, 0, M_VD_LAT_WR, 4);
	formula(p, "0.3 s / 50", SCOPE_VM, 0, M_VD_LAT_FL, 6);
	formula(p, "4.3 s / 1050", SCOPE_VM, 0, M_VD_LAT_AVG, 4300.0 / 1050);
	formula(p, "4.3 s in 5 s", SCOPE_VM, 0, M_VD_QUEUE, 0.86);
}

/* util % of a device and how many of its 100 requests/s are the disk's */
static uint32_t busy_disk(struct pair *p, uint32_t vm, const char *backing, uint64_t util,
			  uint64_t share)
{
	uint32_t r = vm_disk(p, vm, backing);

	guest_grew(p, r, M_VD_RD_OPS, share * 5);
	guest_grew(p, r, M_VD_WR_OPS, 0);
	grew(p, SCOPE_VM_DISK, r, M_VD_BACKBUSY, util * 20);
	grew(p, SCOPE_VM_DISK, r, M_VD_BACKOPS, 200);
	return r;
}

static void utilisation_by_device(void **state)
{
	struct pair *p = *state;
	uint32_t r, capped;

	both(p, SCOPE_HOST, NO_ROW, 1);
	for (uint64_t vm = 0; vm < 7; vm++)
		both(p, SCOPE_VM, 0, 10 + vm);
	/* 0: two disks on sda (25 + 10) and one on sdb (30): 35, also when sdb stands between */
	busy_disk(p, 0, "sda", 50, 50);
	busy_disk(p, 0, "sdb", 60, 50);
	busy_disk(p, 0, "sda", 50, 20);
	/* 1: its neighbour's disks on sda do not count */
	busy_disk(p, 1, "sda", 50, 10);
	/* 2: more requests of the guest than of the device (merged): capped */
	capped = busy_disk(p, 2, "sdc", 40, 500);
	/* 3: device without requests: used by nobody */
	r = busy_disk(p, 3, "sdd", 40, 50);
	grew(p, SCOPE_VM_DISK, r, M_VD_BACKOPS, 0);
	/* 4: device not known */
	vm_disk(p, 4, NULL);
	/* 5: one known, one not */
	vm_disk(p, 5, NULL);
	busy_disk(p, 5, "sdb", 60, 50);
	/* 6: two disks that together cannot be more than their device */
	busy_disk(p, 6, "sde", 40, 80);
	busy_disk(p, 6, "sde", 40, 90);
	derive(p);
	check(p, "25 + 10 on one device, 30 on another", SCOPE_VM, 0, M_VD_UTIL, 35);
	check(p, "its own only", SCOPE_VM, 1, M_VD_UTIL, 5);
	check(p, "not above the device", SCOPE_VM, 2, M_VD_UTIL, 40);
	check(p, "nor the disk alone", SCOPE_VM_DISK, capped, M_VD_UTIL, 40);
	check(p, "an idle device", SCOPE_VM, 3, M_VD_UTIL, 0);
	check(p, "no device", SCOPE_VM, 4, M_VD_UTIL, NAN);
	check(p, "the one that is known", SCOPE_VM, 5, M_VD_UTIL, 30);
	check(p, "not above the device together", SCOPE_VM, 6, M_VD_UTIL, 40);
}

static void process_io(void **state)
{
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	grew(p, SCOPE_VM, 0, M_IO_READ, 6291456);
	grew(p, SCOPE_VM, 0, M_IO_WRITE, 1048576);
	grew(p, SCOPE_VM, 0, M_IO_SYSCR, 30);
	grew(p, SCOPE_VM, 0, M_IO_SYSCW, 50);
	derive(p);
	formula(p, "6 MiB in 2 s", SCOPE_VM, 0, M_IO_MBRD, 3);
	formula(p, "1 MiB in 2 s", SCOPE_VM, 0, M_IO_MBWR, 0.5);
	formula(p, "30 in 2 s", SCOPE_VM, 0, M_IO_RDOPS, 15);
	formula(p, "50 in 2 s", SCOPE_VM, 0, M_IO_WROPS, 25);
}

static void pressure(void **state)
{
	static const struct {
		enum metric_id share, host, vm;
		uint64_t us;
		double want;
	} rows[] = {
		{M_PSI_SOME_CPU, M_PSI_SOME_CPU_TOTAL, M_VPSI_SOME_CPU, 500000, 25},
		{M_PSI_SOME_IO, M_PSI_SOME_IO_TOTAL, M_VPSI_SOME_IO, 20000, 1},
		{M_PSI_FULL_IO, M_PSI_FULL_IO_TOTAL, M_VPSI_FULL_IO, 2000000, 100},
		{M_PSI_SOME_MEM, M_PSI_SOME_MEM_TOTAL, M_VPSI_SOME_MEM, 200, 0.01},
		{M_PSI_FULL_MEM, M_PSI_FULL_MEM_TOTAL, M_VPSI_FULL_MEM, 0, 0},
	};
	struct pair *p = *state;

	both(p, SCOPE_HOST, NO_ROW, 1);
	both(p, SCOPE_VM, 0, 5);
	both(p, SCOPE_VM, 0, 6);
	for (size_t i = 0; i < 5; i++) {
		grew(p, SCOPE_HOST, 0, rows[i].host, rows[i].us);
		grew(p, SCOPE_VM, 0, rows[i].vm, rows[i].us / 2);
	}
	derive(p);
	for (size_t i = 0; i < 5; i++) {
		formula(p, "of 2 s", SCOPE_HOST, 0, rows[i].share, rows[i].want);
		formula(p, "half of it", SCOPE_VM, 0, rows[i].share, rows[i].want / 2);
		check(p, "no cgroup of its own", SCOPE_VM, 1, rows[i].share, NAN);
	}
}

/* The last test: nothing derived was left out above. */
static void each_formula_was_checked(void **state)
{
	(void)state;
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m < METRICS; m++)
			if (metrics[m].kind == DERIVED && (metrics[m].scopes & (1u << s)) &&
			    !checked[s][m])
				fail_msg("%s of %s has no example here", id_of(m), scope_names[s]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(host_cpu),
		TEST(host_cpu_incomplete),
		TEST(vm_cpu),
		TEST(vm_cpu_odd),
		TEST(guest_memory),
		TEST(host_disks),
		TEST(vm_disks),
		TEST(utilisation_by_device),
		TEST(process_io),
		TEST(pressure),
		cmocka_unit_test(each_formula_was_checked),
	};

	view_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
