/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink.h"

#include "clock.h"
#include "log.h"
#include "thread_start.h"
#include "uplink_streams.h"
#include "uplink_talk.h"
#include "uplink_urls.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS 1000000ull

#define BATCH_DEFAULT (1u << 20)
#define BATCH_MOST    (16u << 20)
#define BATCH_START   (64u << 10) /* doubles while answers come quickly */
#define QUICK_NS      (500 * MS)
#define HELLO_MS      3000
#define ASK_MS        10000
#define BACKOFF_LEAST (100 * MS)
#define BACKOFF_MOST  (5000 * MS)
#define SAY_AFTER     2u /* fruitless rounds through all URLs until it is said */

struct uplink {
	struct uplink_options o;
	struct uplink_urls urls;
	struct uplink_streams *streams;
	pthread_t thread;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;  /* CLOCK_MONOTONIC */
	bool poked, closing, cancelled, ended;
	uint64_t deadline_ns; /* of closing */
	struct uplink_stats stats;

	/* The thread's own. */
	unsigned url; /* index of the one in use */
	uint64_t instance;
	size_t batch;
	unsigned fruitless; /* tries in a row without an answer */
	unsigned fruitless_closing;
	bool said_connected;
	struct uplink_talk talk;
};

static const char *url_of(const struct uplink *u)
{
	return u->urls.url[u->url];
}

/* When it is over there is less time to wait. */
static int patience(struct uplink *u, int ms)
{
	uint64_t now = clock_monotonic_ns();

	pthread_mutex_lock(&u->lock);
	if (ms > u->o.timeout_ms)
		ms = u->o.timeout_ms;
	if (u->closing) {
		uint64_t left = u->deadline_ns > now ? (u->deadline_ns - now) / MS + 1 : 1;

		if (left < (uint64_t)ms)
			ms = (int)left;
	}
	pthread_mutex_unlock(&u->lock);
	return ms;
}

/* ---- outcome ---- */

static const char *reason(const struct uplink *u, int r)
{
	/* There may be nobody who could answer. */
	if (r == -ETIMEDOUT && !talk_connected(&u->talk) && talk_reason(&u->talk))
		r = talk_reason(&u->talk);
	switch (r) {
	case -ETIMEDOUT:
		return "no answer";
	case -EADDRNOTAVAIL:
		return "its name is not known here";
	case -EKEYREJECTED:
		return "it uses another key, or one of the two uses none (--key-file)";
	case -EBADMSG:
		return "its answer is none of ours: is it an aggregator?";
	case -EPROTO:
		return "it speaks another version";
	default:
		return strerror(-r);
	}
}

static void complain(struct uplink *u, const char *error)
{
	pthread_mutex_lock(&u->lock);
	snprintf(u->stats.error, sizeof(u->stats.error), "%s", error ? error : "");
	pthread_mutex_unlock(&u->lock);
	if (error)
		log_once(LOG_WARNING, "uplink-error", "%s does not take samples: %s", url_of(u),
			 error);
	else
		log_over("uplink-error", "%s takes samples again", url_of(u));
}

/* The next URL's turn, unless the connection was only lost. */
static void failed(struct uplink *u, int r)
{
	u->fruitless++;
	pthread_mutex_lock(&u->lock);
	u->stats.failures++;
	u->stats.connected = false;
	if (u->closing)
		u->fruitless_closing++;
	pthread_mutex_unlock(&u->lock);
	if (r == -ETIMEDOUT)
		u->batch = u->batch / 2 > 1 ? u->batch / 2 : 1;
	if (r == -ECANCELED)
		return;
	if (u->fruitless == SAY_AFTER * u->urls.n) {
		log_once(LOG_WARNING, "uplink", "%s: %s; samples are kept in the spool", url_of(u),
			 reason(u, r));
		u->said_connected = false;
	}
	if (u->urls.n > 1 && (r != -ECONNRESET || u->fruitless > 1)) {
		talk_hang_up(&u->talk);
		u->instance = 0;
		streams_forget(u->streams);
		u->url = (u->url + 1) % u->urls.n;
		pthread_mutex_lock(&u->lock);
		snprintf(u->stats.url, sizeof(u->stats.url), "%s", url_of(u));
		u->stats.instance = 0;
		pthread_mutex_unlock(&u->lock);
	}
}

