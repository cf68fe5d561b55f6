/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts.h"

#include "aggregator_clock.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST       64u
#define INTERVAL_FALLBACK UINT64_C(10000000000) /* of a sender that does not say */

/* Whose stream a number is. */
struct slot {
	struct host *host; /* NULL: free */
	uint64_t epoch;
};

struct hosts {
	pthread_rwlock_t lock;
	const struct delivery *delivery;
	unsigned max, n;
	uint32_t numbers; /* all that were ever given are below */
	struct host **bucket;
	unsigned buckets; /* a power of two */
	struct host **by_number;
	struct slot *slot;
	uint32_t slots;
};

struct hosts *hosts_new(unsigned max, const struct delivery *d)
{
	struct hosts *t = xcalloc(1, sizeof(*t));

	pthread_rwlock_init(&t->lock, NULL);
	t->delivery = d;
	t->max = max;
	for (t->buckets = 64; t->buckets < max;)
		t->buckets *= 2;
	t->bucket = xcalloc(t->buckets, sizeof(struct host *));
	t->by_number = xcalloc(max, sizeof(struct host *));
	return t;
}

static void stream_free(struct host_stream *s)
{
	delivery_stream_free(s->delivery);
	free(s);
}

static void host_free(struct host *h)
{
	while (h->streams) {
		struct host_stream *s = h->streams;

		h->streams = s->next;
		stream_free(s);
	}
	frame_unref(h->latest);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void hosts_free(struct hosts *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->max; i++)
		if (t->by_number[i])
			host_free(t->by_number[i]);
	pthread_rwlock_destroy(&t->lock);
	free(t->bucket);
	free(t->by_number);
	free(t->slot);
	free(t);
}

static struct host **bucket_of(struct hosts *t, const char *id)
{
	return &t->bucket[id_hash(0, id) & (t->buckets - 1)];
}

/* Under the table's lock. */
static struct host *find(struct hosts *t, const char *id)
{
	struct host *h = *bucket_of(t, id);

	while (h && strcmp(h->id, id))
		h = h->next;
	if (h)
		__atomic_add_fetch(&h->users, 1, __ATOMIC_ACQUIRE);
	return h;
}

static struct host *add(struct hosts *t, const char *id)
{
	struct host **at = bucket_of(t, id), *h;
	uint32_t number = 0;

	if (t->n == t->max)
		return NULL;
	while (t->by_number[number])
		number++;
	h = xcalloc(1, sizeof(*h));
	pthread_mutex_init(&h->lock, NULL);
	memcpy(h->id, id, strlen(id));
	h->number = number;
	h->users = 1;
	h->next = *at;
	*at = h;
	t->by_number[number] = h;
	if (number >= t->numbers)
		t->numbers = number + 1;
	t->n++;
	return h;
}

struct host *hosts_get(struct hosts *t, const char *id, bool create)
{
	struct host *h;

	pthread_rwlock_rdlock(&t->lock);
	h = find(t, id);
	pthread_rwlock_unlock(&t->lock);
	if (h || !create)
		return h;
	pthread_rwlock_wrlock(&t->lock);
	h = find(t, id);
	if (!h)
		h = add(t, id);
	pthread_rwlock_unlock(&t->lock);
	return h;
}

void hosts_put(struct host *h)
{
	__atomic_sub_fetch(&h->users, 1, __ATOMIC_RELEASE);
}

uint32_t hosts_numbers(struct hosts *t)
{
	uint32_t n;

	pthread_rwlock_rdlock(&t->lock);
	n = t->numbers;
	pthread_rwlock_unlock(&t->lock);
	return n;
}

struct host *hosts_at(struct hosts *t, uint32_t number)
{
	struct host *h;

	pthread_rwlock_rdlock(&t->lock);
	h = number < t->numbers ? t->by_number[number] : NULL;
	if (h)
		__atomic_add_fetch(&h->users, 1, __ATOMIC_ACQUIRE);
	pthread_rwlock_unlock(&t->lock);
	return h;
}

void hosts_each(struct hosts *t, void (*each)(void *arg, struct host *h), void *arg)
{
	for (uint32_t i = 0, n = hosts_numbers(t); i < n; i++) {
		struct host *h = hosts_at(t, i);

		if (!h)
			continue;
		pthread_mutex_lock(&h->lock);
		each(arg, h);
		pthread_mutex_unlock(&h->lock);
		hosts_put(h);
	}
}

struct host_stream *host_stream_find(struct host *h, uint64_t epoch)
{
	struct host_stream *s = h->streams;

	while (s && s->epoch != epoch)
		s = s->next;
	return s;
}

static uint32_t take_slot(struct hosts *t, struct host *h, uint64_t epoch)
{
	uint32_t i = 0;

	pthread_rwlock_wrlock(&t->lock);
	/* A host seldom has more than one stream: its number is most likely free. */
	if (h->number < t->slots && !t->slot[h->number].host)
		i = h->number;
	while (i < t->slots && t->slot[i].host)
		i++;
	if (i == t->slots) {
		uint32_t n = t->slots ? t->slots * 2 : SLOTS_FIRST;

		t->slot = xrealloc(t->slot, n, sizeof(*t->slot));
		memset(t->slot + t->slots, 0, (n - t->slots) * sizeof(*t->slot));
		t->slots = n;
	}
	t->slot[i] = (struct slot){.host = h, .epoch = epoch};
	pthread_rwlock_unlock(&t->lock);
	return i;
}

