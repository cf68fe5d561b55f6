/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu_cmdline.h"

#include "qemu_args.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX   256u
#define DEVICES_MAX 256u
#define NETDEVS_MAX 64u
#define SOCKETS_MAX 64u
#define CHAIN_MAX   8u /* block nodes below each other */
#define VCPUS_MAX   65536u

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

static char *copy(const struct qemu_args *a, const char *key)
{
	return xstrdup(qemu_args_get(a, key));
}

static void replace(char **to, char *text)
{
	free(*to);
	*to = text;
}

char *uuid_normal(const char *text)
{
	char out[37];
	unsigned i;

	for (i = 0; i < 36; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-')
				return NULL;
		} else if (!isxdigit(c)) {
			return NULL;
		}
		out[i] = (char)tolower(c);
	}
	out[i] = '\0';
	return text[36] ? NULL : xstrdup(out);
}

char *mac_normal(const char *text)
{
	char out[18];
	unsigned i;

	for (i = 0; i < 17; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i % 3 == 2) {
			if (c != ':' && c != '-')
				return NULL;
			c = ':';
		} else if (!isxdigit(c)) {
			return NULL;
		}
		out[i] = (char)tolower(c);
	}
	out[i] = '\0';
	return text[17] ? NULL : xstrdup(out);
}

/* Decimal digits only, at most max; 0 for anything else. */
static uint64_t number(const char *text, uint64_t max)
{
	uint64_t v = 0;

	if (!text || !*text)
		return 0;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		v = v * 10 + (unsigned)(*text - '0');
		if (v > max)
			return 0;
	}
	return v;
}

/* QEMU's sizes: 192, 2G, 1.5G; without a letter they are MiB.  In KiB, 0: not one. */
static uint64_t memory_size(const char *text)
{
	static const char letters[] = "bkmgtpe";
	double v = 0, digit = 1;
	const char *letter, *start = text;
	double bytes = 1 << 20;

	for (; isdigit((unsigned char)*text); text++)
		v = v * 10 + (*text - '0');
	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++)
			v += (*text - '0') * (digit /= 10);
	}
	if (text == start)
		return 0;
	if (*text) {
		letter = strchr(letters, tolower((unsigned char)*text));
		if (!letter || text[1])
			return 0;
		bytes = (double)(1ull << (10 * (letter - letters)));
	}
	v = v * bytes / 1024;
	return v < 1e15 ? (uint64_t)v : 0;
}

static void take_name(struct parts *p, const struct qemu_args *a)
{
	const char *name = qemu_args_get(a, "guest");

	if (name && *name)
		replace(&p->out->name, xstrdup(name));
}

static void take_smbios(struct parts *p, const struct qemu_args *a)
{
	const char *uuid = qemu_args_get(a, "uuid");

	if (uuid && qemu_args_is(a, "type", "1"))
		replace(&p->out->uuid, uuid_normal(uuid));
}

static void take_smp(struct parts *p, const struct qemu_args *a)
{
	static const char *const levels[] = {"drawers",  "books",   "sockets", "dies",
					     "clusters", "modules", "cores",   "threads"};
	const char *cpus = qemu_args_get(a, "cpus");
	uint64_t n = 1;

	/* Left out, QEMU starts as many as there can be. */
	if (!cpus)
		cpus = qemu_args_get(a, "maxcpus");
	if (cpus) {
		p->out->vcpus = (unsigned)number(cpus, VCPUS_MAX);
		return;
	}
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const char *of = qemu_args_get(a, levels[i]);

		if (of)
			n *= number(of, VCPUS_MAX);
		if (n > VCPUS_MAX)
			n = 0;
	}
	p->out->vcpus = (unsigned)n;
}

static void take_memory(struct parts *p, const struct qemu_args *a)
{
	const char *size = qemu_args_get(a, "size");

	if (size)
		p->out->memory_kib = memory_size(size);
}

static void take_chardev(struct parts *p, const struct qemu_args *a)
{
	const char *id = qemu_args_get(a, "id"), *path = qemu_args_get(a, "path");

	if (id && path && qemu_args_is(a, "backend", "socket") && qemu_args_is(a, "server", "on") &&
	    !qemu_args_is(a, "abstract", "on") && p->n_sockets < SOCKETS_MAX)
		p->sockets[p->n_sockets++] = (struct socket_end){xstrdup(id), xstrdup(path)};
}

static void take_mon(struct parts *p, const struct qemu_args *a)
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
static void take_qmp(struct parts *p, const struct qemu_args *a)
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
	i = index ? (unsigned)number(index, 1000) : *next;
	*next = i + 1;
	if (next == &p->virtio)
		return xasprintf("virtio%u", i);
	return xasprintf("ide%u-%s%u", i / 2, qemu_args_is(a, "media", "cdrom") ? "cd" : "hd",
			 i % 2);
}

static void take_drive(struct parts *p, const struct qemu_args *a)
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

/* -hda FILE, -cdrom FILE and the like: an -drive in short. */
static void take_file(struct parts *p, const char *file, const char *own_name, bool cdrom)
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

static void take_blockdev(struct parts *p, const struct qemu_args *a)
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

static void take_device(struct parts *p, const struct qemu_args *a)
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

static void take_netdev(struct parts *p, const struct qemu_args *a, bool alone)
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

static void take_netdev_only(struct parts *p, const struct qemu_args *a)
{
	take_netdev(p, a, false);
}

static void take_nic(struct parts *p, const struct qemu_args *a)
{
	take_netdev(p, a, true);
}

