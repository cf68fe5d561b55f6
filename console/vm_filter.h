/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_FILTER_H
#define PROXTOP_VM_FILTER_H

/*
 * --vm=PATTERN: which VMs are shown.  A pattern is a shell glob (fnmatch(3)) over the
 * whole name, UUID or VMID, upper and lower case the same; without *, ? and [ it has to
 * be equal to one of them.
 */
#include "option.h"
#include "sample.h"

/* Does any pattern match?  arg: const struct option_list *, no patterns: every VM.
 * Made for printer_options.wants_vm. */
bool vm_filter_wants(void *arg, const struct sample *s, uint32_t vm_row);

#endif
