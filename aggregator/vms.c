/* SPDX-License-Identifier: Apache-2.0 */
#include "vms.h"

#include "aggregator_clock.h"
#include "log.h"
#include "xalloc.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY    UINT32_MAX
#define FORGET_NS UINT64_C(3600000000000)
#define PRUNE_NS  UINT64_C(60000000000)
#define INTERVALS 3u /* both run for longer: duplicates */

struct place {
	uint32_t host;       /* NOBODY: none */
	uint32_t generation; /* of the host's set of VMs, when it was there last */
	bool running;
};

struct entry {
	struct entry *next;
	uint64_t key; /* of the UUID */
	struct place now, other;
	uint32_t from; /* the host it came from, NOBODY: none */
	bool duplicate;
	uint64_t both_ns;   /* since then both run; 0: they do not */
	uint64_t marked_ns; /* when it moved, or was found to be a duplicate */
	uint64_t gone_ns;   /* when it was found that nobody has it */
	char *text;         /* UUID, NUL, name: of those that moved and the duplicates */
};

struct reporter {
	char *id, *name;
	uint64_t interval_ns, silent_ns, last_ns;
	uint64_t hash;       /* of its set of VMs and how they are */
	uint32_t generation; /* counts the sets */
};

struct vms {
	pthread_mutex_t lock;
	struct reporter *host;
	unsigned max_hosts;
	struct entry **bucket;
	unsigned buckets; /* a power of two */
	unsigned n, marked /* __atomic too */, duplicates;
	uint64_t moves, pruned_ns;
	struct entry **contested; /* those with another place */
	unsigned n_contested, contested_room;
};

struct vms *vms_new(unsigned max_hosts)
{
	struct vms *v = xcalloc(1, sizeof(*v));

	pthread_mutex_init(&v->lock, NULL);
	v->max_hosts = max_hosts;
	v->host = xcalloc(max_hosts, sizeof(*v->host));
	v->buckets = 1024;
	v->bucket = xcalloc(v->buckets, sizeof(*v->bucket));
	return v;
}

static void entry_free(struct entry *e)
{
	free(e->text);
	free(e);
}

void vms_free(struct vms *v)
{
	if (!v)
		return;
	for (unsigned i = 0; i < v->buckets; i++)
		while (v->bucket[i]) {
			struct entry *e = v->bucket[i];

			v->bucket[i] = e->next;
			entry_free(e);
		}
	for (unsigned i = 0; i < v->max_hosts; i++) {
		free(v->host[i].id);
		free(v->host[i].name);
	}
	pthread_mutex_destroy(&v->lock);
	free(v->host);
	free(v->bucket);
	free(v->contested);
	free(v);
}

/* ---- the table ---- */

static struct entry *find(const struct vms *v, uint64_t key)
{
	struct entry *e = v->bucket[key & (v->buckets - 1)];

	while (e && e->key != key)
		e = e->next;
	return e;
}

static void grow(struct vms *v)
{
	unsigned n = v->buckets * 2;
	struct entry **bucket = xcalloc(n, sizeof(*bucket));

	for (unsigned i = 0; i < v->buckets; i++)
		while (v->bucket[i]) {
			struct entry *e = v->bucket[i];

			v->bucket[i] = e->next;
			e->next = bucket[e->key & (n - 1)];
			bucket[e->key & (n - 1)] = e;
		}
	free(v->bucket);
	v->bucket = bucket;
	v->buckets = n;
}

static struct entry *add(struct vms *v, uint64_t key)
{
	struct entry *e;

	if (v->n >= VMS_MAX) {
		log_once(LOG_WARNING, "vms-max",
			 "more than %u VMs: of the others it is not known whether they moved",
			 VMS_MAX);
		return NULL;
	}
	if (v->n >= v->buckets)
		grow(v);
	e = xcalloc(1, sizeof(*e));
	e->key = key;
	e->now.host = e->other.host = e->from = NOBODY;
	e->next = v->bucket[key & (v->buckets - 1)];
	v->bucket[key & (v->buckets - 1)] = e;
	v->n++;
	return e;
}

