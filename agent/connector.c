/* SPDX-License-Identifier: Apache-2.0 */
#include "connector.h"

#include "log.h"

#include <stdio.h>
#include <unistd.h>

static bool exists_below(const struct files *f, const char *path)
{
	char full[PATH_MAX_OURS];

	return (size_t)snprintf(full, sizeof(full), "%s%s", f->rootfs, path) < sizeof(full) &&
	       access(full, F_OK) == 0;
}

bool connector_is_proxmox(const struct files *f)
{
	return exists_below(f, "/etc/pve") || exists_below(f, "/usr/sbin/qm");
}

const struct source_ops *connector_choose(enum connector forced, const struct files *f,
					  const char *connection)
{
	static const char *const libvirt[] = {"/run/libvirt", "/var/run/libvirt", "/etc/libvirt"};

	if (forced == CONNECT_PROXMOX)
		return &source_proxmox;
	if (forced == CONNECT_LIBVIRT || connection)
		return &source_libvirt;
	if (connector_is_proxmox(f))
		return &source_proxmox;
	for (size_t i = 0; i < sizeof(libvirt) / sizeof(*libvirt); i++)
		if (exists_below(f, libvirt[i]))
			return &source_libvirt;
	log_once(LOG_WARNING, "no-connector",
		 "neither libvirt (/run/libvirt) nor Proxmox VE (/etc/pve) is here: only the host "
		 "and "
		 "QEMU processes found in %s are shown; give access with --libvirt, "
		 "--connection=URI or "
		 "--proxmox, in a container with --rootfs",
		 f->procfs);
	return NULL;
}
