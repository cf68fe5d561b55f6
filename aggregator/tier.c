/* SPDX-License-Identifier: Apache-2.0 */
#include "tier.h"

#include "aggregator_clock.h"
#include "xalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAITING_MAX (128u << 20) /* bytes of all frames that are not committed */
#define EPOCHS_MAX  64u

struct origin {
	struct spool *spool; /* NULL before the first frame */
	uint64_t waiting;    /* bytes that are not committed, about */
};

struct tier {
	struct tier_options o;
	struct hosts *hosts;
	unsigned target;
	struct uplink *uplink;
	char order_key[HOST_NAME_MAX + 1];

	pthread_mutex_t lock;  /* what follows; taken within a host's lock, never around one */
	struct origin *origin; /* by host number */
	uint64_t waiting;
	bool said_no;
};

/* Under the lock. */
static void weigh(struct tier *t, struct origin *o)
{
	struct spool_stats s;

	spool_stats(o->spool, &s);
	t->waiting -= o->waiting;
	o->waiting = s.frames ? s.bytes * s.uncommitted / s.frames : 0;
	t->waiting += o->waiting;
}

/* Under the lock. */
static struct origin *origin_of(struct tier *t, uint32_t host)
{
	struct spool_options unbounded = {.size = SIZE_MAX / 4}; /* bounded by put() */
	struct origin *o = &t->origin[host];
	char why[1];

	if (!o->spool && spool_open(&o->spool, &unbounded, why, sizeof(why)) < 0)
		o->spool = NULL;
	return o;
}

static bool knows_epoch(struct spool *s, uint64_t epoch)
{
	struct spool_state state[EPOCHS_MAX];
	unsigned n = spool_states(s, state, EPOCHS_MAX);

	for (unsigned i = 0; i < n && i < EPOCHS_MAX; i++)
		if (state[i].epoch == epoch)
			return true;
	return false;
}

/* The base of the first rate goes along: it is committed, here. */
static void add(struct origin *o, const struct delivery_item *item)
{
	const struct frame *before = item->before, *now = item->now;

	if (before && before->epoch == now->epoch && before->sequence + 1 == now->sequence &&
	    !knows_epoch(o->spool, now->epoch)) {
		spool_add(o->spool, frame_ref(item->before));
		spool_commit(o->spool, now->epoch, before->sequence);
	}
	spool_add(o->spool, frame_ref(item->now));
}

static bool put(void *arg, const struct delivery_item *item)
{
	struct tier *t = arg;
	struct origin *o;
	bool ok;

	pthread_mutex_lock(&t->lock);
	o = origin_of(t, item->host);
	ok = o->spool && (!t->waiting || t->waiting + item->now->size <= WAITING_MAX);
	if (ok) {
		add(o, item);
		weigh(t, o);
	} else {
		t->said_no = true;
	}
	pthread_mutex_unlock(&t->lock);
	if (ok && t->uplink)
		uplink_poke(t->uplink);
	return ok;
}

/* What the upper one has committed of this host. */
static void report(struct tier *t, struct host *h, struct spool *s)
{
	struct spool_state state[EPOCHS_MAX];
	unsigned n = spool_states(s, state, EPOCHS_MAX);
	struct host_stream *st;

	for (st = h->streams; st; st = st->next) {
		unsigned i = 0;

		while (i < n && i < EPOCHS_MAX && state[i].epoch != st->epoch)
			i++;
		/* An epoch that ended and is not there any more is committed whole. */
		if (i == n)
			delivery_done(st->delivery, t->target, UINT64_MAX);
		else if (i < EPOCHS_MAX)
			delivery_done(st->delivery, t->target, state[i].committed);
	}
}

static void make_room(struct tier *t, uint32_t host)
{
	bool room;

	pthread_mutex_lock(&t->lock);
	if (t->origin[host].spool)
		weigh(t, &t->origin[host]);
	room = t->said_no && t->waiting <= WAITING_MAX / 2;
	if (room)
		t->said_no = false;
	pthread_mutex_unlock(&t->lock);
	if (room)
		delivery_room(t->o.delivery, t->target);
}

/* uplink.h */
static bool source(void *arg, uint32_t i, struct uplink_source *ret)
{
	struct tier *t = arg;
	struct host *h = hosts_at(t->hosts, i);
	struct spool *s = NULL;

	*ret = (struct uplink_source){.spool = NULL};
	if (!h)
		return i < hosts_numbers(t->hosts);
	/* Within the host's lock nothing is put: what is done and what is there agree. */
	pthread_mutex_lock(&h->lock);
	pthread_mutex_lock(&t->lock);
	if (t->origin[i].spool)
		s = spool_ref(t->origin[i].spool);
	pthread_mutex_unlock(&t->lock);
	if (s)
		report(t, h, s);
	*ret = (struct uplink_source){.spool = s,
				      .sender = h->senders.now.number,
				      .wall_ns = clock_wall_ns() + (uint64_t)h->skew_ns};
	pthread_mutex_unlock(&h->lock);
	hosts_put(h);
	make_room(t, i);
	return true;
}

int tier_new(struct tier **ret, const struct tier_options *o, char *why, size_t why_size)
{
	struct tier *t = xcalloc(1, sizeof(*t));
	struct delivery_target target = {.required = true, .put = put, .arg = t};
	int r;

	t->o = *o;
	pthread_mutex_init(&t->lock, NULL);
	t->origin = xcalloc(o->max_hosts, sizeof(*t->origin));
	gethostname(t->order_key, sizeof(t->order_key) - 1);
	r = delivery_add(o->delivery, &target);
	if (r < 0) {
		snprintf(why, why_size, "more than %u outputs, --aggregator being one",
			 DELIVERY_TARGETS_MAX);
		tier_close(t, 0);
		return -EINVAL;
	}
	t->target = (unsigned)r;
	*ret = t;
	return 0;
}

int tier_start(struct tier *t, struct hosts *hosts, char *why, size_t why_size)
{
	struct uplink_options o = {.urls = t->o.urls,
				   .keys = t->o.keys,
				   .order_key = t->order_key,
				   .source = source,
				   .arg = t};

	t->hosts = hosts;
	return uplink_open(&t->uplink, &o, why, why_size);
}

void tier_forget(struct tier *t, uint32_t host)
{
	struct origin *o = &t->origin[host];

	pthread_mutex_lock(&t->lock);
	t->waiting -= o->waiting;
	spool_close(o->spool);
	*o = (struct origin){.spool = NULL};
	pthread_mutex_unlock(&t->lock);
}

void tier_stats(struct tier *t, struct uplink_stats *ret, uint64_t *ret_waiting)
{
	uplink_stats(t->uplink, ret);
	pthread_mutex_lock(&t->lock);
	*ret_waiting = t->waiting;
	pthread_mutex_unlock(&t->lock);
}

void tier_close(struct tier *t, int timeout_ms)
{
	if (!t)
		return;
	uplink_close(t->uplink, timeout_ms);
	for (unsigned i = 0; i < t->o.max_hosts; i++)
		spool_close(t->origin[i].spool);
	pthread_mutex_destroy(&t->lock);
	free(t->origin);
	free(t);
}
