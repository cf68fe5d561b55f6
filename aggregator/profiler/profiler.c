/* SPDX-License-Identifier: Apache-2.0 */
/* The table: who is in it, and how it grows. */
#include "profiler_internal.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 16u

struct profiler *profiler_new(const struct profiler_options *o)
{
	struct profiler *p = xcalloc(1, sizeof(*p));

	p->o = *o;
	for (unsigned i = 0; i < PROFILER_SHARDS; i++) {
		struct shard *s = &p->shard[i];

		pthread_mutex_init(&s->lock, NULL);
		s->buckets = BUCKETS_FIRST;
		s->bucket = xcalloc(s->buckets, sizeof(*s->bucket));
	}
	for (p->hosts = 64; p->hosts < o->max_hosts * 2;)
		p->hosts *= 2;
	p->host = xcalloc(p->hosts, sizeof(*p->host));
	return p;
}

static void shard_clear(struct profiler *p, struct shard *s)
{
	for (unsigned i = 0; i < s->buckets; i++)
		while (s->bucket[i]) {
			struct record *r = s->bucket[i];

			s->bucket[i] = r->next;
			shard_drop(p, s, r);
		}
}

void profiler_free(struct profiler *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < PROFILER_SHARDS; i++) {
		shard_clear(p, &p->shard[i]);
		free(p->shard[i].bucket);
		pthread_mutex_destroy(&p->shard[i].lock);
	}
	free(p->host);
	free(p);
}

const struct profile_settings *profiler_settings(const struct profiler *p)
{
	return p->o.settings;
}

/* ---- records ---- */

struct record *record_new(const struct profiler *p, const char *uuid, const char *name)
{
	struct record *r = xcalloc(1, sizeof(*r));

	r->uuid = xstrdup(uuid);
	r->name = xstrdup(name ? name : "");
	r->key = id_hash(0, uuid);
	profile_init(&r->profile, p->o.settings);
	return r;
}

void record_place_forget(struct record *r)
{
	free(r->host_name);
	free(r->storage);
	r->host_name = r->storage = NULL;
}

void record_free(struct record *r, const struct profile_settings *s)
{
	profile_fini(&r->profile, s);
	record_place_forget(r);
	free(r->position);
	free(r->uuid);
	free(r->name);
	free(r);
}

static size_t record_size(const struct record *r, const struct profile_settings *s)
{
	return sizeof(*r) + strlen(r->uuid) + strlen(r->name) + 2 +
	       r->n_positions * sizeof(*r->position) + profile_size(&r->profile, s);
}

void record_weigh(struct profiler *p, struct shard *s, struct record *r)
{
	size_t bytes = record_size(r, p->o.settings);

	s->bytes += bytes - r->bytes;
	__atomic_add_fetch(&p->bytes, bytes - r->bytes, __ATOMIC_RELAXED);
	r->bytes = bytes;
}

void record_opinion(const struct profiler *p, const struct record *r, struct profiler_opinion *ret)
{
	struct alarm_budget_settings b =
		opinion_budget(p->o.settings, r->interval_ns, p->o.alarms_a_day);
	struct anomaly_found found;

	anomaly_now(&r->anomaly, &b, &found);
	opinion_of(&found, p->o.settings, ret);
}

void record_judged(struct shard *s, struct record *r, bool learning, bool alarm)
{
	s->learning = s->learning + learning - r->learning;
	s->alarms = s->alarms + alarm - r->alarm;
	r->learning = learning;
	r->alarm = alarm;
}

/* ---- shards ---- */

struct record *shard_find(const struct shard *s, uint64_t key, const char *uuid)
{
	struct record *r = s->bucket[key & (s->buckets - 1)];

	while (r && (r->key != key || strcmp(r->uuid, uuid)))
		r = r->next;
	return r;
}

