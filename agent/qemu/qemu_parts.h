/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_QEMU_PARTS_H
#define PROXTOP_QEMU_PARTS_H

/*
 * The parts of a QEMU command line that name each other: a device and its drive or
 * netdev, a monitor and its socket.  They are gathered in any order and joined at the
 * end.
 */
#include "qemu_args.h"
#include "qemu_cmdline.h"

#define NODES_MAX   256u
#define DEVICES_MAX 256u
#define NETDEVS_MAX 64u
#define SOCKETS_MAX 64u

/* A -drive or a top-level -blockdev. */
struct node {
	char *name, *file, *child;
	char *own_name; /* of a -drive without -device: what QEMU calls its device */
	bool cdrom, firmware, is_drive, used;
};

struct device {
	char *id, *drive, *netdev, *mac;
	bool cdrom;
};

struct netdev {
	char *id, *ifname, *mac, *bridge;
	bool alone; /* -nic: is the device too */
};

struct socket_end {
	char *id, *path;
};

/* What is gathered before devices can be joined to what they stand on. */
struct parts {
	struct node nodes[NODES_MAX];
	struct device devices[DEVICES_MAX];
	struct netdev netdevs[NETDEVS_MAX];
	struct socket_end sockets[SOCKETS_MAX];
	char *monitors[SOCKETS_MAX];
	unsigned n_nodes, n_devices, n_netdevs, n_sockets, n_monitors;
	unsigned ide, virtio; /* drives without an index so far */
	struct qemu_cmdline *out;
};

/* One option's value each. */
void parts_chardev(struct parts *p, const struct qemu_args *a);
void parts_mon(struct parts *p, const struct qemu_args *a);
void parts_qmp(struct parts *p, const struct qemu_args *a);
void parts_drive(struct parts *p, const struct qemu_args *a);
void parts_blockdev(struct parts *p, const struct qemu_args *a);
void parts_device(struct parts *p, const struct qemu_args *a);
void parts_netdev(struct parts *p, const struct qemu_args *a);
void parts_nic(struct parts *p, const struct qemu_args *a);

/* -hda FILE, -cdrom FILE and the like: a -drive in short. */
void parts_file(struct parts *p, const char *file, const char *own_name, bool cdrom);

/* Disks, NICs and QMP sockets into p->out. */
void parts_join(struct parts *p);
void parts_free(struct parts *p); /* and p */

#endif
