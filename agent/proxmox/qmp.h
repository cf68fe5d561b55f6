/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_QMP_H
#define PROXTOP_QMP_H

/*
 * One visit to a QEMU's QMP socket: connect, ask, read, leave.
 *
 * The socket serves one client at a time and Proxmox VE's own tools need it, so
 * nothing here ever waits and no connection is kept: a visit is begun with its
 * commands, driven by qmp_read() until it is over, and closed by the caller's deadline
 * otherwise.  QEMU reads requests byte by byte at 12 us each: they are as short as QMP
 * allows.
 */
#include "qmp_parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QMP_BYTES_MAX (4u << 20) /* of all that a QEMU says in one visit */
#define QMP_SCRATCH   (64u << 10)
#define QMP_QUESTIONS 8u

/* What the visits of one thread share. */
struct qmp_scratch {
	/* Called as soon as QMP_BLOCKSTATS is answered, from qmp_read(). */
	void (*take_disks)(void *arg, struct qmp_disks *disks);
	void *arg;
	struct qmp_disks disks;
	char bytes[QMP_SCRATCH];
};

struct qmp_visit {
	int fd; /* -1: none under way */
	bool greeted;
	unsigned asked, answered;
	uint8_t question[QMP_QUESTIONS]; /* enum qmp_command, in the order sent */
	uint32_t done, failed;           /* bits 1 << enum qmp_command */
	size_t total;                    /* bytes read so far */
	char *rest;                      /* a line whose end has not come yet */
	size_t rest_used, rest_room;
	struct qmp_answer answer; /* without .disks, see above */
};

#define QMP_NO_VISIT                                                                               \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Connects to dir/VMID.qmp and sends capabilities and the commands (bits as above, in
 * the order of the enum).  guest_path: QOM path for QMP_GUEST_STATS.  0, or negative
 * errno; -EAGAIN: others wait there already. */
int qmp_start(struct qmp_visit *v, const char *dir, unsigned vmid, unsigned commands,
	      const char *guest_path);

/* One command more on a visit whose questions are all answered. */
int qmp_ask(struct qmp_visit *v, enum qmp_command command, const char *guest_path);

/* Reads what is there.  1: all answered; 0: more is to come; -EPROTO: not QMP;
 * -EMSGSIZE: too much; -ECONNRESET: QEMU hung up; other negative errno. */
int qmp_read(struct qmp_visit *v, struct qmp_scratch *scratch);

/* Leaves and frees; the visit can be started again. */
void qmp_close(struct qmp_visit *v);

#endif