static void forget_stream(struct hosts *t, struct host *h, struct host_stream **at)
{
	struct host_stream *s = *at;

	*at = s->next;
	h->n_streams--;
	h->lost_before += s->lost;
	pthread_rwlock_wrlock(&t->lock);
	t->slot[s->number].host = NULL;
	pthread_rwlock_unlock(&t->lock);
	stream_free(s);
}

/* A number is given to another stream only when no output still holds items with it. */
static struct host_stream **forgettable(struct host *h, uint64_t now_ns, uint64_t age_ns)
{
	const struct host_stream *current = host_current(h);

	for (struct host_stream **at = &h->streams; *at; at = &(*at)->next)
		if (*at != current && clock_since(now_ns, (*at)->mentioned_ns) >= age_ns &&
		    !delivery_busy((*at)->delivery))
			return at;
	return NULL;
}

struct host_stream *hosts_stream_add(struct hosts *t, struct host *h, uint64_t epoch,
				     uint64_t now_ns)
{
	struct host_stream *s, **at;

	while (h->n_streams >= HOST_STREAMS_MAX) {
		at = forgettable(h, now_ns, SENDER_SILENT_NS);
		if (!at)
			return NULL;
		forget_stream(t, h, at);
	}
	s = xcalloc(1, sizeof(*s));
	s->epoch = epoch;
	s->mentioned_ns = now_ns;
	s->number = take_slot(t, h, epoch);
	s->delivery = delivery_stream_new(t->delivery, s->number, h->number);
	s->next = h->streams;
	h->streams = s;
	h->n_streams++;
	return s;
}

void hosts_done(struct hosts *t, uint32_t stream, unsigned target, uint64_t epoch,
		uint64_t sequence)
{
	struct host *h = NULL;
	struct host_stream *s;

	pthread_rwlock_rdlock(&t->lock);
	if (stream < t->slots && t->slot[stream].epoch == epoch)
		h = t->slot[stream].host;
	if (h)
		__atomic_add_fetch(&h->users, 1, __ATOMIC_ACQUIRE);
	pthread_rwlock_unlock(&t->lock);
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	s = host_stream_find(h, epoch);
	if (s && s->number == stream)
		delivery_done(s->delivery, target, sequence);
	pthread_mutex_unlock(&h->lock);
	hosts_put(h);
}

struct prune {
	struct hosts *t;
	uint64_t now_ns;
};

static void prune_streams(void *arg, struct host *h)
{
	struct prune *p = arg;
	struct host_stream **at;

	while ((at = forgettable(h, p->now_ns, STREAM_FORGET_NS)))
		forget_stream(p->t, h, at);
}

static bool is_busy(const struct host *h)
{
	for (const struct host_stream *s = h->streams; s; s = s->next)
		if (delivery_busy(s->delivery))
			return true;
	return false;
}

/* Under the table's lock for writing, and nobody has it. */
static void unlink_host(struct hosts *t, struct host *h)
{
	struct host **at = bucket_of(t, h->id);

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	t->by_number[h->number] = NULL;
	t->n--;
	for (struct host_stream *s = h->streams; s; s = s->next)
		t->slot[s->number].host = NULL;
}

void hosts_forget(struct hosts *t, uint64_t now_ns, uint64_t forget_ns,
		  void (*gone)(void *arg, const struct host *h), void *arg)
{
	struct prune p = {.t = t, .now_ns = now_ns};

	hosts_each(t, prune_streams, &p);
	pthread_rwlock_wrlock(&t->lock);
	for (uint32_t i = 0; i < t->numbers; i++) {
		struct host *h = t->by_number[i];

		if (!h || __atomic_load_n(&h->users, __ATOMIC_ACQUIRE) ||
		    clock_since(now_ns, h->heard_ns) < forget_ns || is_busy(h))
			continue;
		unlink_host(t, h);
		if (gone)
			gone(arg, h);
		host_free(h);
	}
	pthread_rwlock_unlock(&t->lock);
}

uint64_t host_silent_ns(const struct host *h)
{
	uint64_t interval = h->interval_ns ? h->interval_ns : INTERVAL_FALLBACK;

	return 3 * (interval < HOST_INTERVAL_MAX ? interval : HOST_INTERVAL_MAX);
}

bool host_is_stale(const struct host *h, uint64_t now_ns)
{
	return !h->latest || clock_since(now_ns, h->arrived_ns) > host_silent_ns(h);
}

static bool goes_on(const struct host *h, const struct host_stream *s)
{
	return s->sender == h->senders.now.number && !s->ended;
}

const struct host_stream *host_current(const struct host *h)
{
	const struct host_stream *found = h->streams;

	for (const struct host_stream *s = found; s; s = s->next) {
		bool on = goes_on(h, s), found_on = goes_on(h, found);

		if (on != found_on ? on : s->epoch > found->epoch)
			found = s;
	}
	return found;
}

uint64_t host_lost(const struct host *h)
{
	uint64_t lost = h->lost_before;

	for (const struct host_stream *s = h->streams; s; s = s->next)
		lost += s->lost;
	return lost;
}
