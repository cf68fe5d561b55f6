/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu_parts.h"

#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 8u /* block nodes below each other */

static char *copy(const struct qemu_args *a, const char *key)
{
	return xstrdup(qemu_args_get(a, key));
}

void parts_chardev(struct parts *p, const struct qemu_args *a)
{
	const char *id = qemu_args_get(a, "id"), *path = qemu_args_get(a, "path");

	if (id && path && qemu_args_is(a, "backend", "socket") && qemu_args_is(a, "server", "on") &&
	    !qemu_args_is(a, "abstract", "on") && p->n_sockets < SOCKETS_MAX)
		p->sockets[p->n_sockets++] = (struct socket_end){xstrdup(id), xstrdup(path)};
}

void parts_mon(struct parts *p, const struct qemu_args *a)
{
	const char *chardev = qemu_args_get(a, "chardev");

	if (chardev && qemu_args_is(a, "mode", "control") && p->n_monitors < SOCKETS_MAX)
		p->monitors[p->n_monitors++] = xstrdup(chardev);
}

static void add_qmp(struct qemu_cmdline *c, const char *path)
{
	if (*path && c->n_qmp < QEMU_QMP_MAX)
		c->qmp[c->n_qmp++] = xstrdup(path);
}

/* -qmp unix:PATH,server=on,wait=off, or the name of a chardev. */
void parts_qmp(struct parts *p, const struct qemu_args *a)
{
	const char *where = qemu_args_get(a, "where");

	if (!where)
		return;
	if (!strncmp(where, "unix:", 5)) {
		if (qemu_args_is(a, "server", "on"))
			add_qmp(p->out, where + 5);
	} else if (!strncmp(where, "chardev:", 8) && p->n_monitors < SOCKETS_MAX) {
		p->monitors[p->n_monitors++] = xstrdup(where + 8);
	}
}

/* The drives QEMU names itself: virtio0, ide0-hd1. */
static char *drive_own_name(struct parts *p, const struct qemu_args *a, const char *interface)
{
	const char *index = qemu_args_get(a, "index");
	unsigned *next = !strcmp(interface, "virtio") ? &p->virtio : &p->ide, i;

	if (strcmp(interface, "virtio") && strcmp(interface, "ide"))
		return NULL;
	i = index ? (unsigned)value_number(index, 1000) : *next;
	*next = i + 1;
	if (next == &p->virtio)
		return xasprintf("virtio%u", i);
	return xasprintf("ide%u-%s%u", i / 2, qemu_args_is(a, "media", "cdrom") ? "cd" : "hd",
			 i % 2);
}

void parts_drive(struct parts *p, const struct qemu_args *a)
{
	const char *interface = qemu_args_get(a, "if");
	struct node *n;

	if (p->n_nodes == NODES_MAX)
		return;
	if (!interface)
		interface = "ide";
	n = &p->nodes[p->n_nodes++];
	n->is_drive = true;
	n->name = copy(a, "id");
	n->own_name = drive_own_name(p, a, interface);
	if (!n->name)
		n->name = copy(a, "node-name");
	n->file = copy(a, "file");
	if (!n->file)
		n->file = copy(a, "file.filename");
	n->cdrom = qemu_args_is(a, "media", "cdrom");
	n->firmware = !strcmp(interface, "pflash");
}

void parts_file(struct parts *p, const char *file, const char *own_name, bool cdrom)
{
	struct node *n;

	if (p->n_nodes == NODES_MAX)
		return;
	n = &p->nodes[p->n_nodes++];
	n->is_drive = true;
	n->own_name = xstrdup(own_name);
	n->file = xstrdup(file);
	n->cdrom = cdrom;
}

void parts_blockdev(struct parts *p, const struct qemu_args *a)
{
	char prefix[CHAIN_MAX * 5 + 1] = "", key[sizeof(prefix) + 16];
	struct node *n;

	if (p->n_nodes == NODES_MAX || !qemu_args_get(a, "node-name"))
		return;
	n = &p->nodes[p->n_nodes++];
	n->name = copy(a, "node-name");
	for (unsigned i = 0; i < CHAIN_MAX && !n->file && !n->child; i++) {
		const char *pool, *image;

		snprintf(key, sizeof(key), "%sfilename", prefix);
		n->file = copy(a, key);
		snprintf(key, sizeof(key), "%sfile", prefix);
		n->child = copy(a, key);
		snprintf(key, sizeof(key), "%spool", prefix);
		pool = qemu_args_get(a, key);
		snprintf(key, sizeof(key), "%simage", prefix);
		image = qemu_args_get(a, key);
		snprintf(key, sizeof(key), "%sdriver", prefix);
		if (!n->file && pool && image && qemu_args_is(a, key, "rbd"))
			n->file = xasprintf("rbd:%s/%s", pool, image);
		strcat(prefix, "file.");
	}
}

void parts_device(struct parts *p, const struct qemu_args *a)
{
	const char *mac = qemu_args_get(a, "mac"), *driver = qemu_args_get(a, "driver");
	struct device *d;

	if (!qemu_args_get(a, "drive") && !qemu_args_get(a, "netdev"))
		return;
	if (p->n_devices == DEVICES_MAX)
		return;
	d = &p->devices[p->n_devices++];
	d->id = copy(a, "id");
	d->drive = copy(a, "drive");
	d->netdev = copy(a, "netdev");
	d->mac = mac ? mac_normal(mac) : NULL;
	d->cdrom = driver && (!strcmp(driver, "ide-cd") || !strcmp(driver, "scsi-cd"));
}

