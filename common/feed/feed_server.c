/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread answers all readers: nng's own only hand the requests over.  A reply is at
 * most REPLY_MOST, so that one reader's history delays the others by milliseconds.
 */
#include "feed_server.h"

#include "clock.h"
#include "feed_answer.h"
#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS          1000000000ull
#define CONTEXTS    256u /* readers at once */
#define PIPES       512u
#define REQUEST_MAX (1u << 20)
#define ROUND_NS    (NS / 50)   /* many samples that come together are given together */
#define LOOK_NS     NS          /* how often it is seen that a waiting reader has gone */
#define KEEP_BYTES  (64u << 10) /* larger buffers go back after use */

struct waiting {
	struct waiting *next;
	struct link_call *call;
	struct feed_reader reader;
	uint64_t deadline_ns;
	bool opened; /* reader is filled in */
};

struct feed_server {
	struct feed_server_options o;
	struct link_server *link;
	pthread_t thread;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;  /* CLOCK_MONOTONIC */
	struct waiting *fresh;
	unsigned n_fresh;
	bool poked, stop;
	struct feed_server_stats stats;

	/* The thread's own. */
	struct waiting *parked;
	struct feed_answer answer;
	struct buf plain, sealed;
};

/* In nng's threads. */
static void serve(void *arg, struct link_call *call)
{
	struct feed_server *s = arg;
	struct waiting *w = xcalloc(1, sizeof(*w));

	w->call = call;
	pthread_mutex_lock(&s->lock);
	w->next = s->fresh;
	s->fresh = w;
	s->stats.requests++;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static void end(struct waiting *w)
{
	if (w->opened)
		feed_reader_end(&w->reader);
	free(w);
}

static void refuse(struct feed_server *s, struct waiting *w)
{
	pthread_mutex_lock(&s->lock);
	s->stats.refused++;
	pthread_mutex_unlock(&s->lock);
	link_reply(w->call, "", 0);
	end(w);
}

static int open_request(struct feed_server *s, struct waiting *w)
{
	size_t n;
	const uint8_t *bytes = link_request_bytes(w->call, &n);
	int r = unseal(&s->plain, s->o.keys, ENVELOPE_FEED_REQUEST, w->reader.id, NULL, bytes, n);

	if (!r)
		r = feed_request_decode(&w->reader.q, s->plain.data, s->plain.used);
	if (r < 0)
		return r;
	w->opened = true;
	feed_reader_begin(&w->reader, &s->o);
	w->deadline_ns = clock_monotonic_ns() + w->reader.q.wait_ms * (NS / 1000);
	return 0;
}

static void send(struct feed_server *s, struct waiting *w)
{
	int r;

	feed_answer_hosts(&s->answer, &w->reader, &s->o);
	buf_clear(&s->plain);
	feed_reply_encode(&s->plain, &s->answer.reply);
	r = s->plain.error;
	if (!r)
		r = seal(&s->sealed, s->o.keys, ENVELOPE_FEED_REPLY, w->reader.id, s->plain.data,
			 s->plain.used);
	pthread_mutex_lock(&s->lock);
	if (!r) {
		s->stats.frames += s->answer.reply.n_frames;
		s->stats.bytes += s->sealed.used;
		s->stats.skipped += s->answer.reply.skipped;
	}
	pthread_mutex_unlock(&s->lock);
	if (r)
		link_drop(w->call);
	else
		link_reply(w->call, s->sealed.data, s->sealed.used);
	end(w);
}

/* Answers it, or leaves it to wait; true when it is done with. */
static bool try(struct feed_server *s, struct waiting *w)
{
	bool done;

	if (link_call_lost(w->call)) {
		link_drop(w->call);
		end(w);
		return true;
	}
	feed_answer_frames(&s->answer, &w->reader, &s->o);
	done = s->answer.reply.n_frames || w->deadline_ns <= clock_monotonic_ns();
	if (done)
		send(s, w);
	feed_answer_clear(&s->answer);
	return done;
}

static void take_fresh(struct feed_server *s, struct waiting *list)
{
	while (list) {
		struct waiting *w = list;

		list = w->next;
		if (open_request(s, w) < 0) {
			refuse(s, w);
		} else if (!try(s, w)) {
			w->next = s->parked;
			s->parked = w;
		}
	}
}

static void look_at_parked(struct feed_server *s)
{
	struct waiting **at = &s->parked;

	while (*at) {
		struct waiting *w = *at, *next = w->next;

		if (try(s, w))
			*at = next;
		else
			at = &w->next;
	}
}

static void shrink(struct buf *b)
{
	size_t ceiling = b->ceiling;

	if (b->room <= KEEP_BYTES)
		return;
	buf_fini(b);
	buf_init(b, ceiling);
}

static uint64_t next_due(const struct feed_server *s, uint64_t now)
{
	uint64_t due = now + LOOK_NS;

	for (const struct waiting *w = s->parked; w; w = w->next)
		if (w->deadline_ns < due)
			due = w->deadline_ns;
	return due;
}

static unsigned count(const struct waiting *w)
{
	unsigned n = 0;

	for (; w; w = w->next)
		n++;
	return n;
}

/* Until there is something to do; what is new since the last round waits for the next
 * one.  Returns the fresh requests. */
static struct waiting *wait_for_work(struct feed_server *s, uint64_t *round_ns, bool *ret_look,
				     bool *ret_stop)
{
	struct waiting *fresh;
	uint64_t due = next_due(s, clock_monotonic_ns());

	pthread_mutex_lock(&s->lock);
	s->stats.waiting = count(s->parked);
	for (;;) {
		uint64_t now = clock_monotonic_ns(), until = due;
		struct timespec t;

		if (s->poked && s->parked && *round_ns + ROUND_NS < until)
			until = *round_ns + ROUND_NS;
		if (s->stop || s->fresh || (s->parked && now >= until))
			break;
		t = (struct timespec){(time_t)(until / NS), (long)(until % NS)};
		if (s->parked)
			pthread_cond_timedwait(&s->wake, &s->lock, &t);
		else
			pthread_cond_wait(&s->wake, &s->lock);
	}
	fresh = s->fresh;
	s->fresh = NULL;
	*ret_stop = s->stop;
	*ret_look = !fresh || clock_monotonic_ns() >= due;
	if (*ret_look) {
		s->poked = false;
		*round_ns = clock_monotonic_ns();
	}
	pthread_mutex_unlock(&s->lock);
	return fresh;
}

static void drop_all(struct waiting *list)
{
	while (list) {
		struct waiting *w = list;

		list = w->next;
		link_drop(w->call);
		end(w);
	}
}

static void *run(void *arg)
{
	struct feed_server *s = arg;
	uint64_t round_ns = 0;
	bool stop = false, look;

	while (!stop) {
		struct waiting *fresh = wait_for_work(s, &round_ns, &look, &stop);

		if (stop) {
			drop_all(fresh);
			break;
		}
		take_fresh(s, fresh);
		if (look)
			look_at_parked(s);
		shrink(&s->plain);
		shrink(&s->sealed);
	}
	drop_all(s->parked);
	return NULL;
}

static int start_thread(struct feed_server *s)
{
	return thread_start(&s->thread, NULL, run, s);
}

static void stop_thread(struct feed_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}

static void free_all(struct feed_server *s)
{
	drop_all(s->fresh);
	feed_answer_fini(&s->answer);
	buf_fini(&s->plain);
	buf_fini(&s->sealed);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int feed_server_open(struct feed_server **ret, const struct feed_server_options *o, char *why,
		     size_t why_size)
{
	struct link_options l = {.url = o->url,
				 .max_message = REQUEST_MAX,
				 .contexts = CONTEXTS,
				 .max_pipes = PIPES};
	struct feed_server *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t monotonic;
	int r;

	s->o = *o;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	buf_init(&s->plain, MESSAGE_MAX - ENVELOPE_MAX);
	buf_init(&s->sealed, MESSAGE_MAX);
	r = start_thread(s);
	if (r < 0) {
		snprintf(why, why_size, "no thread for the feed: %s", strerror(-r));
	} else if ((r = link_listen(&s->link, &l, serve, s)) < 0) {
		snprintf(why, why_size, "%s: cannot listen: %s", o->url,
			 r == -EINVAL ? "allowed: tcp://HOST:PORT" : strerror(-r));
		stop_thread(s);
	}
	if (r < 0) {
		free_all(s);
		return r;
	}
	s->o.url = NULL;
	*ret = s;
	return 0;
}

unsigned feed_server_port(const struct feed_server *s)
{
	return link_port(s->link);
}

void feed_server_poke(struct feed_server *s)
{
	pthread_mutex_lock(&s->lock);
	/* A thousand samples a second are no news to a thread for whom nobody waits. */
	if (!s->poked && s->stats.waiting)
		pthread_cond_signal(&s->wake);
	s->poked = true;
	pthread_mutex_unlock(&s->lock);
}

void feed_server_stats(struct feed_server *s, struct feed_server_stats *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->stats;
	pthread_mutex_unlock(&s->lock);
}

void feed_server_close(struct feed_server *s)
{
	if (!s)
		return;
	link_server_close(s->link);
	stop_thread(s);
	free_all(s);
}