static const struct option {
	const char *name, *implied;
	bool json;
	void (*take)(struct parts *p, const struct qemu_args *a);
} options[] = {
	{"name", "guest", false, take_name},
	{"smbios", NULL, false, take_smbios},
	{"smp", "cpus", false, take_smp},
	{"m", "size", false, take_memory},
	{"chardev", "backend", false, take_chardev},
	{"mon", "chardev", false, take_mon},
	{"qmp", "where", false, take_qmp},
	{"qmp-pretty", "where", false, take_qmp},
	{"drive", NULL, false, take_drive},
	{"blockdev", "driver", true, take_blockdev},
	{"device", "driver", true, take_device},
	{"netdev", "type", true, take_netdev_only},
	{"nic", "type", true, take_nic},
};

static void take_option(struct parts *p, const char *name, const char *value)
{
	static const char *const files[][2] = {{"hda", "ide0-hd0"},
					       {"hdb", "ide0-hd1"},
					       {"hdc", "ide1-hd0"},
					       {"hdd", "ide1-hd1"},
					       {"cdrom", "ide1-cd0"}};
	struct qemu_cmdline *c = p->out;

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct qemu_args a;

		if (strcmp(options[i].name, name))
			continue;
		qemu_args_parse(&a, value, options[i].implied, options[i].json);
		options[i].take(p, &a);
		qemu_args_fini(&a);
		return;
	}
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!strcmp(files[i][0], name))
			take_file(p, value, files[i][1], !strcmp(name, "cdrom"));
	}
	if (!strcmp(name, "uuid"))
		replace(&c->uuid, uuid_normal(value));
	else if (!strcmp(name, "id"))
		c->vmid = (uint32_t)number(value, 999999999);
	else if (!strcmp(name, "pidfile"))
		replace(&c->pidfile, xstrdup(value));
	else if (!strcmp(name, "incoming"))
		c->incoming = true;
}

/* Options without a value; the rest have one. */
static bool stands_alone(const char *name)
{
	static const char *const names[] = {
		"S",
		"nodefaults",
		"no-user-config",
		"daemonize",
		"no-shutdown",
		"no-reboot",
		"nographic",
		"enable-kvm",
		"snapshot",
		"no-acpi",
		"no-hpet",
		"usb",
		"mem-prealloc",
		"no-fd-bootchk",
		"preconfig",
		"full-screen",
		"no-quit",
		"no-frame",
		"portrait",
		"curses",
		"sdl",
		"alt-grab",
		"ctrl-grab",
		"win2k-hack",
		"singlestep",
		"old-param",
		"semihosting",
		"only-migratable",
		"xen-attach",
		"enable-fips",
		"enable-sync-profile",
		"xen-domid-restrict",
		"nouserconfig",
		"s",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

/* Options whose value is any text: it may look like an option and is none. */
static bool takes_any_text(const char *name)
{
	return !strcmp(name, "append") || !strcmp(name, "name") || !strcmp(name, "uuid") ||
	       !strcmp(name, "pidfile") || !strcmp(name, "id") || !strcmp(name, "incoming");
}

/* The next whole argument of buf, NULL when there is none. */
static const char *next_arg(const char **buf, const char *end)
{
	const char *arg = *buf, *nul = arg < end ? memchr(arg, '\0', (size_t)(end - arg)) : NULL;

	if (!nul)
		return NULL;
	*buf = nul + 1;
	return arg;
}

static void take_all(struct parts *p, const char *buf, const char *end)
{
	const char *arg;

	while ((arg = next_arg(&buf, end))) {
		const char *before, *value;

		if (arg[0] != '-' || !arg[1])
			continue;
		arg += arg[1] == '-' ? 2 : 1;
		if (stands_alone(arg))
			continue;
		before = buf;
		value = next_arg(&buf, end);
		if (!value)
			return;
		if (value[0] == '-' && value[1] && !takes_any_text(arg))
			buf = before; /* an option without a value that is not known here */
		else
			take_option(p, arg, value);
	}
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

static void parts_free(struct parts *p)
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

bool qemu_cmdline_is_qemu(const char *buf, size_t n)
{
	const char *end = memchr(buf, '\0', n), *slash, *c;

	if (!end)
		return false;
	slash = memrchr(buf, '/', (size_t)(end - buf));
	if (slash)
		buf = slash + 1;
	if (!strcmp(buf, "kvm") || !strcmp(buf, "qemu-kvm"))
		return true;
	if (strncmp(buf, "qemu-system-", 12))
		return false;
	for (c = buf + 12; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	}
	return c > buf + 12;
}

bool qemu_cmdline_parse(const char *buf, size_t n, struct qemu_cmdline *ret)
{
	struct parts *p;

	memset(ret, 0, sizeof(*ret));
	if (n > QEMU_CMDLINE_MAX)
		n = QEMU_CMDLINE_MAX;
	if (!qemu_cmdline_is_qemu(buf, n))
		return false;
	p = xcalloc(1, sizeof(*p));
	p->out = ret;
	take_all(p, buf + strlen(buf) + 1, buf + n);
	join_disks(p);
	join_nics(p);
	join_monitors(p);
	parts_free(p);
	return true;
}

void qemu_cmdline_fini(struct qemu_cmdline *c)
{
	for (unsigned i = 0; i < c->n_disks; i++) {
		free(c->disks[i].name);
		free(c->disks[i].drive);
		free(c->disks[i].file);
	}
	for (unsigned i = 0; i < c->n_nics; i++) {
		free(c->nics[i].name);
		free(c->nics[i].ifname);
		free(c->nics[i].mac);
		free(c->nics[i].bridge);
	}
	for (unsigned i = 0; i < c->n_qmp; i++)
		free(c->qmp[i]);
	free(c->uuid);
	free(c->name);
	free(c->pidfile);
	memset(c, 0, sizeof(*c));
}