static void add_netdev(struct parts *p, const struct qemu_args *a, bool alone)
{
	const char *mac = qemu_args_get(a, "mac");
	struct netdev *n;

	if (p->n_netdevs == NETDEVS_MAX || qemu_args_is(a, "type", "none"))
		return;
	n = &p->netdevs[p->n_netdevs++];
	n->id = copy(a, "id");
	n->alone = alone;
	if (qemu_args_is(a, "type", "tap"))
		n->ifname = copy(a, "ifname");
	n->bridge = copy(a, "br");
	if (!n->bridge && qemu_args_is(a, "type", "bridge"))
		n->bridge = xstrdup("br0"); /* QEMU's default */
	if (alone && mac)
		n->mac = mac_normal(mac);
}

void parts_netdev(struct parts *p, const struct qemu_args *a)
{
	add_netdev(p, a, false);
}

void parts_nic(struct parts *p, const struct qemu_args *a)
{
	add_netdev(p, a, true);
}

static struct node *find_node(struct parts *p, const char *name)
{
	for (unsigned i = 0; i < p->n_nodes; i++) {
		if (p->nodes[i].name && !strcmp(p->nodes[i].name, name))
			return &p->nodes[i];
	}
	return NULL;
}

/* The file at the bottom of the nodes below n; marks them used. */
static const char *node_file(struct parts *p, struct node *n)
{
	for (unsigned i = 0; n && i < CHAIN_MAX; i++) {
		n->used = true;
		if (n->file || !n->child)
			return n->file;
		n = find_node(p, n->child);
	}
	return NULL;
}

static void add_disk(struct parts *p, const char *name, struct node *n, bool cdrom)
{
	struct qemu_cmdline *c = p->out;
	const char *file = node_file(p, n);
	struct qemu_disk *d;

	if (c->n_disks == QEMU_DISKS_MAX || !name)
		return;
	d = &c->disks[c->n_disks++];
	d->name = xstrdup(name);
	d->drive = xstrdup(n->name);
	d->file = file && *file && strncmp(file, "json:", 5) ? xstrdup(file) : NULL;
	d->cdrom = cdrom || n->cdrom;
	d->firmware = n->firmware;
}

static void join_disks(struct parts *p)
{
	for (unsigned i = 0; i < p->n_devices; i++) {
		struct device *d = &p->devices[i];
		struct node *n = d->drive ? find_node(p, d->drive) : NULL;

		if (n)
			add_disk(p, d->id ? d->id : d->drive, n, d->cdrom);
	}
	/* What no device names: drives that bring their own, and flash memory.  A block
	 * node that is another one's child is no disk. */
	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct node *child = p->nodes[i].child ? find_node(p, p->nodes[i].child) : NULL;

		if (child)
			child->used = true;
	}
	for (unsigned i = 0; i < p->n_nodes; i++) {
		struct node *n = &p->nodes[i];

		if (n->used)
			continue;
		n->firmware |= !n->is_drive;
		add_disk(p, n->name ? n->name : n->own_name, n, false);
	}
}

static void join_nics(struct parts *p)
{
	struct qemu_cmdline *c = p->out;

	for (unsigned i = 0; i < p->n_netdevs; i++) {
		struct netdev *n = &p->netdevs[i];
		struct device *d = NULL;
		struct qemu_nic *to;

		for (unsigned j = 0; j < p->n_devices && n->id && !n->alone; j++) {
			if (p->devices[j].netdev && !strcmp(p->devices[j].netdev, n->id))
				d = &p->devices[j];
		}
		if (c->n_nics == QEMU_NICS_MAX)
			return;
		to = &c->nics[c->n_nics++];
		to->name = xstrdup(d && d->id ? d->id : n->id);
		to->ifname = xstrdup(n->ifname);
		to->bridge = xstrdup(n->bridge);
		to->mac = xstrdup(d ? d->mac : n->mac);
	}
}

static void join_monitors(struct parts *p)
{
	for (unsigned i = 0; i < p->n_monitors; i++) {
		for (unsigned j = 0; j < p->n_sockets; j++) {
			if (!strcmp(p->monitors[i], p->sockets[j].id))
				add_qmp(p->out, p->sockets[j].path);
		}
	}
}

void parts_free(struct parts *p)
{
	for (unsigned i = 0; i < p->n_nodes; i++) {
		free(p->nodes[i].name);
		free(p->nodes[i].file);
		free(p->nodes[i].child);
		free(p->nodes[i].own_name);
	}
	for (unsigned i = 0; i < p->n_devices; i++) {
		free(p->devices[i].id);
		free(p->devices[i].drive);
		free(p->devices[i].netdev);
		free(p->devices[i].mac);
	}
	for (unsigned i = 0; i < p->n_netdevs; i++) {
		free(p->netdevs[i].id);
		free(p->netdevs[i].ifname);
		free(p->netdevs[i].mac);
		free(p->netdevs[i].bridge);
	}
	for (unsigned i = 0; i < p->n_sockets; i++) {
		free(p->sockets[i].id);
		free(p->sockets[i].path);
	}
	for (unsigned i = 0; i < p->n_monitors; i++)
		free(p->monitors[i]);
	free(p);
}

void parts_join(struct parts *p)
{
	join_disks(p);
	join_nics(p);
	join_monitors(p);
}
