/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_cgroup.h"

#include "proc_text.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define PERIOD_NS 100000000u /* of a CPU limit, where nobody set another one */

static void drop_limits(struct vm_cgroup *g, struct files *f)
{
	for (unsigned i = 0; i < g->n_limits; i++) {
		held_close(f, &g->limits[i]);
		free(g->limit_paths[i]);
	}
	free(g->limits);
	free(g->limit_paths);
	free(g->last_throttled);
	g->last_throttled = NULL;
	g->limits = NULL;
	g->limit_paths = NULL;
	g->n_limits = 0;
}

void vm_cgroup_init(struct vm_cgroup *g)
{
	memset(g, 0, sizeof(*g));
	for (int i = 0; i < PSI_FILES; i++)
		g->psi[i] = HELD_NONE;
	g->last_wait = ABSENT;
}

void vm_cgroup_fini(struct vm_cgroup *g, struct files *f)
{
	for (int i = 0; i < PSI_FILES; i++)
		held_close(f, &g->psi[i]);
	drop_limits(g, f);
	free(g->psi_dir);
}

static const char *const psi_file[PSI_FILES] = {"cpu", "io", "memory"};
static const int psi_metric[PSI_FILES][2] = {{M_VPSI_SOME_CPU, -1},
					     {M_VPSI_SOME_IO, M_VPSI_FULL_IO},
					     {M_VPSI_SOME_MEM, M_VPSI_FULL_MEM}};

void vm_cgroup_follow(struct vm_cgroup *g, struct cycle *c, const struct vm *vm)
{
	bool same = (g->psi_dir != NULL) == (vm->psi_dir != NULL) &&
		    (!g->psi_dir || !strcmp(g->psi_dir, vm->psi_dir));

	if (!same) {
		free(g->psi_dir);
		g->psi_dir = xstrdup(vm->psi_dir);
		for (int i = 0; i < PSI_FILES; i++) {
			held_close(c->files, &g->psi[i]);
			if (g->psi_dir)
				held_open(c->files, &g->psi[i], "%s/%s.pressure", g->psi_dir,
					  psi_file[i]);
		}
	}
	same = g->n_limits == vm->n_limits;
	for (unsigned i = 0; same && i < vm->n_limits; i++)
		same = !strcmp(g->limit_paths[i], vm->limits[i]);
	if (same)
		return;
	drop_limits(g, c->files);
	g->limits = xcalloc(vm->n_limits + 1, sizeof(*g->limits));
	g->limit_paths = xcalloc(vm->n_limits + 1, sizeof(*g->limit_paths));
	g->last_throttled = xcalloc(vm->n_limits + 1, sizeof(*g->last_throttled));
	for (unsigned i = 0; i < vm->n_limits; i++) {
		held_open(c->files, &g->limits[i], "%s", vm->limits[i]);
		g->limit_paths[i] = xstrdup(vm->limits[i]);
		g->last_throttled[i] = ABSENT;
	}
	g->n_limits = vm->n_limits;
}

uint64_t vm_cgroup_pressure(struct vm_cgroup *g, struct cycle *c, uint32_t row)
{
	uint64_t cpu = ABSENT;

	for (int i = 0; i < PSI_FILES; i++) {
		struct psi psi;

		if (!held_is_open(&g->psi[i]) || held_read(&g->psi[i], c->buf, c->buf_size) <= 0 ||
		    !parse_psi(c->buf, &psi))
			continue;
		sample_set(c->sample, SCOPE_VM, row, psi_metric[i][0], psi.some.total);
		if (psi_metric[i][1] >= 0)
			sample_set(c->sample, SCOPE_VM, row, psi_metric[i][1], psi.full.total);
		if (i == 0)
			cpu = psi.some.total;
	}
	return cpu;
}

/* The throttled time of all limits, ABSENT when one could not be read; how much it grew
 * goes by each file's own counter, so that a limit that comes or goes makes no jump. */
static uint64_t throttled(struct vm_cgroup *g, struct cycle *c, uint64_t *ret_grown)
{
	uint64_t sum = 0;

	*ret_grown = 0;
	for (unsigned i = 0; i < g->n_limits; i++) {
		uint64_t v = ABSENT;

		if (held_read(&g->limits[i], c->buf, c->buf_size) > 0)
			v = parse_cpu_stat_throttled(c->buf);
		if (v == ABSENT) {
			sum = ABSENT;
			continue;
		}
		if (g->last_throttled[i] != ABSENT && v > g->last_throttled[i])
			*ret_grown += v - g->last_throttled[i];
		g->last_throttled[i] = v;
		if (sum != ABSENT)
			sum += v;
	}
	return sum;
}

/*
 * A thread that its cgroup's limit holds back is ready but may not run: its run_delay
 * grows just as with contention.  How much of the vCPUs' waiting that was: as much as
 * the cgroup was throttled, but never more than they waited (the throttled time goes on
 * while nobody wants to run).  The two clocks are not in step, so what the one is ahead
 * is kept, up to one period of the limit.
 */
void vm_cgroup_limit(struct vm_cgroup *g, struct cycle *c, uint32_t row, const struct vm *vm,
		     uint64_t wait)
{
	uint64_t grown, waited, most, taken, sum = throttled(g, c, &grown);

	waited = g->last_wait != ABSENT && wait > g->last_wait ? wait - g->last_wait : 0;
	most = c->now_ns > g->read_ns ? c->now_ns - g->read_ns : 0;
	g->last_wait = wait;
	g->read_ns = c->now_ns;
	g->pending += grown;
	taken = waited < g->pending ? waited : g->pending;
	g->limited += taken;
	g->pending -= taken;
	if (most > PERIOD_NS)
		most = PERIOD_NS;
	if (g->pending > most)
		g->pending = most;
	if (sum != ABSENT && g->n_limits)
		sample_set(c->sample, SCOPE_VM, row, M_THROTTLED, sum);
	/* That no limit is there is a fact as well; that none was found may not be. */
	if (sum != ABSENT && vm->limits_known)
		sample_set(c->sample, SCOPE_VM, row, M_LIMITED, g->limited);
}
