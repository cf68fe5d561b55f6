/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_QMP_PARSE_H
#define PROXTOP_QMP_PARSE_H

/*
 * The lines a QEMU writes on its QMP socket, as readings.  Pure: no socket, no clock.
 *
 * Nothing is assumed of the order of members, and what is not needed is passed over.
 * A line that is no valid JSON, or not of QMP's form, gives QMP_BAD and no readings.
 */
#include "source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum qmp_line {
	QMP_BAD,
	QMP_GREETING,
	QMP_EVENT,
	QMP_RETURN, /* the answer to a command, in the order they were sent */
	QMP_ERROR,
};

/* Which command the next answer belongs to. */
enum qmp_command {
	QMP_CAPABILITIES,
	QMP_BLOCKSTATS,
	QMP_BALLOON,
	QMP_GUEST_STATS,
	QMP_STATUS,
	QMP_COMMANDS
};

struct qmp_disks {
	unsigned n;
	struct guest_disk disk[VM_DISKS_MAX];
};

/* What a guest's balloon driver says; ABSENT where it does not. */
struct qmp_balloon {
	uint64_t actual, max; /* bytes; max is there with Proxmox VE's QEMU only */
	bool has_guest;       /* does the answer have any of the following? */
	uint64_t updated;     /* when the guest said it: seconds of the host's wall clock */
	uint64_t free, total, available, swap_in, swap_out; /* bytes */
};

struct qmp_answer {
	struct qmp_disks *disks;    /* of QMP_BLOCKSTATS */
	struct qmp_balloon balloon; /* of QMP_BALLOON; guest parts also of QMP_GUEST_STATS */
	enum vm_state state;        /* of QMP_STATUS */
};

/* expected: the command an answer would belong to; its readings go into ret. */
enum qmp_line qmp_parse(const char *line, size_t n, enum qmp_command expected,
			struct qmp_answer *ret);

/* The name of a disk as Proxmox VE's configuration has it, from what query-blockstats
 * says of it (each may be ""); false for what is no disk of the VM: nodes of backups,
 * firmware code, nameless ones. */
bool qmp_disk_name(const char *device, const char *qdev, const char *node,
		   char ret[GUEST_DISK_NAME]);

#endif
