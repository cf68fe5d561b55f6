/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a VM's configuration, and as corosync.conf. */
#include "pve_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void bounded(const char *text)
{
	if (text && strlen(text) > PVE_VALUE_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pve_config c;
	char *name;

	pve_config_parse((const char *)bytes, n, &c);
	if (c.n_disks > PVE_DISKS_MAX || c.n_nics > PVE_NICS_MAX)
		abort();
	bounded(c.name);
	bounded(c.tags);
	bounded(c.lock);
	bounded(c.uuid);
	for (unsigned i = 0; i < c.n_disks; i++) {
		bounded(c.disks[i].name);
		bounded(c.disks[i].volume);
	}
	for (unsigned i = 0; i < c.n_nics; i++) {
		bounded(c.nics[i].mac);
		bounded(c.nics[i].bridge);
	}
	pve_config_vcpus(&c);
	pve_config_fini(&c);
	name = pve_cluster_name((const char *)bytes, n);
	bounded(name);
	free(name);
	return 0;
}
