/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_RECEIVE_KIT_H
#define PROXTOP_TEST_RECEIVE_KIT_H

/* What the tests of receiving share: an aggregator's hosts, and senders that are only messages. */
#include "log.h"
#include "receive.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S        UINT64_C(1000000000)
#define WALL     (UINT64_C(1790000000) * S)
#define INSTANCE 77u
#define FRAMES   32u

/* ---- the receiver under test, with one target that remembers ---- */

struct kit {
	struct delivery *delivery;
	struct hosts *hosts;
	struct receive *receive;
	uint64_t now_ns;
	unsigned fresh;
	unsigned put;
	uint32_t stream;
	struct buf reply;
	struct uplink_reply out; /* of the last request */
};

static inline bool put(void *arg, const struct delivery_item *item)
{
	struct kit *k = arg;

	__atomic_add_fetch(&k->put, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&k->stream, item->stream, __ATOMIC_RELAXED);
	return true;
}

static inline void fresh(void *arg, struct host *h, struct frame *f, const struct sample *s)
{
	struct kit *k = arg;

	/* What is in it: the frame, decoded. */
	assert_int_equal(s->sequence, f->sequence);
	assert_non_null(h);
	__atomic_add_fetch(&k->fresh, 1, __ATOMIC_RELAXED);
}

static inline void kit_open(struct kit *k, unsigned max_hosts, bool with_target)
{
	struct delivery_target t = {.required = true, .put = put, .arg = k};
	struct receive_options o = {.instance = INSTANCE, .fresh = fresh, .arg = k};

	*k = (struct kit){.now_ns = 1000 * S};
	k->delivery = delivery_new();
	if (with_target)
		delivery_add(k->delivery, &t);
	k->hosts = hosts_new(max_hosts, k->delivery);
	o.hosts = k->hosts;
	o.latest_max = 1 << 20;
	o.delivery = k->delivery;
	k->receive = receive_new(&o);
	buf_init(&k->reply, MESSAGE_MAX);
}

static inline void kit_close(struct kit *k)
{
	uplink_reply_fini(&k->out);
	buf_fini(&k->reply);
	receive_free(k->receive);
	hosts_free(k->hosts);
	delivery_free(k->delivery);
}

/* ---- a sender ---- */

struct agent {
	const char *id, *name;
	uint64_t epoch, sender, oldest, newest, committed, lost, wall_ns;
	/* How its frames differ from what is announced. */
	const char *frame_id;
	uint64_t frame_epoch, damage; /* damage: the sequence that is damaged */
	uint64_t shift;
	bool ended;
};

static inline struct agent agent(const char *id, uint64_t epoch, uint64_t sender, uint64_t newest)
{
	return (struct agent){.id = id,
			      .name = "node",
			      .epoch = epoch,
			      .sender = sender,
			      .oldest = 1,
			      .newest = newest,
			      .wall_ns = WALL};
}

static inline void frame_bytes(const struct agent *a, uint64_t sequence, struct buf *to)
{
	struct frame_head head = {.epoch = a->frame_epoch ? a->frame_epoch : a->epoch,
				  .sequence = sequence + a->shift,
				  .boot_ns = sequence * S,
				  .wall_ns = WALL + sequence * S,
				  .interval_ns = S};
	struct sample *s = sample_new();
	uint32_t row = sample_row(s, SCOPE_VM, NO_ROW, 1);

	snprintf(head.host_id, sizeof(head.host_id), "%s", a->frame_id ? a->frame_id : a->id);
	snprintf(head.host_name, sizeof(head.host_name), "%s", a->name);
	snprintf(head.version, sizeof(head.version), "1.0");
	sample_set_text(s, SCOPE_VM, row, M_UUID, "6b2c0b1e-0000-4000-8000-000000000001");
	sample_set(s, SCOPE_VM, row, M_IO_READ, sequence * 1000);
	assert_int_equal(frame_encode(to, &head, s), 0);
	if (a->damage == sequence)
		to->data[to->used / 2] ^= 0x55;
	sample_free(s);
}

