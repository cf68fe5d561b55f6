/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"

#include "devices.h"
#include "log.h"
#include "proc_scan.h"
#include "sample.h"
#include "vm_details.h"
#include "xalloc.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define STOP_S        1     /* a file system that hangs keeps a round for good */
#define ROUND_MS      10000 /* without a poke */
#define GAP_MS        500   /* between two rounds, however often it is poked */
#define SELDOM_ROUNDS 16    /* what hardly changes and is dear to find */
#define QUICK_ROUNDS  8     /* at start the gap is a tenth */

#define TEXT_SIZE (4u << 20) /* /proc/cpuinfo of 1,100 CPUs is 1.6 MB */

struct lookup {
	struct lookup_options o;
	char *netdev, *storedev;
	pthread_t thread;
	pthread_mutex_t lock; /* current, its references, stopping, rounds */
	struct inventory *current;
	bool stopping;
	unsigned rounds;
	/* the thread's own */
	struct proc_scan scan;
	bool poked;   /* this round was asked for: something changed */
	bool details; /* this round looks at cgroups and backing files of known VMs too */
	struct timespec detailed; /* when one last did, CLOCK_MONOTONIC */
	struct vm_list *list;     /* the source's latest */
	char *text;               /* one file at a time; only what is used is ever in memory */
};

/* ---- one VM ---- */

static const struct process *process_by_pid(const struct proc_scan *s, pid_t pid)
{
	for (unsigned i = 0; i < s->n_qemu; i++)
		if (s->qemu[i].pid == pid)
			return &s->qemu[i];
	return NULL;
}

/* Is the process the one that was described?  Clones share UUIDs, so of Proxmox VE's VMs
 * the number decides. */
static bool is_described(const struct process *p, const struct vm_desc *d)
{
	if (d->vmid && p->vm.vmid)
		return p->vm.vmid == d->vmid;
	return !p->vm.uuid || !strcasecmp(p->vm.uuid, d->uuid);
}

static bool same_name(const struct process *p, const struct vm_desc *d)
{
	return p->vm.name && !strcmp(p->vm.name, d->name);
}

/* The process of a VM: by the source's PID, when that is a QEMU and does not say that it is
 * another; else by an exact UUID (of clones the one with the name too), or the exact name
 * where the command line has no UUID. */
static const struct process *process_of(const struct proc_scan *s, const struct vm_desc *d)
{
	const struct process *p = d->pid ? process_by_pid(s, d->pid) : NULL, *by_name = NULL;

	if (p && is_described(p, d))
		return p;
	if (d->vmid)
		return NULL; /* Proxmox VE's pid file is the only truth */
	p = NULL;
	for (unsigned i = 0; i < s->n_qemu; i++) {
		const struct process *q = &s->qemu[i];

		if (!q->vm.uuid) {
			if (!by_name && same_name(q, d))
				by_name = q;
		} else if (!strcasecmp(q->vm.uuid, d->uuid) &&
			   (!p || (same_name(q, d) && !same_name(p, d)))) {
			p = q;
		}
	}
	return p ? p : by_name;
}

static void take_disks(struct vm *vm, const struct vm_desc *d, const struct process *p)
{
	vm->disks = xcalloc(d->n_disks + 1, sizeof(*vm->disks));
	for (unsigned i = 0; i < d->n_disks; i++) {
		struct vm_disk *disk = &vm->disks[vm->n_disks];

		if (!d->disks[i].name)
			continue;
		vm->n_disks++;
		disk->name = xstrdup(d->disks[i].name);
		disk->device = xstrdup(d->disks[i].device);
		disk->capacity = d->disks[i].capacity ? d->disks[i].capacity : ABSENT;
		disk->allocation = disk->physical = ABSENT;
		/* The command line knows the path where the source has only a volume's name. */
		for (unsigned c = 0; p && c < p->vm.n_disks; c++) {
			const struct disk_desc *line = &p->vm.disks[c];

			if (!line->device || strcmp(line->name, disk->name) ||
			    (disk->device && disk->device[0] == '/'))
				continue;
			free(disk->device);
			disk->device = xstrdup(line->device);
		}
	}
}

static void take_nics(struct vm *vm, const struct vm_desc *d)
{
	vm->nics = xcalloc(d->n_nics + 1, sizeof(*vm->nics));
	for (unsigned i = 0; i < d->n_nics; i++) {
		struct nic_desc *nic = &vm->nics[vm->n_nics++];

		nic->tap = xstrdup(d->nics[i].tap);
		nic->mac = xstrdup(d->nics[i].mac);
		nic->bridge = xstrdup(d->nics[i].bridge);
	}
}

static void take_vhost(struct vm *vm, const struct proc_scan *s)
{
	for (unsigned i = 0; i < s->n_vhost; i++) {
		if (s->vhost[i].owner != vm->pid)
			continue;
		vm->vhost = xrealloc(vm->vhost, vm->n_vhost + 1, sizeof(*vm->vhost));
		vm->vhost[vm->n_vhost++] = s->vhost[i].pid;
	}
}