static void answered(struct uplink *u, const struct uplink_reply *reply, uint64_t took_ns)
{
	struct streams_load load = streams_load(u->streams);
	bool applied = reply->instance == u->instance;
	const char *error;

	if (!u->said_connected) {
		log_over("uplink", NULL);
		log_notice("samples go to %s", url_of(u));
		u->said_connected = true;
	}
	u->fruitless = 0;
	if (!applied)
		streams_forget(u->streams);
	u->instance = reply->instance;
	if (took_ns < QUICK_NS && load.frames)
		u->batch = u->batch * 2 > u->o.batch ? u->o.batch : u->batch * 2;
	streams_answer(u->streams, reply, applied, clock_monotonic_ns(), &error);
	complain(u, error);
	pthread_mutex_lock(&u->lock);
	u->stats.connected = true;
	u->stats.instance = reply->instance;
	u->stats.requests++;
	u->stats.frames += load.frames;
	u->stats.bytes += load.bytes;
	u->stats.repeated += load.repeated;
	pthread_mutex_unlock(&u->lock);
}

/* ---- the thread ---- */

/* Until then, or a poke (a poke does not shorten a back-off), or closing begins (which is
 * what the caller did not know of), or the end. */
static void wait_until(struct uplink *u, uint64_t due, bool backoff, bool closing)
{
	struct timespec t = {(time_t)(due / (1000 * MS)), (long)(due % (1000 * MS))};

	pthread_mutex_lock(&u->lock);
	while (!u->cancelled && (backoff || !u->poked) && u->closing == closing) {
		uint64_t now = clock_monotonic_ns();

		if (now >= due || (u->closing && now >= u->deadline_ns))
			break;
		if (due == UINT64_MAX)
			pthread_cond_wait(&u->wake, &u->lock);
		else
			pthread_cond_timedwait(&u->wake, &u->lock, &t);
	}
	u->poked = false;
	pthread_mutex_unlock(&u->lock);
}

/* A random part of a time that doubles with every fruitless try: agents that lost one
 * receiver do not come back all at once. */
static void back_off(struct uplink *u, bool closing)
{
	unsigned round = u->fruitless / u->urls.n;
	uint64_t most = round > 6 ? BACKOFF_MOST : BACKOFF_LEAST << round;

	if (most > BACKOFF_MOST)
		most = BACKOFF_MOST;
	wait_until(u, clock_monotonic_ns() + most / 2 + random_u64() % (most / 2), true, closing);
}

static bool is_over(struct uplink *u, bool *ret_closing)
{
	bool over;

	pthread_mutex_lock(&u->lock);
	*ret_closing = u->closing;
	over = u->cancelled || (u->closing && clock_monotonic_ns() >= u->deadline_ns) ||
	       u->fruitless_closing >= 2;
	pthread_mutex_unlock(&u->lock);
	return over;
}

/* Is it to be seen whether anybody is there?  Without a connection too, where another
 * receiver could be asked instead. */
static bool is_new_to(struct uplink *u)
{
	return !u->instance || (u->urls.n > 1 && !talk_connected(&u->talk));
}

