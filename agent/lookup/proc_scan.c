/* SPDX-License-Identifier: Apache-2.0 */
#include "proc_scan.h"

#include "log.h"
#include "proc_text.h"
#include "qemu_cmdline.h"
#include "scan.h"
#include "xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A process younger than this may still become a QEMU by exec. */
#define SETTLED_ROUNDS 3
/* Everything is looked at again now and then: a PID may have been used again. */
#define FORGET_ROUNDS 16
#define PIDS_MAX      (4u << 20) /* PID_MAX_LIMIT, proc(5) */

struct other {
	pid_t pid;
	uint8_t rounds; /* seen as something else that often */
};

uint64_t process_starttime(const struct files *f, pid_t pid)
{
	struct pid_stat stat;
	char text[1024];

	if (file_read(text, sizeof(text), "%s/%d/stat", f->procfs, (int)pid) <= 0 ||
	    !parse_pid_stat(text, &stat) || stat.state == 'Z' || stat.state == 'X')
		return ABSENT;
	return stat.starttime;
}

static int compare_pid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned list_pids(const struct files *f, pid_t **ret)
{
	unsigned n = 0, room = 1024;
	pid_t *pids = xcalloc(room, sizeof(*pids));
	DIR *dir = opendir(f->procfs);
	struct dirent *e;

	if (!dir)
		log_once(LOG_WARNING, "procfs", "%s cannot be read (%s): no processes are seen",
			 f->procfs, strerror(errno));
	while (dir && n < PIDS_MAX && (e = readdir(dir))) {
		const char *p = e->d_name;
		uint64_t pid;

		if (!scan_u64(&p, &pid) || *p || !pid || pid > PIDS_MAX)
			continue;
		if (n == room) {
			room *= 2;
			pids = xrealloc(pids, room, sizeof(*pids));
		}
		pids[n++] = (pid_t)pid;
	}
	if (dir)
		closedir(dir);
	qsort(pids, n, sizeof(*pids), compare_pid);
	*ret = pids;
	return n;
}

static char *dup_or_null(char **from)
{
	char *s = *from;

	*from = NULL;
	return s;
}

static void describe(struct process *p, struct qemu_cmdline *c)
{
	struct vm_desc *vm = &p->vm;

	vm->uuid = dup_or_null(&c->uuid);
	vm->name = dup_or_null(&c->name);
	vm->vmid = c->vmid;
	vm->cores = c->vcpus;
	vm->memory_kib = c->memory_kib;
	vm->pid = p->pid;
	p->incoming = c->incoming;
	for (unsigned i = 0; i < c->n_disks; i++) {
		struct disk_desc *d;

		if (c->disks[i].cdrom || c->disks[i].firmware || !c->disks[i].name)
			continue;
		d = vm_desc_disk(vm);
		if (!d)
			break;
		d->name = dup_or_null(&c->disks[i].name);
		d->device = dup_or_null(&c->disks[i].file);
	}
	for (unsigned i = 0; i < c->n_nics; i++) {
		struct nic_desc *n = vm_desc_nic(vm);

		if (!n)
			break;
		n->tap = dup_or_null(&c->nics[i].ifname);
		n->mac = dup_or_null(&c->nics[i].mac);
		n->bridge = dup_or_null(&c->nics[i].bridge);
	}
}

static bool is_qemu(struct proc_scan *s, const struct files *f, pid_t pid, char *text, size_t size)
{
	long n = file_read(text, 4096, "%s/%d/cmdline", f->procfs, (int)pid);
	struct qemu_cmdline *c;
	struct process *p;
	uint64_t start;

	if (n <= 0 || !qemu_cmdline_is_qemu(text, (size_t)n))
		return false;
	start = process_starttime(f, pid);
	n = file_read(text, size, "%s/%d/cmdline", f->procfs, (int)pid);
	if (n <= 0 || start == ABSENT)
		return false;
	c = xcalloc(1, sizeof(*c));
	if (qemu_cmdline_parse(text, (size_t)n, c)) {
		if (s->n_qemu == s->room_qemu) {
			s->room_qemu = s->room_qemu ? s->room_qemu * 2 : 16;
			s->qemu = xrealloc(s->qemu, s->room_qemu, sizeof(*s->qemu));
		}
		p = memset(&s->qemu[s->n_qemu++], 0, sizeof(*p));
		p->pid = pid;
		p->starttime = start;
		describe(p, c);
	}
	qemu_cmdline_fini(c);
	free(c);
	return true;
}

