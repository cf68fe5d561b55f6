/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_describe.h"

#include "sample.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void pve_target_free(struct pve_target *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->lock);
	free(t->disks);
	free(t);
}

struct pve_target *pve_target_copy(const struct pve_target *t)
{
	struct pve_target *to;

	if (!t)
		return NULL;
	to = xcalloc(1, sizeof(*to));
	*to = *t;
	to->name = xstrdup(t->name);
	to->lock = xstrdup(t->lock);
	to->disks = xcalloc(t->n_disks + 1, sizeof(*t->disks));
	memcpy(to->disks, t->disks, t->n_disks * sizeof(*t->disks));
	return to;
}

/* The id of the drive that Proxmox VE gives to disk NAME is drive-NAME. */
static bool is_drive_of(const char *drive, const char *name)
{
	return drive && !strncmp(drive, "drive-", 6) && !strcmp(drive + 6, name);
}

static const char *file_of(const struct qemu_cmdline *cmd, const char *name)
{
	for (unsigned i = 0; i < cmd->n_disks; i++) {
		const struct qemu_disk *q = &cmd->disks[i];

		if (is_drive_of(q->drive, name) || !strcmp(q->name, name))
			return q->file;
	}
	return NULL;
}

static void disks_from_config(struct vm_desc *d, const struct qemu_cmdline *cmd,
			      const struct pve_config *conf)
{
	for (unsigned i = 0; i < conf->n_disks; i++) {
		const struct pve_disk *c = &conf->disks[i];
		const char *file = file_of(cmd, c->name);
		struct disk_desc *to = vm_desc_disk(d);

		if (!to)
			return;
		to->name = xstrdup(c->name);
		to->device = xstrdup(file ? file : c->volume);
		to->capacity = c->size;
	}
}

static void disks_from_cmdline(struct vm_desc *d, const struct qemu_cmdline *cmd)
{
	for (unsigned i = 0; i < cmd->n_disks; i++) {
		const struct qemu_disk *q = &cmd->disks[i];
		bool named = q->drive && !strncmp(q->drive, "drive-", 6);
		struct disk_desc *to;

		if (q->cdrom || (q->firmware && !named))
			continue;
		to = vm_desc_disk(d);
		if (!to)
			return;
		to->name = xstrdup(named ? q->drive + 6 : q->name);
		to->device = xstrdup(q->file);
	}
}

static void nics_from_config(struct vm_desc *d, const struct pve_config *conf)
{
	for (unsigned i = 0; i < conf->n_nics; i++) {
		const struct pve_nic *c = &conf->nics[i];
		struct nic_desc *to = vm_desc_nic(d);

		if (!to)
			return;
		to->mac = xstrdup(c->mac);
		to->bridge = xstrdup(c->bridge);
		/* Without a bridge it is QEMU's user network. */
		if (c->bridge)
			to->tap = xasprintf("tap%ui%u", d->vmid, c->index);
	}
}

static void nics_from_cmdline(struct vm_desc *d, const struct qemu_cmdline *cmd)
{
	for (unsigned i = 0; i < cmd->n_nics; i++) {
		struct nic_desc *to = vm_desc_nic(d);

		if (!to)
			return;
		to->tap = xstrdup(cmd->nics[i].ifname);
		to->mac = xstrdup(cmd->nics[i].mac);
		to->bridge = xstrdup(cmd->nics[i].bridge);
	}
}

static char *own_uuid(uint32_t vmid, const char *cluster)
{
	if (cluster)
		return xasprintf("proxmox-%s-%u", cluster, vmid);
	return xasprintf("proxmox-%u", vmid);
}

static char *pick_name(uint32_t vmid, const struct qemu_cmdline *cmd, const struct pve_config *conf)
{
	if (conf && conf->name)
		return xstrdup(conf->name);
	if (!conf && cmd->name)
		return xstrdup(cmd->name);
	return xasprintf("VM %u", vmid); /* as Proxmox VE shows it */
}

static struct pve_target *make_target(const struct vm_desc *d, const struct pve_config *conf)
{
	struct pve_target *t = xcalloc(1, sizeof(*t));

