/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_DETAILS_H
#define PROXTOP_VM_DETAILS_H

/*
 * What the kernel knows of one VM's surroundings: cgroups and their limits, network
 * namespace, the device behind each disk.  Slow; for the lookup only.
 */
#include "files.h"
#include "inventory.h"

/* vm has its pid; fills psi_dir, limits and limits_known.  old: the same VM in an earlier round,
 * NULL if there is none; in a cgroup that was not its own then, nothing is looked for. */
void vm_find_cgroups(struct vm *vm, const struct files *f, const struct vm *old);

/* Fills backing, allocation and physical of each disk by stat(2) below rootfs. disks
 * of the inventory must be there. */
void vm_find_backing(struct vm *vm, const struct files *f, const struct inventory *i);

/* A tap that was handed to QEMU as a descriptor: its name, from /proc/PID/fdinfo. */
void vm_find_taps(struct vm *vm, const struct files *f);

#endif
