/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread of some hosts.  Which of them is next is kept in a heap by when it is due: for
 * its next sample, or to ask what is committed, or to try again.
 */
#include "fleet_host.h"

#include "link.h"
#include "message.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MS         UINT64_C(1000000)
#define ASK_MS     5000
#define BATCH      (1u << 20)
#define FRAMES_MAX 64u
#define IN_A_ROW   8 /* requests of one host before the others' turn */
#define POLL_LEAST (100 * MS)
#define POLL_MOST  (1000 * MS)
#define STALL_NS   (100 * MS) /* it takes nothing of what it is given, or does not answer */

/* A request as it is sent. */
struct question {
	uint8_t id[REQUEST_ID_BYTES];
	uint64_t newest; /* 0: there is none */
	unsigned n_frames;
	size_t frame_bytes;
	struct buf sealed;
};

struct host {
	unsigned number;
	uint64_t due_ns;
	struct link_client *client;
	uint64_t sender, instance, next, committed, received, lost;
	uint64_t gone; /* everything up to here is no longer kept */
	uint64_t poll_ns, poll_due_ns, hold_ns;
	bool known;
	struct question ahead; /* with the sample that is due next */
};

struct run {
	struct sender *s;
	struct fleet *f;
	struct host *hosts, **heap;
	unsigned n, heap_n;
	struct buf frames, plain, reply, opened;
	struct question question;
	size_t at[FRAMES_MAX + 1];
	struct message_bytes bytes[FRAMES_MAX];
};

#define COUNT(r, field, by) __atomic_add_fetch(&(r)->s->counts.field, (by), __ATOMIC_RELAXED)

/* ---- who is next ---- */

static void swap(struct host **a, struct host **b)
{
	struct host *h = *a;

	*a = *b;
	*b = h;
}

static void sink_down(struct run *r, unsigned i)
{
	for (unsigned least = i;; i = least) {
		for (unsigned k = 2 * i + 1; k <= 2 * i + 2 && k < r->heap_n; k++)
			if (r->heap[k]->due_ns < r->heap[least]->due_ns)
				least = k;
		if (least == i)
			return;
		swap(&r->heap[i], &r->heap[least]);
	}
}

/* ---- asking ---- */

static uint64_t oldest_kept(struct run *r, struct host *h, uint64_t newest)
{
	uint64_t keep = r->f->o.keep, from;

	from = newest > keep ? newest - keep + 1 : 1;
	if (from - 1 > h->gone) {
		uint64_t dropped = from - 1 > h->committed ? from - 1 : h->committed;
		uint64_t before = h->gone > h->committed ? h->gone : h->committed;

		h->lost += dropped - before;
		COUNT(r, lost, dropped - before);
		h->gone = from - 1;
	}
	/* The last committed one stays, as the base. */
	return h->committed > from ? h->committed : from;
}

static void add_frames(struct run *r, struct host *h, uint64_t newest, struct uplink_stream *st)
{
	buf_clear(&r->frames);
	st->first = h->next;
	st->frames = r->bytes;
	for (uint64_t q = h->next; q <= newest && st->n_frames < FRAMES_MAX; q++) {
		if (r->frames.used && r->frames.used + r->frames.used / st->n_frames > BATCH)
			break;
		r->at[st->n_frames++] = r->frames.used;
		patterns_frame(r->f->patterns, h->number, q, &r->frames);
	}
	r->at[st->n_frames] = r->frames.used;
	for (unsigned i = 0; i < st->n_frames; i++)
		r->bytes[i] = (struct message_bytes){(uint8_t *)r->frames.data + r->at[i],
						     (uint32_t)(r->at[i + 1] - r->at[i])};
}

/* With all samples that are wanted, up to newest. */
static int compose(struct run *r, struct host *h, uint64_t newest, uint64_t now_ns,
		   struct question *ret)
{
	struct uplink_stream st = {
		.epoch = r->f->epoch,
		.sender = h->sender,
		.oldest = oldest_kept(r, h, newest),
		.newest = newest,
		.committed = h->committed,
		.interval_ns = r->f->time.interval_ns,
		.wall_ns = r->f->time.start_wall_ns + now_ns - r->f->time.start_ns,
	};
	struct uplink_request q = {.instance = h->instance, .n_streams = 1, .streams = &st};