static const struct vm *vm_by_id(const struct inventory *i, uint64_t id)
{
	for (unsigned v = 0; i && v < i->n_vms; v++)
		if (i->vms[v].id == id)
			return &i->vms[v];
	return NULL;
}

/* Keeps what an earlier round found out, when the VM is the same and nothing it depends
 * on changed. */
static bool keep_details(struct vm *vm, const struct vm *old)
{
	if (!old || old->pid != vm->pid || old->n_disks != vm->n_disks)
		return false;
	for (unsigned d = 0; d < vm->n_disks; d++) {
		const char *a = old->disks[d].device, *b = vm->disks[d].device;

		if ((a != NULL) != (b != NULL) || (a && strcmp(a, b)))
			return false;
	}
	for (unsigned d = 0; d < vm->n_disks; d++) {
		memcpy(vm->disks[d].backing, old->disks[d].backing, BACKING_NAME);
		vm->disks[d].allocation = old->disks[d].allocation;
		vm->disks[d].physical = old->disks[d].physical;
	}
	vm->psi_dir = xstrdup(old->psi_dir);
	vm->netns = old->netns;
	vm->cgroup = old->cgroup;
	vm->shared = old->shared;
	vm->limits_known = old->limits_known;
	vm->limits = xcalloc(old->n_limits + 1, sizeof(*vm->limits));
	for (unsigned l = 0; l < old->n_limits; l++)
		vm->limits[vm->n_limits++] = xstrdup(old->limits[l]);
	return true;
}

/* Taps that nobody named are looked for among the process' descriptors: dear, so seldom. */
static void find_taps(struct lookup *l, struct vm *vm, const struct vm *old)
{
	bool tapless = !vm->key && !vm->n_nics;

	for (unsigned n = 0; n < vm->n_nics; n++)
		tapless = tapless || !vm->nics[n].tap;
	if (!tapless)
		return;
	if (!old || old->n_nics < vm->n_nics || l->rounds % SELDOM_ROUNDS == 0) {
		vm_find_taps(vm, l->o.files);
		return;
	}
	vm->nics = xrealloc(vm->nics, old->n_nics + 1, sizeof(*vm->nics));
	for (unsigned n = 0; n < old->n_nics; n++) {
		if (n >= vm->n_nics) {
			vm->nics[n] = (struct nic_desc){NULL, NULL, NULL};
			vm->n_nics++;
		}
		if (!vm->nics[n].tap)
			vm->nics[n].tap = xstrdup(old->nics[n].tap);
	}
}

static void add_vm(struct lookup *l, struct inventory *i, const struct inventory *before,
		   const struct vm_desc *d, const struct process *p, const char *hypervisor)
{
	struct vm *vm = inventory_add_vm(i);
	const struct vm *old;
	char fallback[48];

	snprintf(fallback, sizeof(fallback), "%s-%d", p ? "qemu" : "vm",
		 p ? (int)p->pid : (int)d->vmid);
	vm->uuid = xstrdup(d->uuid ? d->uuid : fallback);
	vm->name = xstrdup(d->name ? d->name : fallback);
	vm->tags = xstrdup(d->tags);
	vm->hypervisor = hypervisor;
	vm->vmid = d->vmid;
	vm->key = d->key;
	vm->cores = d->cores;
	vm->memory_kib = d->memory_kib ? d->memory_kib : ABSENT;
	vm->incoming = p && p->incoming;
	if (p) {
		vm->pid = p->pid;
		vm->starttime = p->starttime;
	}
	vm->id = id_hash(l->o.boot, vm->uuid);
	vm->id = id_hash_u64(vm->id, (uint64_t)vm->pid);
	vm->id = id_hash_u64(vm->id, vm->starttime);
	take_disks(vm, d, p);
	take_nics(vm, d);
	/* Without its process here it may run on another host: the names of its taps and
	 * files would be somebody else's. */
	if (!vm->pid) {
		log_once(LOG_NOTICE, "no-process",
			 "the process of %s (%s) is not seen below %s: only what %s says of it is "
			 "shown; for a remote connection mount the other host's proc and name it "
			 "with --procfs",
			 vm->name, vm->uuid, l->o.files->procfs, hypervisor);
		return;
	}
	take_vhost(vm, &l->scan);
	old = vm_by_id(before, vm->id);
	find_taps(l, vm, old);
	if (!l->details && keep_details(vm, old))
		return;
	vm_find_cgroups(vm, l->o.files, l->rounds % SELDOM_ROUNDS ? old : NULL);
	vm->netns = netns_of(l->o.files, vm->pid);
	vm_find_backing(vm, l->o.files, i);
}

/* ---- a round ---- */

static bool claimed(const struct inventory *i, unsigned n, pid_t pid)
{
	for (unsigned v = 0; v < n; v++)
		if (i->vms[v].pid == pid)
			return true;
	return false;
}

