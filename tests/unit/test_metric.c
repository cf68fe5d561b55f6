/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the metric table, and the keys that people rely on. */
#include "metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *id_of(int m)
{
	static const char *const ids[] = {
#define METRIC(id, ...) #id,
#include "metrics.def"
#undef METRIC
	};

	return ids[m];
}

static bool exists_in(int m, int scope)
{
	return metrics[m].scopes & (1u << scope);
}

static void names_are_plain(void **state)
{
	(void)state;
	for (int m = 0; m < METRICS; m++) {
		const char *name = metrics[m].name;

		if (!name || !strspn(name, "abcdefghijklmnopqrstuvwxyz") ||
		    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
			fail_msg("%s: name '%s' is not [a-z][a-z0-9_]*", id_of(m), name);
		if (name[strlen(name) - 1] == '_' || strstr(name, "__"))
			fail_msg("%s: name '%s' has an odd underscore", id_of(m), name);
	}
}

static void keys_need_no_escape(void **state)
{
	(void)state;
	for (int m = 0; m < METRICS; m++) {
		const char *key = metrics[m].key;

		if (!key)
			continue;
		if (!*key)
			fail_msg("%s: empty key", id_of(m));
		for (const char *c = key; *c; c++)
			if (*c <= ' ' || *c >= 0x7f || *c == '"' || *c == '\\')
				fail_msg("%s: key '%s' has a character that JSON or text would "
					 "have to escape",
					 id_of(m), key);
	}
}

static bool same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

static void unique_within_scope(void **state)
{
	(void)state;
	for (int s = 0; s < SCOPES; s++) {
		for (int a = 0; a < METRICS; a++) {
			for (int b = a + 1; b < METRICS; b++) {
				if (!exists_in(a, s) || !exists_in(b, s))
					continue;
				if (same(metrics[a].name, metrics[b].name))
					fail_msg("%s: %s and %s are both named '%s'",
						 scope_names[s], id_of(a), id_of(b),
						 metrics[a].name);
				if (same(metrics[a].key, metrics[b].key))
					fail_msg("%s: %s and %s both have the key '%s'",
						 scope_names[s], id_of(a), id_of(b),
						 metrics[a].key);
			}
			/* The arrays below stand among the keys. */
			for (int c = 0; c < SCOPES; c++)
				if (exists_in(a, s) && scope_arrays[c] &&
				    (int)scope_parent(c) == s &&
				    same(metrics[a].key, scope_arrays[c]))
					fail_msg("%s: key '%s' is also an array", scope_names[s],
						 metrics[a].key);
		}
	}
	for (int m = 0; m < METRICS; m++)
		if (same(metrics[m].key, "@timestamp") || same(metrics[m].key, "part"))
			fail_msg("%s: key '%s' belongs to the record", id_of(m), metrics[m].key);
}

/* What OpenMetrics calls the family, and the series that are in it. */
static void family_of(int m, int scope, char *ret, size_t size)
{
	const char *unit = units[metrics[m].unit].base_name;

	snprintf(ret, size, "%s_%s%s%s%s", scope_names[scope], metrics[m].name, *unit ? "_" : "",
		 unit, metrics[m].kind == COUNTER ? "_total" : "");
}

static void openmetrics_families_differ(void **state)
{
	char a[200], b[200];

	(void)state;
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m < METRICS; m++) {
			if (!exists_in(m, s) || metrics[m].kind > GAUGE)
				continue;
			family_of(m, s, a, sizeof(a));
			if (strstr(a, "_info"))
				fail_msg("%s: '%s' looks like an info family", id_of(m), a);
			if (metrics[m].kind == GAUGE && strlen(a) > 6 &&
			    !strcmp(a + strlen(a) - 6, "_total"))
				fail_msg("%s: gauge '%s' ends like a counter", id_of(m), a);
			/* Across scopes too: vm_disk_x may be metric x of vm_disk or disk_x of vm.
			 */
			for (int t = s; t < SCOPES; t++)
				for (int n = t == s ? m + 1 : 0; n < METRICS; n++) {
					if (!exists_in(n, t) || metrics[n].kind > GAUGE)
						continue;
					family_of(n, t, b, sizeof(b));
					if (!strcmp(a, b))
						fail_msg("%s and %s are both '%s'", id_of(m),
							 id_of(n), a);
				}
		}
}