	st.lost = h->lost;
	patterns_host_id(h->number, st.host_id);
	patterns_host_name(h->number, st.host_name);
	snprintf(st.version, sizeof(st.version), "fleet");
	if (h->next < st.oldest)
		h->next = st.oldest;
	if (h->instance && h->known)
		add_frames(r, h, newest, &st);
	ret->newest = newest;
	ret->n_frames = st.n_frames;
	ret->frame_bytes = st.n_frames ? r->frames.used : 0;
	request_id_random(ret->id);
	buf_clear(&r->plain);
	uplink_request_encode(&r->plain, &q);
	if (r->plain.error)
		return r->plain.error;
	return seal(&ret->sealed, r->f->keys, ENVELOPE_UPLINK_REQUEST, ret->id, r->plain.data,
		    r->plain.used);
}

static int exchange(struct run *r, struct host *h, const struct question *q,
		    struct uplink_reply *ret)
{
	uint64_t began = fleet_now_ns();
	uint8_t id[REQUEST_ID_BYTES];
	int e = link_ask(h->client, q->sealed.data, q->sealed.used, &r->reply, ASK_MS);

	if (!e)
		e = unseal(&r->opened, r->f->keys, ENVELOPE_UPLINK_REPLY, id, q->id, r->reply.data,
			   r->reply.used);
	if (!e)
		e = uplink_reply_decode(ret, r->opened.data, r->opened.used);
	if (!e && q->n_frames)
		delays_add(&r->s->asked, fleet_now_ns() - began);
	COUNT(r, requests, 1);
	if (!q->n_frames)
		COUNT(r, polls, 1);
	return e;
}

/* ---- answers ---- */

static void note_delays(struct run *r, const struct host *h, struct delays *d, uint64_t after,
			uint64_t upto, uint64_t now_ns)
{
	for (uint64_t q = after + 1; q <= upto; q++)
		delays_add(d, now_ns - fleet_due_ns(&r->f->time, h->number, q));
}

static void take_ack(struct run *r, struct host *h, const struct uplink_ack *a, uint64_t newest)
{
	uint64_t now = fleet_now_ns();

	h->next = a->next < 1 ? 1 : a->next > newest + 1 ? newest + 1 : a->next;
	h->known = true;
	if (h->next - 1 > h->received) {
		note_delays(r, h, &r->s->received, h->received, h->next - 1, now);
		COUNT(r, received, h->next - 1 - h->received);
		h->received = h->next - 1;
	}
	if (a->committed > h->committed && a->committed <= newest) {
		note_delays(r, h, &r->s->committed, h->committed, a->committed, now);
		COUNT(r, committed, a->committed - h->committed);
		h->committed = a->committed;
		h->poll_ns = POLL_LEAST;
	} else if (h->poll_ns < POLL_MOST) {
		h->poll_ns += h->poll_ns / 2;
	}
	h->poll_due_ns = now + h->poll_ns;
	if (*a->error && !*r->s->error)
		snprintf(r->s->error, sizeof(r->s->error), "%s", a->error);
}

static void fail(struct run *r, struct host *h, int e)
{
	COUNT(r, failures, 1);
	if (!*r->s->error)
		snprintf(r->s->error, sizeof(r->s->error), "%s", strerror(-e));
	h->hold_ns = fleet_now_ns() + STALL_NS + random_u64() % STALL_NS;
}

/* What was prepared, or made now. */
static const struct question *question_of(struct run *r, struct host *h, uint64_t newest)
{
	if (h->ahead.newest == newest && h->next == newest && h->known)
		return &h->ahead;
	return compose(r, h, newest, fleet_now_ns(), &r->question) < 0 ? NULL : &r->question;
}

/* One request.  True: there is more to send, and it goes on. */
static bool turn(struct run *r, struct host *h, uint64_t newest)
{
	const struct question *q = question_of(r, h, newest);
	struct uplink_reply reply;
	uint64_t next = h->next;
	int e = q ? exchange(r, h, q, &reply) : -EMSGSIZE;

	if (q == &h->ahead || e < 0)
		h->ahead.newest = 0;
	if (e < 0) {
		fail(r, h, e);
		return false;
	}
	COUNT(r, bytes, q->frame_bytes);
	if (reply.n_acks == 1)
		take_ack(r, h, &reply.acks[0], newest);
	if (reply.instance != h->instance) {
		h->known = reply.n_acks == 1;
		h->ahead.newest = 0;
	}
	h->instance = reply.instance;
	uplink_reply_fini(&reply);
	if (q->n_frames && h->next <= next)
		h->hold_ns = fleet_now_ns() + STALL_NS;
	return h->next <= newest && h->hold_ns <= fleet_now_ns();
}