/* A request of one stream with the frames from first to last (0: none). */
static inline void encode(const struct agent *a, uint64_t instance, uint64_t first, uint64_t last,
			  struct buf *to)
{
	struct message_bytes list[FRAMES];
	struct buf frame[FRAMES];
	struct uplink_stream in = {.epoch = a->epoch,
				   .sender = a->sender,
				   .oldest = a->oldest,
				   .newest = a->newest,
				   .committed = a->committed,
				   .lost = a->lost,
				   .interval_ns = S,
				   .wall_ns = a->wall_ns,
				   .ended = a->ended,
				   .first = first,
				   .frames = list};
	struct uplink_request q = {.instance = instance, .n_streams = 1, .streams = &in};

	snprintf(in.host_id, sizeof(in.host_id), "%s", a->id);
	snprintf(in.host_name, sizeof(in.host_name), "%s", a->name);
	snprintf(in.version, sizeof(in.version), "1.0");
	in.n_frames = first ? (uint32_t)(last - first + 1) : 0;
	assert_true(in.n_frames <= FRAMES);
	for (uint32_t i = 0; i < in.n_frames; i++) {
		buf_init(&frame[i], FRAME_MAX);
		frame_bytes(a, first + i, &frame[i]);
		list[i] = (struct message_bytes){.p = (const uint8_t *)frame[i].data,
						 .n = (uint32_t)frame[i].used};
	}
	uplink_request_encode(to, &q);
	assert_int_equal(to->error, 0);
	for (uint32_t i = 0; i < in.n_frames; i++)
		buf_fini(&frame[i]);
}

/* Sends it; every request is a little later, by both clocks. */
static inline const struct uplink_ack *ask(struct kit *k, struct agent *a, uint64_t instance,
					   uint64_t first, uint64_t last)
{
	struct buf b;
	int r;

	k->now_ns += S / 100;
	a->wall_ns += S / 100;
	buf_init(&b, MESSAGE_MAX);
	encode(a, instance, first, last, &b);
	buf_clear(&k->reply);
	r = receive_request(k->receive, b.data, b.used, k->now_ns, a->wall_ns, &k->reply);
	assert_int_equal(r, 0);
	buf_fini(&b);
	uplink_reply_fini(&k->out);
	assert_int_equal(uplink_reply_decode(&k->out, k->reply.data, k->reply.used), 0);
	assert_int_equal(k->out.instance, INSTANCE);
	assert_int_equal(k->out.n_acks, 1);
	assert_string_equal(k->out.acks[0].host_id, a->id);
	assert_int_equal(k->out.acks[0].epoch, a->epoch);
	return k->out.acks;
}

#define expect(ack_, next_, committed_, error_)                                                    \
	do {                                                                                       \
		const struct uplink_ack *got = (ack_);                                             \
		const char *say = (error_);                                                        \
		if (got->next != (next_) || got->committed != (committed_) ||                      \
		    !say != !*got->error || (say && !strstr(got->error, say)))                     \
			fail_msg("line %d: next %lu, committed %lu, '%s'; not %lu, %lu, '%s'",     \
				 __LINE__, got->next, got->committed, got->error,                  \
				 (uint64_t)(next_), (uint64_t)(committed_), say ? say : "");       \
	} while (0)

/* What the table knows of a host; fields are copied while it is locked. */
static inline struct host look(struct kit *k, const char *id)
{
	struct host *h = hosts_get(k->hosts, id, false), copy = {0};

	if (!h)
		return copy;
	pthread_mutex_lock(&h->lock);
	copy = *h;
	pthread_mutex_unlock(&h->lock);
	hosts_put(h);
	return copy;
}

static inline struct receive_stats stats(struct kit *k)
{
	struct receive_stats s;

	receive_stats(k->receive, &s);
	return s;
}

#endif
