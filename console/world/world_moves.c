/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which host a VM was on before, and which VMs are on two hosts at once: what one host's
 * sample cannot say.  Known from the moments that were seen.  They come in the order of their
 * time, or, where somebody looks back, from before: those say where a VM was until it came to
 * the host that has it now, and nothing else.
 *
 * While a VM migrates two hosts have it, one of them running (world_ids.c says which is the
 * VM).  When both say that it runs, and for longer than their samples can be out of step,
 * they are two VMs of one UUID.
 */
#include "world_cache.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY    UINT32_MAX
#define NAMES_MAX 4096u                /* hosts that are remembered */
#define ALONE     64u                  /* VMs that are remembered beyond those that are there */
#define TWICE_NS  UINT64_C(5000000000) /* at least */
#define INTERVALS 3u

struct known_host {
	uint64_t id;
	char *name;
};

struct known_vm {
	uint64_t uuid;         /* ids_uuid(); 0: an empty place */
	uint64_t seen_ns;      /* wall time from which on its host is known to have it */
	uint64_t last_ns;      /* and until when */
	uint64_t from_ns;      /* the last time it is known to have been on the host before */
	uint64_t since, until; /* wall time in which two hosts ran it; until 0: never */
	uint32_t host, from;   /* known_host; NOBODY */
	bool two;              /* they did for long: it is not one VM */
};

struct moves {
	uint64_t newest, before; /* wall time of the newest moment, and of the one before it */
	struct known_host *host;
	uint32_t hosts, host_room;
	struct known_vm *vm;
	uint32_t vms, places; /* places: a power of two */
	bool any;             /* VM has moved, or is there twice */
	uint32_t *number;     /* of each host of the world */
	uint32_t number_room;
};

struct moves *moves_new(void)
{
	return xcalloc(1, sizeof(struct moves));
}

void moves_free(struct moves *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->hosts; i++)
		free(m->host[i].name);
	free(m->host);
	free(m->vm);
	free(m->number);
	free(m);
}

/* ---- hosts ---- */

static uint32_t host_number(struct moves *m, const struct world_host *h, uint32_t likely)
{
	struct known_host *known;
	uint32_t i = likely;

	if (i >= m->hosts || m->host[i].id != h->id)
		for (i = 0; i < m->hosts && m->host[i].id != h->id;)
			i++;
	if (i == NAMES_MAX)
		return NOBODY;
	if (i == m->host_room) {
		m->host_room = i ? i * 2 : 8;
		m->host = xrealloc(m->host, m->host_room, sizeof(*m->host));
	}
	known = &m->host[i];
	if (i == m->hosts) {
		m->hosts++;
		*known = (struct known_host){.id = h->id};
	}
	if (!known->name || strcmp(known->name, h->about.host_name)) {
		free(known->name);
		known->name = xstrdup(h->about.host_name);
	}
	return i;
}

static void number_hosts(struct moves *m, const struct world *w)
{
	uint32_t likely = 0;

	if (w->n_hosts > m->number_room) {
		m->number_room = w->n_hosts + w->n_hosts / 8 + 4;
		m->number = xrealloc(m->number, m->number_room, sizeof(*m->number));
	}
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		m->number[i] = host_number(m, w->hosts[i], likely);
		likely = m->number[i] == NOBODY ? 0 : m->number[i] + 1;
	}
}

/* ---- VMs ---- */

static struct known_vm *place_of(const struct moves *m, uint64_t uuid)
{
	uint64_t x = uuid + (uintptr_t)m;
	uint32_t at;

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	at = (uint32_t)(x ^ x >> 31) & (m->places - 1);
	while (m->vm[at].uuid && m->vm[at].uuid != uuid)
		at = (at + 1) & (m->places - 1);
	return &m->vm[at];
}

/* Those that are gone are forgotten when there are as many of them as of the others. */
static void make_room(struct moves *m, const struct world *w)
{
	struct known_vm *old = m->vm;
	uint32_t old_places = m->places, places = 64;

	if (m->places && m->vms + w->n_vms <= m->places / 4 * 3)
		return;
	while (places / 4 * 3 < 2 * (w->n_vms + ALONE))
		places *= 2;
	m->vm = xcalloc(places, sizeof(*m->vm));
	m->places = places;
	m->vms = 0;
	for (uint32_t i = 0; i < old_places; i++)
		if (old[i].uuid && thing_is(world_find(w, SCOPE_VM, old[i].uuid))) {
			*place_of(m, old[i].uuid) = old[i];
			m->vms++;
		}
	free(old);
}

