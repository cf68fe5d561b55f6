/* SPDX-License-Identifier: Apache-2.0 */
#include "profiler_internal.h"

static struct profiler_one one_of(const struct record *r)
{
	return (struct profiler_one){.uuid = r->uuid, .name = r->name, .profile = &r->profile};
}

/* The cursor: the shard above, its next bucket below. */
bool profiler_walk(struct profiler *p, uint64_t *cursor,
		   void (*each)(void *arg, const struct profiler_one *vm), void *arg)
{
	unsigned shard = (unsigned)(*cursor >> 32), bucket = (unsigned)*cursor;
	struct shard *s;
	bool found = false;

	if (shard >= PROFILER_SHARDS)
		return false;
	s = &p->shard[shard];
	pthread_mutex_lock(&s->lock);
	for (; bucket < s->buckets && !found; bucket++)
		for (const struct record *r = s->bucket[bucket]; r; r = r->next) {
			struct profiler_one one = one_of(r);

			each(arg, &one);
			found = true;
		}
	*cursor =
		bucket < s->buckets ? (uint64_t)shard << 32 | bucket : (uint64_t)(shard + 1) << 32;
	pthread_mutex_unlock(&s->lock);
	return true;
}

bool profiler_find(struct profiler *p, const char *uuid,
		   void (*each)(void *arg, const struct profiler_one *vm), void *arg)
{
	uint64_t key = id_hash(0, uuid);
	struct shard *s = &p->shard[shard_of(key)];
	const struct record *r;

	pthread_mutex_lock(&s->lock);
	r = shard_find(s, key, uuid);
	if (r) {
		struct profiler_one one = one_of(r);

		each(arg, &one);
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

void profiler_stats(struct profiler *p, struct profiler_stats *ret)
{
	ret->vms = __atomic_load_n(&p->vms, __ATOMIC_RELAXED);
	ret->bytes = __atomic_load_n(&p->bytes, __ATOMIC_RELAXED);
	for (int i = 0; i < PROFILER_VERDICTS; i++)
		ret->verdict[i] = __atomic_load_n(&p->verdict[i], __ATOMIC_RELAXED);
}
