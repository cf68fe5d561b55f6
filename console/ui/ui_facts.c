/* SPDX-License-Identifier: Apache-2.0 */
/* What is made once of a new moment: who suffers, of VMs and of hosts. */
#include "ui_state.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>

struct thing ui_vm_of(const struct ui *u, struct thing t)
{
	switch (t.scope) {
	case SCOPE_VM:
		return t;
	case SCOPE_VCPU:
	case SCOPE_VM_DISK:
	case SCOPE_VM_NIC:
		return world_parent(u->world, t);
	default:
		return NO_THING;
	}
}

static const char *text_or(const struct ui *u, struct thing t, enum metric_id m, const char *other)
{
	const char *text = world_text(u->world, t, m);

	return text && *text ? text : other;
}

const char *ui_name(const struct ui *u, struct thing t)
{
	const struct feed_host *h;

	if (!thing_is(t))
		return "?";
	switch (t.scope) {
	case SCOPE_HOST:
		h = &u->world->hosts[t.host]->about;
		return *h->host_name ? h->host_name : *h->host_id ? h->host_id : "?";
	case SCOPE_VM:
		return text_or(u, t, M_NAME, text_or(u, t, M_UUID, "?"));
	case SCOPE_VM_DISK:
	case SCOPE_HOST_DISK:
		return text_or(u, t, M_DISK_NAME, "?");
	case SCOPE_VM_NIC:
	case SCOPE_HOST_NIC:
		return text_or(u, t, M_NIC_NAME, "?");
	default:
		return scope_names[t.scope];
	}
}

/* ---- trouble ---- */

struct trouble ui_trouble(const struct ui *u, struct thing t)
{
	struct trouble none = {.metric = METRICS}, found = none;

	if (!thing_is(t) || ui_is_stale(u, t))
		return none;
	if (t.scope == SCOPE_VM)
		found = u->vm_trouble[u->host_facts[t.host].first_vm + t.row];
	else if (t.scope == SCOPE_HOST)
		found = u->host_facts[t.host].worst;
	/* Below the first threshold nobody suffers, and the order would only flicker. */
	return found.score >= 1 ? found : none;
}

static double steal_of_vms(const struct ui *u, uint32_t host)
{
	struct thing t = {.host = host, .scope = SCOPE_VCPU};
	uint32_t n = u->world->hosts[host]->now->table[SCOPE_VCPU].rows, counted = 0;
	double wait = 0;

	for (t.row = 0; t.row < n; t.row++) {
		double v = world_value(u->world, t, M_WAIT);

		if (isnan(v))
			continue;
		wait += v;
		counted++;
	}
	return counted ? 1e-7 * wait / counted : NAN; /* ns per second: percent */
}

static void one_host(struct ui *u, uint32_t host, uint32_t first_vm)
{
	const struct world_host *h = u->world->hosts[host];
	struct ui_host_facts *f = &u->host_facts[host];
	struct thing t = {.host = host, .scope = SCOPE_HOST};

	*f = (struct ui_host_facts){.first_vm = first_vm,
				    .worst = {.metric = METRICS},
				    .worst_thing = NO_THING,
				    .vm_steal = NAN};
	if (!h->readable || h->about.stale)
		return;
	f->vm_steal = steal_of_vms(u, host);
	trouble_of_host(u->world, host, &f->worst, &u->vm_trouble[first_vm]);
	if (f->worst.score > 0)
		f->worst_thing = t;
	t.scope = SCOPE_VM;
	for (t.row = 0; t.row < h->now->table[SCOPE_VM].rows; t.row++) {
		const struct trouble *v = &u->vm_trouble[first_vm + t.row];

		if (v->score > f->worst.score && ui_has_thing(u, t)) {
			f->worst = *v;
			f->worst_thing = t;
		}
	}
}

static void make_trouble(struct ui *u)
{
	const struct world *w = u->world;
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n_hosts; i++)
		n += w->hosts[i]->readable ? w->hosts[i]->now->table[SCOPE_VM].rows : 0;
	if (n > u->vm_room) {
		u->vm_room = n + n / 4;
		u->vm_trouble = xrealloc(u->vm_trouble, u->vm_room, sizeof(*u->vm_trouble));
	}
	if (w->n_hosts > u->host_room) {
		u->host_room = w->n_hosts + w->n_hosts / 4 + 4;
		u->host_facts = xrealloc(u->host_facts, u->host_room, sizeof(*u->host_facts));
	}
	n = 0;
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		one_host(u, i, n);
		n += w->hosts[i]->readable ? w->hosts[i]->now->table[SCOPE_VM].rows : 0;
	}
}

void ui_facts_make(struct ui *u)
{
	make_trouble(u);
	u->sum_is_old = true;
}

void ui_facts_fini(struct ui *u)
{
	free(u->host_facts);
	free(u->vm_trouble);
	view_sum_free(u->sum);
}