/* ---- where it is ---- */

static bool is_there(const struct vms *v, const struct place *p, uint64_t now_ns)
{
	const struct reporter *r;

	if (p->host == NOBODY)
		return false;
	r = &v->host[p->host];
	return r->id && r->generation == p->generation &&
	       clock_since(now_ns, r->last_ns) <= r->silent_ns;
}

static const char *name_of(const struct vms *v, uint32_t host)
{
	const struct reporter *r = &v->host[host];

	return r->name && *r->name ? r->name : r->id ? r->id : "";
}

static const char *uuid_of(const struct entry *e)
{
	return e->text ? e->text : "";
}

static const char *vm_name_of(const struct entry *e)
{
	return e->text ? e->text + strlen(e->text) + 1 : "";
}

static bool is_marked(const struct entry *e)
{
	return e->duplicate || e->from != NOBODY;
}

static void remark(struct vms *v, bool before, const struct entry *e)
{
	unsigned n = v->marked + is_marked(e) - before;

	__atomic_store_n(&v->marked, n, __ATOMIC_RELAXED);
}

static void keep_text(struct entry *e, const char *uuid, const char *name)
{
	size_t n = strlen(uuid), m = name ? strlen(name) : 0;

	free(e->text);
	e->text = xcalloc(1, n + m + 2);
	memcpy(e->text, uuid, n);
	if (m)
		memcpy(e->text + n + 1, name, m);
}

static void set_duplicate(struct vms *v, struct entry *e, bool duplicate, uint64_t now_ns)
{
	bool before = is_marked(e);
	char key[320];

	if (e->duplicate == duplicate)
		return;
	snprintf(key, sizeof(key), "duplicate %s", uuid_of(e));
	e->duplicate = duplicate;
	v->duplicates = v->duplicates + duplicate - !duplicate;
	remark(v, before, e);
	if (duplicate) {
		e->marked_ns = now_ns;
		log_once(
			LOG_WARNING, key,
			"VM %s (%s) runs on two hosts at once, %s and %s: two VMs with one UUID (a "
			"clone, or started twice?)",
			vm_name_of(e), uuid_of(e), name_of(v, e->now.host),
			name_of(v, e->other.host));
	} else {
		log_over(key, "VM %s (%s) is one VM again", vm_name_of(e), uuid_of(e));
	}
}

static void move(struct vms *v, struct entry *e, uint64_t now_ns)
{
	bool before = is_marked(e);

	e->from = v->host[e->now.host].id ? e->now.host : NOBODY;
	e->now = e->other;
	e->other.host = NOBODY;
	e->marked_ns = now_ns;
	v->moves++;
	remark(v, before, e);
	if (e->from != NOBODY)
		log_debug("VM %s (%s) moved from %s to %s", vm_name_of(e), uuid_of(e),
			  name_of(v, e->from), name_of(v, e->now.host));
}

static bool run_long(const struct vms *v, const struct entry *e, uint64_t now_ns)
{
	uint64_t a = v->host[e->now.host].interval_ns, b = v->host[e->other.host].interval_ns;

	return clock_since(now_ns, e->both_ns) > INTERVALS * (a > b ? a : b);
}

/* Of one with two places: has it moved, or does it run twice? */
static void judge(struct vms *v, struct entry *e, uint64_t now_ns)
{
	bool here = is_there(v, &e->now, now_ns), there = is_there(v, &e->other, now_ns);

	if (here && there && e->now.running && e->other.running) {
		if (!e->both_ns)
			e->both_ns = now_ns;
		if (run_long(v, e, now_ns))
			set_duplicate(v, e, true, now_ns);
		return;
	}
	e->both_ns = 0;
	set_duplicate(v, e, false, now_ns);
	if (!there)
		e->other.host = NOBODY;
	else if (!here || (e->other.running && !e->now.running))
		move(v, e, now_ns);
}

static void judge_all(struct vms *v, uint64_t now_ns)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < v->n_contested; i++) {
		struct entry *e = v->contested[i];

		judge(v, e, now_ns);
		if (e->other.host != NOBODY)
			v->contested[kept++] = e;
	}
	v->n_contested = kept;
}

