/* SPDX-License-Identifier: Apache-2.0 */
#include "hub.h"

#include "sample.h"
#include "xalloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct reading {
	uint64_t taken_ns, valid_ns; /* taken 0: none */
	struct guest_values values;  /* memory */
	struct guest_disk *disks;
	unsigned n_disks;
};

struct entry {
	uint64_t key;
	bool listed, failed;
	int ran, moved; /* as hub_vcpus_ran() and hub_io_moved() answer */
	unsigned disk_answers, memory_answers;
	enum vm_state state;
	struct reading memory[2], disks[2]; /* [0] is the latest */
};

struct hub {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool poked, published;
	struct hub_work work;
	struct vm_list *list;
	struct entry *entries; /* sorted by key */
	unsigned n;
};

uint64_t guest_disks_hash(const struct guest_disk *disks, unsigned n)
{
	uint64_t h = id_hash_u64(0, n);

	for (unsigned i = 0; i < n; i++) {
		h = id_hash(h, disks[i].name);
		for (unsigned k = 0; k < disks[i].values.n; k++)
			h = id_hash_u64(h, disks[i].values.v[k].value);
	}
	return h;
}

struct hub *hub_new(void)
{
	struct hub *h = xcalloc(1, sizeof(*h));
	pthread_condattr_t attr;

	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->changed, &attr);
	pthread_condattr_destroy(&attr);
	return h;
}

static void entry_fini(struct entry *e)
{
	free(e->disks[0].disks);
	free(e->disks[1].disks);
}

void hub_free(struct hub *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < h->n; i++)
		entry_fini(&h->entries[i]);
	free(h->entries);
	vm_list_free(h->list);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static int compare_key(const void *a, const void *b)
{
	uint64_t x = ((const struct entry *)a)->key, y = ((const struct entry *)b)->key;

	return x < y ? -1 : x > y;
}

static struct entry *find(struct hub *h, uint64_t key)
{
	struct entry wanted = {.key = key};

	return h->n ? bsearch(&wanted, h->entries, h->n, sizeof(wanted), compare_key) : NULL;
}

/* Drops entries that the list does not have, adds those that are new. */
static void entries_follow(struct hub *h, const struct vm_list *list)
{
	unsigned kept = 0, known;

	for (unsigned i = 0; i < h->n; i++)
		h->entries[i].listed = false;
	for (unsigned i = 0; i < list->n; i++) {
		struct entry *e = find(h, list->vms[i].key);

		if (e)
			e->listed = true;
	}
	for (unsigned i = 0; i < h->n; i++) {
		if (h->entries[i].listed)
			h->entries[kept++] = h->entries[i];
		else
			entry_fini(&h->entries[i]);
	}
	h->n = known = kept;
	h->entries = xrealloc(h->entries, known + list->n + 1, sizeof(*h->entries));
	for (unsigned i = 0; i < list->n; i++) {
		struct entry wanted = {
			.key = list->vms[i].key, .ran = -1, .moved = -1, .listed = true};

		if (known && bsearch(&wanted, h->entries, known, sizeof(wanted), compare_key))
			continue;
		h->entries[h->n++] = wanted;
	}
	qsort(h->entries, h->n, sizeof(*h->entries), compare_key);
}

void hub_publish(struct hub *h, struct vm_list *list)
{
	pthread_mutex_lock(&h->lock);
	entries_follow(h, list);
	for (unsigned i = 0; i < list->n; i++) {
		struct entry *e = find(h, list->vms[i].key);

		if (list->vms[i].state != VM_UNKNOWN)
			e->state = list->vms[i].state;
	}
	vm_list_free(h->list);
	h->list = list;
	h->poked = h->published = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

struct vm_list *hub_take_list(struct hub *h)
{
	struct vm_list *list;

	pthread_mutex_lock(&h->lock);
	list = h->list;
	h->list = NULL;
	pthread_mutex_unlock(&h->lock);
	return list;
}

/* Two readings make a rate; where disks are not asked for, one of the memory will do. */
static bool is_settled(const struct entry *e)
{
	return e->failed || e->disk_answers >= 2 || (!e->disk_answers && e->memory_answers);
}

bool hub_is_settled(struct hub *h)
{
	bool settled;

	pthread_mutex_lock(&h->lock);
	settled = h->published;
	for (unsigned i = 0; i < h->n; i++)
		settled = settled && is_settled(&h->entries[i]);
	pthread_mutex_unlock(&h->lock);
	return settled;
}

bool hub_wait(struct hub *h, int timeout_ms)
{
	struct timespec until;
	bool poked;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&h->lock);
	while (!h->poked && r == 0)
		r = pthread_cond_timedwait(&h->changed, &h->lock, &until);
	poked = h->poked;
	h->poked = false;
	pthread_mutex_unlock(&h->lock);
	return poked;
}

void hub_poke(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	h->poked = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* Makes room for the newest reading; the caller fills it in. */
static struct reading *rotate(struct entry *e, struct reading *pair, uint64_t taken, uint64_t valid)
{
	struct reading oldest = pair[1];

	pair[1] = pair[0];
	pair[0] = oldest;
	pair[0].taken_ns = taken;
	pair[0].valid_ns = valid;
	e->failed = false;
	return &pair[0];
}

void hub_count(struct hub *h, const struct hub_work *more)
{
	pthread_mutex_lock(&h->lock);
	h->work.questions += more->questions;
	h->work.failures += more->failures;
	h->work.ns += more->ns;
	pthread_mutex_unlock(&h->lock);
}

void hub_get_work(struct hub *h, struct hub_work *ret)
{
	pthread_mutex_lock(&h->lock);
	*ret = h->work;
	pthread_mutex_unlock(&h->lock);
}

void hub_memory(struct hub *h, uint64_t key, uint64_t taken_ns, uint64_t valid_ns,
		const struct guest_values *values)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e) {
		rotate(e, e->memory, taken_ns, valid_ns)->values = *values;
		e->memory_answers++;
	}
	pthread_mutex_unlock(&h->lock);
}