static uint64_t patience(const struct world *w, struct thing a, struct thing b)
{
	uint64_t x = w->hosts[a.host]->about.interval_ns, y = w->hosts[b.host]->about.interval_ns;

	x = x > y ? x : y;
	return x > TWICE_NS / INTERVALS && x < UINT64_MAX / INTERVALS ? x * INTERVALS : TWICE_NS;
}

static bool runs(const struct world *w, struct thing t)
{
	return !w->hosts[t.host]->about.stale && vm_runs(w->hosts[t.host]->now, t.row);
}

/* Those of one host are not what this is about: no host runs a UUID twice. */
static bool contest(const struct world *w, struct thing a, struct thing b)
{
	return a.host != b.host && runs(w, a) && runs(w, b);
}

/* Both had it for long enough: they are two VMs. */
static void see_contest(struct moves *m, const struct world *w, struct known_vm *k,
			uint64_t patience_ns)
{
	if (!k->until || k->until < m->before)
		k->since = w->wall_ns;
	k->until = w->wall_ns;
	if (k->until - k->since >= patience_ns)
		k->two = m->any = true;
}

static void see_vm(struct moves *m, const struct world *w, struct thing t)
{
	uint64_t uuid = ids_uuid(w->hosts[t.host]->now, t.row);
	uint32_t host = m->number[t.host];
	struct known_vm *k;
	struct thing first;

	if (!uuid)
		return;
	k = place_of(m, uuid);
	if (!k->uuid) {
		*k = (struct known_vm){.uuid = uuid, .host = NOBODY, .from = NOBODY};
		m->vms++;
	}
	first = world_find(w, SCOPE_VM, uuid);
	if (first.host != t.host || first.row != t.row) {
		if (contest(w, first, t))
			see_contest(m, w, k, patience(w, first, t));
		return;
	}
	if (k->host != NOBODY && k->host != host && !k->two) {
		k->from = k->host;
		k->from_ns = k->last_ns;
		m->any = true;
	}
	if (k->host != host)
		k->seen_ns = w->wall_ns;
	k->host = host;
	k->last_ns = w->wall_ns;
}

/* Of a time before the newest: was it there already, or still elsewhere? */
static void see_before(struct moves *m, const struct world *w, struct thing t)
{
	uint64_t uuid = ids_uuid(w->hosts[t.host]->now, t.row);
	uint32_t host = m->number[t.host];
	struct known_vm *k = uuid ? place_of(m, uuid) : NULL;
	struct thing first;

	if (!k || !k->uuid || k->two || k->host == NOBODY || host == NOBODY)
		return;
	if (w->wall_ns >= k->seen_ns || w->wall_ns <= k->from_ns)
		return;
	first = world_find(w, SCOPE_VM, uuid);
	if (first.host != t.host || first.row != t.row || !runs(w, t))
		return;
	if (host == k->host) {
		k->seen_ns = w->wall_ns;
		return;
	}
	k->from = host;
	k->from_ns = w->wall_ns;
	m->any = true;
}

void moves_see(struct world *w)
{
	struct moves *m = w->cache->moves;

	bool is_new = w->wall_ns > m->newest;

	number_hosts(m, w);
	if (w->wall_ns == m->newest || (!is_new && !m->places))
		return;
	if (is_new) {
		m->before = m->newest;
		m->newest = w->wall_ns;
		make_room(m, w);
	}
	for (uint32_t i = 0; i < w->n_hosts; i++)
		for (uint32_t r = 0; r < w->hosts[i]->now->table[SCOPE_VM].rows; r++)
			(is_new ? see_vm : see_before)(m, w, (struct thing){i, r, SCOPE_VM});
}

bool world_has_moves(const struct world *w)
{
	return w->cache->moves->any;
}

static const struct known_vm *known(const struct world *w, struct thing t)
{
	const struct moves *m = w->cache->moves;
	uint64_t uuid;
	struct known_vm *k;

	if (t.scope != SCOPE_VM || t.host >= w->n_hosts || !m->places)
		return NULL;
	uuid = ids_uuid(w->hosts[t.host]->now, t.row);
	k = uuid ? place_of(m, uuid) : NULL;
	return k && k->uuid ? k : NULL;
}

const char *moves_from(const struct world *w, struct thing t)
{
	const struct moves *m = w->cache->moves;
	const struct known_vm *k = known(w, t);

	if (!k || k->from == NOBODY || w->wall_ns < k->seen_ns || k->host != m->number[t.host])
		return NULL;
	return m->host[k->from].name;
}

bool moves_twice(const struct world *w, struct thing t)
{
	const struct known_vm *k = known(w, t);

	return k && k->two && runs(w, t) && w->wall_ns >= k->since && w->wall_ns <= k->until;
}