static void contest(struct vms *v, struct entry *e)
{
	if (v->n_contested == v->contested_room) {
		v->contested_room = v->contested_room * 2 + 16;
		v->contested = xrealloc(v->contested, v->contested_room, sizeof(struct entry *));
	}
	v->contested[v->n_contested++] = e;
}

/* ---- reports ---- */

static uint64_t key_of(const char *uuid)
{
	return id_hash(0, uuid);
}

/* Unknown counts as running: only a connector knows. */
static bool runs(const char *state)
{
	return !state || !strcmp(state, "running");
}

static uint64_t hash_of(const struct sample *s)
{
	const struct table *t = &s->table[SCOPE_VM];
	uint64_t h = id_hash_u64(0, t->rows);

	for (uint32_t r = 0; r < t->rows; r++)
		h = id_hash_u64(h, t->id[r] ^ runs(sample_text(s, SCOPE_VM, r, M_STATE)));
	return h;
}

static void put_at(struct vms *v, struct entry *e, const struct place *p, uint64_t now_ns)
{
	e->gone_ns = 0;
	if (e->now.host == p->host || e->now.host == NOBODY) {
		e->now = *p;
	} else if (e->other.host == p->host) {
		e->other = *p;
	} else if (e->other.host == NOBODY) {
		e->other = *p;
		contest(v, e);
	} else if (!is_there(v, &e->other, now_ns)) {
		set_duplicate(v, e, false, now_ns);
		e->both_ns = 0;
		e->other = *p;
	}
}

static void take_set(struct vms *v, uint32_t host, const struct sample *s, uint64_t now_ns)
{
	struct place p = {.host = host, .generation = v->host[host].generation};

	for (uint32_t r = 0; r < s->table[SCOPE_VM].rows; r++) {
		const char *uuid = sample_text(s, SCOPE_VM, r, M_UUID);
		struct entry *e;

		if (!uuid || !*uuid)
			continue;
		e = find(v, key_of(uuid));
		if (!e)
			e = add(v, key_of(uuid));
		if (!e)
			continue;
		p.running = runs(sample_text(s, SCOPE_VM, r, M_STATE));
		put_at(v, e, &p, now_ns);
		if (e->other.host != NOBODY || e->text)
			keep_text(e, uuid, sample_text(s, SCOPE_VM, r, M_NAME));
	}
}

static void rename_to(char **to, const char *text)
{
	if (*to && !strcmp(*to, text))
		return;
	free(*to);
	*to = xstrdup(text);
}

void vms_report(struct vms *v, const struct vms_host *h, const struct sample *s, uint64_t now_ns)
{
	uint64_t hash = hash_of(s);
	struct reporter *r = &v->host[h->number];

	pthread_mutex_lock(&v->lock);
	/* After a silence it is not known any more which VMs it has had. */
	if (!r->id || r->hash != hash) {
		r->generation++;
		r->hash = hash;
	} else if (clock_since(now_ns, r->last_ns) <= r->silent_ns) {
		hash = 0;
	}
	rename_to(&r->id, h->id);
	rename_to(&r->name, h->name);
	r->interval_ns = h->interval_ns;
	r->silent_ns = h->silent_ns;
	r->last_ns = now_ns;
	if (hash) {
		take_set(v, h->number, s, now_ns);
		judge_all(v, now_ns);
	}
	pthread_mutex_unlock(&v->lock);
}

/* ---- forgetting ---- */

static void drop(struct vms *v, struct entry **at)
{
	struct entry *e = *at;
	bool before = is_marked(e);

	*at = e->next;
	e->duplicate = false;
	e->from = NOBODY;
	remark(v, before, e);
	v->n--;
	entry_free(e);
}

static bool is_forgettable(const struct vms *v, struct entry *e, uint64_t now_ns)
{
	if (e->other.host != NOBODY || is_there(v, &e->now, now_ns))
		return false;
	if (!e->gone_ns)
		e->gone_ns = now_ns;
	return clock_since(now_ns, e->gone_ns) >= FORGET_NS;
}

