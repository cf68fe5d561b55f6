/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MEASURE_OPTIONS_H
#define PROXTOP_MEASURE_OPTIONS_H

/*
 * The options that measuring needs, for the tables of all programs that measure.
 *
 * Rows of a struct option_row table, in four pieces, as each program has its own groups.
 * AT(field) is the including table's; its struct has fields of the names here, of the types
 * that struct measure_options has (connector: int).  mark: an OPTION_MARK of the table, or 0.
 */
#include "measure.h"
#include "option.h"

/* clang-format off */
#define MEASURE_SOURCE_ROWS(in, mark)                                                              \
	{.name = "connection", .letter = 'c', .arg = "URI", .type = OPTION_TEXT,                   \
	 AT(connection), .fallback = "qemu:///system", .group = in, .bits = OPTION_UNSET | (mark), \
	 .help = "Connection URI of the libvirt daemon; given, it chooses the libvirt connector"}, \
	{.name = "procfs", .arg = "PATH", .type = OPTION_TEXT,                                     \
	 AT(procfs), .fallback = "/proc", .group = in, .bits = (mark),                             \
	 .help = "Where the host's proc filesystem is mounted"},                                   \
	{.name = "sysfs", .arg = "PATH", .type = OPTION_TEXT,                                      \
	 AT(sysfs), .fallback = "/sys", .group = in, .bits = (mark),                               \
	 .help = "Where the host's sys filesystem is mounted"},                                    \
	{.name = "rootfs", .arg = "PATH", .type = OPTION_TEXT,                                     \
	 AT(rootfs), .fallback = "/", .group = in, .bits = (mark),                                 \
	 .help = "Where the host's root is: its /etc/pve, /run and disk images are looked for "    \
		 "below"},                                                                         \
	{.name = "qmp-interval", .arg = "SECONDS", .type = OPTION_SECONDS,                         \
	 AT(qmp_interval), .fallback = "5", .min = 0.1, .max = 86400, .group = in, .bits = (mark), \
	 .help = "Least time between two questions to one VM (libvirt and QMP)"},                  \
	{.name = "host-name", .arg = "NAME", .type = OPTION_TEXT,                                  \
	 AT(host_name), .group = in, .bits = (mark),                                               \
	 .help = "Name of this host instead of the one found, as in a container"},                 \
	{.name = "host-id", .arg = "ID", .type = OPTION_TEXT,                                      \
	 AT(host_id), .group = in, .bits = (mark),                                                 \
	 .help = "Identity of this host instead of a hash of /etc/machine-id: at most 64 "         \
		 "letters, digits, dots, colons, dashes and underscores"}

#define MEASURE_CONNECTOR_ROWS(in, mark)                                                           \
	{.name = "proxmox", .type = OPTION_SET,                                                    \
	 AT(connector), .value = CONNECT_PROXMOX, .group = in, .bits = (mark),                     \
	 .help = "Use the Proxmox VE connector (found out by default)"},                           \
	{.name = "libvirt", .type = OPTION_SET,                                                    \
	 AT(connector), .value = CONNECT_LIBVIRT, .group = in, .bits = (mark),                     \
	 .help = "Use the libvirt connector (found out by default)"}

#define MEASURE_DEVICE_ROWS(in, mark)                                                              \
	{.name = "netdev", .arg = "DEVICES", .type = OPTION_TEXT,                                  \
	 AT(netdev), .group = in, .bits = (mark),                                                  \
	 .help = "Network devices that the host's sums are made of, comma separated, instead of "  \
		 "the physical ones"},                                                             \
	{.name = "storedev", .arg = "DEVICES", .type = OPTION_TEXT,                                \
	 AT(storedev), .group = in, .bits = (mark),                                                \
	 .help = "Disks that the host's sums are made of, comma separated, instead of the "        \
		 "physical ones"}

#define MEASURE_COLLECTOR_ROW(in, family, text, about)                                             \
	{.name = text, .type = OPTION_BITS, AT(families), .value = 1u << (family), .group = in,    \
	 .help = about}
/* The names are family_names[], a unit test says so. */
#define MEASURE_COLLECTOR_ROWS(in)                                                                 \
	MEASURE_COLLECTOR_ROW(in, F_CPU, "cpu", "CPU metrics"),                                    \
	MEASURE_COLLECTOR_ROW(in, F_MEM, "mem", "Memory metrics"),                                 \
	MEASURE_COLLECTOR_ROW(in, F_DISK, "disk", "Disk metrics"),                                 \
	MEASURE_COLLECTOR_ROW(in, F_NET, "net", "Network metrics"),                                \
	MEASURE_COLLECTOR_ROW(in, F_IO, "io", "I/O metrics of the QEMU processes (needs root)"),   \
	MEASURE_COLLECTOR_ROW(in, F_PRESSURE, "pressure",                                          \
			      "Pressure stall information (needs Linux 4.20 and psi=1)"),          \
	MEASURE_COLLECTOR_ROW(in, F_HOST, "host", "Name and identity of the host, as metrics")
/* clang-format on */

/* What holds for their values together; families get their default.  0, or -EINVAL with one
 * line for the user in p->why. */
int measure_options_check(struct option_parse *p, unsigned *families, const char *host_id,
			  const char *host_name);

#endif
