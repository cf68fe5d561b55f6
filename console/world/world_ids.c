/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids: what a thing is known by from moment to moment.  A VM's is a hash of its UUID, that of
 * what is below it is made of the VM's and of its own name, so all of it is found again on
 * another host.  UUIDs and names come from strangers, so two things can claim one id: the
 * first one has it (of VMs, the first that runs), others get one that is theirs alone.
 *
 * All ids of a scope are made at once, when the first is asked for: a hash table to find
 * them, and an array by row.
 */
#include "world_cache.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

void ids_forget(struct world_cache *c)
{
	for (int s = 0; s < SCOPES; s++)
		c->ids[s].made = false;
}

void ids_fini(struct world_cache *c)
{
	for (int s = 0; s < SCOPES; s++) {
		free(c->ids[s].from);
		free(c->ids[s].id);
		free(c->ids[s].slot);
	}
}

uint64_t ids_uuid(const struct sample *s, uint32_t row)
{
	const char *text = sample_text(s, SCOPE_VM, row, M_UUID);
	char small[SAMPLE_NAME_MAX + 1];
	size_t n = 0;

	if (!text || !*text)
		return 0;
	for (; text[n] && n < SAMPLE_NAME_MAX; n++)
		small[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] | 0x20 : text[n]);
	small[n] = '\0';
	return id_hash(1, small);
}

/* Unknown counts as running: only a connector knows. */
bool vm_runs(const struct sample *s, uint32_t row)
{
	const char *state = sample_text(s, SCOPE_VM, row, M_STATE);

	return !state || !strcmp(state, "running");
}

/* ---- what a row is called ---- */

static uint64_t text_or_row(const struct sample *s, enum scope scope, uint32_t row,
			    enum metric_id m)
{
	const char *text = sample_text(s, scope, row, m);

	return text && *text ? id_hash(scope, text) : s->table[scope].id[row];
}

static uint64_t name_of(const struct sample *s, enum scope scope, uint32_t row)
{
	uint64_t number;

	switch (scope) {
	case SCOPE_VCPU:
		number = sample_get(s, scope, row, M_VCPU);
		return number != ABSENT ? number : s->table[scope].id[row];
	case SCOPE_VM_NIC:
		/* The tap has another name on another host. */
		if (sample_text(s, scope, row, M_NIC_MAC))
			return text_or_row(s, scope, row, M_NIC_MAC);
		return text_or_row(s, scope, row, M_NIC_NAME);
	case SCOPE_HOST_NIC:
		return text_or_row(s, scope, row, M_NIC_NAME);
	case SCOPE_VM_DISK:
	case SCOPE_HOST_DISK:
		return text_or_row(s, scope, row, M_DISK_NAME);
	case SCOPE_SELF:
		return text_or_row(s, scope, row, M_SELF_PART);
	default:
		return s->table[scope].id[row];
	}
}

/* What a row would like to be known by; above: the id of what it belongs to. */
static uint64_t first_choice(const struct sample *s, enum scope scope, uint32_t row, uint64_t above)
{
	uint64_t uuid;

	if (scope == SCOPE_HOST)
		return above;
	uuid = scope == SCOPE_VM ? ids_uuid(s, row) : 0;
	return uuid ? uuid : id_hash_u64(id_hash_u64(above, scope), name_of(s, scope, row));
}

uint64_t ids_second(uint64_t first, uint64_t host, uint64_t own)
{
	return id_hash_u64(id_hash_u64(first, host), own);
}

/* Where somebody else has that. */
static uint64_t second_choice(const struct sample *s, enum scope scope, uint32_t row,
			      uint64_t first, uint64_t host)
{
	return ids_second(first, host, row < s->table[scope].rows ? s->table[scope].id[row] : 0);
}

static bool is_of_vm(enum scope scope)
{
	return scope != SCOPE_VM && scope_parent(scope) == SCOPE_VM;
}

static bool is_called(const struct sample *s, enum scope scope, uint32_t row, uint64_t above,
		      uint64_t host, uint64_t id)
{
	uint64_t first = first_choice(s, scope, row, above);

	return id == first || id == second_choice(s, scope, row, first, host);
}

uint32_t ids_row(const struct sample *s, enum scope scope, uint64_t host, uint64_t id)
{
	const struct table *t = &s->table[scope];

	if (scope == SCOPE_HOST)
		return t->rows && is_called(s, scope, 0, host, host, id) ? 0 : NO_ROW;
	for (uint32_t r = 0; r < t->rows; r++) {
		uint64_t above = host;

		if (is_of_vm(scope) && t->parent[r] < s->table[SCOPE_VM].rows)
			above = first_choice(s, SCOPE_VM, t->parent[r], host);
		if (is_called(s, scope, r, above, host, id))
			return r;
		if (above != host &&
		    is_called(s, scope, r, second_choice(s, SCOPE_VM, t->parent[r], above, host),
			      host, id))
			return r;
	}
	return NO_ROW;
}

