/* SPDX-License-Identifier: Apache-2.0 */
/* Which samples count, once each, and what lies between them. */
#include "profiler_internal.h"

#include "log.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECOND    UINT64_C(1000000000)
#define SILENT_NS (5 * SECOND) /* at least, before another host may have its VMs */
#define INTERVALS 3u
/* What is so much older than a forgotten position was not counted with it: its clock differs. */
#define SURE_NS (3600 * SECOND)
#define GAP_MAX (UINT64_C(1) << 32)

/* ---- hosts ---- */

static struct host_seen *host_slot(struct profiler *p, uint64_t host)
{
	unsigned i = (unsigned)(host ^ host >> 32) & (p->hosts - 1);

	while (p->host[i].host && p->host[i].host != host)
		i = (i + 1) & (p->hosts - 1);
	return &p->host[i];
}

void profiler_host(struct profiler *p, const struct profiler_sample *s)
{
	uint64_t host = id_hash(0, s->host_id) | 1;
	struct host_seen *h = host_slot(p, host);

	if (!h->host) {
		/* Hosts come and go: what they were is only waited for a little longer then. */
		if (p->hosts_used >= p->hosts / 4 * 3) {
			memset(p->host, 0, p->hosts * sizeof(*p->host));
			p->hosts_used = 0;
			h = host_slot(p, host);
		}
		p->hosts_used++;
	} else if (s->epoch < h->epoch || (s->epoch == h->epoch && s->sequence < h->sequence)) {
		return;
	}
	*h = (struct host_seen){.host = host,
				.epoch = s->epoch,
				.sequence = s->sequence,
				.interval_ns = s->interval_ns};
}

/* ---- positions ---- */

static struct position *position_of(struct record *r, uint64_t host, uint64_t epoch)
{
	for (unsigned i = 0; i < r->n_positions; i++)
		if (r->position[i].host == host && r->position[i].epoch == epoch)
			return &r->position[i];
	return NULL;
}

/* The oldest one but the owner's. */
static unsigned oldest(const struct record *r)
{
	unsigned found = r->owner == 0;

	for (unsigned i = found; i < r->n_positions; i++)
		if (i != r->owner && r->position[i].wall_ns < r->position[found].wall_ns)
			found = i;
	return found;
}

static struct position *position_add(struct record *r)
{
	unsigned i = r->n_positions;

	if (i == PROFILER_POSITIONS_MAX) {
		i = oldest(r);
		if (r->position[i].wall_ns > r->forgotten_wall_ns)
			r->forgotten_wall_ns = r->position[i].wall_ns;
	} else {
		r->position = xrealloc(r->position, i + 1, sizeof(*r->position));
		r->n_positions++;
	}
	return &r->position[i];
}

/* The sample is decided for this VM; returns the position's number. */
static uint8_t decide(struct record *r, uint64_t host, const struct profiler_sample *s)
{
	struct position *at = position_of(r, host, s->epoch);

	if (!at)
		at = position_add(r);
	*at = (struct position){
		.host = host, .epoch = s->epoch, .sequence = s->sequence, .wall_ns = s->wall_ns};
	return (uint8_t)(at - r->position);
}

static bool is_known(struct record *r, uint64_t host, const struct profiler_sample *s)
{
	const struct position *at = position_of(r, host, s->epoch);

	if (at)
		return s->sequence <= at->sequence;
	return s->wall_ns <= r->forgotten_wall_ns && r->forgotten_wall_ns - s->wall_ns < SURE_NS;
}

/* Has the host that counted it last lost it? */
static bool is_free(struct profiler *p, const struct record *r, const struct profiler_sample *s)
{
	const struct position *at = &r->position[r->owner];
	const struct host_seen *h = host_slot(p, at->host);
	uint64_t silent = INTERVALS * r->interval_ns;

	if (h->host &&
	    (h->epoch > at->epoch || (h->epoch == at->epoch && h->sequence > at->sequence)))
		return true;
	if (silent < SILENT_NS)
		silent = SILENT_NS;
	return s->wall_ns > r->wall_ns && s->wall_ns - r->wall_ns > silent;
}

/* ---- counting ---- */

/* Ticks between the last sample and this one that nobody has brought. */
static uint64_t missing(const struct record *r, const struct profiler_sample *s, bool same_run)
{
	uint64_t interval = s->interval_ns ? s->interval_ns : r->interval_ns, n;
	uint64_t now = same_run ? s->boot_ns : s->wall_ns;
	uint64_t then = same_run ? r->boot_ns : r->wall_ns;

	if (!interval || now <= then)
		return 0;
	/* One that is late by a little is not two. */
	n = (now - then) / interval + ((now - then) % interval > interval / 4 * 3);
	return n < 2 ? 0 : n - 1 < GAP_MAX ? n - 1 : GAP_MAX;
}

