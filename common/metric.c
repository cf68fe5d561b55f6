/* SPDX-License-Identifier: Apache-2.0 */
#include "metric.h"

const struct metric metrics[METRICS] = {
#define METRIC(id_, scopes_, kind_, unit_, family_, show_, decimals_, flags_, key_, name_, title_, \
	       source_, help_)                                                                     \
	[M_##id_] = {.name = name_,                                                                \
		     .key = key_,                                                                  \
		     .title = title_,                                                              \
		     .source = source_,                                                            \
		     .help = help_,                                                                \
		     .scopes = scopes_,                                                            \
		     .kind = kind_,                                                                \
		     .unit = unit_,                                                                \
		     .family = family_,                                                            \
		     .show = show_,                                                                \
		     .decimals = decimals_,                                                        \
		     .flags = flags_},
#include "metrics.def"
#undef METRIC
};

const struct unit_info units[UNITS] = {
	[U_NONE] = {"", "", 1},
	[U_ID] = {"", "", 1},
	[U_TEXT] = {"text", "", 1},
	[U_PERCENT] = {"%", "ratio", 0.01},
	[U_CENTIPERCENT] = {"%", "ratio", 0.0001},
	[U_NS] = {"ns", "seconds", 1e-9},
	[U_US] = {"µs", "seconds", 1e-6},
	[U_MS] = {"ms", "seconds", 1e-3},
	[U_TICK] = {"1/100 s", "seconds", 0.01},
	[U_SECOND] = {"s", "seconds", 1},
	[U_BYTE] = {"B", "bytes", 1},
	[U_KIB] = {"KB", "bytes", 1024},
	[U_MIB] = {"MB", "bytes", 1048576},
	[U_SECTOR] = {"sectors", "bytes", 512},
	[U_MHZ] = {"MHz", "hertz", 1e6},
	[U_MBIT] = {"Mbit/s", "bytes_per_second", 125000},
};

const char *const scope_names[SCOPES] = {"host",   "vm",        "vcpu",     "vm_disk",
					 "vm_nic", "host_disk", "host_nic", "self"};
const char *const scope_arrays[SCOPES] = {
	[SCOPE_VCPU] = "vcpus",      [SCOPE_VM_DISK] = "disks",       [SCOPE_VM_NIC] = "interfaces",
	[SCOPE_HOST_DISK] = "disks", [SCOPE_HOST_NIC] = "interfaces",
};
const char *const family_names[FAMILIES] = {"ident", "cpu", "mem",      "disk",
					    "net",   "io",  "pressure", "host"};
const char *const kind_names[] = {"counter", "gauge", "info", "derived"};

enum scope scope_parent(enum scope s)
{
	switch (s) {
	case SCOPE_VCPU:
	case SCOPE_VM_DISK:
	case SCOPE_VM_NIC:
		return SCOPE_VM;
	default:
		return SCOPE_HOST;
	}
}

/* The children's bits: what a collector sets there is summed into HOST or VM. */
enum { CHILDREN = VCPU | VM_DISK | VM_NIC | HOST_DISK | HOST_NIC };

bool metric_is_rollup(enum metric_id m, enum scope s)
{
	const struct metric *row = &metrics[m];

	return (s == SCOPE_HOST || s == SCOPE_VM) && (row->scopes & (1u << s)) &&
	       (row->scopes & CHILDREN) && (row->kind == COUNTER || row->kind == GAUGE) &&
	       row->unit != U_ID && !(row->flags & NO_SUM);
}

bool metric_is_rate(enum metric_id m)
{
	const struct metric *row = &metrics[m];

	return row->kind == COUNTER ? !(row->flags & AS_TOTAL) : row->flags & PER_SECOND;
}

bool metric_wanted(enum metric_id m, unsigned families, bool verbose)
{
	const struct metric *row = &metrics[m];

	if (row->family != F_IDENT && !(families & (1u << row->family)))
		return false;
	return row->show == SHOWN || (row->show == VERBOSE && verbose);
}