/* ---- the table ---- */

/* Where an id is kept depends on where the world is too: nobody outside can make all fall
 * into one place. */
static uint32_t place_of(const struct id_table *t, uint64_t id)
{
	uint64_t x = id + (uintptr_t)t;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x ^ x >> 31) & (t->slots - 1);
}

/* The slot that has it, or the empty one where it would be. */
static struct id_slot *slot_of(const struct id_table *t, uint64_t id)
{
	uint32_t at = place_of(t, id);

	while (thing_is(t->slot[at].thing) && t->slot[at].id != id)
		at = (at + 1) & (t->slots - 1);
	return &t->slot[at];
}

static uint64_t id_above(const struct world *w, struct thing t)
{
	const struct world_host *h = w->hosts[t.host];
	const struct id_table *vms = &w->cache->ids[SCOPE_VM];
	uint32_t parent;

	if (!is_of_vm(t.scope))
		return h->id;
	parent = h->now->table[t.scope].parent[t.row];
	return parent < h->now->table[SCOPE_VM].rows ? vms->id[vms->from[t.host] + parent] : h->id;
}

static void add(const struct world *w, struct id_table *t, struct thing thing)
{
	const struct world_host *h = w->hosts[thing.host];
	uint64_t id = first_choice(h->now, thing.scope, thing.row, id_above(w, thing));
	struct id_slot *slot = slot_of(t, id);

	if (thing_is(slot->thing)) {
		id = second_choice(h->now, thing.scope, thing.row, id, h->id);
		slot = slot_of(t, id);
	}
	while (thing_is(slot->thing)) {
		id = id_hash_u64(id_hash_u64(id, thing.host), thing.row);
		slot = slot_of(t, id);
	}
	*slot = (struct id_slot){id, thing};
	t->id[t->from[thing.host] + thing.row] = id;
}

static uint32_t rows_of(const struct world_host *h, enum scope s)
{
	return s == SCOPE_HOST ? 1 : h->now->table[s].rows;
}

static void make_room(const struct world *w, struct id_table *t, enum scope s)
{
	uint32_t n = 0, slots = 16;

	if (w->n_hosts > t->from_room) {
		t->from_room = w->n_hosts + w->n_hosts / 8 + 4;
		t->from = xrealloc(t->from, t->from_room, sizeof(*t->from));
	}
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		t->from[i] = n;
		n += rows_of(w->hosts[i], s);
	}
	if (n > t->id_room) {
		t->id_room = n + n / 8 + 4;
		t->id = xrealloc(t->id, t->id_room, sizeof(*t->id));
	}
	while (slots < n + n / 2 && slots < UINT32_C(1) << 31)
		slots *= 2;
	if (slots > t->slot_room) {
		t->slot_room = slots;
		free(t->slot);
		t->slot = xcalloc(slots, sizeof(*t->slot));
	}
	t->slots = slots;
	for (uint32_t i = 0; i < slots; i++)
		t->slot[i].thing = NO_THING;
}

/* Of VMs first those that run on hosts that are heard of, then the others. */
bool ids_is_first(const struct world_host *h, enum scope s, uint32_t row)
{
	return s != SCOPE_VM || (!h->about.stale && vm_runs(h->now, row));
}

static struct id_table *ids_make(const struct world *w, enum scope s)
{
	struct id_table *t = &w->cache->ids[s];

	if (t->made)
		return t;
	if (is_of_vm(s))
		ids_make(w, SCOPE_VM);
	make_room(w, t, s);
	for (int pass = 0; pass < (s == SCOPE_VM ? 2 : 1); pass++)
		for (uint32_t i = 0; i < w->n_hosts; i++)
			for (uint32_t r = 0; r < rows_of(w->hosts[i], s); r++)
				if (ids_is_first(w->hosts[i], s, r) == !pass)
					add(w, t, (struct thing){i, r, (uint8_t)s});
	t->made = true;
	return t;
}

uint64_t world_id(const struct world *w, struct thing t)
{
	const struct id_table *ids;

	if (t.host >= w->n_hosts || t.scope >= SCOPES ||
	    t.row >= rows_of(w->hosts[t.host], t.scope))
		return 0;
	ids = ids_make(w, t.scope);
	return ids->id[ids->from[t.host] + t.row];
}

struct thing world_find(const struct world *w, enum scope s, uint64_t id)
{
	return slot_of(ids_make(w, s), id)->thing;
}
