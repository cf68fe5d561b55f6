/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_visit.h"

#include "clock.h"
#include "log.h"
#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* QEMU's period is 2 s, other tools set up to 10; a guest that hangs says nothing new. */
#define GUEST_STALE_S 30u

static unsigned bit(enum qmp_command c)
{
	return 1u << c;
}

static const char *guest_path(const struct asked *vm)
{
	/* A part of a QOM path will do, and is 20 bytes less for QEMU to read. */
	return vm->balloon == BALLOON_LONG ? "/machine/peripheral/balloon0" : "balloon0";
}

/* A VM that was told to run, and whose vCPUs have run since, needs no question. */
static bool wants_state(struct visit *v)
{
	int ran = hub_vcpus_ran(v->rules->hub, v->vm->target->key);

	hub_io_moved(v->rules->hub, v->vm->target->key); /* from here on */
	v->still = ran == 0;
	v->vm->idle = false;
	if (v->vm->state != VM_RUNNING || v->rules->all)
		return true;
	return ran == 0 || (v->slow && ran < 0);
}

int visit_begin(struct visit *v, const struct visit_rules *rules, struct asked *vm, bool slow)
{
	unsigned commands = 0;
	int r;

	v->vm = vm;
	v->rules = rules;
	v->slow = slow;
	vm->skipped = 0;
	if (rules->disks)
		commands |= bit(QMP_BLOCKSTATS);
	if (rules->memory && slow && vm->balloon != BALLOON_NONE) {
		commands |= bit(QMP_BALLOON);
		if (vm->balloon == BALLOON_SHORT || vm->balloon == BALLOON_LONG)
			commands |= bit(QMP_GUEST_STATS);
	}
	if (wants_state(v))
		commands |= bit(QMP_STATUS);
	r = qmp_start(&v->qmp, rules->run_dir, vm->target->vmid, commands, guest_path(vm));
	if (r < 0)
		visit_end(v);
	return r;
}

void visit_end(struct visit *v)
{
	qmp_close(&v->qmp);
	v->vm = NULL;
}

static uint64_t taken_now(const struct visit_rules *rules)
{
	if (rules->now_ns)
		return rules->now_ns(rules->now_arg);
	return clock_ns(CLOCK_BOOTTIME);
}

static bool is_disk(const struct pve_target *t, const char *name)
{
	for (unsigned i = 0; i < t->n_disks; i++) {
		if (!strcmp(t->disks[i], name))
			return true;
	}
	return false;
}

/* struct qmp_scratch.take_disks; CD-ROMs and the like are left out. */
static void take_disks(void *arg, struct qmp_disks *disks)
{
	const struct visit *v = arg;
	const struct pve_target *t = v->vm->target;
	unsigned kept = 0;
	uint64_t hash;

	for (unsigned i = 0; i < disks->n; i++) {
		if (!is_disk(t, disks->disk[i].name))
			continue;
		if (kept != i)
			disks->disk[kept] = disks->disk[i];
		kept++;
	}
	hash = guest_disks_hash(disks->disk, kept);
	if (hash != v->vm->disks_hash)
		v->vm->quiet = 0;
	else if (v->vm->quiet < GUEST_QUIET_MAX)
		v->vm->quiet++;
	v->vm->disks_hash = hash;
	hub_disks(v->rules->hub, t->key, taken_now(v->rules),
		  v->vm->quiet ? v->rules->quiet_valid : v->rules->disks_valid, disks->disk, kept);
}

static void add(struct guest_values *g, enum metric_id m, uint64_t bytes, uint64_t unit)
{
	if (bytes != ABSENT)
		guest_add(g, m, bytes / unit);
}

/* A guest that crashed, is paused or has no driver any more leaves its last words. */
static bool is_fresh(uint64_t updated)
{
	uint64_t now = (uint64_t)time(NULL);

	if (updated == ABSENT || !updated)
		return false;
	return updated > now ? updated - now <= GUEST_STALE_S : now - updated <= GUEST_STALE_S;
}

static void take_balloon(const struct visit *v)
{
	const struct qmp_balloon *b = &v->qmp.answer.balloon;
	struct guest_values g = {.n = 0};

	add(&g, M_RAM_BALLOON, b->actual, 1024);
	if (b->has_guest && is_fresh(b->updated)) {
		add(&g, M_RAM_FREE, b->free, 1024);
		add(&g, M_RAM_GUEST, b->total, 1024);
		add(&g, M_RAM_USABLE, b->available, 1024);
		add(&g, M_RAM_SWAPIN, b->swap_in, 1);
		add(&g, M_RAM_SWAPOUT, b->swap_out, 1);
	}
	if (g.n)
		hub_memory(v->rules->hub, v->vm->target->key, taken_now(v->rules),
			   v->rules->balloon_valid, &g);
}

/* What the balloon's answer says of the way to ask.  1: one question more is under way;
 * 0 or negative errno. */
