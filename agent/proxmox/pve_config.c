/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_config.h"

#include "qemu_values.h"
#include "xalloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A piece of the text. */
struct piece {
	const char *p;
	size_t n;
};

static bool is(struct piece a, const char *text)
{
	return a.n == strlen(text) && !memcmp(a.p, text, a.n);
}

static char *copy(struct piece a)
{
	return a.n ? xstrndup(a.p, a.n < PVE_VALUE_MAX ? a.n : PVE_VALUE_MAX) : NULL;
}

static void replace(char **to, struct piece a)
{
	free(*to);
	*to = copy(a);
}

static struct piece trim(struct piece a)
{
	while (a.n && isspace((unsigned char)a.p[0])) {
		a.p++;
		a.n--;
	}
	while (a.n && isspace((unsigned char)a.p[a.n - 1]))
		a.n--;
	return a;
}

/* Takes what is before the first sep (or all) off the front of *rest. */
static struct piece cut(struct piece *rest, char sep)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct piece head = {rest->p, at ? (size_t)(at - rest->p) : rest->n};
	size_t gone = at ? head.n + 1 : head.n;

	rest->p += gone;
	rest->n -= gone;
	return head;
}

/* Digits only, at most max; 0 otherwise. */
static uint64_t number(struct piece a, uint64_t max)
{
	uint64_t v = 0;

	for (size_t i = 0; i < a.n; i++) {
		if (a.p[i] < '0' || a.p[i] > '9')
			return 0;
		v = v * 10 + (unsigned)(a.p[i] - '0');
		if (v > max)
			return 0;
	}
	return v;
}

/* 32G, 528K, 4194304, 1.5T: bytes; 0 when it is none. */
static uint64_t disk_size(struct piece a)
{
	static const char letters[] = "KMGTP";
	const char *letter;
	double v = 0, digit = 1;
	size_t i = 0;

	for (; i < a.n && isdigit((unsigned char)a.p[i]); i++)
		v = v * 10 + (a.p[i] - '0');
	if (i && i < a.n && a.p[i] == '.') {
		for (i++; i < a.n && isdigit((unsigned char)a.p[i]); i++)
			v += (a.p[i] - '0') * (digit /= 10);
	}
	if (i + 1 == a.n && a.p[i] && (letter = strchr(letters, a.p[i]))) {
		v *= (double)(1ull << (10 * (letter - letters + 1)));
		i++;
	}
	return i == a.n && v < 9e18 ? (uint64_t)v : 0;
}

/* The number behind prefix: scsi12 is 12.  False when the key is something else. */
static bool numbered(struct piece key, const char *prefix, unsigned below, unsigned *ret)
{
	size_t n = strlen(prefix);
	uint64_t v;

	if (key.n <= n || key.n > n + 2 || memcmp(key.p, prefix, n))
		return false;
	v = number((struct piece){key.p + n, key.n - n}, 99);
	if (key.p[n] == '0' ? key.n > n + 1 : !v)
		return false;
	*ret = (unsigned)v;
	return v < below;
}

static bool is_disk(struct piece key)
{
	static const struct {
		const char *prefix;
		unsigned below;
	} buses[] = {{"scsi", 31}, {"virtio", 16}, {"sata", 6},
		     {"ide", 4},   {"efidisk", 1}, {"tpmstate", 1}};
	unsigned i;

	for (size_t b = 0; b < sizeof(buses) / sizeof(buses[0]); b++) {
		if (numbered(key, buses[b].prefix, buses[b].below, &i))
			return true;
	}
	return false;
}

static void take_disk(struct pve_config *c, struct piece key, struct piece value)
{
	struct piece volume = {NULL, 0};
	bool cdrom = false, first = true;
	struct pve_disk *d = NULL;
	uint64_t size = 0;

	for (; value.n; first = false) {
		struct piece part = cut(&value, ','), rest = part, name = cut(&rest, '=');

		if (name.n == part.n) {
			if (first)
				volume = part;
		} else if (is(name, "file") || is(name, "volume")) {
			volume = rest;
		} else if (is(name, "media")) {
			cdrom = is(rest, "cdrom");
		} else if (is(name, "size")) {
			size = disk_size(rest);
		}
	}
	if (cdrom || !volume.n || is(volume, "none") || is(volume, "cdrom"))
		return;
	for (unsigned i = 0; i < c->n_disks; i++) {
		if (is(key, c->disks[i].name))
			d = &c->disks[i]; /* given twice: the last one counts */
	}
	if (!d && c->n_disks == PVE_DISKS_MAX)
		return;
	if (!d)
		d = &c->disks[c->n_disks++];
	replace(&d->name, key);
	replace(&d->volume, volume);
	d->size = size;
}

