/* SPDX-License-Identifier: Apache-2.0 */
/* Who causes a VM's trouble, as far as its host's sample tells. */
#include "trouble.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 64u /* of the waiting vCPUs; others of a larger VM are as likely */
#define A_BURN   1e8 /* ns per second: a tenth of a core; who uses less is not the cause */
#define A_WAIT   1e7 /* ns per second: 1 % */

static const struct cause nothing = {.kind = CAUSE_NONE, .vm = {UINT32_MAX, NO_ROW, 0}, .cpu = -1};

struct suspects {
	const struct world_host *h;
	uint32_t vms;
	double *guilt; /* by VM */
};

static struct suspects suspects_of(const struct world_host *h)
{
	uint32_t vms = h->now->table[SCOPE_VM].rows;

	return (struct suspects){h, vms, xcalloc(vms + 1, sizeof(double))};
}

static void blame(struct suspects *s, uint32_t vm, double guilt)
{
	if (vm < s->vms && guilt > 0)
		s->guilt[vm] += guilt;
}

static uint32_t worst(const struct suspects *s)
{
	uint32_t vm = 0;

	for (uint32_t i = 1; i < s->vms; i++)
		if (s->guilt[i] > s->guilt[vm])
			vm = i;
	return vm;
}

static struct cause verdict(const struct suspects *s, struct thing vm, double enough)
{
	uint32_t who = worst(s);

	if (s->guilt[who] < enough)
		return nothing;
	if (who == vm.row)
		return (struct cause){CAUSE_ITSELF, nothing.vm, -1};
	return (struct cause){CAUSE_VM, {vm.host, who, SCOPE_VM}, -1};
}

/* ---- CPU ---- */

struct waiting_cpu {
	uint64_t cpu;
	double wait;   /* of our vCPUs that were last here */
	double burnt;  /* by whoever is asked for */
	uint32_t ours; /* one of these vCPUs */
};
struct waiting {
	struct waiting_cpu cpu[CPUS_MAX];
	unsigned n;
};

static struct waiting_cpu *waiting_find(struct waiting *w, uint64_t cpu)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->cpu[i].cpu == cpu)
			return &w->cpu[i];
	return NULL;
}

static void waiting_add(struct waiting *w, const struct world_host *h, uint32_t vcpu)
{
	uint64_t cpu = sample_get(h->now, SCOPE_VCPU, vcpu, M_CPU_LAST);
	double wait = view_get(h->view, SCOPE_VCPU, vcpu, M_WAIT);
	struct waiting_cpu *at;

	if (cpu == ABSENT || !(wait >= A_WAIT))
		return;
	at = waiting_find(w, cpu);
	if (!at) {
		if (w->n == CPUS_MAX)
			return;
		at = &w->cpu[w->n++];
		*at = (struct waiting_cpu){.cpu = cpu, .ours = vcpu};
	}
	at->wait += wait;
}

/* Each vCPU that was last on one of these CPUs; a vCPU is not in its own way. */
static void accuse(struct suspects *s, struct waiting *w, uint32_t only_vm)
{
	const struct table *t = &s->h->now->table[SCOPE_VCPU];

	for (uint32_t r = 0; r < t->rows; r++) {
		uint64_t cpu = sample_get(s->h->now, SCOPE_VCPU, r, M_CPU_LAST);
		struct waiting_cpu *at = cpu == ABSENT ? NULL : waiting_find(w, cpu);
		double run = view_get(s->h->view, SCOPE_VCPU, r, M_RUN);

		if (!at || at->ours == r || !(run > 0))
			continue;
		if (only_vm == NO_ROW)
			blame(s, t->parent[r], run);
		else if (t->parent[r] == only_vm)
			at->burnt += run;
	}
}

/* Of those that the two share, where most is waited for. */
static int shared_cpu(struct suspects *s, struct waiting *w, uint32_t culprit)
{
	int cpu = -1;
	double most = 0;

	accuse(s, w, culprit);
	for (unsigned i = 0; i < w->n; i++)
		if (w->cpu[i].burnt > 0 && w->cpu[i].wait > most && w->cpu[i].cpu <= INT32_MAX) {
			most = w->cpu[i].wait;
			cpu = (int)w->cpu[i].cpu;
		}
	return cpu;
}

static void accuse_all(struct suspects *s, uint32_t but)
{
	for (uint32_t r = 0; r < s->vms; r++) {
		double run = view_get(s->h->view, SCOPE_VM, r, M_RUN);
		double other = view_get(s->h->view, SCOPE_VM, r, M_OTHER_RUN);

		if (r != but)
			blame(s, r, (run > 0 ? run : 0) + (other > 0 ? other : 0));
	}
}

