/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_list.h"

#include "files.h"
#include "log.h"
#include "proc_text.h"
#include "sample.h"
#include "scan.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SCRATCH_SIZE (PVE_CONFIG_MAX + 1)

/* What stat(2) tells of a file's contents. */
struct stamp {
	struct timespec mtime, ctime;
	off_t size;
	ino_t ino;
	bool racy; /* changed so lately that another change might leave the stamp as it is */
};

/* One pid file. */
struct vm {
	uint32_t vmid;
	bool seen, alive, had_config, stale_said;
	pid_t pid;
	uint64_t start_time;
	struct stamp conf;
	int conf_error; /* 0: there is a configuration; negative errno */
	uint64_t conf_hash;
	struct vm_desc desc;
	struct pve_target *target;
	uint64_t desc_hash;
};

struct pve_list {
	char *procfs, *rootfs;
	char *run_dir, *config_dir, *cluster;
	struct stamp run;
	bool moved;     /* what all descriptions depend on changed in this round */
	struct vm *vms; /* sorted by vmid */
	unsigned n, room;
	struct pve_counts counts;
	char *scratch; /* SCRATCH_SIZE */
};

struct pve_list *pve_list_new(const char *procfs, const char *rootfs)
{
	struct pve_list *l = xcalloc(1, sizeof(*l));

	l->procfs = xstrdup(procfs);
	l->rootfs = xstrdup(!strcmp(rootfs, "/") ? "" : rootfs);
	l->config_dir = xasprintf("%s/etc/pve/qemu-server", l->rootfs);
	l->scratch = xcalloc(SCRATCH_SIZE, 1);
	return l;
}

static void vm_clear(struct vm *v)
{
	vm_desc_fini(&v->desc);
	pve_target_free(v->target);
	v->target = NULL;
	v->alive = v->had_config = false;
	v->desc_hash = v->conf_hash = 0;
	memset(&v->conf, 0, sizeof(v->conf));
}

void pve_list_free(struct pve_list *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n; i++)
		vm_clear(&l->vms[i]);
	free(l->vms);
	free(l->procfs);
	free(l->rootfs);
	free(l->run_dir);
	free(l->config_dir);
	free(l->cluster);
	free(l->scratch);
	free(l);
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec &&
	       a->size == b->size && a->ino == b->ino && !a->racy;
}

/* The cluster file system keeps times in whole seconds. */
static struct stamp make_stamp(const struct stat *st)
{
	struct stamp s = {st->st_mtim, st->st_ctim, st->st_size, st->st_ino, false};
	time_t now = time(NULL);

	s.racy = st->st_mtime >= now - 2 && st->st_mtime <= now + 2;
	return s;
}

/* ---- processes ---- */

/* NULL or the start time of a process that is this VM's QEMU. */
static bool read_start_time(struct pve_list *l, pid_t pid, uint64_t *ret)
{
	struct pid_stat st;
	char buf[1024];

	if (file_read(buf, sizeof(buf), "%s/%d/stat", l->procfs, (int)pid) <= 0 ||
	    !parse_pid_stat(buf, &st) || st.starttime == ABSENT || st.state == 'Z')
		return false;
	*ret = st.starttime;
	return true;
}

static bool is_pidfile_of(const char *path, uint32_t vmid)
{
	char want[64];

	snprintf(want, sizeof(want), "/run/qemu-server/%u.pid", vmid);
	if (!path)
		return false;
	if (!strncmp(path, "/var/run/", 9))
		path += 4;
	return !strcmp(path, want);
}

/* The command line of the process if it is this VM's QEMU. */
static bool read_cmdline(struct pve_list *l, uint32_t vmid, pid_t pid, struct qemu_cmdline *ret)
{
	long n = file_read(l->scratch, QEMU_CMDLINE_MAX + 1, "%s/%d/cmdline", l->procfs, (int)pid);

	if (n <= 0 || !qemu_cmdline_parse(l->scratch, (size_t)n, ret))
		return false;
	if (ret->vmid == vmid || (!ret->vmid && is_pidfile_of(ret->pidfile, vmid)))
		return true;
	qemu_cmdline_fini(ret);
	return false;
}

static pid_t read_pid(struct pve_list *l, uint32_t vmid)
{
	const char *p;
	char buf[64];
	uint64_t pid;
	long n;

	n = file_read(buf, sizeof(buf), "%s/%u.pid", l->run_dir, vmid);
	if (n == -EACCES) {
		l->counts.denied++;
		log_once(LOG_WARNING, "proxmox/pid",
			 "%s/%u.pid cannot be read (%s): run as root to see the VMs of Proxmox VE",
			 l->run_dir, vmid, strerror(EACCES));
	}
	if (n <= 0)
		return 0;
	p = buf;
	return scan_u64(&p, &pid) && pid > 0 && pid <= INT32_MAX && (!*p || *p == '\n') ? (pid_t)pid
											: 0;
}