	t->key = d->key;
	t->vmid = d->vmid;
	t->name = xstrdup(d->name);
	if (d->state == VM_MIGRATING_IN)
		t->hands_off = PVE_MIGRATING_IN;
	if (conf) {
		t->no_balloon = conf->no_balloon;
		t->lock = xstrdup(conf->lock);
		if (conf->lock)
			t->hands_off = PVE_LOCKED;
	}
	t->disks = xcalloc(d->n_disks + 1, sizeof(*t->disks));
	for (unsigned i = 0; i < d->n_disks; i++) {
		size_t n = strlen(d->disks[i].name);

		if (n < GUEST_DISK_NAME)
			memcpy(t->disks[t->n_disks++], d->disks[i].name, n + 1);
	}
	return t;
}

struct pve_target *pve_describe(struct vm_desc *d, uint32_t vmid, pid_t pid, uint64_t start_time,
				const struct qemu_cmdline *cmd, const struct pve_config *conf,
				bool conf_expected, const char *cluster)
{
	const char *uuid = conf && conf->uuid ? conf->uuid : cmd->uuid;

	d->key = id_hash_u64(id_hash_u64(id_hash_u64(id_hash(0, "proxmox"), vmid), (uint64_t)pid),
			     start_time);
	d->uuid = uuid ? xstrdup(uuid) : own_uuid(vmid, cluster);
	d->name = pick_name(vmid, cmd, conf);
	d->vmid = vmid;
	d->pid = pid;
	if (!conf) {
		/* The configuration comes to this node when the migration is over. */
		d->state = conf_expected && cmd->incoming ? VM_MIGRATING_IN : VM_UNKNOWN;
		d->cores = cmd->vcpus;
		d->memory_kib = cmd->memory_kib;
		disks_from_cmdline(d, cmd);
		nics_from_cmdline(d, cmd);
		return make_target(d, NULL);
	}
	d->tags = xstrdup(conf->tags);
	d->cores = pve_config_vcpus(conf);
	d->memory_kib = conf->memory_kib ? conf->memory_kib : cmd->memory_kib;
	if (!d->memory_kib)
		d->memory_kib = PVE_MEMORY_MIB << 10;
	disks_from_config(d, cmd, conf);
	nics_from_config(d, conf);
	return make_target(d, conf);
}

void pve_desc_copy(struct vm_desc *to, const struct vm_desc *from)
{
	*to = *from;
	to->uuid = xstrdup(from->uuid);
	to->name = xstrdup(from->name);
	to->tags = xstrdup(from->tags);
	to->disks = NULL;
	to->nics = NULL;
	to->n_disks = to->n_nics = 0;
	for (unsigned i = 0; i < from->n_disks; i++) {
		struct disk_desc *d = vm_desc_disk(to);

		*d = from->disks[i];
		d->name = xstrdup(d->name);
		d->device = xstrdup(d->device);
	}
	for (unsigned i = 0; i < from->n_nics; i++) {
		struct nic_desc *n = vm_desc_nic(to);

		n->tap = xstrdup(from->nics[i].tap);
		n->mac = xstrdup(from->nics[i].mac);
		n->bridge = xstrdup(from->nics[i].bridge);
	}
}

static uint64_t hash_text(uint64_t h, const char *text)
{
	/* NULL and "" must differ, and so must neighbours that share a border. */
	return id_hash_u64(id_hash(h, text ? text : "\1none"), text ? strlen(text) : 0);
}

uint64_t pve_desc_hash(const struct vm_desc *d)
{
	uint64_t h = id_hash_u64(0, d->key);

	h = hash_text(hash_text(hash_text(h, d->uuid), d->name), d->tags);
	h = id_hash_u64(id_hash_u64(h, d->cores), d->memory_kib);
	h = id_hash_u64(id_hash_u64(h, d->state), d->n_disks);
	for (unsigned i = 0; i < d->n_disks; i++) {
		h = hash_text(hash_text(h, d->disks[i].name), d->disks[i].device);
		h = id_hash_u64(h, d->disks[i].capacity);
	}
	for (unsigned i = 0; i < d->n_nics; i++) {
		h = hash_text(hash_text(h, d->nics[i].tap), d->nics[i].mac);
		h = hash_text(h, d->nics[i].bridge);
	}
	return h;
}