static void formulas_are_of_derived(void **state)
{
	static const bool has[METRICS] = {
#define FORMULA(id, expression) [M_##id] = true,
#include "formulas.def"
#undef FORMULA
	};

	(void)state;
	for (int m = 0; m < METRICS; m++)
		if (has[m] != (metrics[m].kind == DERIVED))
			fail_msg("%s %s", id_of(m),
				 has[m] ? "has a formula but is not DERIVED"
					: "is DERIVED but has no formula");
}

static void rows_are_consistent(void **state)
{
	(void)state;
	for (int m = 0; m < METRICS; m++) {
		const struct metric *row = &metrics[m];

		if (!row->scopes || row->scopes >> SCOPES)
			fail_msg("%s: no scope, or an unknown one", id_of(m));
		if (row->kind > DERIVED || row->unit >= UNITS || row->family >= FAMILIES ||
		    row->show > CLUSTER)
			fail_msg("%s: a column is out of its range", id_of(m));
		if ((row->kind == INFO) != (row->unit == U_TEXT))
			fail_msg("%s: INFO is text, and nothing else is", id_of(m));
		if (row->unit == U_ID && row->kind != GAUGE)
			fail_msg("%s: a number that names something is a gauge", id_of(m));
		if ((row->show == HIDDEN) != !row->key)
			fail_msg("%s: what is shown has a key, what is hidden has none", id_of(m));
		if ((row->flags & AS_TOTAL) && row->kind != COUNTER)
			fail_msg("%s: AS_TOTAL is for counters", id_of(m));
		if ((row->flags & OWN_TIME) && (row->kind > GAUGE || row->scopes & ~(VM | VM_DISK)))
			fail_msg("%s: OWN_TIME is for raw values of VMs and their disks", id_of(m));
		/* buf_double() gives six at most */
		if (row->decimals > 6)
			fail_msg("%s: %u decimals", id_of(m), row->decimals);
		if (!row->title || !*row->title || !row->source || !*row->source || !row->help ||
		    !*row->help)
			fail_msg("%s: title, source and help are not all there", id_of(m));
		/* Help goes into Markdown tables and OpenMetrics as it is. */
		if (strpbrk(row->help, "\n\t\\|\"") || strpbrk(row->source, "\n\t\\|") ||
		    row->help[strlen(row->help) - 1] == '.')
			fail_msg("%s: help or source has a character that needs an escape, or a "
				 "full stop",
				 id_of(m));
	}
}

static void units_are_right(void **state)
{
	static const struct {
		enum unit unit;
		const char *base_name;
		double base;
	} want[] = {
		{U_NONE, "", 1},
		{U_ID, "", 1},
		{U_TEXT, "", 1},
		{U_PERCENT, "ratio", 1 / 100.0},
		{U_CENTIPERCENT, "ratio", 1 / 10000.0},
		{U_NS, "seconds", 1 / 1e9},
		{U_US, "seconds", 1 / 1e6},
		{U_MS, "seconds", 1 / 1e3},
		{U_TICK, "seconds", 1 / 100.0},
		{U_SECOND, "seconds", 1},
		{U_BYTE, "bytes", 1},
		{U_KIB, "bytes", 1024},
		{U_MIB, "bytes", 1024 * 1024},
		{U_SECTOR, "bytes", 512},
		{U_MHZ, "hertz", 1e6},
		{U_MBIT, "bytes_per_second", 125000},
	};
	bool seen[UNITS] = {false};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct unit_info *u = &units[want[i].unit];

		seen[want[i].unit] = true;
		if (strcmp(u->base_name, want[i].base_name) ||
		    !(u->base > want[i].base * 0.999999 && u->base < want[i].base * 1.000001))
			fail_msg("unit %d: %s * %g", want[i].unit, u->base_name, u->base);
	}
	for (int u = 0; u < UNITS; u++)
		if (!seen[u] || !units[u].text)
			fail_msg("unit %d: not in this test, or without a text", u);
}