static void prune(struct vms *v, uint64_t now_ns)
{
	for (unsigned i = 0; i < v->buckets; i++)
		for (struct entry **at = &v->bucket[i]; *at;) {
			if (is_forgettable(v, *at, now_ns))
				drop(v, at);
			else
				at = &(*at)->next;
		}
	v->pruned_ns = now_ns;
}

void vms_tick(struct vms *v, uint64_t now_ns)
{
	pthread_mutex_lock(&v->lock);
	judge_all(v, now_ns);
	if (clock_since(now_ns, v->pruned_ns) >= PRUNE_NS)
		prune(v, now_ns);
	pthread_mutex_unlock(&v->lock);
}

static void forget_host(struct vms *v, struct entry *e, uint32_t host)
{
	bool before = is_marked(e);

	if (e->other.host == host)
		e->other.host = NOBODY;
	if (e->now.host == host) {
		e->now = e->other;
		e->other.host = NOBODY;
	}
	if (e->from == host || e->from == e->now.host)
		e->from = NOBODY;
	remark(v, before, e);
}

void vms_forget(struct vms *v, uint32_t number)
{
	struct reporter *r = &v->host[number];

	pthread_mutex_lock(&v->lock);
	/* What is contested is judged without it first. */
	r->generation++;
	judge_all(v, r->last_ns);
	for (unsigned i = 0; i < v->buckets; i++)
		for (struct entry *e = v->bucket[i]; e; e = e->next)
			forget_host(v, e, number);
	free(r->id);
	free(r->name);
	r->id = r->name = NULL;
	r->hash = 0;
	pthread_mutex_unlock(&v->lock);
}

/* ---- telling ---- */

static bool is_host(const struct vms *v, uint32_t number, const char *id)
{
	return number != NOBODY && v->host[number].id && !strcmp(v->host[number].id, id);
}

void vms_annotate(struct vms *v, const char *host_id, struct sample *s)
{
	if (!__atomic_load_n(&v->marked, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&v->lock);
	for (uint32_t r = 0; r < s->table[SCOPE_VM].rows; r++) {
		const char *uuid = sample_text(s, SCOPE_VM, r, M_UUID);
		const struct entry *e = uuid ? find(v, key_of(uuid)) : NULL;

		if (!e || !is_marked(e))
			continue;
		if (e->from != NOBODY && is_host(v, e->now.host, host_id))
			sample_set_text(s, SCOPE_VM, r, M_HOST_FROM, name_of(v, e->from));
		if (e->duplicate &&
		    (is_host(v, e->now.host, host_id) || is_host(v, e->other.host, host_id)))
			sample_set(s, SCOPE_VM, r, M_UUID_DUPLICATE, 1);
	}
	pthread_mutex_unlock(&v->lock);
}

void vms_stats(struct vms *v, struct vms_stats *ret)
{
	pthread_mutex_lock(&v->lock);
	*ret = (struct vms_stats){.known = v->n, .moves = v->moves, .duplicates = v->duplicates};
	pthread_mutex_unlock(&v->lock);
}

static const char *id_of(const struct vms *v, uint32_t host)
{
	return host != NOBODY && v->host[host].id ? v->host[host].id : "";
}

void vms_each(struct vms *v, uint64_t now_ns, void (*each)(void *arg, const struct vms_one *vm),
	      void *arg)
{
	pthread_mutex_lock(&v->lock);
	for (unsigned i = 0; v->marked && i < v->buckets; i++)
		for (const struct entry *e = v->bucket[i]; e; e = e->next) {
			uint32_t other = e->duplicate ? e->other.host : e->from;
			struct vms_one one = {
				.uuid = uuid_of(e),
				.name = vm_name_of(e),
				.host_id = id_of(v, e->now.host),
				.other_id = id_of(v, other),
				.duplicate = e->duplicate,
				.since_ns = clock_since(now_ns, e->marked_ns),
			};

			if (!is_marked(e))
				continue;
			one.host_name = name_of(v, e->now.host);
			one.other_name = name_of(v, other);
			each(arg, &one);
		}
	pthread_mutex_unlock(&v->lock);
}