static void shard_grow(struct shard *s)
{
	unsigned n = s->buckets * 2;
	struct record **bucket = xcalloc(n, sizeof(*bucket));

	for (unsigned i = 0; i < s->buckets; i++)
		while (s->bucket[i]) {
			struct record *r = s->bucket[i];

			s->bucket[i] = r->next;
			r->next = bucket[r->key & (n - 1)];
			bucket[r->key & (n - 1)] = r;
		}
	free(s->bucket);
	s->bucket = bucket;
	s->buckets = n;
}

void shard_add(struct profiler *p, struct shard *s, struct record *r)
{
	if (s->n >= s->buckets)
		shard_grow(s);
	r->next = s->bucket[r->key & (s->buckets - 1)];
	s->bucket[r->key & (s->buckets - 1)] = r;
	s->n++;
	__atomic_add_fetch(&p->vms, 1, __ATOMIC_RELAXED);
	record_weigh(p, s, r);
}

void shard_drop(struct profiler *p, struct shard *s, struct record *r)
{
	record_judged(s, r, false, false);
	s->n--;
	s->bytes -= r->bytes;
	__atomic_sub_fetch(&p->vms, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&p->bytes, r->bytes, __ATOMIC_RELAXED);
	record_free(r, p->o.settings);
}

static unsigned forget_in(struct profiler *p, struct shard *s, uint64_t before_wall_ns)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->buckets; i++)
		for (struct record **at = &s->bucket[i]; *at;) {
			struct record *r = *at;

			if (r->wall_ns >= before_wall_ns) {
				record_weigh(p, s, r); /* leaves and phases have come */
				at = &r->next;
				continue;
			}
			*at = r->next;
			shard_drop(p, s, r);
			n++;
		}
	s->changed = s->changed || n;
	return n;
}

unsigned profiler_forget(struct profiler *p, uint64_t before_wall_ns)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PROFILER_SHARDS; i++) {
		struct shard *s = &p->shard[i];

		pthread_mutex_lock(&s->lock);
		n += forget_in(p, s, before_wall_ns);
		pthread_mutex_unlock(&s->lock);
	}
	return n;
}

uint64_t profiler_newest_wall_ns(const struct profiler *p)
{
	return __atomic_load_n(&p->newest_wall_ns, __ATOMIC_RELAXED);
}

/* ---- keeping ---- */

void profiler_pack(struct profiler *p, unsigned shard, struct buf *to, bool *changed)
{
	struct shard *s = &p->shard[shard];

	pthread_mutex_lock(&s->lock);
	*changed = s->changed;
	s->changed = false;
	for (unsigned i = 0; *changed && i < s->buckets; i++)
		for (struct record *r = s->bucket[i]; r; r = r->next) {
			record_weigh(p, s, r);
			record_pack(to, r, p->o.settings);
		}
	pthread_mutex_unlock(&s->lock);
}

void profiler_not_kept(struct profiler *p, unsigned shard)
{
	pthread_mutex_lock(&p->shard[shard].lock);
	p->shard[shard].changed = true;
	pthread_mutex_unlock(&p->shard[shard].lock);
}

/* False: not one of this shard, there twice, or too many. */
static bool take_record(struct profiler *p, unsigned shard, struct record *r)
{
	struct shard *s = &p->shard[shard];
	struct profiler_opinion o;

	if (shard_of(r->key) != shard || shard_find(s, r->key, r->uuid) ||
	    __atomic_load_n(&p->vms, __ATOMIC_RELAXED) >= PROFILER_VMS_MAX)
		return false;
	shard_add(p, s, r);
	record_opinion(p, r, &o);
	record_judged(s, r, o.learning, false);
	return true;
}

int profiler_unpack(struct profiler *p, unsigned shard, const void *bytes, size_t n)
{
	const char *at = bytes, *end = n ? at + n : at;
	struct shard *s = &p->shard[shard];
	int r = 0;

	pthread_mutex_lock(&s->lock);
	while (!r && at < end) {
		struct record *one = record_unpack(p, &at, end);

		if (one && take_record(p, shard, one))
			continue;
		if (one)
			record_free(one, p->o.settings);
		shard_clear(p, s);
		r = -EBADMSG;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}
