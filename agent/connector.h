/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CONNECTOR_H
#define PROXTOP_CONNECTOR_H

/* Which connector this host needs: forced, or found out as the original did. */
#include "files.h"
#include "measure.h"
#include "source.h"

/* Proxmox VE is where /etc/pve or the command qm is; else libvirt, when its socket or a
 * connection was named.  NULL: neither; said once. */
const struct source_ops *connector_choose(enum connector forced, const struct files *f,
					  const char *connection);

/* Is it a Proxmox VE host? */
bool connector_is_proxmox(const struct files *f);

#endif