static void names_of_kinds_are_there(void **state)
{
	(void)state;
	for (int s = 0; s < SCOPES; s++)
		assert_non_null(scope_names[s]);
	for (int f = 0; f < FAMILIES; f++)
		assert_non_null(family_names[f]);
	assert_string_equal(scope_names[SCOPE_SELF], "self");
	assert_string_equal(scope_names[SCOPE_VM_NIC], "vm_nic");
	assert_string_equal(family_names[F_PRESSURE], "pressure");
	assert_string_equal(family_names[F_HOST], "host");
	assert_string_equal(kind_names[COUNTER], "counter");
	assert_string_equal(kind_names[GAUGE], "gauge");
	assert_string_equal(kind_names[INFO], "info");
	assert_string_equal(kind_names[DERIVED], "derived");
	assert_string_equal(scope_arrays[SCOPE_VCPU], "vcpus");
	assert_string_equal(scope_arrays[SCOPE_VM_DISK], "disks");
	assert_string_equal(scope_arrays[SCOPE_VM_NIC], "interfaces");
	assert_string_equal(scope_arrays[SCOPE_HOST_DISK], "disks");
	assert_string_equal(scope_arrays[SCOPE_HOST_NIC], "interfaces");
	assert_null(scope_arrays[SCOPE_HOST]);
	assert_null(scope_arrays[SCOPE_VM]);
	assert_null(scope_arrays[SCOPE_SELF]);
}

static void parents(void **state)
{
	(void)state;
	assert_int_equal(scope_parent(SCOPE_VCPU), SCOPE_VM);
	assert_int_equal(scope_parent(SCOPE_VM_DISK), SCOPE_VM);
	assert_int_equal(scope_parent(SCOPE_VM_NIC), SCOPE_VM);
	assert_int_equal(scope_parent(SCOPE_VM), SCOPE_HOST);
	assert_int_equal(scope_parent(SCOPE_HOST_DISK), SCOPE_HOST);
	assert_int_equal(scope_parent(SCOPE_HOST_NIC), SCOPE_HOST);
	assert_int_equal(scope_parent(SCOPE_SELF), SCOPE_HOST);
	assert_int_equal(scope_parent(SCOPE_HOST), SCOPE_HOST);
}