/* ---- configurations ---- */

/* Reads the configuration when there is news; true when it differs from before. */
static bool read_config(struct pve_list *l, struct vm *v, bool full, struct pve_config *conf,
			bool *ret_parsed)
{
	struct stamp now = {.size = 0};
	struct stat st;
	char path[PATH_MAX_OURS];
	uint64_t hash = 0;
	int error = 0;
	long n = 0;

	*ret_parsed = false;
	snprintf(path, sizeof(path), "%s/%u.conf", l->config_dir, v->vmid);
	if (stat(path, &st) < 0)
		error = -errno;
	else
		now = make_stamp(&st);
	if (!error && !v->conf_error && v->alive && !full && same_stamp(&v->conf, &now))
		return false;
	if (!error) {
		n = file_read(l->scratch, SCRATCH_SIZE, "%s", path);
		error = n == -ENODATA ? 0 : n < 0 ? (int)n : 0;
		n = n < 0 ? 0 : n;
	}
	if (!error)
		hash = id_hash_u64(id_hash(1, l->scratch), (uint64_t)n);
	v->conf = now;
	if (error == v->conf_error && hash == v->conf_hash && v->alive && !l->moved)
		return false;
	v->conf_error = error;
	v->conf_hash = hash;
	if (!error) {
		pve_config_parse(l->scratch, (size_t)n, conf);
		*ret_parsed = v->had_config = true;
	}
	return true;
}

static void say_unreadable(struct pve_list *l, int error)
{
	if (error == -EACCES || error == -EPERM)
		log_once(LOG_WARNING, "proxmox/config",
			 "%s cannot be read (%s): run as root or as a member of www-data; until "
			 "then VMs are described by their command lines only",
			 l->config_dir, strerror(-error));
	else if (error && error != -ENOENT)
		log_once(LOG_WARNING, "proxmox/config",
			 "%s cannot be read (%s): VMs are described by their command lines only",
			 l->config_dir, strerror(-error));
}

/* ---- one VM ---- */

static void describe(struct pve_list *l, struct vm *v, const struct qemu_cmdline *cmd,
		     const struct pve_config *conf, struct pve_round *news)
{
	/* One that had its configuration here is not on its way in, whatever it was
	 * started with: it is on its way out. */
	bool conf_expected = !l->counts.config_error && v->conf_error == -ENOENT && !v->had_config;
	struct vm_desc d = {0};
	struct pve_target *t;
	uint64_t hash;

	t = pve_describe(&d, v->vmid, v->pid, v->start_time, cmd, conf, conf_expected, l->cluster);
	vm_desc_fini(&v->desc);
	pve_target_free(v->target);
	v->desc = d;
	v->target = t;
	hash = pve_desc_hash(&d);
	news->described |= hash != v->desc_hash;
	news->targets = true;
	v->desc_hash = hash;
}

static void vm_gone(struct vm *v, struct pve_round *news)
{
	if (!v->alive)
		return;
	log_debug("VM %u (%s) has ended", v->vmid, v->desc.name);
	vm_clear(v);
	news->described = news->targets = true;
}

/* Is the process that was known still there, and with full: still the same one? */
static bool still_there(struct pve_list *l, const struct vm *v, bool full)
{
	char path[PATH_MAX_OURS];
	uint64_t start;

	if (full)
		return read_start_time(l, v->pid, &start) && start == v->start_time;
	snprintf(path, sizeof(path), "%s/%d", l->procfs, (int)v->pid);
	return access(path, F_OK) == 0;
}

static void vm_round(struct pve_list *l, struct vm *v, bool full, bool look, struct pve_round *news)
{
	struct qemu_cmdline cmd;
	struct pve_config conf;
	uint64_t start = 0, again = 0;
	bool parsed;

	if (v->alive && look && read_pid(l, v->vmid) != v->pid)
		vm_gone(v, news);
	if (v->alive && !still_there(l, v, full))
		vm_gone(v, news);
	if (!v->alive) {
		v->pid = read_pid(l, v->vmid);
		v->conf_error = 0;
	}
	if (v->alive) {
		if (!read_config(l, v, full, &conf, &parsed))
			return;
		if (!read_cmdline(l, v->vmid, v->pid, &cmd)) {
			if (parsed)
				pve_config_fini(&conf);
			vm_gone(v, news);
			return;
		}
	} else {
		/* The start time before and after: the PID was this process all along. */
		if (!v->pid || !read_start_time(l, v->pid, &start) ||
		    !read_cmdline(l, v->vmid, v->pid, &cmd)) {
			if (v->pid && !v->stale_said)
				log_debug("%s/%u.pid is stale: PID %d is no QEMU of that VM",
					  l->run_dir, v->vmid, (int)v->pid);
			v->stale_said = v->pid;
			return;
		}
		if (!read_start_time(l, v->pid, &again) || again != start) {
			qemu_cmdline_fini(&cmd);
			return;
		}
		v->start_time = start;
		read_config(l, v, true, &conf, &parsed);
		v->alive = true;
	}
	describe(l, v, &cmd, parsed ? &conf : NULL, news);
	if (parsed)
		pve_config_fini(&conf);
	qemu_cmdline_fini(&cmd);
}

