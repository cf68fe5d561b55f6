/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_QEMU_CMDLINE_H
#define PROXTOP_QEMU_CMDLINE_H

/*
 * What a QEMU's command line, as /proc/PID/cmdline has it, says of its VM.
 *
 * Whoever starts a process chooses its command line, so nothing here is believed
 * beyond its own VM: options are matched whole, every number is bounded, what is not
 * understood is left out.  What a running VM got by hot-plug is not in here.
 */
#include "qemu_values.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_CMDLINE_MAX (128u << 10) /* bytes that are looked at */
#define QEMU_DISKS_MAX   64u
#define QEMU_NICS_MAX    64u
#define QEMU_QMP_MAX     8u

struct qemu_disk {
	char *name;  /* id of the guest's device (scsi0), or the drive's when it has none */
	char *drive; /* id of the -drive or node name of the -blockdev: drive-scsi0; may be NULL */
	char *file;  /* path, or an URL like rbd:pool/image; NULL: not told */
	bool cdrom;
	bool firmware; /* flash memory */
};

struct qemu_nic {
	char *name;   /* id of the guest's device or of the netdev; may be NULL */
	char *ifname; /* tap on the host; NULL: none, or handed over as a descriptor */
	char *mac;    /* lower case; NULL: not told */
	char *bridge; /* NULL: not told */
};

struct qemu_cmdline {
	char *uuid;          /* lower case; NULL: none, or not of a UUID's form */
	char *name;          /* NULL: none */
	char *pidfile;       /* NULL: none */
	uint32_t vmid;       /* -id of Proxmox VE; 0: none */
	unsigned vcpus;      /* at start; 0: not told */
	uint64_t memory_kib; /* at start; 0: not told */
	bool incoming;       /* started to take over a migrating VM; stays true afterwards */
	struct qemu_disk disks[QEMU_DISKS_MAX];
	struct qemu_nic nics[QEMU_NICS_MAX];
	char *qmp[QEMU_QMP_MAX]; /* sockets on which QEMU listens for QMP clients */
	unsigned n_disks, n_nics, n_qmp;
};

/* Is argv[0] (any path before it) kvm, qemu-kvm or qemu-system-ARCH?  Cheap: for
 * going through all processes.  buf need not hold more than the first argument. */
bool qemu_cmdline_is_qemu(const char *buf, size_t n);

/* buf: arguments, each ended by a NUL; a last one without is taken to be cut off and
 * left out.  False when it is not a QEMU; ret is valid (empty) then too. */
bool qemu_cmdline_parse(const char *buf, size_t n, struct qemu_cmdline *ret);
void qemu_cmdline_fini(struct qemu_cmdline *c);

#endif