static void rollups(void **state)
{
	static const struct {
		enum metric_id m;
		enum scope s;
		bool sum;
	} cases[] = {
		{M_RUN, SCOPE_VM, true},
		{M_RUN, SCOPE_VCPU, false},
		{M_WAIT, SCOPE_VM, true},
		{M_VD_RD_OPS, SCOPE_VM, true},
		{M_VD_RD_OPS, SCOPE_VM_DISK, false},
		{M_VD_CAPACITY, SCOPE_VM, true},
		{M_VN_RX_BYTES, SCOPE_VM, true},
		{M_VN_RX_BYTES, SCOPE_HOST, false},
		{M_HD_READS, SCOPE_HOST, true},
		{M_HD_READS, SCOPE_HOST_DISK, false},
		{M_HD_COUNT, SCOPE_HOST, true},
		{M_HN_SPEED, SCOPE_HOST, true},
		/* not of children: host and VM have their own */
		{M_CPU_CORES, SCOPE_HOST, false},
		{M_CPU_CORES, SCOPE_VM, false},
		{M_OTHER_RUN, SCOPE_VM, false},
		{M_RAM_FREE, SCOPE_VM, false},
		/* texts, names and formulas are not summed */
		{M_HOST_NAME, SCOPE_HOST, false},
		{M_DISK_NAME, SCOPE_VM, false},
		{M_PID, SCOPE_VM, false},
		{M_VD_MBREAD, SCOPE_VM, false},
		{M_HD_UTIL, SCOPE_HOST, false},
		/* of one disk only */
		{M_VD_BACKBUSY, SCOPE_VM, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (metric_is_rollup(cases[i].m, cases[i].s) != cases[i].sum)
			fail_msg("%s in %s: %s a sum", id_of(cases[i].m), scope_names[cases[i].s],
				 cases[i].sum ? "is not" : "is");
}

static void wanted(void **state)
{
	static const struct {
		enum metric_id m;
		unsigned families;
		bool verbose, want;
	} cases[] = {
		{M_UUID, 0, false, true}, /* identity is always wanted */
		{M_PID, 0, false, false},
		{M_PID, 0, true, true},
		{M_CPU_TOTAL, 1u << F_CPU, false, true},
		{M_CPU_TOTAL, 1u << F_MEM, false, false},
		{M_CPU_TOTAL, 0, true, false},
		{M_CPU_OTHER_TOTAL, 1u << F_CPU, false, false},
		{M_CPU_OTHER_TOTAL, 1u << F_CPU, true, true},
		{M_RUN, ~0u, true, false}, /* hidden */
		{M_HOST_NAME, 1u << F_HOST, false, true},
		{M_HOST_NAME, ~0u & ~(1u << F_HOST), true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (metric_wanted(cases[i].m, cases[i].families, cases[i].verbose) != cases[i].want)
			fail_msg("case %zu: %s is %swanted", i, id_of(cases[i].m),
				 cases[i].want ? "not " : "");
}

/* ---- the keys that people have scripts for ---- */

struct promise {
	const char *keys; /* separated by blanks */
	enum unit unit;
	enum show show;
};

#define V VERBOSE
#define S SHOWN

static const struct promise host_keys[] = {
	{"cpu_cores", U_NONE, S},
	{"cpu_curfreq", U_MHZ, S},
	{"cpu_user cpu_system cpu_idle cpu_steal", U_PERCENT, S},
	{"cpu_minfreq cpu_maxfreq", U_MHZ, V},
	{"cpu_nice cpu_iowait cpu_irq cpu_softirq cpu_guest cpu_guestnice", U_PERCENT, V},
	{"ram_Total ram_Free ram_Available", U_KIB, S},
	{"ram_Buffers ram_Cached ram_SwapCached ram_Active ram_Inactive ram_ActiveAnon "
	 "ram_InactiveAnon ram_ActiveFile ram_InactiveFile ram_Unevictable ram_Mlocked "
	 "ram_SwapTotal ram_SwapFree ram_Dirty ram_Writeback ram_AnonPages ram_Mapped ram_Shmem "
	 "ram_Slab ram_SReclaimable ram_SUnreclaim ram_KernelStack ram_PageTables "
	 "ram_NFSUnstable ram_Bounce ram_WritebackTmp ram_CommitLimit ram_CommittedAS "
	 "ram_VmallocTotal ram_VmallocUsed ram_VmallocChunk ram_HardwareCorrupted "
	 "ram_AnonHugePages ram_ShmemHugePages ram_ShmemPmdMapped ram_Hugepagesize ram_Hugetlb "
	 "ram_DirectMap4k ram_DirectMap2M ram_DirectMap1G",
	 U_KIB, V},
	{"ram_HugePagesTotal ram_HugePagesFree ram_HugePagesRsvd ram_HugePagesSurp", U_NONE, V},
	{"disk_device_reads disk_device_writes", U_NONE, S},
	{"disk_device_mbread disk_device_mbwrite", U_MIB, S},
	{"disk_device_ioutil", U_PERCENT, S},
	{"disk_device_currentops disk_device_queuelen", U_NONE, S},
	{"disk_device_servicetime disk_device_await", U_MS, S},
	{"disk_device_readsmerged disk_device_writesmerged disk_device_count", U_NONE, V},
	{"disk_device_sectorsread disk_device_sectorswritten", U_SECTOR, V},
	{"disk_device_timereading disk_device_timewriting disk_device_timeforops "
	 "disk_device_weightedtimeforops",
	 U_MS, V},
	{"net_host_receivedBytes net_host_transmittedBytes", U_BYTE, S},
	{"net_host_speed", U_MBIT, S},
	{"net_host_receivedPackets net_host_receivedErrs net_host_receivedDrop "
	 "net_host_receivedFifo net_host_receivedFrame net_host_receivedCompressed "
	 "net_host_receivedMulticast net_host_transmittedPackets net_host_transmittedErrs "
	 "net_host_transmittedDrop net_host_transmittedFifo net_host_transmittedColls "
	 "net_host_transmittedCarrier net_host_transmittedCompressed",
	 U_NONE, V},
	{"psi_some_cpu_avg60 psi_some_io_avg60 psi_full_io_avg60 psi_some_mem_avg60 "
	 "psi_full_mem_avg60",
	 U_CENTIPERCENT, S},
	{"psi_some_cpu_avg10 psi_some_io_avg10 psi_full_io_avg10 psi_some_mem_avg10 "
	 "psi_full_mem_avg10 psi_some_cpu_avg300 psi_some_io_avg300 psi_full_io_avg300 "
	 "psi_some_mem_avg300 psi_full_mem_avg300",
	 U_CENTIPERCENT, V},
	{"psi_some_cpu_total psi_some_io_total psi_full_io_total psi_some_mem_total "
	 "psi_full_mem_total",
	 U_US, V},
	{"psi_some_cpu psi_some_io psi_full_io psi_some_mem psi_full_mem", U_PERCENT, S},
	{"host_name host_id", U_TEXT, S},
	{"host_uptime", U_SECOND, S},
	{"host_uuid", U_TEXT, V},
	{NULL, 0, 0},
};

static const struct promise vm_keys[] = {
	{"UUID name tags state hypervisor host_name", U_TEXT, S},
	{"PID", U_ID, V},
	{"vmid", U_ID, S},
	{"uptime", U_SECOND, S},
	{"cpu_cores", U_NONE, S},
	{"cpu_total cpu_steal cpu_demand cpu_limit cpu_ready", U_PERCENT, S},
	{"cpu_other_total cpu_other_steal", U_PERCENT, V},
	{"ram_total ram_used ram_balloon ram_free", U_KIB, S},
	{"ram_swapin ram_swapout", U_BYTE, S},
	{"ram_vsize ram_rss", U_BYTE, V},
	{"ram_minflt ram_majflt ram_cminflt ram_cmajflt", U_NONE, V},
	{"disk_size_capacity disk_size_allocation", U_BYTE, S},
	{"disk_ioutil", U_PERCENT, S},
	{"disk_reads disk_writes disk_queue", U_NONE, S},
	{"disk_mbread disk_mbwrite", U_MIB, S},
	{"disk_lat_rd disk_lat_wr disk_lat_fl disk_lat_avg", U_MS, S},
	{"disk_size_physical", U_BYTE, V},
	{"disk_stats_flushreq", U_NONE, V},
	{"disk_stats_rdtotaltimes disk_stats_wrtotaltimes disk_stats_flushtotaltimes", U_NS, V},
	{"disk_delayblkio", U_TICK, V},
	{"net_receivedBytes net_transmittedBytes", U_BYTE, S},
	{"net_receivedPackets net_receivedErrs net_receivedDrop net_receivedFifo net_receivedFrame "
	 "net_receivedCompressed net_receivedMulticast net_transmittedPackets net_transmittedErrs "
	 "net_transmittedDrop net_transmittedFifo net_transmittedColls net_transmittedCarrier "
	 "net_transmittedCompressed",
	 U_NONE, V},
	{"io_MBRD/s io_MBWR/s", U_MIB, S},
	{"io_RDOPS io_WROPS", U_NONE, S},
	{"io_read_bytes io_write_bytes io_rchar io_wchar io_cancelled_write_bytes", U_BYTE, V},
	{"io_syscr io_syscw", U_NONE, V},
	{"psi_some_cpu psi_some_io psi_full_io psi_some_mem psi_full_mem", U_PERCENT, S},
	{NULL, 0, 0},
};

static const struct promise vcpu_keys[] = {
	{"vcpu", U_ID, S},
	{"cpu_total cpu_steal", U_PERCENT, S},
	{"cpu_last", U_ID, V},
	{NULL, 0, 0},
};

static const struct promise vm_disk_keys[] = {
	{"disk device", U_TEXT, S},
	{"disk_size_capacity disk_size_allocation", U_BYTE, S},
	{"disk_ioutil", U_PERCENT, S},
	{"disk_reads disk_writes disk_queue", U_NONE, S},
	{"disk_mbread disk_mbwrite", U_MIB, S},
	{"disk_lat_rd disk_lat_wr disk_lat_fl disk_lat_avg", U_MS, S},
	{"disk_size_physical", U_BYTE, V},
	{"disk_stats_flushreq", U_NONE, V},
	{"disk_stats_rdtotaltimes disk_stats_wrtotaltimes disk_stats_flushtotaltimes", U_NS, V},
	{NULL, 0, 0},
};

static const struct promise vm_nic_keys[] = {
	{"interface mac bridge", U_TEXT, S},
	{"net_receivedBytes net_transmittedBytes", U_BYTE, S},
	{"net_receivedPackets net_receivedErrs net_receivedDrop net_receivedFifo net_receivedFrame "
	 "net_receivedCompressed net_receivedMulticast net_transmittedPackets net_transmittedErrs "
	 "net_transmittedDrop net_transmittedFifo net_transmittedColls net_transmittedCarrier "
	 "net_transmittedCompressed",
	 U_NONE, V},
	{NULL, 0, 0},
};

static const struct promise host_disk_keys[] = {
	{"disk class", U_TEXT, S},
	{"disk_device_reads disk_device_writes", U_NONE, S},
	{"disk_device_mbread disk_device_mbwrite", U_MIB, S},
	{"disk_device_ioutil", U_PERCENT, S},
	{"disk_device_currentops disk_device_queuelen", U_NONE, S},
	{"disk_device_servicetime disk_device_await", U_MS, S},
	{"disk_device_readsmerged disk_device_writesmerged disk_device_count", U_NONE, V},
	{"disk_device_sectorsread disk_device_sectorswritten", U_SECTOR, V},
	{"disk_device_timereading disk_device_timewriting disk_device_timeforops "
	 "disk_device_weightedtimeforops",
	 U_MS, V},
	{NULL, 0, 0},
};

static const struct promise host_nic_keys[] = {
	{"interface", U_TEXT, S},
	{"net_host_receivedBytes net_host_transmittedBytes", U_BYTE, S},
	{"net_host_speed", U_MBIT, S},
	{"net_host_receivedPackets net_host_receivedErrs net_host_receivedDrop "
	 "net_host_receivedFifo net_host_receivedFrame net_host_receivedCompressed "
	 "net_host_receivedMulticast net_host_transmittedPackets net_host_transmittedErrs "
	 "net_host_transmittedDrop net_host_transmittedFifo net_host_transmittedColls "
	 "net_host_transmittedCarrier net_host_transmittedCompressed",
	 U_NONE, V},
	{NULL, 0, 0},
};

static const struct promise *const promised[SCOPES] = {
	[SCOPE_HOST] = host_keys,         [SCOPE_VM] = vm_keys,
	[SCOPE_VCPU] = vcpu_keys,         [SCOPE_VM_DISK] = vm_disk_keys,
	[SCOPE_VM_NIC] = vm_nic_keys,     [SCOPE_HOST_DISK] = host_disk_keys,
	[SCOPE_HOST_NIC] = host_nic_keys,
};

static int find_key(int scope, const char *key)
{
	for (int m = 0; m < METRICS; m++)
		if (exists_in(m, scope) && same(metrics[m].key, key))
			return m;
	return -1;
}

static void promised_keys_are_there(void **state)
{
	(void)state;
	for (int s = 0; s < SCOPES; s++)
		for (const struct promise *p = promised[s]; p && p->keys; p++) {
			char list[2000], *save = NULL;

			assert_true(strlen(p->keys) < sizeof(list));
			strcpy(list, p->keys);
			for (char *k = strtok_r(list, " ", &save); k;
			     k = strtok_r(NULL, " ", &save)) {
				int m = find_key(s, k);

				if (m < 0)
					fail_msg("%s: key '%s' is not in the table", scope_names[s],
						 k);
				if (metrics[m].show != p->show)
					fail_msg("%s: key '%s' is %s with --verbose only",
						 scope_names[s], k,
						 p->show == VERBOSE ? "not shown" : "shown");
				if (metrics[m].unit != p->unit)
					fail_msg("%s: key '%s' is in %s, not %s", scope_names[s], k,
						 units[metrics[m].unit].text, units[p->unit].text);
			}
		}
}

/* Counters are shown per second under these keys; PSI totals as they are. */
static void kinds_are_right(void **state)
{
	static const struct {
		int scope;
		const char *key;
		enum kind kind;
		unsigned flags;
	} cases[] = {
		{SCOPE_HOST, "disk_device_reads", COUNTER, 0},
		{SCOPE_HOST, "disk_device_currentops", GAUGE, 0},
		{SCOPE_HOST, "net_host_receivedBytes", COUNTER, 0},
		{SCOPE_HOST, "net_host_speed", GAUGE, LASTING},
		{SCOPE_HOST, "psi_some_cpu_total", COUNTER, AS_TOTAL},
		{SCOPE_HOST, "psi_full_mem_total", COUNTER, AS_TOTAL},
		{SCOPE_HOST, "psi_some_cpu_avg60", GAUGE, 0},
		{SCOPE_HOST, "ram_Total", GAUGE, LASTING},
		{SCOPE_VM, "ram_minflt", COUNTER, 0},
		{SCOPE_VM, "ram_cmajflt", COUNTER, 0},
		{SCOPE_VM, "ram_rss", GAUGE, 0},
		{SCOPE_VM, "ram_swapin", COUNTER, OWN_TIME},
		{SCOPE_VM, "ram_free", GAUGE, OWN_TIME},
		{SCOPE_VM, "disk_reads", COUNTER, OWN_TIME},
		{SCOPE_VM, "disk_size_capacity", GAUGE, OWN_TIME | LASTING},
		{SCOPE_VM, "disk_stats_rdtotaltimes", COUNTER, OWN_TIME},
		{SCOPE_VM, "disk_delayblkio", COUNTER, 0},
		{SCOPE_VM, "net_transmittedErrs", COUNTER, 0},
		{SCOPE_VM, "io_rchar", COUNTER, 0},
		{SCOPE_VM, "cpu_total", DERIVED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int m = find_key(cases[i].scope, cases[i].key);

		assert_true(m >= 0);
		if (metrics[m].kind != cases[i].kind || metrics[m].flags != cases[i].flags)
			fail_msg("%s: %s with flags %u", cases[i].key, kind_names[metrics[m].kind],
				 metrics[m].flags);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_plain),
		cmocka_unit_test(keys_need_no_escape),
		cmocka_unit_test(unique_within_scope),
		cmocka_unit_test(openmetrics_families_differ),
		cmocka_unit_test(formulas_are_of_derived),
		cmocka_unit_test(rows_are_consistent),
		cmocka_unit_test(units_are_right),
		cmocka_unit_test(names_of_kinds_are_there),
		cmocka_unit_test(parents),
		cmocka_unit_test(rollups),
		cmocka_unit_test(wanted),
		cmocka_unit_test(promised_keys_are_there),
		cmocka_unit_test(kinds_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