/* Kernel threads have no command line; before Linux 6.4 vhost workers are such. */
static void maybe_vhost(struct proc_scan *s, const struct files *f, pid_t pid)
{
	char comm[32];
	const char *p = comm;
	uint64_t owner;

	if (file_read(comm, sizeof(comm), "%s/%d/comm", f->procfs, (int)pid) <= 0 ||
	    !scan_word(&p, "vhost-") || !scan_u64(&p, &owner) || *p != '\n' || owner > PIDS_MAX)
		return;
	/* Any process may take such a name. */
	if (file_read(comm, sizeof(comm), "%s/%d/cmdline", f->procfs, (int)pid) > 0)
		return;
	if (s->n_vhost == s->room_vhost) {
		s->room_vhost = s->room_vhost ? s->room_vhost * 2 : 16;
		s->vhost = xrealloc(s->vhost, s->room_vhost, sizeof(*s->vhost));
	}
	s->vhost[s->n_vhost++] = (struct vhost_thread){pid, (pid_t)owner};
}

static void drop_gone(struct proc_scan *s, const struct files *f, bool verify, const pid_t *pids,
		      unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->n_qemu; i++) {
		struct process *p = &s->qemu[i];

		if (bsearch(&p->pid, pids, n, sizeof(*pids), compare_pid) &&
		    (!verify || process_starttime(f, p->pid) == p->starttime))
			s->qemu[kept++] = *p;
		else
			vm_desc_fini(&p->vm);
	}
	s->n_qemu = kept;
	kept = 0;
	for (unsigned i = 0; i < s->n_vhost; i++)
		if (bsearch(&s->vhost[i].pid, pids, n, sizeof(*pids), compare_pid))
			s->vhost[kept++] = s->vhost[i];
	s->n_vhost = kept;
}

static int compare_process(const void *a, const void *b)
{
	return compare_pid(&((const struct process *)a)->pid, &((const struct process *)b)->pid);
}

static bool known(const struct proc_scan *s, pid_t pid, unsigned n_qemu, unsigned n_vhost)
{
	struct process wanted = {.pid = pid};

	for (unsigned i = 0; i < n_vhost; i++)
		if (s->vhost[i].pid == pid)
			return true;
	return n_qemu && bsearch(&wanted, s->qemu, n_qemu, sizeof(wanted), compare_process);
}

void proc_scan(struct proc_scan *s, const struct files *f, bool verify, char *text, size_t size)
{
	unsigned n_old = s->n_others, old = 0, n, n_qemu, n_vhost;
	struct other *before = s->others;
	pid_t *pids;

	n = list_pids(f, &pids);
	if (s->rounds++ % FORGET_ROUNDS == 0) {
		n_old = 0;
		s->n_vhost = 0;
		verify = true;
	}
	drop_gone(s, f, verify, pids, n);
	n_qemu = s->n_qemu;
	n_vhost = s->n_vhost;
	s->others = xcalloc(n + 1, sizeof(*s->others));
	s->n_others = 0;
	for (unsigned i = 0; i < n; i++) {
		struct other o = {pids[i], 0};

		if (known(s, o.pid, n_qemu, n_vhost))
			continue;
		while (old < n_old && before[old].pid < o.pid)
			old++;
		if (old < n_old && before[old].pid == o.pid)
			o.rounds = before[old].rounds;
		if (o.rounds < SETTLED_ROUNDS) {
			if (is_qemu(s, f, o.pid, text, size))
				continue;
			if (!o.rounds)
				maybe_vhost(s, f, o.pid);
			o.rounds++;
		}
		s->others[s->n_others++] = o;
	}
	if (s->n_qemu)
		qsort(s->qemu, s->n_qemu, sizeof(*s->qemu), compare_process);
	free(before);
	free(pids);
}

void proc_scan_forget(struct proc_scan *s)
{
	s->rounds = 0;
}

void proc_scan_fini(struct proc_scan *s)
{
	for (unsigned i = 0; i < s->n_qemu; i++)
		vm_desc_fini(&s->qemu[i].vm);
	free(s->qemu);
	free(s->vhost);
	free(s->others);
	memset(s, 0, sizeof(*s));
}
