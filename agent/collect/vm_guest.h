/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_GUEST_H
#define PROXTOP_VM_GUEST_H

/*
 * What belongs to a VM beside its process: the guest's memory and disks, as the source
 * last said (the hub has it, with its own times), and its interfaces.
 */
#include "cycle.h"

void vm_guest_memory(struct cycle *c, uint32_t row, const struct vm *vm);
void vm_guest_disks(struct cycle *c, uint32_t row, const struct vm *vm);
void vm_guest_nics(struct cycle *c, uint32_t row, const struct vm *vm);

#endif
