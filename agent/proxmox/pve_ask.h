/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_ASK_H
#define PROXTOP_PVE_ASK_H

/*
 * Asks the QEMUs of Proxmox VE for disks, balloon and state, and hands the answers to
 * the hub.
 *
 * QMP sockets serve one client at a time and PVE's own tools come first: few visits at
 * once, each short and with a deadline, spread over the interval, never to a VM that is
 * locked or migrating in, and more and more rarely to one that does not answer.
 */
#include "pve_describe.h"
#include "source.h"

struct pve_ask;

/* h is borrowed.  NULL with errno when there is no descriptor left. */
struct pve_ask *pve_ask_new(const struct source_options *options, struct hub *h);
void pve_ask_free(struct pve_ask *a);

/* From any thread: the VMs to ask from now on, and where their sockets are; both are
 * taken over, and the array. */
void pve_ask_follow(struct pve_ask *a, struct pve_target **targets, unsigned n, char *run_dir);

/* The thread's function: asks until pve_ask_stop() was called from another thread, and
 * returns at once then. */
void pve_ask_run(struct pve_ask *a);
void pve_ask_stop(struct pve_ask *a);

/* Without a thread: asks each VM once and returns when all have answered or failed. */
void pve_ask_once(struct pve_ask *a);

/* Do the wanted families need QMP at all? */
bool pve_ask_wants_qmp(const struct source_options *options);

#endif
