/* SPDX-License-Identifier: Apache-2.0 */
#include "receive.h"

#include "aggregator_clock.h"

#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A scratch sample that has grown beyond this many rows in a table is not kept. */
#define SCRATCH_ROWS_MAX 16384u
#define SCRATCHES_MAX    16u

struct receive {
	struct receive_options o;
	bool stopped; /* __atomic */
	pthread_mutex_t lock;
	struct sample *scratch[SCRATCHES_MAX];
	unsigned scratches;
	struct receive_stats stats; /* __atomic */
	uint64_t latest_bytes;      /* __atomic: of the newest sample of each host */
};

#define COUNT(r, field, n) __atomic_add_fetch(&(r)->stats.field, (n), __ATOMIC_RELAXED)

/* What one stream of a request is worked on with. */
struct work {
	struct receive *r;
	const struct uplink_stream *in;
	struct uplink_ack *ack;
	struct delivery_sender has;
	struct sample *scratch;
	uint64_t now_ns, wall_ns;
	uint64_t run; /* run_of() */
};

struct receive *receive_new(const struct receive_options *o)
{
	struct receive *r = xcalloc(1, sizeof(*r));

	r->o = *o;
	pthread_mutex_init(&r->lock, NULL);
	return r;
}

void receive_free(struct receive *r)
{
	if (!r)
		return;
	while (r->scratches)
		sample_free(r->scratch[--r->scratches]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void receive_stop(struct receive *r)
{
	__atomic_store_n(&r->stopped, true, __ATOMIC_RELAXED);
}

void receive_forgotten(struct receive *r, const struct host *h)
{
	if (h->latest)
		__atomic_sub_fetch(&r->latest_bytes, h->latest->size, __ATOMIC_RELAXED);
}

void receive_stats(const struct receive *r, struct receive_stats *ret)
{
	const uint64_t *from = (const uint64_t *)&r->stats;
	uint64_t *to = (uint64_t *)ret;

	for (size_t i = 0; i < sizeof(*ret) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

static struct sample *scratch_take(struct receive *r)
{
	struct sample *s = NULL;

	pthread_mutex_lock(&r->lock);
	if (r->scratches)
		s = r->scratch[--r->scratches];
	pthread_mutex_unlock(&r->lock);
	return s ? s : sample_new();
}

static void scratch_give(struct receive *r, struct sample *s)
{
	bool keep = true;

	for (int i = 0; i < SCOPES; i++)
		keep = keep && s->table[i].room <= SCRATCH_ROWS_MAX;
	pthread_mutex_lock(&r->lock);
	keep = keep && r->scratches < SCRATCHES_MAX;
	if (keep)
		r->scratch[r->scratches++] = s;
	pthread_mutex_unlock(&r->lock);
	if (!keep)
		sample_free(s);
}

static void complain(struct work *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The sender's log gets it; the first complaint is the one that explains. */
static void complain(struct work *w, const char *format, ...)
{
	va_list args;

	if (*w->ack->error)
		return;
	va_start(args, format);
	vsnprintf(w->ack->error, sizeof(w->ack->error), format, args);
	va_end(args);
}

/* What the stream says of itself, as far as it must hold together. */
static bool is_sound(struct work *w)
{
	const struct uplink_stream *in = w->in;

	w->has = (struct delivery_sender){.oldest = in->oldest ? in->oldest : in->newest + 1,
					  .newest = in->newest,
					  .committed = in->committed};
	if (!in->epoch || !in->sender)
		complain(w, "epoch and sender must not be 0");
	else if (in->newest >= UINT64_MAX - 1 || in->committed > in->newest ||
		 w->has.oldest > in->newest + 1)
		complain(w, "oldest, committed and newest do not fit together");
	else if (in->n_frames && (!in->first || in->first > in->newest ||
				  in->n_frames - 1 > in->newest - in->first))
		complain(w, "samples beyond the newest one");
	else
		return true;
	return false;
}

static const char *host_label(const struct host *h)
{
	return *h->name ? h->name : h->id;
}

/* Damaged, unknown, or not the frame that was announced: 0, or why in the ack. */
static int look_at(struct work *w, const struct message_bytes *b, uint64_t sequence,
		   struct frame_head *head)
{
	int r = frame_decode(w->scratch, head, b->p, b->n);

	if (r == -EPROTO) {
		complain(w, "sample %" PRIu64 " has a format that this version does not know",
			 sequence);
		return r;
	}
	if (r < 0) {
		complain(w, "sample %" PRIu64 " is damaged", sequence);
		return r;
	}
	if (strcmp(head->host_id, w->in->host_id) || head->epoch != w->in->epoch ||
	    head->sequence != sequence) {
		complain(w, "sample %" PRIu64 " is another one than was announced", sequence);
		return -EBADMSG;
	}
	return 0;
}

/* Of one sender by epoch and sequence.  Another one that speaks for the host now is newer
 * whatever its epoch (its clock may have been set back), except with an earlier run's rest. */
static bool is_newer(const struct work *w, const struct host *h, const struct frame *f)
{
	const struct frame *than = h->latest;

	if (!than || (h->latest_sender != w->in->sender && !w->in->ended))
		return true;
	return f->epoch != than->epoch ? f->epoch > than->epoch : f->sequence > than->sequence;
}

static void keep(struct work *w, struct host *h, struct frame *f)
{
	COUNT(w->r, frames, 1);
	COUNT(w->r, bytes, f->size);
	h->received++;
	h->received_bytes += f->size;
	if (!is_newer(w, h, f))
		return;
	if (h->latest)
		__atomic_sub_fetch(&w->r->latest_bytes, h->latest->size, __ATOMIC_RELAXED);
	__atomic_add_fetch(&w->r->latest_bytes, f->size, __ATOMIC_RELAXED);
	frame_unref(h->latest);
	h->latest = frame_ref(f);
	h->latest_sender = w->in->sender;
	h->arrived_ns = w->now_ns;
	if (w->r->o.fresh)
		w->r->o.fresh(w->r->o.arg, h, f, w->scratch);
}

/* The newest samples of all hosts stay in memory: are they too much together? */
static bool has_memory(struct work *w, const struct host *h, uint32_t size)
{
	uint64_t all = __atomic_load_n(&w->r->latest_bytes, __ATOMIC_RELAXED);

	if (h->latest && size <= h->latest->size)
		return true;
	if (all + size <= w->r->o.latest_max)
		return true;
	complain(w, "the newest samples of all hosts are more than %" PRIu64 " bytes together",
		 w->r->o.latest_max);
	log_once(LOG_WARNING, "latest-max", "host %s (%s) is refused: %s", host_label(h), h->id,
		 w->ack->error);
	return false;
}

/* One that is damaged stays so and must not hold the others; one of an unknown format
 * waits for a receiver that knows it.  False: the rest is of no use. */
static bool refuse_frame(struct work *w, struct host *h, struct host_stream *s, uint64_t sequence,
			 int why)
{
	char key[HOST_ID_MAX + 16];

	h->refused++;
	COUNT(w->r, refused, 1);
	snprintf(key, sizeof(key), "refused %s", h->id);
	log_once(LOG_WARNING, key, "host %s (%s): %s", host_label(h), h->id, w->ack->error);
	if (why == -EPROTO)
		return false;
	delivery_pass_over(s->delivery, sequence);
	return true;
}

/* False: the rest of the request's frames is of no use. */
static bool take_frame(struct work *w, struct host *h, struct host_stream *s, uint32_t i)
{
	uint64_t sequence = w->in->first + i;
	const struct message_bytes *b = &w->in->frames[i];
	struct frame_head head;
	struct frame *f;
	bool fresh;
	int r;

	if (sequence > delivery_top(s->delivery) + 1)
		return false; /* answered with what is wanted */
	if (!delivery_wants(w->r->o.delivery, s->delivery, sequence)) {
		h->repeated++;
		COUNT(w->r, repeated, 1);
		return true;
	}
	r = look_at(w, b, sequence, &head);
	if (r < 0)
		return refuse_frame(w, h, s, sequence, r);
	if (!has_memory(w, h, b->n))
		return false;
	f = frame_new(&head, b->p, b->n);
	delivery_take(w->r->o.delivery, s->delivery, f, &fresh);
	if (fresh) {
		keep(w, h, f);
	} else {
		COUNT(w->r, again, 1);
		COUNT(w->r, again_bytes, f->size);
	}
	frame_unref(f);
	return true;
}

static void say_conflict(struct work *w, struct host *h, bool before)
{
	const struct senders *s = &h->senders;
	char key[HOST_ID_MAX + 16];

	snprintf(key, sizeof(key), "conflict %s", h->id);
	if (s->conflict) {
		complain(w,
			 "two live senders have the host id %s: %s and %s; nothing is taken of "
			 "either (a cloned /etc/machine-id? give one of them --host-id)",
			 h->id, s->now.name, s->other.name);
		log_once(LOG_ERROR, key, "%s", w->ack->error);
	} else if (before) {
		log_over(key, "host %s (%s): one sender only again",
			 *s->now.name ? s->now.name : host_label(h), h->id);
	}
}

static bool is_same_sender(const struct uplink_stream *a, const struct uplink_stream *b)
{
	return a->sender == b->sender && !strcmp(a->host_id, b->host_id);
}

/* The greatest epoch that the sender of stream i, its first one, speaks of in this request.
 * Who brings an earlier run's rest is a later run, whose own epoch is greater and may still
 * be to come. */
static uint64_t run_of(const struct uplink_request *in, uint32_t i)
{
	const struct uplink_stream *first = &in->streams[i];
	uint64_t run = 0;

	for (; i < in->n_streams && is_same_sender(first, &in->streams[i]); i++)
		if (in->streams[i].epoch + in->streams[i].ended > run)
			run = in->streams[i].epoch + in->streams[i].ended;
	return run;
}

/* Is it this sender that speaks for the host? */
static bool may_speak(struct work *w, struct host *h)
{
	const struct uplink_stream *in = w->in;
	uint64_t silent = host_silent_ns(h);
	bool before = h->senders.conflict;
	enum sender_verdict v;

	if (silent < SENDER_SILENT_NS)
		silent = SENDER_SILENT_NS;
	v = senders_hear(&h->senders, in->sender, in->host_name, w->run, in->wall_ns, w->now_ns,
			 silent);
	say_conflict(w, h, before);
	if (v == SENDER_WAITS)
		complain(w,
			 "another sender with the host id %s, %s, was heard %" PRIu64 " s ago: "
			 "waiting whether it is still there",
			 h->id, h->senders.now.name,
			 clock_since(w->now_ns, h->senders.now.heard_ns) / 1000000000u);
	return v == SENDER_LIVE;
}

static void note(struct work *w, struct host *h, struct host_stream *s)
{
	const struct uplink_stream *in = w->in;

	s->sender = in->sender;
	s->mentioned_ns = w->now_ns;
	s->has = w->has;
	s->lost = in->lost;
	s->spool_bytes = in->spool_bytes;
	s->ended = in->ended;
	h->heard_ns = w->now_ns;
	if (host_current(h) != s)
		return;
	snprintf(h->name, sizeof(h->name), "%s", in->host_name);
	snprintf(h->version, sizeof(h->version), "%s", in->version);
	h->interval_ns = in->interval_ns;
	h->lost_epochs = in->lost_epochs;
	h->skew_ns = (int64_t)(in->wall_ns - w->wall_ns);
}

static void apply(struct work *w, struct host *h)
{
	struct host_stream *s = host_stream_find(h, w->in->epoch);
	uint64_t gap;

	if (!s)
		s = hosts_stream_add(w->r->o.hosts, h, w->in->epoch, w->now_ns);
	if (!s) {
		complain(w, "more than %u epochs of one host at once", HOST_STREAMS_MAX);
		return;
	}
	note(w, h, s);
	gap = delivery_sender_has(s->delivery, &w->has);
	if (gap && !h->said_gap)
		log_warning("host %s (%s): %" PRIu64
			    " samples are lost: its spool had dropped them",
			    host_label(h), h->id, gap);
	h->gaps += gap;
	h->said_gap = gap || (h->said_gap && delivery_top(s->delivery) < w->has.newest);
	for (uint32_t i = 0; i < w->in->n_frames && take_frame(w, h, s, i); i++)
		;
	w->ack->next = delivery_next(w->r->o.delivery, s->delivery, &w->has);
	w->ack->committed = delivery_committed(w->r->o.delivery, s->delivery);
}

/* Without changing anything. */
static void answer_only(struct work *w, struct host *h)
{
	struct host_stream *s = h ? host_stream_find(h, w->in->epoch) : NULL;

	w->ack->next = delivery_peek_next(s ? s->delivery : NULL, &w->has);
	w->ack->committed = w->has.committed;
	if (s && delivery_committed(w->r->o.delivery, s->delivery) > w->ack->committed)
		w->ack->committed = delivery_committed(w->r->o.delivery, s->delivery);
}

static void one_stream(struct work *w, bool applied)
{
	struct host *h;

	memcpy(w->ack->host_id, w->in->host_id, sizeof(w->ack->host_id));
	w->ack->epoch = w->in->epoch;
	if (!is_sound(w)) {
		/* It is not asked for more of that. */
		w->ack->next = w->in->newest + 1;
		return;
	}
	h = hosts_get(w->r->o.hosts, w->in->host_id, applied);
	if (!h && applied) {
		COUNT(w->r, hosts_refused, 1);
		complain(w, "no more hosts are taken here: --max-hosts is reached");
		log_once(LOG_WARNING, "max-hosts",
			 "host %s (%s) is refused: --max-hosts is reached", w->in->host_name,
			 w->in->host_id);
	}
	if (h)
		pthread_mutex_lock(&h->lock);
	if (h && applied && may_speak(w, h))
		apply(w, h);
	else
		answer_only(w, h);
	if (h) {
		pthread_mutex_unlock(&h->lock);
		hosts_put(h);
	}
}

int receive_request(struct receive *r, const void *bytes, size_t n, uint64_t now_ns,
		    uint64_t wall_ns, struct buf *reply)
{
	struct uplink_request in;
	struct uplink_reply out = {.instance = r->o.instance};
	bool stopped = __atomic_load_n(&r->stopped, __ATOMIC_RELAXED);
	struct sample *scratch;
	uint64_t run = 0;
	int error;

	COUNT(r, requests, 1);
	error = uplink_request_decode(&in, bytes, n);
	if (error < 0) {
		COUNT(r, bad_requests, 1);
		return error;
	}
	out.n_acks = in.n_streams;
	out.acks = xcalloc(in.n_streams, sizeof(*out.acks));
	scratch = scratch_take(r);
	for (uint32_t i = 0; i < in.n_streams; i++) {
		struct work w = {.r = r,
				 .in = &in.streams[i],
				 .ack = &out.acks[i],
				 .scratch = scratch,
				 .now_ns = now_ns,
				 .wall_ns = wall_ns};

		/* What is of one sender lies together. */
		if (!i || !is_same_sender(w.in - 1, w.in))
			run = run_of(&in, i);
		w.run = run;
		one_stream(&w, in.instance == r->o.instance && !stopped);
	}
	scratch_give(r, scratch);
	uplink_reply_encode(reply, &out);
	free(out.acks);
	uplink_request_fini(&in);
	return reply->error;
}
