/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_list.h"

#include "files.h"
#include "log.h"
#include "pve_vm.h"
#include "scan.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct pve_list {
	struct pve_place place;
	struct file_stamp run; /* of the run directory */
	struct pve_vm *vms;    /* sorted by vmid */
	unsigned n, room;
};

struct pve_list *pve_list_new(const char *procfs, const char *rootfs)
{
	struct pve_list *l = xcalloc(1, sizeof(*l));

	l->place.procfs = xstrdup(procfs);
	l->place.rootfs = xstrdup(!strcmp(rootfs, "/") ? "" : rootfs);
	l->place.config_dir = xasprintf("%s/etc/pve/qemu-server", l->place.rootfs);
	l->place.scratch = xcalloc(PVE_SCRATCH, 1);
	return l;
}

void pve_list_free(struct pve_list *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n; i++)
		pve_vm_fini(&l->vms[i]);
	free(l->vms);
	free(l->place.procfs);
	free(l->place.rootfs);
	free(l->place.run_dir);
	free(l->place.config_dir);
	free(l->place.cluster);
	free(l->place.scratch);
	free(l);
}

static int compare_vmid(const void *a, const void *b)
{
	uint32_t x = ((const struct pve_vm *)a)->vmid, y = ((const struct pve_vm *)b)->vmid;

	return x < y ? -1 : x > y;
}

static struct pve_vm *find_vm(struct pve_list *l, unsigned known, uint32_t vmid)
{
	struct pve_vm wanted = {.vmid = vmid};

	return known ? bsearch(&wanted, l->vms, known, sizeof(wanted), compare_vmid) : NULL;
}

/* VMID.pid and nothing else: 100.swtpm.pid is another program's. */
static uint32_t vmid_of(const char *file)
{
	const char *p = file;
	uint64_t v;

	if (*p < '1' || *p > '9' || !scan_u64(&p, &v) || v > 999999999 || strcmp(p, ".pid"))
		return 0;
	return (uint32_t)v;
}

static void list_pid_files(struct pve_list *l, DIR *dir, struct pve_round *news)
{
	unsigned known = l->n, kept = 0;
	struct dirent *e;

	for (unsigned i = 0; i < known; i++)
		l->vms[i].seen = false;
	while ((e = readdir(dir))) {
		uint32_t vmid = vmid_of(e->d_name);
		struct pve_vm *v = vmid ? find_vm(l, known, vmid) : NULL;

		if (!vmid)
			continue;
		if (v) {
			v->seen = true;
			continue;
		}
		if (l->n == VM_LIST_MAX) {
			log_once(LOG_WARNING, "proxmox/many",
				 "%s has more than %u pid files: the others are left out",
				 l->place.run_dir, VM_LIST_MAX);
			break;
		}
		if (l->n == l->room) {
			l->room = l->room ? l->room * 2 : 16;
			l->vms = xrealloc(l->vms, l->room, sizeof(*l->vms));
		}
		l->vms[l->n++] = (struct pve_vm){.vmid = vmid, .seen = true};
	}
	for (unsigned i = 0; i < l->n; i++) {
		if (l->vms[i].seen) {
			l->vms[kept++] = l->vms[i];
			continue;
		}
		pve_vm_gone(&l->vms[i], news);
		pve_vm_fini(&l->vms[i]);
	}
	l->n = kept;
	if (l->n)
		qsort(l->vms, l->n, sizeof(*l->vms), compare_vmid);
}

/* /run first: /var/run is a link to it that leads out of a container's rootfs. */
static int find_run_dir(struct pve_list *l, struct stat *st)
{
	static const char *const places[] = {"run/qemu-server", "var/run/qemu-server"};
	int error = -ENOENT;

	for (unsigned i = 0; i < 2; i++) {
		char *path = xasprintf("%s/%s", l->place.rootfs, places[i]);

		if (stat(path, st) == 0 && S_ISDIR(st->st_mode)) {
			free(l->place.run_dir);
			l->place.run_dir = path;
			return 0;
		}
		if (errno != ENOENT && errno != ENOTDIR)
			error = -errno;
		free(path);
	}
	free(l->place.run_dir);
	l->place.run_dir = NULL;
	return error;
}