void hub_disks(struct hub *h, uint64_t key, uint64_t taken_ns, uint64_t valid_ns,
	       const struct guest_disk *disks, unsigned n)
{
	struct entry *e;

	if (n > VM_DISKS_MAX)
		n = VM_DISKS_MAX;
	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e) {
		struct reading *r = rotate(e, e->disks, taken_ns, valid_ns);

		if (n > r->n_disks || !r->disks)
			r->disks = xrealloc(r->disks, n + 1, sizeof(*disks));
		if (n)
			memcpy(r->disks, disks, n * sizeof(*disks));
		r->n_disks = n;
		e->disk_answers++;
	}
	pthread_mutex_unlock(&h->lock);
}

void hub_state(struct hub *h, uint64_t key, enum vm_state state)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e)
		e->state = state;
	pthread_mutex_unlock(&h->lock);
}

void hub_failed(struct hub *h, uint64_t key)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e)
		e->failed = true;
	pthread_mutex_unlock(&h->lock);
}

/* Takes what *flag says: it is 0 afterwards, or -1 still. */
static int take(int *flag)
{
	int is = *flag;

	if (is > 0)
		*flag = 0;
	return is;
}

int hub_vcpus_ran(struct hub *h, uint64_t key)
{
	struct entry *e;
	int ran = -1;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e)
		ran = take(&e->ran);
	pthread_mutex_unlock(&h->lock);
	return ran;
}

int hub_io_moved(struct hub *h, uint64_t key)
{
	struct entry *e;
	int moved = -1;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e)
		moved = take(&e->moved);
	pthread_mutex_unlock(&h->lock);
	return moved;
}

void hub_set_io_moved(struct hub *h, uint64_t key, bool moved)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e && (moved || e->moved < 0))
		e->moved = moved;
	pthread_mutex_unlock(&h->lock);
}

void hub_disks_same(struct hub *h, uint64_t key, uint64_t taken_ns)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e && !e->failed && e->disks[0].taken_ns && e->disks[0].taken_ns < taken_ns) {
		const struct reading *is = &e->disks[1]; /* after rotating */
		struct reading *r = rotate(e, e->disks, taken_ns, e->disks[0].valid_ns);

		if (is->n_disks > r->n_disks || !r->disks)
			r->disks = xrealloc(r->disks, is->n_disks + 1, sizeof(*r->disks));
		if (is->n_disks)
			memcpy(r->disks, is->disks, is->n_disks * sizeof(*r->disks));
		r->n_disks = is->n_disks;
	}
	pthread_mutex_unlock(&h->lock);
}

void hub_set_vcpus_ran(struct hub *h, uint64_t key, bool ran)
{
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e && (ran || e->ran < 0))
		e->ran = ran;
	pthread_mutex_unlock(&h->lock);
}

static bool is_shown(const struct entry *e, const struct reading *r, uint64_t now_ns)
{
	return r->taken_ns && !e->failed &&
	       (now_ns <= r->taken_ns || now_ns - r->taken_ns <= r->valid_ns);
}

bool hub_get_memory(struct hub *h, uint64_t key, uint64_t now_ns, struct guest_memory *ret)
{
	struct entry *e;

	ret->read_ns = ret->prev_ns = ABSENT;
	ret->now.n = ret->prev.n = 0;
	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e && is_shown(e, &e->memory[0], now_ns)) {
		ret->read_ns = e->memory[0].taken_ns;
		ret->now = e->memory[0].values;
		if (e->memory[1].taken_ns) {
			ret->prev_ns = e->memory[1].taken_ns;
			ret->prev = e->memory[1].values;
		}
	}
	pthread_mutex_unlock(&h->lock);
	return e;
}

bool hub_get_disks(struct hub *h, uint64_t key, uint64_t now_ns, struct guest_disks *ret)
{
	struct entry *e;

	ret->read_ns = ret->prev_ns = ABSENT;
	ret->n = ret->n_prev = 0;
	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	if (e && is_shown(e, &e->disks[0], now_ns)) {
		const struct reading *now = &e->disks[0], *prev = &e->disks[1];

		ret->read_ns = now->taken_ns;
		ret->n = now->n_disks;
		memcpy(ret->now, now->disks, now->n_disks * sizeof(*now->disks));
		if (prev->taken_ns) {
			ret->prev_ns = prev->taken_ns;
			ret->n_prev = prev->n_disks;
			memcpy(ret->prev, prev->disks, prev->n_disks * sizeof(*prev->disks));
		}
	}
	pthread_mutex_unlock(&h->lock);
	return e;
}

enum vm_state hub_get_state(struct hub *h, uint64_t key)
{
	enum vm_state state;
	struct entry *e;

	pthread_mutex_lock(&h->lock);
	e = find(h, key);
	state = e ? e->state : VM_UNKNOWN;
	pthread_mutex_unlock(&h->lock);
	return state;
}
