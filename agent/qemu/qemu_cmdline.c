/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu_cmdline.h"

#include "qemu_args.h"
#include "qemu_parts.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define VCPUS_MAX 65536u

static void replace(char **to, char *text)
{
	free(*to);
	*to = text;
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
		p->out->vcpus = (unsigned)value_number(cpus, VCPUS_MAX);
		return;
	}
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const char *of = qemu_args_get(a, levels[i]);

		if (of)
			n *= value_number(of, VCPUS_MAX);
		if (n > VCPUS_MAX)
			n = 0;
	}
	p->out->vcpus = (unsigned)n;
}

static void take_memory(struct parts *p, const struct qemu_args *a)
{
	const char *size = qemu_args_get(a, "size");

	if (size)
		p->out->memory_kib = value_memory_kib(size);
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
	{"chardev", "backend", false, parts_chardev},
	{"mon", "chardev", false, parts_mon},
	{"qmp", "where", false, parts_qmp},
	{"qmp-pretty", "where", false, parts_qmp},
	{"drive", NULL, false, parts_drive},
	{"blockdev", "driver", true, parts_blockdev},
	{"device", "driver", true, parts_device},
	{"netdev", "type", true, parts_netdev},
	{"nic", "type", true, parts_nic},
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
			parts_file(p, value, files[i][1], !strcmp(name, "cdrom"));
	}
	if (!strcmp(name, "uuid"))
		replace(&c->uuid, uuid_normal(value));
	else if (!strcmp(name, "id"))
		c->vmid = (uint32_t)value_number(value, 999999999);
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
	parts_join(p);
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
