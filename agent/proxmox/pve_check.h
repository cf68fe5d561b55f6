/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_CHECK_H
#define PROXTOP_PVE_CHECK_H

/* struct source_ops.check of the connector for Proxmox VE: directories, VMs and
 * permissions, one line each.  No QMP socket is connected to. */
#include "source.h"

int pve_check(const struct source_options *o, void (*say)(void *arg, const char *line), void *arg);

#endif