static void bridge(struct profiler *p, struct record *r, uint64_t host,
		   const struct profiler_sample *s)
{
	const struct position *at = &r->position[r->owner];
	bool same_run = at->host == host && at->epoch == s->epoch;
	uint64_t gap = missing(r, s, same_run);

	if (gap || !same_run)
		profile_gap(&r->profile, p->o.settings, gap);
}

static void put(struct profiler *p, struct record *r, uint64_t interval_ns, const double *values)
{
	struct alarm_budget_settings b =
		opinion_budget(p->o.settings, interval_ns, p->o.alarms_a_day);
	int state[PROFILE_METRICS_MAX];
	struct anomaly_found found;

	profile_put(&r->profile, p->o.settings, values, state);
	anomaly_put(&r->anomaly, &b, &r->profile, p->o.settings, state, &found);
}

static void keep_text(char **to, const char *text)
{
	if (*to && !strcmp(*to, text))
		return;
	free(*to);
	*to = xstrdup(text);
}

static enum profiler_verdict count(struct profiler *p, struct record *r, uint64_t host,
				   const struct profiler_sample *s, const struct profiler_vm *vm)
{
	if (is_known(r, host, s))
		return PROFILER_KNOWN;
	if (r->n_positions && r->position[r->owner].host != host && !is_free(p, r, s)) {
		decide(r, host, s);
		return PROFILER_ELSEWHERE;
	}
	if (r->n_positions)
		bridge(p, r, host, s);
	put(p, r, s->interval_ns, vm->values);
	r->owner = decide(r, host, s);
	r->boot_ns = s->boot_ns;
	r->wall_ns = s->wall_ns;
	if (s->wall_ns > __atomic_load_n(&p->newest_wall_ns, __ATOMIC_RELAXED))
		__atomic_store_n(&p->newest_wall_ns, s->wall_ns, __ATOMIC_RELAXED);
	r->interval_ns = s->interval_ns;
	if (vm->name && *vm->name)
		keep_text(&r->name, vm->name);
	return PROFILER_COUNTED;
}

/* What those with an alarm may share is kept of those only. */
static void judge(struct profiler *p, struct shard *shard, struct record *r,
		  const struct profiler_sample *s, struct profiler_opinion *ret)
{
	record_opinion(p, r, ret);
	record_judged(shard, r, ret->learning, ret->alarm);
	if (ret->alarm) {
		keep_text(&r->host_name, s->host_name);
	} else {
		record_place_forget(r);
	}
}

static bool is_full(const struct profiler *p)
{
	uint64_t vms = __atomic_load_n(&p->vms, __ATOMIC_RELAXED);
	uint64_t bytes = __atomic_load_n(&p->bytes, __ATOMIC_RELAXED);

	if (vms < p->o.max_vms && bytes < p->o.max_bytes)
		return false;
	log_once(LOG_WARNING, "profiler-full",
		 "the profiles of %" PRIu64 " VMs take %" PRIu64 " bytes (at most %u and %" PRIu64
		 "): further VMs are not profiled",
		 vms, bytes, p->o.max_vms, p->o.max_bytes);
	return true;
}

/* The shard is locked. */
static enum profiler_verdict count_in(struct profiler *p, struct shard *shard, uint64_t key,
				      const struct profiler_sample *s, const struct profiler_vm *vm,
				      struct profiler_opinion *opinion)
{
	struct record *r = shard_find(shard, key, vm->uuid);
	enum profiler_verdict verdict;
	bool fresh = !r;

	if (!r && is_full(p))
		return PROFILER_FULL;
	if (!r)
		r = record_new(p, vm->uuid, vm->name);
	verdict = count(p, r, id_hash(0, s->host_id) | 1, s, vm);
	if (fresh)
		shard_add(p, shard, r);
	if (verdict == PROFILER_COUNTED)
		judge(p, shard, r, s, opinion);
	shard->changed = shard->changed || verdict != PROFILER_KNOWN;
	return verdict;
}

enum profiler_verdict profiler_count(struct profiler *p, const struct profiler_sample *s,
				     const struct profiler_vm *vm)
{
	uint64_t key = id_hash(0, vm->uuid);
	struct shard *shard = &p->shard[shard_of(key)];
	enum profiler_verdict verdict = PROFILER_IDLE;
	struct profiler_opinion opinion;

	if (vm->running) {
		pthread_mutex_lock(&shard->lock);
		verdict = count_in(p, shard, key, s, vm, &opinion);
		pthread_mutex_unlock(&shard->lock);
	}
	__atomic_add_fetch(&p->verdict[verdict], 1, __ATOMIC_RELAXED);
	if (vm->opinion && verdict == PROFILER_COUNTED)
		*vm->opinion = opinion;
	return verdict;
}

void profiler_storage(struct profiler *p, const char *uuid, const char *storage)
{
	uint64_t key = id_hash(0, uuid);
	struct shard *shard = &p->shard[shard_of(key)];
	struct record *r;

	pthread_mutex_lock(&shard->lock);
	r = shard_find(shard, key, uuid);
	if (r && r->alarm)
		keep_text(&r->storage, storage);
	pthread_mutex_unlock(&shard->lock);
}
