/* SPDX-License-Identifier: Apache-2.0 */
#include "devices.h"

#include "log.h"
#include "proc_text.h"
#include "sample.h"
#include "scan.h"
#include "xalloc.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES_MAX 16384u
#define CPUS_MAX    8192u

bool name_in_list(const char *name, const char *list)
{
	size_t n = strlen(name);

	while (list && *list) {
		const char *end = strchrnul(list, ',');

		if ((size_t)(end - list) == n && !strncmp(list, name, n))
			return true;
		list = *end ? end + 1 : end;
	}
	return false;
}

bool is_plain_name(const char *name, size_t size)
{
	return *name && strlen(name) < size && !strchr(name, '/') && strcmp(name, ".") &&
	       strcmp(name, "..");
}

static bool exists(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool exists(const char *format, ...)
{
	char path[PATH_MAX_OURS];
	struct stat st;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return stat(path, &st) == 0;
}

static char *first_line(const struct files *f, const char *disk, const char *file)
{
	char text[256];

	if (file_read(text, sizeof(text), "%s/block/%s/%s", f->sysfs, disk, file) <= 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return *text ? xstrdup(text) : NULL;
}

/* Says once which of the named devices are not there. */
static void say_missing(const char *option, const char *list, const char *where,
			bool (*is_there)(const struct inventory *i, const char *name),
			const struct inventory *i)
{
	while (list && *list) {
		const char *end = strchrnul(list, ',');
		char *name = xstrndup(list, (size_t)(end - list));

		if (*name && !is_there(i, name))
			log_once(LOG_WARNING, name, "--%s: \"%s\" is not in %s", option, name,
				 where);
		free(name);
		list = *end ? end + 1 : end;
	}
}

/* ---- disks ---- */

static bool disk_is_there(const struct inventory *i, const char *name)
{
	for (unsigned d = 0; d < i->n_disks; d++)
		if (!strcmp(i->disks[d].name, name) || !strcmp(i->disks[d].label, name))
			return true;
	return false;
}

/* Hardware, but no disk to sum up: optical drives and floppies. */
static bool is_removable_drive(const char *name)
{
	return !fnmatch("sr[0-9]*", name, 0) || !fnmatch("fd[0-9]*", name, 0);
}

/* The device mapper's UUID says who made the device: LVM-..., mpath-... */
static void classify_disk(struct host_disk *d, const struct files *f)
{
	char *uuid = first_line(f, d->name, "dm/uuid");

	if (uuid) {
		d->label = first_line(f, d->name, "dm/name");
		if (!strncmp(uuid, "LVM-", 4))
			d->class = DISK_LVM;
		else if (!strncmp(uuid, "mpath-", 6))
			d->class = DISK_MULTIPATH;
		free(uuid);
		return;
	}
	if (is_removable_drive(d->name))
		return;
	if (exists("%s/block/%s/device", f->sysfs, d->name))
		d->class = DISK_PHYSICAL;
	else if (!exists("%s/block", f->sysfs) &&
		 (!fnmatch("sd[a-z]*[a-z]", d->name, 0) || !fnmatch("sd[a-z]", d->name, 0) ||
		  !fnmatch("vd[a-z]", d->name, 0) || !fnmatch("nvme*n[0-9]", d->name, 0)))
		d->class = DISK_PHYSICAL; /* no sysfs: by the names of the original */
}

void devices_find_disks(struct inventory *i, const struct files *f, const char *storedev,
			char *text, size_t size)
{
	const char *p = text;
	struct diskstat_line line;

	file_read(text, size, "%s/diskstats", f->procfs);
	while (*p && i->n_disks < DEVICES_MAX) {
		struct host_disk *d;

		if (!parse_diskstat_line(&p, &line) || !is_plain_name(line.name, sizeof(d->name)))
			continue;
		i->disks = xrealloc(i->disks, i->n_disks + 1, sizeof(*i->disks));
		d = memset(&i->disks[i->n_disks++], 0, sizeof(*d));
		memcpy(d->name, line.name, sizeof(d->name));
		d->class = DISK_OTHER;
		classify_disk(d, f);
		if (!d->label)
			d->label = xstrdup(d->name);
		d->counted = storedev ? name_in_list(d->name, storedev) ||
						name_in_list(d->label, storedev)
				      : d->class == DISK_PHYSICAL;
		d->shown = d->class != DISK_OTHER || d->counted;
	}
	say_missing("storedev", storedev, "/proc/diskstats", disk_is_there, i);
}

/* ---- interfaces ---- */

static bool nic_is_there(const struct inventory *i, const char *name)
{
	for (unsigned n = 0; n < i->n_nics; n++)
		if (!strcmp(i->nics[n].name, name))
			return true;
	return false;
}

/* Interfaces that belong to VMs and containers: they have rows of their own, or none. */
static bool is_guest_nic(const struct files *f, const char *name)
{
	static const char *const patterns[] = {"tap*",  "vnet*", "veth*",    "fwbr*",
					       "fwpr*", "fwln*", "macvtap*", "lo"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (!fnmatch(patterns[i], name, 0))
			return true;
	return exists("%s/class/net/%s/tun_flags", f->sysfs, name);
}

/* A device of its own, and not a virtual function, whose traffic its parent may count
 * too. */
static bool is_physical_nic(const struct files *f, const char *name)
{
	static const char *const virtual[] = {"br*",  "vmbr*",  "virbr*", "bond*", "docker*",
					      "ifb*", "dummy*", "tun*",   "wg*",   "vlan*"};

	if (exists("%s/class/net/%s", f->sysfs, name))
		return exists("%s/class/net/%s/device", f->sysfs, name) &&
		       !exists("%s/class/net/%s/device/physfn", f->sysfs, name);
	/* sysfs shows the reader's network namespace: elsewhere only the name is left. */
	for (size_t i = 0; i < sizeof(virtual) / sizeof(*virtual); i++)
		if (!fnmatch(virtual[i], name, 0))
			return false;
	return !strchr(name, '.') && !strchr(name, '@');
}

int host_netdev_open(struct files *f, struct held *h)
{
	if (held_open(f, h, "%s/1/net/dev", f->procfs) == 0)
		return 0;
	return held_open(f, h, "%s/net/dev", f->procfs);
}

void devices_find_nics(struct inventory *i, const struct files *f, const char *netdev, char *text,
		       size_t size)
{
	const char *p = text;
	struct netdev_line line;

	if (file_read(text, size, "%s/1/net/dev", f->procfs) < 0)
		file_read(text, size, "%s/net/dev", f->procfs);
	while (*p && i->n_nics < DEVICES_MAX) {
		struct host_nic *n;
		uint64_t speed;
		bool named;

		if (!parse_netdev_line(&p, &line) || !is_plain_name(line.name, sizeof(n->name)))
			continue;
		named = name_in_list(line.name, netdev);
		if (!named && is_guest_nic(f, line.name))
			continue;
		i->nics = xrealloc(i->nics, i->n_nics + 1, sizeof(*i->nics));
		n = memset(&i->nics[i->n_nics++], 0, sizeof(*n));
		memcpy(n->name, line.name, sizeof(n->name));
		n->shown = true;
		n->counted = netdev ? named : is_physical_nic(f, line.name);
		/* -1 and "Invalid argument" while the link is down or has no speed */
		speed = file_number("%s/class/net/%s/speed", f->sysfs, line.name);
		n->speed = speed == ABSENT || speed > 10000000 ? ABSENT : speed;
	}
	say_missing("netdev", netdev, "/proc/net/dev of the host", nic_is_there, i);
}

uint64_t netns_of(const struct files *f, pid_t pid)
{
	char path[PATH_MAX_OURS], link[64];
	unsigned long long inode;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%d/ns/net", f->procfs, (int)pid);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "net:[%llu]", &inode) == 1 ? inode : 0;
}

/* ---- frequencies ---- */

struct mean {
	double sum;
	unsigned n;
};

static void mean_add(struct mean *m, uint64_t v, double scale)
{
	if (v == ABSENT)
		return;
	m->sum += (double)v * scale;
	m->n++;
}

static uint64_t mean_of(const struct mean *m)
{
	return m->n ? (uint64_t)(m->sum / m->n + 0.5) : ABSENT;
}

/* cpu MHz		: 2596.126 */
static void cpuinfo_frequency(const struct files *f, struct mean *now, char *text, size_t size)
{
	if (file_read(text, size, "%s/cpuinfo", f->procfs) > 0)
		for (char *p = text; (p = strstr(p, "\ncpu MHz")); p++) {
			char *colon = strchr(p, ':');
			double mhz = colon ? strtod(colon + 1, NULL) : 0;

			if (mhz > 0 && mhz < 1e6) {
				now->sum += mhz;
				now->n++;
			}
		}
}

static uint64_t frequency(const struct files *f, unsigned cpu, const char *file)
{
	return file_number("%s/devices/system/cpu/cpu%u/cpufreq/%s", f->sysfs, cpu, file);
}

/* CPUs are numbered with gaps where some are not there. */
void devices_find_frequencies(struct inventory *i, const struct files *f,
			      const struct inventory *before, char *text, size_t size)
{
	struct mean now = {0, 0}, low = {0, 0}, high = {0, 0};
	bool limits = before->freq_min == ABSENT;
	char path[PATH_MAX_OURS];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/devices/system/cpu", f->sysfs);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		const char *p = e->d_name;
		uint64_t cpu;

		if (!scan_word(&p, "cpu") || !scan_u64(&p, &cpu) || *p || cpu >= CPUS_MAX)
			continue;
		mean_add(&now, frequency(f, (unsigned)cpu, "scaling_cur_freq"), 1e-3);
		if (!limits)
			continue;
		mean_add(&low, frequency(f, (unsigned)cpu, "cpuinfo_min_freq"), 1e-3);
		mean_add(&high, frequency(f, (unsigned)cpu, "cpuinfo_max_freq"), 1e-3);
	}
	if (dir)
		closedir(dir);
	if (!now.n)
		cpuinfo_frequency(f, &now, text, size);
	i->freq_now = mean_of(&now);
	i->freq_min = limits ? mean_of(&low) : before->freq_min;
	i->freq_max = limits ? mean_of(&high) : before->freq_max;
}
