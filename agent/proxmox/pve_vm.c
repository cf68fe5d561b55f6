/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_vm.h"

#include "files.h"
#include "log.h"
#include "proc_text.h"
#include "sample.h"
#include "scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool file_stamp_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec &&
	       a->size == b->size && a->ino == b->ino && !a->racy;
}

/* The cluster file system keeps times in whole seconds. */
struct file_stamp file_stamp_make(const struct stat *st)
{
	struct file_stamp s = {st->st_mtim, st->st_ctim, st->st_size, st->st_ino, false};
	time_t now = time(NULL);

	s.racy = st->st_mtime >= now - 2 && st->st_mtime <= now + 2;
	return s;
}

void pve_vm_fini(struct pve_vm *v)
{
	vm_desc_fini(&v->desc);
	pve_target_free(v->target);
	v->target = NULL;
	v->alive = v->had_config = false;
	v->desc_hash = v->conf_hash = 0;
	memset(&v->conf, 0, sizeof(v->conf));
}

/* False: no such process, or only its remains. */
static bool read_start_time(struct pve_place *p, pid_t pid, uint64_t *ret)
{
	struct pid_stat st;
	char buf[1024];

	if (file_read(buf, sizeof(buf), "%s/%d/stat", p->procfs, (int)pid) <= 0 ||
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
static bool read_cmdline(struct pve_place *p, uint32_t vmid, pid_t pid, struct qemu_cmdline *ret)
{
	long n = file_read(p->scratch, QEMU_CMDLINE_MAX + 1, "%s/%d/cmdline", p->procfs, (int)pid);

	if (n <= 0 || !qemu_cmdline_parse(p->scratch, (size_t)n, ret))
		return false;
	if (ret->vmid == vmid || (!ret->vmid && is_pidfile_of(ret->pidfile, vmid)))
		return true;
	qemu_cmdline_fini(ret);
	return false;
}

/* 0: none. */
static pid_t read_pid(struct pve_place *p, uint32_t vmid)
{
	const char *text;
	char buf[64];
	uint64_t pid;
	long n = file_read(buf, sizeof(buf), "%s/%u.pid", p->run_dir, vmid);

	if (n == -EACCES) {
		p->counts.denied++;
		log_once(LOG_WARNING, "proxmox/pid",
			 "%s/%u.pid cannot be read (%s): run as root to see the VMs of Proxmox VE",
			 p->run_dir, vmid, strerror(EACCES));
	}
	text = buf;
	if (n <= 0 || !scan_u64(&text, &pid) || pid > INT32_MAX || (*text && *text != '\n'))
		return 0;
	return (pid_t)pid;
}

/* Reads the configuration when there is news; true when it differs from before. */
static bool read_config(struct pve_place *p, struct pve_vm *v, bool full, struct pve_config *conf,
			bool *ret_parsed)
{
	struct file_stamp now = {.size = 0};
	struct stat st;
	char path[PATH_MAX_OURS];
	uint64_t hash = 0;
	int error = 0;
	long n = 0;

	*ret_parsed = false;
	snprintf(path, sizeof(path), "%s/%u.conf", p->config_dir, v->vmid);
	if (stat(path, &st) < 0)
		error = -errno;
	else
		now = file_stamp_make(&st);
	if (!error && !v->conf_error && v->alive && !full && file_stamp_same(&v->conf, &now))
		return false;
	/* Only the file's own absence is news.  While the whole file system is away, or
	 * does not let us read, what was known of the VM (its lock above all) stays. */
	if (error && v->had_config && (error != -ENOENT || p->counts.config_error))
		return false;
	if (!error) {
		n = file_read(p->scratch, PVE_SCRATCH, "%s", path);
		error = n == -ENODATA ? 0 : n < 0 ? (int)n : 0;
		n = n < 0 ? 0 : n;
	}
	if (!error)
		hash = id_hash_u64(id_hash(1, p->scratch), (uint64_t)n);
	v->conf = now;
	if (error == v->conf_error && hash == v->conf_hash && v->alive && !p->moved)
		return false;
	v->conf_error = error;
	v->conf_hash = hash;
	if (!error) {
		pve_config_parse(p->scratch, (size_t)n, conf);
		*ret_parsed = v->had_config = true;
	}
	return true;
}

static void describe(struct pve_place *p, struct pve_vm *v, const struct qemu_cmdline *cmd,
		     const struct pve_config *conf, struct pve_round *news)
{
	/* One that had its configuration here is not on its way in, whatever it was
	 * started with: it is on its way out. */
	bool conf_expected = !p->counts.config_error && v->conf_error == -ENOENT && !v->had_config;
	struct vm_desc d = {0};
	struct pve_target *t;
	uint64_t hash;

	t = pve_describe(&d, v->vmid, v->pid, v->start_time, cmd, conf, conf_expected, p->cluster);
	vm_desc_fini(&v->desc);
	pve_target_free(v->target);
	v->desc = d;
	v->target = t;
	hash = pve_desc_hash(&d);
	news->described |= hash != v->desc_hash;
	news->targets = true;
	v->desc_hash = hash;
}

void pve_vm_gone(struct pve_vm *v, struct pve_round *news)
{
	if (!v->alive)
		return;
	log_debug("VM %u (%s) has ended", v->vmid, v->desc.name);
	pve_vm_fini(v);
	news->described = news->targets = true;
}

/* Is the process that was known still there, and with full: still the same one? */
static bool still_there(struct pve_place *p, const struct pve_vm *v, bool full)
{
	char path[PATH_MAX_OURS];
	uint64_t start;

	if (full)
		return read_start_time(p, v->pid, &start) && start == v->start_time;
	snprintf(path, sizeof(path), "%s/%d", p->procfs, (int)v->pid);
	return access(path, F_OK) == 0;
}

static bool look_again(struct pve_place *p, struct pve_vm *v, bool full, struct pve_round *news)
{
	struct qemu_cmdline cmd;
	struct pve_config conf;
	bool parsed, ours;

	if (!still_there(p, v, full))
		return false;
	if (!read_config(p, v, full, &conf, &parsed))
		return true;
	ours = read_cmdline(p, v->vmid, v->pid, &cmd);
	if (ours) {
		describe(p, v, &cmd, parsed ? &conf : NULL, news);
		qemu_cmdline_fini(&cmd);
	}
	if (parsed)
		pve_config_fini(&conf);
	return ours;
}

static void say_stale(const struct pve_place *p, struct pve_vm *v)
{
	if (v->pid && !v->stale_said)
		log_debug("%s/%u.pid is stale: PID %d is no QEMU of that VM", p->run_dir, v->vmid,
			  (int)v->pid);
	v->stale_said = v->pid;
}

static void look_first(struct pve_place *p, struct pve_vm *v, struct pve_round *news)
{
	struct qemu_cmdline cmd;
	struct pve_config conf;
	uint64_t again;
	bool parsed;

	v->pid = read_pid(p, v->vmid);
	if (!v->pid || !read_start_time(p, v->pid, &v->start_time) ||
	    !read_cmdline(p, v->vmid, v->pid, &cmd)) {
		say_stale(p, v);
		return;
	}
	/* The same start time before and after: the PID was one process all along. */
	if (read_start_time(p, v->pid, &again) && again == v->start_time) {
		v->conf_error = 0;
		read_config(p, v, true, &conf, &parsed);
		v->alive = true;
		v->stale_said = false;
		describe(p, v, &cmd, parsed ? &conf : NULL, news);
		if (parsed)
			pve_config_fini(&conf);
	}
	qemu_cmdline_fini(&cmd);
}

void pve_vm_round(struct pve_place *p, struct pve_vm *v, bool full, bool look,
		  struct pve_round *news)
{
	if (v->alive && ((look && read_pid(p, v->vmid) != v->pid) || !look_again(p, v, full, news)))
		pve_vm_gone(v, news);
	if (!v->alive)
		look_first(p, v, news);
}