/* When the next sample's request is to be prepared; UINT64_MAX: it is, or cannot be. */
static uint64_t prepare_ns(const struct run *r, const struct host *h, uint64_t newest)
{
	const struct fleet_time *t = &r->f->time;
	uint64_t ahead = r->f->o.ahead_ms * MS;

	if (!ahead || !h->instance || !h->known || h->next != newest + 1 || newest == t->last ||
	    h->ahead.newest == newest + 1)
		return UINT64_MAX;
	return fleet_due_ns(t, h->number, newest + 1) - ahead;
}

static void visit(struct run *r, struct host *h)
{
	uint64_t now = fleet_now_ns(), newest = fleet_newest(&r->f->time, h->number, now);

	if (newest && newest > h->received && h->known && h->hold_ns <= h->due_ns)
		delays_add(&r->s->late, now - fleet_due_ns(&r->f->time, h->number, newest));
	if (prepare_ns(r, h, newest) <= now) {
		uint64_t due = fleet_due_ns(&r->f->time, h->number, newest + 1);

		if (compose(r, h, newest + 1, due, &h->ahead) < 0)
			fleet_die("--vms: a request is too large");
		return;
	}
	for (int i = 0; newest && i < IN_A_ROW && turn(r, h, newest); i++)
		newest = fleet_newest(&r->f->time, h->number, fleet_now_ns());
}

/* ---- */

/* UINT64_MAX: never again. */
static uint64_t due_of(const struct run *r, const struct host *h)
{
	uint64_t now = fleet_now_ns(), due = UINT64_MAX, prepare;
	uint64_t newest = fleet_newest(&r->f->time, h->number, now);

	if (newest < r->f->time.last)
		due = fleet_due_ns(&r->f->time, h->number, newest + 1);
	if (newest && h->next <= newest)
		due = h->hold_ns > now ? h->hold_ns : now;
	else if (h->committed < newest && h->poll_due_ns < due)
		due = h->poll_due_ns > h->hold_ns ? h->poll_due_ns : h->hold_ns;
	prepare = prepare_ns(r, h, newest);
	return prepare < due ? prepare : due;
}

static void open_hosts(struct run *r)
{
	struct link_options o = {.url = r->f->o.url, .max_message = MESSAGE_MAX};
	unsigned threads = r->f->o.threads, i = 0;

	r->n = (r->f->o.hosts - r->s->number + threads - 1) / threads;
	r->hosts = xcalloc(r->n, sizeof(*r->hosts));
	r->heap = xcalloc(r->n, sizeof(struct host *));
	for (unsigned number = r->s->number; number < r->f->o.hosts; number += threads, i++) {
		struct host *h = &r->hosts[i];

		h->number = number;
		h->sender = random_u64();
		buf_init(&h->ahead.sealed, MESSAGE_MAX + ENVELOPE_MAX);
		h->next = 1;
		h->poll_ns = POLL_LEAST;
		h->due_ns = fleet_due_ns(&r->f->time, number, 1);
		if (link_dial(&h->client, &o) < 0) {
			fprintf(stderr, "fleet: cannot dial %s\n", o.url);
			exit(1);
		}
		/* Due later and later: a heap already. */
		r->heap[r->heap_n++] = h;
	}
}

static void close_hosts(struct run *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		link_client_close(r->hosts[i].client);
		buf_fini(&r->hosts[i].ahead.sealed);
	}
	free(r->hosts);
	free(r->heap);
	buf_fini(&r->frames);
	buf_fini(&r->plain);
	buf_fini(&r->question.sealed);
	buf_fini(&r->reply);
	buf_fini(&r->opened);
}

static bool is_stopped(const struct run *r)
{
	return __atomic_load_n(&r->f->stop, __ATOMIC_RELAXED);
}

void *sender_run(void *sender)
{
	struct sender *s = sender;
	struct run r = {.s = s, .f = s->fleet};

	buf_init(&r.frames, MESSAGE_MAX);
	buf_init(&r.plain, MESSAGE_MAX);
	buf_init(&r.question.sealed, MESSAGE_MAX + ENVELOPE_MAX);
	buf_init(&r.reply, MESSAGE_MAX);
	buf_init(&r.opened, MESSAGE_MAX);
	open_hosts(&r);
	while (r.heap_n && !is_stopped(&r)) {
		struct host *h = r.heap[0];

		fleet_sleep_until(h->due_ns);
		if (is_stopped(&r))
			break;
		visit(&r, h);
		h->due_ns = due_of(&r, h);
		if (h->due_ns == UINT64_MAX)
			r.heap[0] = r.heap[--r.heap_n];
		sink_down(&r, 0);
	}
	close_hosts(&r);
	return NULL;
}