static void take_nic(struct pve_config *c, unsigned index, struct piece value)
{
	struct pve_nic *nic = NULL;

	for (unsigned i = 0; i < c->n_nics; i++) {
		if (c->nics[i].index == index)
			nic = &c->nics[i];
	}
	if (!nic)
		nic = &c->nics[c->n_nics++];
	nic->index = index;
	while (value.n) {
		struct piece part = cut(&value, ','), rest = part, name = cut(&rest, '=');
		char text[18] = "", *mac;

		if (is(name, "bridge")) {
			replace(&nic->bridge, rest);
			continue;
		}
		if (rest.n != 17)
			continue;
		/* MODEL=MAC or macaddr=MAC: nothing else has this form. */
		memcpy(text, rest.p, 17);
		mac = mac_normal(text);
		if (mac) {
			free(nic->mac);
			nic->mac = mac;
		}
	}
}

static void take_smbios(struct pve_config *c, struct piece value)
{
	while (value.n) {
		struct piece part = cut(&value, ','), rest = part, name = cut(&rest, '=');
		char text[37] = "";

		if (!is(name, "uuid"))
			continue;
		free(c->uuid);
		c->uuid = NULL;
		if (rest.n == 36) {
			memcpy(text, rest.p, 36);
			c->uuid = uuid_normal(text);
		}
	}
}

/* `memory: 2048`, or since Proxmox VE 8.1 also `memory: current=2048`. MiB. */
static void take_memory(struct pve_config *c, struct piece value)
{
	while (value.n) {
		struct piece part = cut(&value, ','), rest = part, name = cut(&rest, '=');

		if (name.n == part.n)
			c->memory_kib = number(part, 1u << 30) << 10;
		else if (is(name, "current"))
			c->memory_kib = number(rest, 1u << 30) << 10;
	}
}

static void take(struct pve_config *c, struct piece key, struct piece value)
{
	unsigned i;

	if (is(key, "name"))
		replace(&c->name, value);
	else if (is(key, "tags"))
		replace(&c->tags, value);
	else if (is(key, "lock"))
		replace(&c->lock, value);
	else if (is(key, "ostype"))
		replace(&c->ostype, value);
	else if (is(key, "sockets"))
		c->sockets = (unsigned)number(value, 1024);
	else if (is(key, "cores"))
		c->cores = (unsigned)number(value, 4096);
	else if (is(key, "vcpus"))
		c->vcpus = (unsigned)number(value, 65536);
	else if (is(key, "memory"))
		take_memory(c, value);
	else if (is(key, "balloon"))
		c->no_balloon = is(value, "0");
	else if (is(key, "smbios1"))
		take_smbios(c, value);
	else if (numbered(key, "net", PVE_NICS_MAX, &i))
		take_nic(c, i, value);
	else if (is_disk(key))
		take_disk(c, key, value);
}

void pve_config_parse(const char *text, size_t n, struct pve_config *ret)
{
	struct piece rest = {text, n < PVE_CONFIG_MAX ? n : PVE_CONFIG_MAX};

	memset(ret, 0, sizeof(*ret));
	while (rest.n) {
		struct piece line = cut(&rest, '\n'), key;

		if (n > PVE_CONFIG_MAX && !rest.n)
			return; /* cut by our own bound */
		line = trim(line);
		if (!line.n || line.p[0] == '#' || memchr(line.p, '\0', line.n))
			continue;
		if (line.p[0] == '[')
			return;
		key = cut(&line, ':');
		line = trim(line);
		if (line.n)
			take(ret, key, line);
	}
}

void pve_config_fini(struct pve_config *c)
{
	for (unsigned i = 0; i < c->n_disks; i++) {
		free(c->disks[i].name);
		free(c->disks[i].volume);
	}
	for (unsigned i = 0; i < c->n_nics; i++) {
		free(c->nics[i].mac);
		free(c->nics[i].bridge);
	}
	free(c->name);
	free(c->tags);
	free(c->lock);
	free(c->ostype);
	free(c->uuid);
	memset(c, 0, sizeof(*c));
}

unsigned pve_config_vcpus(const struct pve_config *c)
{
	if (c->vcpus)
		return c->vcpus;
	return (c->sockets ? c->sockets : 1) * (c->cores ? c->cores : 1);
}

char *pve_cluster_name(const char *text, size_t n)
{
	struct piece rest = {text, n < PVE_CONFIG_MAX ? n : PVE_CONFIG_MAX};
	bool totem = false;
	unsigned depth = 0;

	while (rest.n) {
		struct piece line = trim(cut(&rest, '\n')), key;

		if (!line.n || line.p[0] == '#')
			continue;
		if (line.p[line.n - 1] == '{') {
			line.n--;
			if (!depth++)
				totem = is(trim(line), "totem");
			continue;
		}
		if (is(line, "}")) {
			depth -= depth > 0;
			continue;
		}
		key = trim(cut(&line, ':'));
		line = trim(line);
		if (depth == 1 && totem && is(key, "cluster_name") && line.n &&
		    !memchr(line.p, '\0', line.n))
			return copy(line);
	}
	return NULL;
}
