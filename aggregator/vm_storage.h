/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_STORAGE_H
#define PROXTOP_VM_STORAGE_H

/* On which storage a VM's first disk is, as far as its device or file tells: what many VMs may
 * share across hosts. */
#include "sample.h"

/* "/mnt/pve/nfs" of /mnt/pve/nfs/images/100/disk.qcow2, "/dev/pve" of /dev/pve/vm-100-disk-0,
 * "rbd:pool" of rbd:pool/vm-100; "" when nothing is known.  to: size bytes. */
void vm_storage(const struct sample *s, uint32_t vm_row, char *to, size_t size);

#endif