static int learn_balloon(struct visit *v)
{
	const struct qmp_visit *q = &v->qmp;
	struct asked *vm = v->vm;
	int r;

	if (q->failed & bit(QMP_BALLOON)) {
		vm->balloon = BALLOON_NONE;
		return 0;
	}
	if (!(q->done & bit(QMP_BALLOON)))
		return 0;
	switch (vm->balloon) {
	case BALLOON_UNKNOWN:
		if (q->answer.balloon.max != ABSENT || q->answer.balloon.has_guest) {
			vm->balloon = BALLOON_PVE;
			return 0;
		}
		vm->balloon = BALLOON_SHORT;
		break;
	case BALLOON_SHORT:
		if (!(q->failed & bit(QMP_GUEST_STATS)))
			return 0;
		vm->balloon = BALLOON_LONG;
		break;
	case BALLOON_LONG:
		if (q->failed & bit(QMP_GUEST_STATS))
			vm->balloon = BALLOON_SIZE;
		return 0;
	default:
		return 0;
	}
	r = qmp_ask(&v->qmp, QMP_GUEST_STATS, guest_path(vm));
	return r < 0 ? r : 1;
}

int visit_read(struct visit *v, struct qmp_scratch *scratch)
{
	int r;

	scratch->take_disks = take_disks;
	scratch->arg = v;
	r = qmp_read(&v->qmp, scratch);
	if (r <= 0)
		return r;
	r = learn_balloon(v);
	if (r)
		return r < 0 ? r : 0;
	if (v->qmp.done & bit(QMP_BALLOON))
		take_balloon(v);
	else if (v->vm->balloon == BALLOON_NONE && v->slow && v->rules->memory)
		hub_memory(v->rules->hub, v->vm->target->key, taken_now(v->rules),
			   v->rules->balloon_valid, &(struct guest_values){.n = 0});
	if (v->qmp.done & bit(QMP_STATUS)) {
		v->vm->state = v->qmp.answer.state;
		v->vm->idle = v->vm->state == VM_RUNNING && v->still;
		hub_state(v->rules->hub, v->vm->target->key, v->vm->state);
	}
	return 1;
}

/* ---- messages ---- */

static void keys(const struct asked *vm, char answer[32], char lock[32])
{
	snprintf(answer, 32, "qmp/%u", vm->target->vmid);
	snprintf(lock, 32, "lock/%u", vm->target->vmid);
}

static const char *reason(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return "no answer within 500 ms (QEMU hangs, or another client holds the socket)";
	case -EAGAIN:
		return "busy, other clients wait there already";
	case -EPROTO:
		return "what it says is not QMP";
	case -EMSGSIZE:
		return "its answer is larger than 4 MiB";
	default:
		return strerror(-error);
	}
}

void visit_say_failed(const struct visit_rules *rules, const struct asked *vm, int error)
{
	bool leaving = error == -ENOENT || error == -ECONNREFUSED || error == -ECONNRESET;
	char key[32], lock[32];

	if (error == -EACCES || error == -EPERM) {
		log_once(LOG_WARNING, "qmp/permission",
			 "QMP sockets in %s cannot be opened (%s): run as root to get disk and "
			 "balloon values of VMs",
			 rules->run_dir, strerror(-error));
		return;
	}
	/* The socket of a VM that ends is gone a moment before the VM is. */
	if (leaving && vm->failures < 2)
		return;
	keys(vm, key, lock);
	log_once(LOG_WARNING, key,
		 "VM %u (%.64s): QMP socket %s/%u.qmp: %s; its disk and balloon values are absent "
		 "until it answers",
		 vm->target->vmid, vm->target->name, rules->run_dir, vm->target->vmid,
		 reason(error));
}

void visit_say_answers(const struct asked *vm)
{
	char key[32], lock[32];

	keys(vm, key, lock);
	log_over(key, "VM %u (%.64s): its QMP socket answers again", vm->target->vmid,
		 vm->target->name);
	log_over("qmp/permission", NULL);
}

void visit_say_hands_off(const struct asked *vm)
{
	const struct pve_target *t = vm->target;
	char key[32], lock[32];

	keys(vm, key, lock);
	if (t->hands_off == PVE_LOCKED)
		log_once(LOG_DEBUG, lock,
			 "VM %u (%.64s) is locked (%.32s): its QMP socket is left to Proxmox VE",
			 t->vmid, t->name, t->lock);
	else if (t->hands_off == PVE_MIGRATING_IN)
		log_once(LOG_DEBUG, lock,
			 "VM %u (%.64s) is migrating in: its QMP socket is left to Proxmox VE",
			 t->vmid, t->name);
	else
		log_over(lock, NULL);
}

void visit_say_nothing(const struct asked *vm)
{
	char key[32], lock[32];

	keys(vm, key, lock);
	log_over(key, NULL);
	log_over(lock, NULL);
}