static void find_vms(struct lookup *l, struct inventory *i, const struct inventory *before)
{
	struct vm_list *fresh = hub_take_list(l->o.hub);
	unsigned described;

	if (fresh) {
		vm_list_free(l->list);
		l->list = fresh;
		proc_scan_forget(&l->scan); /* what was libvirt's child is a QEMU by now */
	}
	proc_scan(&l->scan, l->o.files, l->poked, l->text, TEXT_SIZE);
	for (unsigned v = 0; l->list && v < l->list->n; v++) {
		const struct vm_desc *d = &l->list->vms[v];
		const struct process *p = process_of(&l->scan, d);

		/* Described, but its process has ended since: the source will say so soon. */
		if (d->pid && !p && process_starttime(l->o.files, d->pid) == ABSENT)
			continue;
		add_vm(l, i, before, d, p, l->o.source);
	}
	described = i->n_vms;
	for (unsigned q = 0; q < l->scan.n_qemu; q++) {
		const struct process *p = &l->scan.qemu[q];

		if (!claimed(i, described, p->pid))
			add_vm(l, i, before, &p->vm, p, "proc");
	}
}

static char *read_host_uuid(const struct files *f)
{
	char text[64];

	if (file_read(text, sizeof(text), "%s/class/dmi/id/product_uuid", f->sysfs) <= 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return *text ? xstrdup(text) : NULL;
}

/* Details are dear: known VMs get them when nothing else is to be done, but not never. */
static void choose_details(struct lookup *l)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	l->details =
		!l->poked || l->o.synchronous || now.tv_sec - l->detailed.tv_sec >= ROUND_MS / 1000;
	if (l->details)
		l->detailed = now;
}

void lookup_run(struct lookup *l)
{
	const struct inventory *before = lookup_get(l);
	struct inventory *i = inventory_new(), *old;

	choose_details(l);
	devices_find_disks(i, l->o.files, l->storedev, l->text, TEXT_SIZE);
	devices_find_nics(i, l->o.files, l->netdev, l->text, TEXT_SIZE);
	devices_find_frequencies(i, l->o.files, before, l->text, TEXT_SIZE);
	i->netns = netns_of(l->o.files, 1);
	i->host_uuid = before->host_uuid ? xstrdup(before->host_uuid) : read_host_uuid(l->o.files);
	find_vms(l, i, before);
	lookup_put(l, before);

	pthread_mutex_lock(&l->lock);
	old = l->current;
	l->current = i;
	l->rounds++;
	pthread_mutex_unlock(&l->lock);
	lookup_put(l, old);
}

static bool is_stopping(struct lookup *l)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

static void *lookup_thread(void *arg)
{
	struct lookup *l = arg;

	pthread_setname_np(pthread_self(), "lookup");
	while (!is_stopping(l)) {
		int gap = lookup_rounds(l) < QUICK_ROUNDS ? GAP_MS / 10 : GAP_MS;

		lookup_run(l);
		/* Pokes within the gap are one. */
		l->poked = hub_wait(l->o.hub, gap);
		if (l->poked)
			nanosleep(&(struct timespec){0, gap * 1000000L}, NULL);
		else
			l->poked = hub_wait(l->o.hub, ROUND_MS - gap);
	}
	return NULL;
}

const struct inventory *lookup_get(struct lookup *l)
{
	struct inventory *i;

	pthread_mutex_lock(&l->lock);
	i = l->current;
	i->references++;
	pthread_mutex_unlock(&l->lock);
	return i;
}

void lookup_put(struct lookup *l, const struct inventory *i)
{
	bool last;

	pthread_mutex_lock(&l->lock);
	last = --((struct inventory *)i)->references == 0;
	pthread_mutex_unlock(&l->lock);
	if (last)
		inventory_free((struct inventory *)i);
}

unsigned lookup_rounds(struct lookup *l)
{
	unsigned rounds;

	pthread_mutex_lock(&l->lock);
	rounds = l->rounds;
	pthread_mutex_unlock(&l->lock);
	return rounds;
}

struct lookup *lookup_new(const struct lookup_options *o)
{
	struct lookup *l = xcalloc(1, sizeof(*l));

	l->o = *o;
	l->netdev = xstrdup(o->netdev);
	l->storedev = xstrdup(o->storedev);
	l->current = inventory_new();
	l->text = xcalloc(1, TEXT_SIZE);
	l->poked = true;
	pthread_mutex_init(&l->lock, NULL);
	if (!o->synchronous && pthread_create(&l->thread, NULL, lookup_thread, l)) {
		log_error("cannot start a thread: VMs are looked for within the cycle");
		l->o.synchronous = true;
	}
	return l;
}

static bool join_within(pthread_t thread, int seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

bool lookup_free(struct lookup *l)
{
	if (!l)
		return true;
	if (!l->o.synchronous) {
		pthread_mutex_lock(&l->lock);
		l->stopping = true;
		pthread_mutex_unlock(&l->lock);
		hub_poke(l->o.hub);
		if (!join_within(l->thread, STOP_S))
			return false;
	}
	lookup_put(l, l->current);
	proc_scan_fini(&l->scan);
	vm_list_free(l->list);
	pthread_mutex_destroy(&l->lock);
	free(l->text);
	free(l->netdev);
	free(l->storedev);
	free(l);
	return true;
}
