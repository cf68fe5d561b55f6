/* SPDX-License-Identifier: Apache-2.0 */
/* The sender against receivers that misbehave: whatever they do, every sample arrives, and
 * nothing is let go of before it is committed. */
#include "link.h"
#include "log.h"
#include "make_frame.h"
#include "uplink.h"
#include "uplink_urls.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define EPOCHS   4
#define MOST     3000u
#define PATIENCE 10000 /* ms; that a test waits at most */

/* ---- the receiver ---- */

struct known {
	char host[HOST_ID_MAX + 1];
	uint64_t epoch, next, committed;
	uint64_t lost;            /* passed over */
	uint64_t oldest;          /* as last told */
	bool have[MOST + 1];      /* arrived at this instance */
	bool delivered[MOST + 1]; /* committed: never to be asked for again */
};

enum fault {
	NONE,
	GO_BACK,   /* every 7th answer wants everything since the commit again */
	FORGET,    /* every 9th request finds another instance, which knows commits only */
	SILENT,    /* every 5th request is not answered */
	GARBAGE,   /* every 4th answer is noise */
	EMPTY,     /* every 4th answer is empty */
	COMPLAIN,  /* takes nothing, and says why, for a while */
	NO_ACKS,   /* for a while its answers have no acks */
	STUCK,     /* takes nothing for a while, without a word */
	GREEDY,    /* for a while it wants what is not there yet */
	NO_COMMIT, /* takes all and commits nothing */
};

struct receiver {
	struct link_server *link;
	const struct keyring *keys;
	pthread_mutex_t lock;
	uint64_t instance, requests, repeated, wrong_instance, applied;
	enum fault fault;
	unsigned lag; /* commit trails so many behind */
	struct known known[EPOCHS];
	unsigned n;
	uint32_t most_frames; /* in one request */
	uint64_t senders;
	unsigned faults; /* how often it did what it should not */
};

static struct known *known_of(struct receiver *r, const struct uplink_stream *in)
{
	struct known *k;

	for (unsigned i = 0; i < r->n; i++)
		if (r->known[i].epoch == in->epoch && !strcmp(r->known[i].host, in->host_id))
			return &r->known[i];
	if (r->n == EPOCHS)
		fail_msg("too many streams");
	k = &r->known[r->n++];
	*k = (struct known){.epoch = in->epoch};
	strcpy(k->host, in->host_id);
	return k;
}

static void take_frame(struct receiver *r, struct known *k, const struct message_bytes *b,
		       uint64_t sequence)
{
	struct frame *want = make_frame(k->host, k->epoch, sequence, 200);

	if (want->size != b->n || memcmp(want->bytes, b->p, b->n) || sequence > MOST)
		fail_msg("sequence %llu is not what was sent", (unsigned long long)sequence);
	frame_unref(want);
	r->repeated += k->have[sequence];
	k->have[sequence] = true;
	if (sequence == k->next)
		k->next++;
}

static void apply(struct receiver *r, struct known *k, const struct uplink_stream *in)
{
	/* message.h: not known yet, wants the base, or the oldest. */
	if (!k->next)
		k->next = in->committed >= in->oldest && in->committed ? in->committed : in->oldest;
	k->oldest = in->oldest;
	if (in->oldest > k->next) {
		k->lost += in->oldest - k->next;
		k->next = in->oldest;
	}
	if (in->n_frames > r->most_frames)
		r->most_frames = in->n_frames;
	if (in->first > k->next)
		return;
	for (uint32_t i = 0; i < in->n_frames; i++)
		take_frame(r, k, &in->frames[i], in->first + i);
	if (k->next > r->lag + 1 && k->next - 1 - r->lag > k->committed)
		k->committed = k->next - 1 - r->lag;
	if (r->fault == NO_COMMIT)
		k->committed = 0;
	for (uint64_t s = 1; s <= k->committed; s++)
		k->delivered[s] |= k->have[s];
}

/* A receiver that was killed: what was not committed it never had. */
static void forget(struct receiver *r)
{
	r->instance++;
	r->faults++;
	for (unsigned i = 0; i < r->n; i++) {
		struct known *k = &r->known[i];

		k->next = k->committed ? k->committed + 1 : 0;
		for (uint64_t s = k->committed + 1; s <= MOST; s++)
			k->have[s] = false;
	}
}