/* Of one vCPU what took its time is not known; of the VM as a whole it is. */
static bool is_limited(const struct world_host *h, struct thing vm)
{
	return view_get(h->view, SCOPE_VM, vm.row, M_CPU_LIMIT) >
	       view_get(h->view, SCOPE_VM, vm.row, M_CPU_READY);
}

/* at: one of its vCPUs, or the VM: all of them. */
static struct cause of_cpu(const struct world_host *h, struct thing vm, struct thing at)
{
	const struct table *t = &h->now->table[SCOPE_VCPU];
	struct suspects s = suspects_of(h);
	struct waiting w = {.n = 0};
	struct cause c;

	for (uint32_t r = 0; r < t->rows; r++)
		if (t->parent[r] == vm.row && (at.scope != SCOPE_VCPU || at.row == r))
			waiting_add(&w, h, r);
	if (w.n)
		accuse(&s, &w, NO_ROW);
	else
		accuse_all(&s, vm.row);
	c = verdict(&s, vm, A_BURN);
	if (c.kind == CAUSE_NONE)
		c.kind = CAUSE_HOST;
	else if (w.n)
		c.cpu = shared_cpu(&s, &w, worst(&s));
	free(s.guilt);
	return c;
}

/* ---- disks ---- */

static double requests(const struct view *v, uint32_t disk)
{
	static const enum metric_id parts[] = {M_VD_RD_OPS, M_VD_WR_OPS, M_VD_FL_OPS};
	double sum = 0;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		double x = view_get(v, SCOPE_VM_DISK, disk, parts[i]);

		sum += x > 0 ? x : 0;
	}
	return sum;
}

/* The VM's disk that is the slowest by that metric and whose device is known. */
static const char *slow_device(const struct world_host *h, uint32_t vm, enum metric_id m)
{
	const struct table *t = &h->now->table[SCOPE_VM_DISK];
	const char *slowest = NULL;
	double most = -1;

	for (uint32_t r = 0; r < t->rows; r++) {
		double x = view_get(h->view, SCOPE_VM_DISK, r, m);
		const char *device;

		if (t->parent[r] != vm || !(x > most))
			continue;
		device = sample_text(h->now, SCOPE_VM_DISK, r, M_DISK_BACKING);
		if (device && *device) {
			slowest = device;
			most = x;
		}
	}
	return slowest;
}

/* at: one of its disks, or the VM: the slowest of them. */
static struct cause of_disk(const struct world_host *h, struct thing vm, enum metric_id m,
			    struct thing at)
{
	const struct table *t = &h->now->table[SCOPE_VM_DISK];
	const char *device = at.scope == SCOPE_VM_DISK
				     ? sample_text(h->now, SCOPE_VM_DISK, at.row, M_DISK_BACKING)
				     : slow_device(h, vm.row, m);
	struct suspects s;
	struct cause c;

	if (!device || !*device)
		return nothing;
	s = suspects_of(h);
	for (uint32_t r = 0; r < t->rows; r++) {
		const char *other = sample_text(h->now, SCOPE_VM_DISK, r, M_DISK_BACKING);

		if (other && !strcmp(other, device))
			blame(&s, t->parent[r], requests(h->view, r));
	}
	c = verdict(&s, vm, 1e-9);
	free(s.guilt);
	return c;
}

struct cause cause_of(const struct world *w, struct thing vm, const struct trouble *t)
{
	const struct world_host *h = vm.host < w->n_hosts ? w->hosts[vm.host] : NULL;

	if (!h || h->about.stale || vm.scope != SCOPE_VM ||
	    vm.row >= h->now->table[SCOPE_VM].rows || !(t->score > 0))
		return nothing;
	switch (t->metric) {
	case M_CPU_LIMIT:
		return (struct cause){CAUSE_OWN_LIMIT, nothing.vm, -1};
	case M_CPU_READY:
	case M_CPU_STEAL:
		if (t->at.scope == SCOPE_VCPU && is_limited(h, vm))
			return (struct cause){CAUSE_OWN_LIMIT, nothing.vm, -1};
		return of_cpu(h, vm, t->at);
	case M_VD_LAT_RD:
	case M_VD_LAT_WR:
	case M_VD_LAT_FL:
	case M_VD_LAT_AVG:
		return of_disk(h, vm, t->metric, t->at);
	case M_PSI_FULL_IO:
	case M_PSI_SOME_IO:
		return of_disk(h, vm, M_VD_LAT_AVG, t->at);
	case M_RAM_MAJFLT:
	case M_PSI_FULL_MEM:
	case M_PSI_SOME_MEM:
		return (struct cause){CAUSE_HOST, nothing.vm, -1};
	default:
		return nothing;
	}
}