/* One request and its answer, or a wait. */
static void turn(struct uplink *u, bool closing)
{
	struct streams_want want = {.now_ns = clock_monotonic_ns(),
				    .hello = !u->instance,
				    .closing = closing,
				    .batch = u->batch};
	struct uplink_reply reply;
	struct uplink_request q;
	uint64_t due;
	int r;

	if (!streams_build(u->streams, &want, &q, &due) && !want.hello) {
		if (closing && due > want.now_ns + 20 * MS)
			due = want.now_ns + 20 * MS;
		wait_until(u, due, closing, closing);
		return;
	}
	q.instance = u->instance;
	r = talk_ask(&u->talk, url_of(u), &q, &reply,
		     patience(u, is_new_to(u) ? HELLO_MS : u->o.timeout_ms));
	if (r < 0) {
		failed(u, r);
	} else {
		answered(u, &reply, clock_monotonic_ns() - want.now_ns);
		uplink_reply_fini(&reply);
	}
	talk_shrink(&u->talk);
	if (r < 0)
		back_off(u, closing);
}

static void *run(void *arg)
{
	struct uplink *u = arg;
	bool closing;

	while (!is_over(u, &closing)) {
		turn(u, closing);
		if (closing && u->instance && streams_done(u->streams))
			break;
	}
	pthread_mutex_lock(&u->lock);
	u->ended = true;
	pthread_cond_broadcast(&u->wake);
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

/* ---- */

static int start_thread(struct uplink *u)
{
	return thread_start(&u->thread, NULL, run, u);
}

static void free_all(struct uplink *u)
{
	streams_free(u->streams);
	uplink_urls_fini(&u->urls);
	talk_fini(&u->talk);
	pthread_cond_destroy(&u->wake);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

int uplink_open(struct uplink **ret, const struct uplink_options *o, char *why, size_t why_size)
{
	struct uplink *u = xcalloc(1, sizeof(*u));
	pthread_condattr_t monotonic;
	int r = uplink_urls_parse(&u->urls, o->urls, o->order_key, why, why_size);

	if (r < 0) {
		free(u);
		return r;
	}
	u->o = *o;
	u->o.urls = u->o.order_key = NULL; /* the caller's */
	if (u->o.timeout_ms <= 0)
		u->o.timeout_ms = ASK_MS;
	if (!u->o.batch)
		u->o.batch = BATCH_DEFAULT;
	if (u->o.batch > BATCH_MOST)
		u->o.batch = BATCH_MOST;
	u->batch = u->o.batch < BATCH_START ? u->o.batch : BATCH_START;
	u->streams = streams_new(&u->o);
	pthread_mutex_init(&u->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&u->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	talk_init(&u->talk, o->keys);
	snprintf(u->stats.url, sizeof(u->stats.url), "%s", url_of(u));
	r = start_thread(u);
	if (r < 0) {
		snprintf(why, why_size, "no thread for the uplink: %s", strerror(-r));
		free_all(u);
		return r;
	}
	*ret = u;
	return 0;
}

void uplink_poke(struct uplink *u)
{
	pthread_mutex_lock(&u->lock);
	u->poked = true;
	pthread_cond_broadcast(&u->wake);
	pthread_mutex_unlock(&u->lock);
}

void uplink_stats(struct uplink *u, struct uplink_stats *ret)
{
	pthread_mutex_lock(&u->lock);
	*ret = u->stats;
	pthread_mutex_unlock(&u->lock);
}

void uplink_close(struct uplink *u, int timeout_ms)
{
	struct timespec t;

	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	u->closing = true;
	u->deadline_ns = clock_monotonic_ns() + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0) * MS;
	t = (struct timespec){(time_t)(u->deadline_ns / (1000 * MS)),
			      (long)(u->deadline_ns % (1000 * MS))};
	pthread_cond_broadcast(&u->wake);
	while (!u->ended && clock_monotonic_ns() < u->deadline_ns)
		pthread_cond_timedwait(&u->wake, &u->lock, &t);
	u->cancelled = true;
	pthread_cond_broadcast(&u->wake);
	pthread_mutex_unlock(&u->lock);
	talk_cancel(&u->talk);
	pthread_join(u->thread, NULL);
	free_all(u);
}