static void answer(struct receiver *r, struct link_call *call, const uint8_t *id,
		   const struct uplink_reply *reply)
{
	struct buf plain, sealed;

	buf_init(&plain, MESSAGE_MAX);
	buf_init(&sealed, MESSAGE_MAX);
	uplink_reply_encode(&plain, reply);
	assert_int_equal(seal(&sealed, r->keys, ENVELOPE_UPLINK_REPLY, id, plain.data, plain.used),
			 0);
	if (r->fault == GARBAGE && r->requests % 4 == 3 && ++r->faults)
		memset(sealed.data + 10, 0xa5, sealed.used - 10);
	if (r->fault == EMPTY && r->requests % 4 == 3 && ++r->faults)
		sealed.used = 0;
	link_reply(call, sealed.data, sealed.used);
	buf_fini(&plain);
	buf_fini(&sealed);
}

static void respond(struct receiver *r, struct link_call *call, const uint8_t *id,
		    const struct uplink_request *q)
{
	struct uplink_ack acks[EPOCHS];
	struct uplink_reply reply = {.instance = r->instance, .acks = acks};
	bool refuses = (r->fault == COMPLAIN || r->fault == STUCK) && r->requests < 6;

	for (uint32_t i = 0; i < q->n_streams; i++) {
		const struct uplink_stream *in = &q->streams[i];
		struct known *k = known_of(r, in);
		struct uplink_ack *a = &acks[reply.n_acks++];

		if (r->fault == NO_ACKS && r->faults < 2) {
			r->faults++;
			reply.n_acks--;
			continue;
		}

		r->senders |= in->sender;
		if (q->instance != r->instance)
			r->wrong_instance++;
		else if (!refuses)
			apply(r, k, in);
		else
			r->faults++;
		*a = (struct uplink_ack){.epoch = k->epoch,
					 .next = k->next ? k->next : in->oldest,
					 .committed = k->committed};
		strcpy(a->host_id, in->host_id);
		if (r->fault == GO_BACK && r->requests % 7 == 6 && k->committed && ++r->faults)
			a->next = k->next = k->committed + 1;
		if (r->fault == GREEDY && r->requests < 6 && ++r->faults)
			a->next += 1000;
		if (refuses && r->fault == COMPLAIN)
			strcpy(a->error, "the test does not want it");
	}
	answer(r, call, id, &reply);
}

static void serve(void *arg, struct link_call *call)
{
	struct receiver *r = arg;
	uint8_t id[REQUEST_ID_BYTES];
	struct uplink_request q;
	struct buf plain;
	size_t n;
	const uint8_t *bytes = link_request_bytes(call, &n);

	buf_init(&plain, MESSAGE_MAX);
	pthread_mutex_lock(&r->lock);
	r->requests++;
	if (unseal(&plain, r->keys, ENVELOPE_UPLINK_REQUEST, id, NULL, bytes, n)) {
		link_reply(call, "", 0);
	} else if (uplink_request_decode(&q, plain.data, plain.used)) {
		fail_msg("a request cannot be decoded");
	} else {
		if (r->fault == FORGET && r->requests % 9 == 8)
			forget(r);
		if (r->fault == SILENT && r->requests % 5 == 4 && ++r->faults)
			link_drop(call);
		else
			respond(r, call, id, &q);
		uplink_request_fini(&q);
	}
	pthread_mutex_unlock(&r->lock);
	buf_fini(&plain);
}

static struct receiver *prepare(const struct keyring *keys, enum fault fault, unsigned lag)
{
	struct receiver *r = calloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->keys = keys;
	r->fault = fault;
	r->instance = 1000;
	r->lag = lag;
	return r;
}

/* At the URL, or where there is room when it is empty. */
static void begin_serving(struct receiver *r, char url[64])
{
	struct link_options o = {.url = *url ? url : "tcp://127.0.0.1:0",
				 .max_message = MESSAGE_MAX,
				 .contexts = 4,
				 .max_pipes = 8};

	assert_int_equal(link_listen(&r->link, &o, serve, r), 0);
	snprintf(url, 64, "tcp://127.0.0.1:%u", link_port(r->link));
}

static struct receiver *listen_at(char url[64], const struct keyring *keys, enum fault fault,
				  unsigned lag)
{
	struct receiver *r = prepare(keys, fault, lag);

	begin_serving(r, url);
	return r;
}

