/* SPDX-License-Identifier: Apache-2.0 */
/* What is unusual now: of one VM, and what many share. */
#include "profiler_internal.h"

#include "xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TALLY_MAX 4096u /* names that are told apart */

bool profiler_opinion(struct profiler *p, const char *host_id, const char *uuid,
		      uint64_t since_wall_ns, struct profiler_opinion *ret)
{
	uint64_t key = id_hash(0, uuid), host = id_hash(0, host_id) | 1;
	struct shard *s = &p->shard[shard_of(key)];
	const struct record *r;

	pthread_mutex_lock(&s->lock);
	r = shard_find(s, key, uuid);
	if (r &&
	    (!r->n_positions || r->position[r->owner].host != host || r->wall_ns < since_wall_ns))
		r = NULL;
	if (r)
		record_opinion(p, r, ret);
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* Each alarm of the shard, until each() says no. */
static bool each_alarm(struct shard *s, bool (*each)(void *arg, const struct record *r), void *arg)
{
	bool on = true;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; s->alarms && on && i < s->buckets; i++)
		for (const struct record *r = s->bucket[i]; r && on; r = r->next)
			on = !r->alarm || each(arg, r);
	pthread_mutex_unlock(&s->lock);
	return on;
}

/* ---- what they share ---- */

struct tally_one {
	uint64_t hash; /* 0: free */
	unsigned vms;
	char name[sizeof(((struct profiler_share *)NULL)->name)];
};

struct tally {
	struct tally_one *one; /* TALLY_MAX * 2 */
	unsigned n;
};

static void tally_add(struct tally *t, const char *name)
{
	uint64_t hash = id_hash(0, name) | 1;
	unsigned i = (unsigned)(hash ^ hash >> 32) % (TALLY_MAX * 2);

	if (!*name)
		return;
	while (t->one[i].hash && t->one[i].hash != hash)
		i = (i + 1) % (TALLY_MAX * 2);
	if (!t->one[i].hash) {
		if (t->n == TALLY_MAX)
			return;
		t->n++;
		t->one[i].hash = hash;
		snprintf(t->one[i].name, sizeof(t->one[i].name), "%s", name);
	}
	t->one[i].vms++;
}

/* The one that most have, the first by name where two are equal; frees the tally. */
static void tally_most(struct tally *t, struct profiler_share *ret)
{
	const struct tally_one *most = NULL;

	for (unsigned i = 0; i < TALLY_MAX * 2; i++) {
		const struct tally_one *o = &t->one[i];

		if (o->hash && (!most || o->vms > most->vms ||
				(o->vms == most->vms && strcmp(o->name, most->name) < 0)))
			most = o;
	}
	if (most) {
		ret->vms = most->vms;
		memcpy(ret->name, most->name, sizeof(ret->name));
	}
	free(t->one);
}

struct counting {
	struct profiler *p;
	struct tally host, storage, value;
};

static bool add(void *arg, const struct record *r)
{
	struct counting *c = arg;
	struct profiler_opinion o;

	record_opinion(c->p, r, &o);
	tally_add(&c->host, r->host_name ? r->host_name : "");
	tally_add(&c->storage, r->storage ? r->storage : "");
	if (o.metric >= 0)
		tally_add(&c->value, c->p->o.settings->metric[o.metric].name);
	return true;
}

/* A VM that was stopped is not unusual any more. */
static void end_alarms(struct shard *s, uint64_t since_wall_ns)
{
	for (unsigned i = 0; s->alarms && i < s->buckets; i++)
		for (struct record *r = s->bucket[i]; r; r = r->next)
			if (r->alarm && r->wall_ns < since_wall_ns) {
				record_judged(s, r, r->learning, false);
				record_place_forget(r);
			}
}

void profiler_unusual(struct profiler *p, uint64_t since_wall_ns, struct profiler_unusual *ret)
{
	struct counting c = {.p = p};

	*ret = (struct profiler_unusual){.alarms = 0};
	for (unsigned i = 0; i < PROFILER_SHARDS; i++) {
		struct shard *s = &p->shard[i];

		pthread_mutex_lock(&s->lock);
		end_alarms(s, since_wall_ns);
		ret->alarms += s->alarms;
		ret->learning += s->learning;
		pthread_mutex_unlock(&s->lock);
	}
	if (!ret->alarms)
		return;
	c.host.one = xcalloc(TALLY_MAX * 2, sizeof(struct tally_one));
	c.storage.one = xcalloc(TALLY_MAX * 2, sizeof(struct tally_one));
	c.value.one = xcalloc(TALLY_MAX * 2, sizeof(struct tally_one));
	for (unsigned i = 0; i < PROFILER_SHARDS; i++)
		each_alarm(&p->shard[i], add, &c);
	tally_most(&c.host, &ret->host);
	tally_most(&c.storage, &ret->storage);
	tally_most(&c.value, &ret->value);
}

/* ---- one by one ---- */

struct listing {
	struct profiler *p;
	unsigned left;
	void (*each)(void *arg, const struct profiler_alarm *vm);
	void *arg;
};

static bool list(void *arg, const struct record *r)
{
	struct listing *l = arg;
	struct profiler_opinion o;
	struct profiler_alarm one = {.uuid = r->uuid,
				     .name = r->name,
				     .host_name = r->host_name ? r->host_name : "",
				     .storage = r->storage ? r->storage : "",
				     .opinion = &o};

	record_opinion(l->p, r, &o);
	l->each(l->arg, &one);
	return --l->left;
}

void profiler_alarms(struct profiler *p, unsigned most,
		     void (*each)(void *arg, const struct profiler_alarm *vm), void *arg)
{
	struct listing l = {.p = p, .left = most, .each = each, .arg = arg};

	for (unsigned i = 0; most && i < PROFILER_SHARDS; i++)
		if (!each_alarm(&p->shard[i], list, &l))
			return;
}