/* ---- directories ---- */

static int compare_vmid(const void *a, const void *b)
{
	uint32_t x = ((const struct vm *)a)->vmid, y = ((const struct vm *)b)->vmid;

	return x < y ? -1 : x > y;
}

static struct vm *find_vm(struct pve_list *l, unsigned known, uint32_t vmid)
{
	struct vm wanted = {.vmid = vmid};

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
		struct vm *v = vmid ? find_vm(l, known, vmid) : NULL;

		if (!vmid)
			continue;
		if (v) {
			v->seen = true;
			continue;
		}
		if (l->n == VM_LIST_MAX) {
			log_once(LOG_WARNING, "proxmox/many",
				 "%s has more than %u pid files: the others are left out",
				 l->run_dir, VM_LIST_MAX);
			break;
		}
		if (l->n == l->room) {
			l->room = l->room ? l->room * 2 : 16;
			l->vms = xrealloc(l->vms, l->room, sizeof(*l->vms));
		}
		l->vms[l->n++] = (struct vm){.vmid = vmid, .seen = true};
	}
	for (unsigned i = 0; i < l->n; i++) {
		if (l->vms[i].seen) {
			l->vms[kept++] = l->vms[i];
			continue;
		}
		vm_gone(&l->vms[i], news);
		vm_clear(&l->vms[i]);
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
		char *path = xasprintf("%s/%s", l->rootfs, places[i]);

		if (stat(path, st) == 0 && S_ISDIR(st->st_mode)) {
			free(l->run_dir);
			l->run_dir = path;
			return 0;
		}
		if (errno != ENOENT && errno != ENOTDIR)
			error = -errno;
		free(path);
	}
	free(l->run_dir);
	l->run_dir = NULL;
	return error;
}

/* True when the directory was listed again. */
static bool run_dir_round(struct pve_list *l, bool full, struct pve_round *news)
{
	struct stamp now;
	struct stat st;
	DIR *dir;

	l->counts.run_error = find_run_dir(l, &st);
	if (!l->counts.run_error) {
		now = make_stamp(&st);
		if (!full && same_stamp(&l->run, &now))
			return false;
		dir = opendir(l->run_dir);
		if (dir) {
			l->run = now;
			list_pid_files(l, dir, news);
			closedir(dir);
			log_over("proxmox/run", "%s can be read again", l->run_dir);
			return true;
		}
		l->counts.run_error = -errno;
	}
	log_once(LOG_WARNING, "proxmox/run",
		 "no VMs of Proxmox VE can be found: %s/run/qemu-server: %s", l->rootfs,
		 strerror(-l->counts.run_error));
	memset(&l->run, 0, sizeof(l->run));
	for (unsigned i = 0; i < l->n; i++) {
		vm_gone(&l->vms[i], news);
		vm_clear(&l->vms[i]);
	}
	l->n = 0;
	return true;
}

static void read_cluster(struct pve_list *l)
{
	long n = file_read(l->scratch, SCRATCH_SIZE, "%s/etc/pve/corosync.conf", l->rootfs);
	char *name;

	if (n <= 0)
		return; /* as it was: a name that flaps would make new VMs */
	name = pve_cluster_name(l->scratch, (size_t)n);
	l->moved |= !name != !l->cluster || (name && strcmp(name, l->cluster));
	free(l->cluster);
	l->cluster = name;
}

struct pve_round pve_list_round(struct pve_list *l, bool full)
{
	struct pve_round news = {false, false};
	struct pve_counts *c = &l->counts;
	int unreadable = 0, config_error = c->config_error;
	struct stat st;
	bool look;

	look = run_dir_round(l, full, &news);
	c->config_error = stat(l->config_dir, &st) < 0 ? -errno : 0;
	l->moved = c->config_error != config_error;
	if (full)
		read_cluster(l);
	c->pid_files = l->n;
	c->running = c->stale = c->configured = c->unreadable = c->denied = 0;
	for (unsigned i = 0; i < l->n; i++) {
		struct vm *v = &l->vms[i];

		vm_round(l, v, full, look, &news);
		c->running += v->alive;
		c->stale += !v->alive;
		c->configured += v->alive && !v->conf_error;
		if (v->alive && v->conf_error && v->conf_error != -ENOENT) {
			unreadable = v->conf_error;
			c->unreadable++;
		}
	}
	say_unreadable(l, unreadable);
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
	return l->run_dir;
}

const char *pve_list_config_dir(const struct pve_list *l)
{
	return l->config_dir;
}

struct pve_counts pve_list_counts(const struct pve_list *l)
{
	return l->counts;
}