#define under_lock(r, expression)                                                                  \
	({                                                                                         \
		pthread_mutex_lock(&(r)->lock);                                                    \
		__auto_type value_ = (expression);                                                 \
		pthread_mutex_unlock(&(r)->lock);                                                  \
		value_;                                                                            \
	})

static void end(struct receiver *r)
{
	link_server_close(r->link);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void set_lag(struct receiver *r, unsigned lag)
{
	pthread_mutex_lock(&r->lock);
	r->lag = lag;
	pthread_mutex_unlock(&r->lock);
}

/* ---- the sender ---- */

struct sender {
	struct spool *spool[EPOCHS];
	uint32_t n;
	struct uplink *uplink;
};

static bool source(void *arg, uint32_t i, struct uplink_source *ret)
{
	const struct sender *s = arg;

	if (i >= s->n)
		return false;
	*ret = (struct uplink_source){.spool = s->spool[i] ? spool_ref(s->spool[i]) : NULL,
				      .sender = 77};
	return true;
}

/* Of three hosts the second number is nobody's. */
static void begin(struct sender *s, uint32_t hosts, const char *urls, const struct keyring *keys,
		  size_t spool_bytes)
{
	struct spool_options o = {.size = spool_bytes};
	struct uplink_options u = {.urls = urls,
				   .keys = keys,
				   .order_key = "host",
				   .timeout_ms = 300,
				   .source = source,
				   .arg = s};
	char why[256] = "";

	*s = (struct sender){.n = hosts};
	for (uint32_t i = 0; i < hosts; i += hosts == 3 ? 2 : 1)
		assert_int_equal(spool_open(&s->spool[i], &o, why, sizeof(why)), 0);
	if (uplink_open(&s->uplink, &u, why, sizeof(why)))
		fail_msg("uplink_open: %s", why);
}

static void finish(struct sender *s, int timeout_ms)
{
	uplink_close(s->uplink, timeout_ms);
	for (uint32_t i = 0; i < s->n; i++)
		spool_close(s->spool[i]);
}

static void add(struct sender *s, uint32_t host, uint64_t epoch, uint64_t from, uint64_t to)
{
	char id[16];

	snprintf(id, sizeof(id), "host%u", host);
	for (uint64_t i = from; i <= to; i++) {
		spool_add(s->spool[host], make_frame(id, epoch, i, 200));
		uplink_poke(s->uplink);
	}
}

static uint64_t uncommitted(const struct sender *s)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct spool_stats st = {0};

		if (s->spool[i])
			spool_stats(s->spool[i], &st);
		n += st.uncommitted;
	}
	return n;
}

static void nap(void)
{
	nanosleep(&(struct timespec){0, 5000000}, NULL);
}

/* Until at most `left` are not committed. */
static void wait_committed(const struct sender *s, uint64_t left, const char *what)
{
	for (int i = 0; i < PATIENCE / 5; i++) {
		if (uncommitted(s) <= left)
			return;
		nap();
	}
	fail_msg("%s: %llu are not committed", what, (unsigned long long)uncommitted(s));
}

static void assert_has(struct receiver *r, const char *host, uint64_t epoch, uint64_t from,
		       uint64_t to, const char *what)
{
	pthread_mutex_lock(&r->lock);
	for (unsigned i = 0; i < r->n; i++) {
		const struct known *k = &r->known[i];

		if (k->epoch != epoch || strcmp(k->host, host))
			continue;
		for (uint64_t s = from; s <= to; s++)
			if (!k->delivered[s])
				fail_msg("%s: %s, epoch %llu: %llu did not arrive", what, host,
					 (unsigned long long)epoch, (unsigned long long)s);
		pthread_mutex_unlock(&r->lock);
		return;
	}
	fail_msg("%s: nothing of %s, epoch %llu arrived", what, host, (unsigned long long)epoch);
}

/* ---- tests ---- */