/* True when the directory was listed again. */
static bool run_dir_round(struct pve_list *l, bool full, struct pve_round *news)
{
	struct file_stamp now;
	struct stat st;
	DIR *dir;

	l->place.counts.run_error = find_run_dir(l, &st);
	if (!l->place.counts.run_error) {
		now = file_stamp_make(&st);
		if (!full && file_stamp_same(&l->run, &now))
			return false;
		dir = opendir(l->place.run_dir);
		if (dir) {
			l->run = now;
			list_pid_files(l, dir, news);
			closedir(dir);
			log_over("proxmox/run", "%s can be read again", l->place.run_dir);
			return true;
		}
		l->place.counts.run_error = -errno;
	}
	log_once(LOG_WARNING, "proxmox/run",
		 "no VMs of Proxmox VE can be found: %s/run/qemu-server: %s", l->place.rootfs,
		 strerror(-l->place.counts.run_error));
	memset(&l->run, 0, sizeof(l->run));
	for (unsigned i = 0; i < l->n; i++) {
		pve_vm_gone(&l->vms[i], news);
		pve_vm_fini(&l->vms[i]);
	}
	l->n = 0;
	return true;
}

static void read_cluster(struct pve_list *l)
{
	long n = file_read(l->place.scratch, PVE_SCRATCH, "%s/etc/pve/corosync.conf",
			   l->place.rootfs);
	char *name;

	if (n <= 0)
		return; /* as it was: a name that flaps would make new VMs */
	name = pve_cluster_name(l->place.scratch, (size_t)n);
	l->place.moved |= !name != !l->place.cluster || (name && strcmp(name, l->place.cluster));
	free(l->place.cluster);
	l->place.cluster = name;
}

static void say_configs(const struct pve_place *p, int error)
{
	if (error == -EACCES || error == -EPERM)
		log_once(LOG_WARNING, "proxmox/config",
			 "%s cannot be read (%s): run as root or as a member of www-data; until "
			 "then VMs are described by their command lines only",
			 p->config_dir, strerror(-error));
	else if (error)
		log_once(LOG_WARNING, "proxmox/config",
			 "%s cannot be read (%s): until then VMs are described by what was known "
			 "before, or by their command lines",
			 p->config_dir, strerror(-error));
	else
		log_over("proxmox/config", "%s can be read again", p->config_dir);
}

struct pve_round pve_list_round(struct pve_list *l, bool full)
{
	struct pve_round news = {false, false};
	struct pve_counts *c = &l->place.counts;
	int unreadable = 0, config_error = c->config_error;
	struct stat st;
	bool look;

	look = run_dir_round(l, full, &news);
	c->config_error = stat(l->place.config_dir, &st) < 0 ? -errno : 0;
	l->place.moved = c->config_error != config_error;
	if (full)
		read_cluster(l);
	c->pid_files = l->n;
	c->running = c->stale = c->configured = c->unreadable = c->denied = 0;
	for (unsigned i = 0; i < l->n; i++) {
		struct pve_vm *v = &l->vms[i];

		pve_vm_round(&l->place, v, full, look, &news);
		c->running += v->alive;
		c->stale += !v->alive;
		c->configured += v->alive && !v->conf_error;
		if (v->alive && v->conf_error && v->conf_error != -ENOENT) {
			unreadable = v->conf_error;
			c->unreadable++;
		}
	}
	if (c->running)
		say_configs(&l->place, unreadable ? unreadable : c->config_error);
	return news;
}

struct vm_list *pve_list_descriptions(const struct pve_list *l)
{
	struct vm_list *list = vm_list_new();

	for (unsigned i = 0; i < l->n; i++) {
		struct vm_desc *d = l->vms[i].alive ? vm_list_add(list) : NULL;

		if (d)
			pve_desc_copy(d, &l->vms[i].desc);
	}
	return list;
}

struct pve_target **pve_list_targets(const struct pve_list *l, unsigned *ret_n)
{
	struct pve_target **targets = xcalloc(l->n + 1, sizeof(struct pve_target *));
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++) {
		if (l->vms[i].alive)
			targets[n++] = pve_target_copy(l->vms[i].target);
	}
	*ret_n = n;
	return targets;
}

const char *pve_list_run_dir(const struct pve_list *l)
{
	return l->place.run_dir;
}

const char *pve_list_config_dir(const struct pve_list *l)
{
	return l->place.config_dir;
}

struct pve_counts pve_list_counts(const struct pve_list *l)
{
	return l->place.counts;
}
