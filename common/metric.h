/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_METRIC_H
#define PROXTOP_METRIC_H

/*
 * The metric table: what can be measured, written once.
 *
 * metrics.def has one row per metric; everything that leaves the program (text
 * headers, JSON keys, OpenMetrics families, the metric reference) is a loop over
 * metrics[].  No other file lists metrics by name.  The table is constant; nobody
 * owns or frees it.
 *
 * A row says in which scopes (kinds of thing) the metric exists.  A raw metric
 * (COUNTER, GAUGE, INFO) is set by a collector; where a row names a scope and the one
 * above it (VM for vCPU, disk and NIC; host for host disk and host NIC), it is set
 * below, and the column above is the sum over the children.  DERIVED rows have a
 * formula in formulas.def and are computed in every scope named.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scope {
	SCOPE_HOST,
	SCOPE_VM,
	SCOPE_VCPU,
	SCOPE_VM_DISK,
	SCOPE_VM_NIC,
	SCOPE_HOST_DISK,
	SCOPE_HOST_NIC,
	SCOPE_SELF, /* this program's own cost */
	SCOPES
};

/* Bits of metric.scopes, as metrics.def spells them. */
enum scope_bit {
	HOST = 1 << SCOPE_HOST,
	VM = 1 << SCOPE_VM,
	VCPU = 1 << SCOPE_VCPU,
	VM_DISK = 1 << SCOPE_VM_DISK,
	VM_NIC = 1 << SCOPE_VM_NIC,
	HOST_DISK = 1 << SCOPE_HOST_DISK,
	HOST_NIC = 1 << SCOPE_HOST_NIC,
	SELF = 1 << SCOPE_SELF,
};

enum kind {
	COUNTER, /* only grows; shown per second, or as it is with AS_TOTAL */
	GAUGE,   /* the value of the moment */
	INFO,    /* text */
	DERIVED, /* a formula over two samples; never travels */
};

/* Families of metrics: an option (--cpu), a collector, a view. IDENT is always on. */
enum family { F_IDENT, F_CPU, F_MEM, F_DISK, F_NET, F_IO, F_PRESSURE, F_HOST, FAMILIES };

enum unit {
	U_NONE, /* plain count */
	U_ID,   /* a number that names something (PID, VMID): never summed, a label */
	U_TEXT,
	U_PERCENT,
	U_CENTIPERCENT, /* hundredths of a percent, as PSI averages are read */
	U_NS,
	U_US,
	U_MS,
	U_TICK, /* 1/100 s: USER_HZ, proc(5) */
	U_SECOND,
	U_BYTE,
	U_KIB,
	U_MIB,
	U_SECTOR, /* 512 bytes, Documentation/admin-guide/iostats.rst */
	U_MHZ,
	U_MBIT, /* Mbit/s, as /sys/class/net/X/speed */
	UNITS
};

enum show {
	HIDDEN,  /* raw material: wire and OpenMetrics only */
	SHOWN,   /* always */
	VERBOSE, /* with --verbose */
	CLUSTER, /* where an aggregator prints it: what one host alone cannot know */
};

enum metric_flag {
	AS_TOTAL = 1, /* a counter that is shown as it is, not per second */
	OWN_TIME = 2, /* read more rarely than the cycle: brings its own clock and previous value */
	NO_SUM = 4,   /* not summed into the scope above */
	PER_SECOND = 8, /* DERIVED: so much per second (a share or a mean is not) */
	LASTING = 16,   /* GAUGE: what the thing is, not what was measured of it */
};

enum metric_id {
#define METRIC(id, ...) M_##id,
#include "metrics.def"
#undef METRIC
	METRICS
};

struct metric {
	const char *name;   /* wire, Influx, OpenMetrics; lower case, never changes its meaning */
	const char *key;    /* JSON and text; NULL: not shown there */
	const char *title;  /* column title */
	const char *source; /* where the value comes from, for the reference */
	const char *help;   /* one sentence */
	uint16_t scopes;    /* OR of enum scope_bit */
	uint8_t kind, unit, family, show, decimals, flags;
};

extern const struct metric metrics[METRICS];

struct unit_info {
	const char *text;      /* in the reference, e.g. "ms"; of a shown counter: "ms/s" */
	const char *base_name; /* OpenMetrics unit suffix: "seconds", "" when none */
	double base;           /* value * base = value in the base unit */
};
extern const struct unit_info units[UNITS];

extern const char *const scope_names[SCOPES];    /* "vm_disk" */
extern const char *const scope_arrays[SCOPES];   /* JSON: "vcpus"; NULL: not an array */
extern const char *const family_names[FAMILIES]; /* "cpu": also the option */
extern const char *const kind_names[];           /* by enum kind */

/* The scope above, SCOPE_HOST for the host itself. */
enum scope scope_parent(enum scope s);

/* Is the column of scope s the sum of the children's columns? */
bool metric_is_rollup(enum metric_id m, enum scope s);

/* Is what is shown so much per second? */
bool metric_is_rate(enum metric_id m);

/* Bits by (1 << enum family): is m wanted? IDENT always is. */
bool metric_wanted(enum metric_id m, unsigned families, bool verbose);

#endif