/* Every fault: 200 samples, some at once and some one by one. */
static void one_fault(enum fault fault, const char *what, const struct keyring *keys)
{
	char url[64] = "";
	struct receiver *r = listen_at(url, keys, fault, 3);
	struct uplink_stats st;
	struct sender s;

	begin(&s, 1, url, keys, 1 << 20);
	add(&s, 0, 5, 1, 100);
	for (uint64_t i = 101; i <= 200; i++) {
		add(&s, 0, 5, i, i);
		if (i % 5 == 0)
			nap();
	}
	wait_committed(&s, 3, what);
	/* The base is still there, and what is not committed. */
	assert_true(uncommitted(&s) == 3);
	set_lag(r, 0);
	wait_committed(&s, 0, what);
	assert_has(r, "host0", 5, 1, 200, what);
	uplink_stats(s.uplink, &st);
	assert_true(st.connected);
	assert_string_equal(st.url, url);
	assert_true(st.frames >= 200);
	if (fault == NONE)
		assert_int_equal(st.repeated, 0);
	else if (!under_lock(r, r->faults))
		fail_msg("%s: it never was", what);
	assert_int_equal(under_lock(r, r->senders), 77);
	finish(&s, 1000);
	end(r);
}

static void test_faults(void **state)
{
	static const struct {
		enum fault fault;
		const char *what;
	} faults[] = {
		{NONE, "nothing"},    {GO_BACK, "goes back"}, {FORGET, "forgets"},
		{SILENT, "silent"},   {GARBAGE, "garbage"},   {EMPTY, "empty"},
		{NO_ACKS, "no acks"}, {STUCK, "stuck"},       {GREEDY, "greedy"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		one_fault(faults[i].fault, faults[i].what, NULL);
}

static void test_sealed(void **state)
{
	struct keyring keys = {.n = 1, .key = {{1, 2, 3}}};

	(void)state;
	one_fault(NONE, "sealed", &keys);
	one_fault(GARBAGE, "sealed garbage", &keys);
}

static void test_wrong_key(void **state)
{
	struct keyring ours = {.n = 1, .key = {{1}}}, theirs = {.n = 1, .key = {{2}}};
	struct keyring both = {.n = 2, .key = {{2}, {1}}};
	char url[64] = "";
	struct receiver *r = listen_at(url, &theirs, NONE, 3);
	struct uplink_stats st;
	struct sender s;

	(void)state;
	begin(&s, 1, url, &ours, 1 << 20);
	add(&s, 0, 1, 1, 5);
	for (int i = 0; i < 60; i++)
		nap();
	uplink_stats(s.uplink, &st);
	assert_false(st.connected);
	assert_int_equal(uncommitted(&s), 5);
	assert_int_equal(under_lock(r, r->n), 0);
	/* It learns our key: all of it arrives. */
	pthread_mutex_lock(&r->lock);
	r->keys = &both;
	r->lag = 0;
	pthread_mutex_unlock(&r->lock);
	/* Its answers are sealed with its first key, which we do not have. */
	for (int i = 0; i < 60; i++)
		nap();
	assert_int_equal(uncommitted(&s), 5);
	pthread_mutex_lock(&r->lock);
	both = (struct keyring){.n = 2, .key = {{1}, {2}}};
	pthread_mutex_unlock(&r->lock);
	wait_committed(&s, 0, "the right key");
	finish(&s, 1000);
	end(r);
}

static void test_complaint(void **state)
{
	char url[64] = "";
	struct receiver *r = listen_at(url, NULL, COMPLAIN, 3);
	struct uplink_stats st = {0};
	struct sender s;

	(void)state;
	begin(&s, 1, url, NULL, 1 << 20);
	add(&s, 0, 1, 1, 5);
	for (int i = 0; i < 400 && !*st.error; i++) {
		nap();
		uplink_stats(s.uplink, &st);
	}
	assert_string_equal(st.error, "the test does not want it");
	assert_int_equal(uncommitted(&s), 5);
	pthread_mutex_lock(&r->lock);
	/* It is not asked all the time. */
	assert_in_range(r->requests, 1, 3);
	r->fault = NONE;
	r->lag = 0;
	pthread_mutex_unlock(&r->lock);
	wait_committed(&s, 0, "complaint over");
	uplink_stats(s.uplink, &st);
	assert_string_equal(st.error, "");
	finish(&s, 1000);
	end(r);
}

/* It is away, comes back on the same port, knowing nothing: in few, large requests. */
static void test_restart(void **state)
{
	char url[64] = "";
	struct receiver *r = listen_at(url, NULL, NONE, 5);
	struct sender s;

	(void)state;
	begin(&s, 1, url, NULL, 4 << 20);
	add(&s, 0, 1, 1, 10);
	wait_committed(&s, 5, "before");
	end(r);
	add(&s, 0, 1, 11, 2000);
	r = prepare(NULL, NONE, 0);
	r->instance = 2000;
	begin_serving(r, url);
	wait_committed(&s, 0, "after");
	/* From the base on: 5 was committed, and is the base of the first rate. */
	assert_has(r, "host0", 1, 5, 2000, "restart");
	assert_false(under_lock(r, r->known[0].have[4]));
	assert_true(under_lock(r, r->most_frames) > 100);
	assert_true(under_lock(r, r->requests) < 200);
	finish(&s, 1000);
	end(r);
}

static void test_several_hosts(void **state)
{
	char url[64] = "";
	struct receiver *r = listen_at(url, NULL, FORGET, 0);
	struct sender s;

	(void)state;
	begin(&s, 3, url, NULL, 1 << 20);
	add(&s, 0, 1, 1, 300);
	add(&s, 2, 1, 1, 50);
	add(&s, 2, 2, 1, 300); /* ends epoch 1 */
	wait_committed(&s, 0, "several hosts");
	assert_has(r, "host0", 1, 1, 300, "host 0");
	assert_has(r, "host2", 1, 1, 50, "host 2, the ended run");
	assert_has(r, "host2", 2, 1, 300, "host 2");
	finish(&s, 1000);
	end(r);
}

/* A full spool: what was dropped is passed over, counted at both ends, and the rest comes. */
static void test_lost(void **state)
{
	char url[64] = "";
	struct receiver *r = listen_at(url, NULL, NONE, 0);
	struct spool_stats st;
	struct sender s;

	(void)state;
	begin(&s, 1, url, NULL, 20000);
	add(&s, 0, 1, 1, 10);
	wait_committed(&s, 0, "before");
	end(r);
	add(&s, 0, 1, 11, 500);
	spool_stats(s.spool[0], &st);
	assert_true(st.lost > 100);
	r = prepare(NULL, NONE, 0);
	r->instance = 2000;
	/* As a receiver that knows its commits again. */
	r->n = 1;
	r->known[0] = (struct known){.epoch = 1, .next = 11, .committed = 10};
	strcpy(r->known[0].host, "host0");
	begin_serving(r, url);
	wait_committed(&s, 0, "after");
	assert_int_equal(under_lock(r, r->known[0].lost), st.lost);
	assert_has(r, "host0", 1, 11 + st.lost, 500, "what was kept");
	finish(&s, 1000);
	end(r);
}

/* A run of which nothing is left is told of, and then forgotten. */
static void test_lost_run(void **state)
{
	char url[64] = "";
	struct spool_state states[2];
	struct receiver *r = listen_at(url, NULL, NONE, 0);
	struct sender s;

	(void)state;
	end(r);
	begin(&s, 1, url, NULL, 10000);
	add(&s, 0, 1, 1, 3);
	add(&s, 0, 2, 1, 300);
	assert_int_equal(spool_states(s.spool[0], states, 2), 2);
	assert_int_equal(states[0].frames, 0);
	r = listen_at(url, NULL, NONE, 0);
	wait_committed(&s, 0, "the later run");
	for (int i = 0; i < 400 && spool_states(s.spool[0], states, 2) == 2; i++)
		nap();
	assert_int_equal(spool_states(s.spool[0], states, 2), 1);
	assert_int_equal(states[0].epoch, 2);
	assert_int_equal(under_lock(r, r->known[0].epoch), 1);
	assert_int_equal(under_lock(r, r->known[0].oldest), 4);
	finish(&s, 1000);
	end(r);
}

static void test_other_url(void **state)
{
	char first[64] = "", second[64] = "", urls[160];
	struct receiver *a = listen_at(first, NULL, NONE, 0);
	struct receiver *b = listen_at(second, NULL, NONE, 0);
	struct receiver *used, *other;
	struct uplink_stats st = {0};
	struct sender s;

	(void)state;
	snprintf(urls, sizeof(urls), "%s,%s", first, second);
	begin(&s, 1, urls, NULL, 1 << 20);
	add(&s, 0, 1, 1, 50);
	wait_committed(&s, 0, "the first one");
	uplink_stats(s.uplink, &st);
	used = strcmp(st.url, first) ? b : a;
	other = used == a ? b : a;
	assert_int_equal(under_lock(other, other->n), 0);
	end(used);
	add(&s, 0, 1, 51, 100);
	wait_committed(&s, 0, "the other one");
	assert_has(other, "host0", 1, 51, 100, "the other one");
	finish(&s, 1000);
	end(other);
}

/* Who answers is known, and forgotten with the turn of another URL. */
static void test_instance(void **state)
{
	char first[64] = "", second[64] = "", urls[160];
	struct receiver *a = listen_at(first, NULL, NONE, 0);
	struct receiver *b = listen_at(second, NULL, NONE, 0), *used;
	struct uplink_stats st = {0};
	struct sender s;

	(void)state;
	a->instance = 1;
	b->instance = 2;
	snprintf(urls, sizeof(urls), "%s,%s", first, second);
	begin(&s, 1, urls, NULL, 1 << 20);
	add(&s, 0, 1, 1, 5);
	wait_committed(&s, 0, "the first one");
	uplink_stats(s.uplink, &st);
	used = strcmp(st.url, first) ? b : a;
	assert_int_equal(st.instance, used->instance);
	end(used);
	add(&s, 0, 1, 6, 10);
	wait_committed(&s, 0, "the other one");
	used = used == a ? b : a;
	uplink_stats(s.uplink, &st);
	assert_int_equal(st.instance, used->instance);
	end(used);
	add(&s, 0, 1, 11, 15);
	for (int i = 0; i < PATIENCE / 5 && st.instance; i++) {
		nap();
		uplink_stats(s.uplink, &st);
	}
	assert_int_equal(st.instance, 0);
	finish(&s, 0);
}

/* Many senders share the receivers evenly, and each has an order of its own. */
static void test_order(void **state)
{
	unsigned first[4] = {0};
	char why[256];

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		struct uplink_urls u;
		char key[64];

		snprintf(key, sizeof(key), "086dd06e537afd99af2f19cd%08x", i);
		assert_int_equal(uplink_urls_parse(&u, "tcp://a:1,tcp://b:1,tcp://c:1,tcp://d:1",
						   key, why, sizeof(why)),
				 0);
		first[u.url[0][6] - 'a']++;
		uplink_urls_fini(&u);
	}
	for (unsigned i = 0; i < 4; i++)
		if (first[i] < 900 || first[i] > 1100)
			fail_msg("receiver %u is the first of %u of 4000", i, first[i]);
}

static void test_bad_urls(void **state)
{
	const char *const bad[] = {"", ",", "tcp://a:1,", "tcp://a:1,,tcp://b:1"};
	struct uplink_urls u;
	char why[256], *many = calloc(1, 600);

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (uplink_urls_parse(&u, bad[i], "", why, sizeof(why)) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
	memset(many, 'x', 300);
	assert_int_equal(uplink_urls_parse(&u, many, "", why, sizeof(why)), -EINVAL);
	for (unsigned i = 0; i < 66; i += 2)
		memcpy(many + i, "x,", 3);
	many[65] = '\0';
	assert_int_equal(uplink_urls_parse(&u, many, "", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "32"));
	free(many);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Closing sends what there is, waits for what it brought, and not for who is not there. */
static void test_close(void **state)
{
	char url[64] = "";
	struct receiver *r = listen_at(url, NULL, NONE, 0);
	struct sender s;
	double began;

	(void)state;
	begin(&s, 1, url, NULL, 1 << 20);
	add(&s, 0, 1, 1, 500);
	began = seconds();
	finish(&s, 3000);
	assert_true(seconds() - began < 1);
	assert_has(r, "host0", 1, 1, 500, "close");
	/* What is never committed holds it up for as long as it was told. */
	pthread_mutex_lock(&r->lock);
	r->fault = NO_COMMIT;
	r->n = 0;
	pthread_mutex_unlock(&r->lock);
	begin(&s, 1, url, NULL, 1 << 20);
	add(&s, 0, 1, 1, 5);
	began = seconds();
	finish(&s, 300);
	assert_true(seconds() - began > 0.29 && seconds() - began < 1);
	end(r);
	begin(&s, 1, url, NULL, 1 << 20);
	add(&s, 0, 1, 1, 5);
	began = seconds();
	finish(&s, 1500);
	assert_true(seconds() - began < 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),    cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_wrong_key), cmocka_unit_test(test_complaint),
		cmocka_unit_test(test_restart),   cmocka_unit_test(test_several_hosts),
		cmocka_unit_test(test_lost),      cmocka_unit_test(test_lost_run),
		cmocka_unit_test(test_other_url), cmocka_unit_test(test_order),
		cmocka_unit_test(test_instance),  cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_close),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
