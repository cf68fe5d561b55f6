/* SPDX-License-Identifier: Apache-2.0 */
/* The receiver without sockets: real requests in, what it keeps and what it answers. */
#include "receive.h"

#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
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

static bool put(void *arg, const struct delivery_item *item)
{
	struct kit *k = arg;

	__atomic_add_fetch(&k->put, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&k->stream, item->stream, __ATOMIC_RELAXED);
	return true;
}

static void fresh(void *arg, struct host *h, struct frame *f, const struct sample *s)
{
	struct kit *k = arg;

	/* What is in it: the frame, decoded. */
	assert_int_equal(s->sequence, f->sequence);
	assert_non_null(h);
	__atomic_add_fetch(&k->fresh, 1, __ATOMIC_RELAXED);
}

static void kit_open(struct kit *k, unsigned max_hosts, bool with_target)
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

static void kit_close(struct kit *k)
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

static struct agent agent(const char *id, uint64_t epoch, uint64_t sender, uint64_t newest)
{
	return (struct agent){.id = id,
			      .name = "node",
			      .epoch = epoch,
			      .sender = sender,
			      .oldest = 1,
			      .newest = newest,
			      .wall_ns = WALL};
}

static void frame_bytes(const struct agent *a, uint64_t sequence, struct buf *to)
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
static void encode(const struct agent *a, uint64_t instance, uint64_t first, uint64_t last,
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
static const struct uplink_ack *ask(struct kit *k, struct agent *a, uint64_t instance,
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
static struct host look(struct kit *k, const char *id)
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

static struct receive_stats stats(struct kit *k)
{
	struct receive_stats s;

	receive_stats(k->receive, &s);
	return s;
}

/* ---- one sender ---- */

static void samples_are_taken_once(void **state)
{
	struct agent a = agent("a", 10, 1, 3);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	expect(ask(&k, &a, INSTANCE, 0, 0), 1, 0, NULL);
	expect(ask(&k, &a, INSTANCE, 1, 2), 3, 2, NULL);
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	assert_int_equal(k.fresh, 3);
	assert_int_equal(stats(&k).frames, 3);
	assert_int_equal(stats(&k).repeated, 2);
	assert_int_equal(look(&k, "a").received, 3);
	assert_string_equal(look(&k, "a").name, "node");
	assert_int_equal(look(&k, "a").latest->sequence, 3);
	kit_close(&k);
}

static void a_request_for_another_run_changes_nothing(void **state)
{
	struct agent a = agent("a", 10, 1, 9);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	a.oldest = a.committed = 4;
	expect(ask(&k, &a, 0, 5, 9), 4, 4, NULL);
	expect(ask(&k, &a, INSTANCE + 1, 5, 9), 4, 4, NULL);
	assert_null(look(&k, "a").latest);
	assert_int_equal(*look(&k, "a").id, 0);
	expect(ask(&k, &a, INSTANCE, 4, 6), 7, 6, NULL);
	/* From before it was known: neither taken, nor does it take anything back. */
	a.committed = 0;
	a.oldest = 1;
	expect(ask(&k, &a, INSTANCE + 1, 7, 9), 7, 6, NULL);
	assert_int_equal(look(&k, "a").latest->sequence, 6);
	kit_close(&k);
}

static void what_is_too_far_on_is_refused(void **state)
{
	struct agent a = agent("a", 10, 1, 9);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	expect(ask(&k, &a, INSTANCE, 3, 9), 1, 0, NULL);
	expect(ask(&k, &a, INSTANCE, 1, 2), 3, 2, NULL);
	expect(ask(&k, &a, INSTANCE, 4, 9), 3, 2, NULL);
	assert_int_equal(k.fresh, 2);
	/* The spool had to drop 3 to 5. */
	a.oldest = 6;
	a.lost = 3;
	expect(ask(&k, &a, INSTANCE, 6, 9), 10, 9, NULL);
	assert_int_equal(look(&k, "a").gaps, 3);
	assert_int_equal(look(&k, "a").streams->lost, 3);
	kit_close(&k);
}

static void outputs_decide_what_is_committed(void **state)
{
	struct agent a = agent("a", 10, 1, 5);
	struct kit k;

	(void)state;
	kit_open(&k, 10, true);
	expect(ask(&k, &a, INSTANCE, 1, 5), 6, 0, NULL);
	assert_int_equal(k.put, 5);
	hosts_done(k.hosts, k.stream, 0, a.epoch, 4);
	expect(ask(&k, &a, INSTANCE, 0, 0), 6, 4, NULL);
	/* Of another stream, or of nobody's. */
	hosts_done(k.hosts, k.stream + 1, 0, a.epoch, 5);
	hosts_done(k.hosts, k.stream, 0, a.epoch + 1, 5);
	hosts_done(k.hosts, UINT32_MAX, 0, a.epoch, 5);
	expect(ask(&k, &a, INSTANCE, 0, 0), 6, 4, NULL);
	hosts_done(k.hosts, k.stream, 0, a.epoch, 5);
	expect(ask(&k, &a, INSTANCE, 0, 0), 6, 5, NULL);
	kit_close(&k);
}

static void the_last_word_is_an_answer(void **state)
{
	struct agent a = agent("a", 10, 1, 5);
	struct kit k;

	(void)state;
	kit_open(&k, 10, true);
	expect(ask(&k, &a, INSTANCE, 1, 2), 3, 0, NULL);
	receive_stop(k.receive);
	hosts_done(k.hosts, k.stream, 0, a.epoch, 2);
	expect(ask(&k, &a, INSTANCE, 3, 5), 3, 2, NULL);
	assert_int_equal(k.put, 2);
	kit_close(&k);
}

/* ---- what is wrong ---- */

static void what_does_not_hold_together_is_refused(void **state)
{
	static const struct {
		const char *id;
		uint64_t epoch, sender, oldest, newest, committed, first, last;
		const char *error;
	} cases[] = {
		{"a", 0, 1, 1, 1, 0, 1, 1, "must not be 0"},
		{"a", 1, 0, 1, 1, 0, 1, 1, "must not be 0"},
		{"a", 1, 1, 1, 3, 4, 0, 0, "do not fit"},
		{"a", 1, 1, 5, 3, 0, 0, 0, "do not fit"},
		{"a", 1, 1, 1, UINT64_MAX, 0, 0, 0, "do not fit"},
		{"a", 1, 1, 1, 3, 0, 2, 4, "beyond the newest"},
		{"a", 1, 1, 1, 3, 0, 4, 4, "beyond the newest"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct agent a = {.id = cases[i].id,
				  .name = "n",
				  .epoch = cases[i].epoch,
				  .sender = cases[i].sender,
				  .oldest = cases[i].oldest,
				  .newest = cases[i].newest,
				  .committed = cases[i].committed,
				  .wall_ns = WALL};
		const struct uplink_ack *ack;
		struct kit k;

		kit_open(&k, 10, false);
		ack = ask(&k, &a, INSTANCE, cases[i].first, cases[i].last);
		if (!strstr(ack->error, cases[i].error))
			fail_msg("case %zu: says '%s'", i, ack->error);
		assert_int_equal(stats(&k).frames, 0);
		assert_int_equal(hosts_numbers(k.hosts), 0);
		kit_close(&k);
	}
}

static void a_damaged_sample_holds_nobody(void **state)
{
	static const struct {
		const char *id;
		uint64_t epoch, damage, shift;
		const char *error;
	} cases[] = {
		{NULL, 0, 2, 0, "2 is"},
		{"b", 0, 0, 0, "1 is another"},
		{NULL, 11, 0, 0, "1 is another"},
		{NULL, 0, 0, 1, "1 is another"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct agent a = agent("a", 10, 1, 3);
		const struct uplink_ack *ack;
		struct kit k;

		a.frame_id = cases[i].id;
		a.frame_epoch = cases[i].epoch;
		a.damage = cases[i].damage;
		a.shift = cases[i].shift;
		kit_open(&k, 10, true);
		ack = ask(&k, &a, INSTANCE, 1, 3);
		if (ack->next != 4 || !strstr(ack->error, cases[i].error))
			fail_msg("case %zu: next %lu, '%s'", i, ack->next, ack->error);
		assert_int_equal(stats(&k).refused, a.damage ? 1 : 3);
		assert_int_equal(k.put, a.damage ? 2 : 0);
		if (a.damage)
			hosts_done(k.hosts, k.stream, 0, a.epoch, 3);
		expect(ask(&k, &a, INSTANCE, 0, 0), 4, 3, NULL);
		kit_close(&k);
	}
}

static void no_bytes_do_harm(void **state)
{
	struct agent a = agent("a", 10, 1, 3);
	uint64_t random = 88172645463325252u;
	struct buf b;
	struct kit k;

	(void)state;
	kit_open(&k, 4, true);
	buf_init(&b, MESSAGE_MAX);
	encode(&a, INSTANCE, 1, 3, &b);
	assert_int_equal(receive_request(k.receive, "", 0, 1, 1, &k.reply), -EBADMSG);
	for (size_t n = 0; n < b.used; n++)
		assert_true(receive_request(k.receive, b.data, n, 1, 1, &k.reply) < 0);
	assert_int_equal(stats(&k).frames, 0);
	for (unsigned i = 0; i < 20000; i++) {
		size_t at;
		char was;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		at = (size_t)(random >> 20) % b.used;
		was = b.data[at];
		b.data[at] = (char)(random >> 8);
		buf_clear(&k.reply);
		receive_request(k.receive, b.data, b.used, i * S, WALL + i, &k.reply);
		b.data[at] = was;
	}
	assert_true(stats(&k).bad_requests > 0);
	buf_fini(&b);
	kit_close(&k);
}

/* ---- hosts and epochs ---- */

static void two_hosts_of_one_name_stay_two(void **state)
{
	struct agent a = agent("a", 10, 1, 3), b = agent("b", 10, 2, 3);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	expect(ask(&k, &b, INSTANCE, 1, 1), 2, 1, NULL);
	assert_string_equal(look(&k, "a").name, look(&k, "b").name);
	assert_int_not_equal(look(&k, "a").number, look(&k, "b").number);
	kit_close(&k);
}

static void hosts_beyond_the_bound_are_refused(void **state)
{
	struct agent a = agent("a", 10, 1, 3), b = agent("b", 10, 2, 3);
	struct kit k;

	(void)state;
	kit_open(&k, 1, false);
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	expect(ask(&k, &b, INSTANCE, 1, 3), 1, 0, "--max-hosts");
	assert_int_equal(stats(&k).hosts_refused, 1);
	/* When the first one is forgotten there is room. */
	hosts_forget(k.hosts, k.now_ns + 100 * S, 200 * S, NULL, NULL);
	assert_string_equal(look(&k, "a").id, "a");
	hosts_forget(k.hosts, k.now_ns + 300 * S, 200 * S, NULL, NULL);
	assert_int_equal(*look(&k, "a").id, 0);
	expect(ask(&k, &b, INSTANCE, 1, 3), 4, 3, NULL);
	assert_int_equal(look(&k, "b").number, 0);
	kit_close(&k);
}

static void the_newest_samples_are_bounded_together(void **state)
{
	struct agent a = agent("a", 10, 1, 3), b = agent("b", 10, 2, 3);
	struct receive_options o = {.instance = INSTANCE};
	struct buf frame;
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	buf_init(&frame, FRAME_MAX);
	frame_bytes(&a, 1, &frame);
	o.hosts = k.hosts;
	o.delivery = k.delivery;
	o.latest_max = frame.used + frame.used / 2;
	receive_free(k.receive);
	k.receive = receive_new(&o);
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	expect(ask(&k, &b, INSTANCE, 1, 3), 1, 0, "bytes together");
	receive_forgotten(k.receive, &(struct host){.latest = look(&k, "a").latest});
	expect(ask(&k, &b, INSTANCE, 1, 3), 4, 3, NULL);
	buf_fini(&frame);
	kit_close(&k);
}

static void an_output_keeps_a_host_from_being_forgotten(void **state)
{
	struct agent a = agent("a", 10, 1, 3);
	struct kit k;

	(void)state;
	kit_open(&k, 10, true);
	ask(&k, &a, INSTANCE, 1, 3);
	hosts_forget(k.hosts, k.now_ns + 1000 * S, S, NULL, NULL);
	assert_string_equal(look(&k, "a").id, "a");
	hosts_done(k.hosts, k.stream, 0, a.epoch, 3);
	hosts_forget(k.hosts, k.now_ns + 1000 * S, S, NULL, NULL);
	assert_int_equal(*look(&k, "a").id, 0);
	kit_close(&k);
}

static void a_host_grows_stale(void **state)
{
	struct agent a = agent("a", 10, 1, 3);
	struct host h;
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	ask(&k, &a, INSTANCE, 0, 0);
	h = look(&k, "a");
	assert_true(host_is_stale(&h, k.now_ns));
	ask(&k, &a, INSTANCE, 1, 3);
	h = look(&k, "a");
	assert_false(host_is_stale(&h, k.now_ns + 3 * S));
	assert_true(host_is_stale(&h, k.now_ns + 3 * S + 1));
	/* Requests without samples do not keep it alive. */
	k.now_ns += 3 * S;
	ask(&k, &a, INSTANCE, 0, 0);
	h = look(&k, "a");
	assert_true(host_is_stale(&h, k.now_ns));
	kit_close(&k);
}

static void the_rest_of_an_earlier_epoch_is_not_the_latest(void **state)
{
	struct agent old = agent("a", 10, 2, 9), now = agent("a", 11, 2, 2);
	struct kit k;

	(void)state;
	kit_open(&k, 10, true);
	expect(ask(&k, &old, INSTANCE, 1, 4), 5, 0, NULL);
	expect(ask(&k, &now, INSTANCE, 1, 2), 3, 0, NULL);
	assert_int_equal(k.fresh, 6);
	expect(ask(&k, &old, INSTANCE, 5, 9), 10, 0, NULL);
	/* Delivered, but not shown as what is now. */
	assert_int_equal(k.put, 11);
	assert_int_equal(k.fresh, 6);
	assert_int_equal(look(&k, "a").latest->epoch, 11);
	assert_int_equal(look(&k, "a").n_streams, 2);
	kit_close(&k);
}

static void epochs_of_one_host_are_bounded(void **state)
{
	struct agent a = agent("a", 1, 1, 1);
	struct kit k;

	(void)state;
	kit_open(&k, 10, true);
	for (a.epoch = 1; a.epoch <= HOST_STREAMS_MAX; a.epoch++)
		expect(ask(&k, &a, INSTANCE, 1, 1), 2, 0, NULL);
	expect(ask(&k, &a, INSTANCE, 1, 1), 0, 0, "epochs");
	/* What no output holds and nobody speaks of makes room. */
	hosts_done(k.hosts, 5, 0, 6, 1);
	k.now_ns += 2 * SENDER_SILENT_NS;
	expect(ask(&k, &a, INSTANCE, 1, 1), 2, 0, NULL);
	assert_int_equal(look(&k, "a").n_streams, HOST_STREAMS_MAX);
	kit_close(&k);
}

static void old_epochs_are_forgotten_with_their_losses_kept(void **state)
{
	struct agent old = agent("a", 10, 2, 9), now = agent("a", 11, 2, 2);
	struct host *h;
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	old.oldest = 4;
	old.lost = 3;
	ask(&k, &old, INSTANCE, 4, 9);
	now.lost = 1;
	ask(&k, &now, INSTANCE, 1, 2);
	hosts_forget(k.hosts, k.now_ns + STREAM_FORGET_NS, STREAM_FORGET_NS * 2, NULL, NULL);
	h = hosts_get(k.hosts, "a", false);
	assert_int_equal(h->n_streams, 1);
	assert_int_equal(host_current(h)->epoch, 11);
	assert_int_equal(host_lost(h), 4);
	hosts_put(h);
	kit_close(&k);
}

/* ---- who speaks for a host ---- */

static void two_live_senders_are_both_refused(void **state)
{
	struct agent a = agent("a", 10, 1, 30), b = agent("a", 20, 2, 30);
	struct host h;
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	a.name = "first";
	b.name = "second";
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	b.wall_ns = a.wall_ns;
	/* A greater epoch, the other one just heard: a restart, as far as one can know. */
	expect(ask(&k, &b, INSTANCE, 1, 1), 2, 1, NULL);
	a.wall_ns += S;
	expect(ask(&k, &a, INSTANCE, 4, 4), 4, 3, "two live senders");
	assert_non_null(strstr(k.out.acks->error, "first"));
	assert_non_null(strstr(k.out.acks->error, "second"));
	b.wall_ns = a.wall_ns;
	expect(ask(&k, &b, INSTANCE, 2, 2), 2, 1, "two live senders");
	assert_true(look(&k, "a").senders.conflict);
	/* One falls silent: the other one is taken again. */
	for (int i = 0; i < 3; i++) {
		k.now_ns += SENDER_SILENT_NS / 4;
		expect(ask(&k, &b, INSTANCE, 2, 2), 2, 1, "two live senders");
	}
	k.now_ns += SENDER_SILENT_NS / 4;
	expect(ask(&k, &b, INSTANCE, 2, 2), 3, 2, NULL);
	assert_false(look(&k, "a").senders.conflict);
	/* Now the other way round: what is shown is of who is left, whatever its epoch. */
	k.now_ns += 2 * SENDER_SILENT_NS;
	a.wall_ns = b.wall_ns + S;
	expect(ask(&k, &a, INSTANCE, 4, 5), 6, 5, NULL);
	h = look(&k, "a");
	assert_int_equal(h.latest->epoch, 10);
	assert_int_equal(host_current(&h)->epoch, 10);
	assert_string_equal(h.name, "first");
	kit_close(&k);
}

static void a_restart_is_none(void **state)
{
	struct agent a = agent("a", 10, 1, 30), b = agent("a", 20, 2, 30);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	for (uint64_t i = 1; i <= 10; i++)
		expect(ask(&k, &a, INSTANCE, i, i), i + 1, i, NULL);
	b.wall_ns = a.wall_ns + S;
	for (uint64_t i = 1; i <= 5; i++)
		expect(ask(&k, &b, INSTANCE, i, i), i + 1, i, NULL);
	/* What the earlier run had sent before it ended comes late, or is played again. */
	expect(ask(&k, &a, INSTANCE, 11, 11), 11, 10, NULL);
	a.wall_ns -= S / 2;
	expect(ask(&k, &a, INSTANCE, 11, 11), 11, 10, NULL);
	expect(ask(&k, &b, INSTANCE, 6, 6), 7, 6, NULL);
	assert_int_equal(look(&k, "a").latest->epoch, 20);
	kit_close(&k);
}

/* It was killed while the aggregator hung: the next run speaks of that one's rest first. */
static void a_restart_with_a_rest_is_believed_at_once(void **state)
{
	struct agent a = agent("a", 10, 1, 30), rest = agent("a", 10, 2, 12);
	struct agent b = agent("a", 20, 2, 30);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	expect(ask(&k, &a, INSTANCE, 1, 10), 11, 10, NULL);
	rest.ended = true;
	rest.committed = 9;
	rest.wall_ns = a.wall_ns;
	expect(ask(&k, &rest, INSTANCE, 11, 12), 13, 12, NULL);
	b.wall_ns = rest.wall_ns;
	expect(ask(&k, &b, INSTANCE, 1, 1), 2, 1, NULL);
	/* A clone with a copy of the spool is seen all the same. */
	a.wall_ns = b.wall_ns + S;
	expect(ask(&k, &a, INSTANCE, 11, 11), 13, 12, "two live senders");
	kit_close(&k);
}

static void a_smaller_epoch_waits_for_silence(void **state)
{
	struct agent a = agent("a", 10, 1, 30), b = agent("a", 5, 2, 30);
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	/* The clock was set back while the host rebooted. */
	for (int i = 0; i < 4; i++) {
		expect(ask(&k, &b, INSTANCE, 1, 1), 1, 0, "waiting");
		k.now_ns += SENDER_SILENT_NS / 5;
	}
	k.now_ns += SENDER_SILENT_NS / 5;
	expect(ask(&k, &b, INSTANCE, 1, 1), 2, 1, NULL);
	expect(ask(&k, &b, INSTANCE, 2, 2), 3, 2, NULL);
	/* But a clone that goes on is seen, whoever of the two has the greater epoch. */
	a.wall_ns = b.wall_ns + S;
	expect(ask(&k, &a, INSTANCE, 4, 4), 4, 3, "two live senders");
	kit_close(&k);
}

static void a_slow_clock_does_not_hide_a_clone(void **state)
{
	struct agent a = agent("a", 10, 1, 30), b = agent("a", 20, 2, 30);
	bool seen = false;
	struct kit k;

	(void)state;
	kit_open(&k, 10, false);
	expect(ask(&k, &a, INSTANCE, 1, 3), 4, 3, NULL);
	b.wall_ns = a.wall_ns + 3600 * S;
	for (uint64_t i = 1; i <= 8 && !seen; i++) {
		ask(&k, &b, INSTANCE, i, i);
		seen = *ask(&k, &a, INSTANCE, 0, 0)->error;
	}
	assert_true(seen);
	kit_close(&k);
}

/* ---- several at once ---- */

#define THREADS 4
#define ROUNDS  60u

struct sending {
	struct kit *k;
	char own[8];
	uint64_t wall_ns;
};

/* Each thread sends a host of its own, and all send one together (a resent message). */
static void *send_all(void *arg)
{
	struct sending *s = arg;

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		struct agent own = agent(s->own, 10, 1, ROUNDS), one = agent("one", 10, 1, ROUNDS);
		struct buf b, reply;

		own.wall_ns = one.wall_ns = WALL + i;
		buf_init(&b, MESSAGE_MAX);
		buf_init(&reply, MESSAGE_MAX);
		encode(&own, INSTANCE, i, i, &b);
		assert_int_equal(
			receive_request(s->k->receive, b.data, b.used, i * S, WALL, &reply), 0);
		buf_clear(&b);
		encode(&one, INSTANCE, i, i, &b);
		assert_int_equal(
			receive_request(s->k->receive, b.data, b.used, i * S, WALL, &reply), 0);
		hosts_done(s->k->hosts, __atomic_load_n(&s->k->stream, __ATOMIC_RELAXED), 0, 10, i);
		hosts_forget(s->k->hosts, i * S, 1000 * S, NULL, NULL);
		buf_fini(&b);
		buf_fini(&reply);
	}
	return NULL;
}

static void several_threads_at_once(void **state)
{
	struct sending s[THREADS];
	pthread_t thread[THREADS];
	struct kit k;

	(void)state;
	kit_open(&k, 10, true);
	for (int i = 0; i < THREADS; i++) {
		s[i] = (struct sending){.k = &k};
		snprintf(s[i].own, sizeof(s[i].own), "h%d", i);
		assert_int_equal(pthread_create(&thread[i], NULL, send_all, &s[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(look(&k, s[i].own).received, ROUNDS);
	assert_int_equal(stats(&k).frames, k.put);
	assert_true(look(&k, "one").received > 0);
	assert_true(look(&k, "one").received <= ROUNDS);
	kit_close(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_taken_once),
		cmocka_unit_test(a_request_for_another_run_changes_nothing),
		cmocka_unit_test(what_is_too_far_on_is_refused),
		cmocka_unit_test(outputs_decide_what_is_committed),
		cmocka_unit_test(the_last_word_is_an_answer),
		cmocka_unit_test(what_does_not_hold_together_is_refused),
		cmocka_unit_test(a_damaged_sample_holds_nobody),
		cmocka_unit_test(no_bytes_do_harm),
		cmocka_unit_test(two_hosts_of_one_name_stay_two),
		cmocka_unit_test(hosts_beyond_the_bound_are_refused),
		cmocka_unit_test(the_newest_samples_are_bounded_together),
		cmocka_unit_test(an_output_keeps_a_host_from_being_forgotten),
		cmocka_unit_test(a_host_grows_stale),
		cmocka_unit_test(the_rest_of_an_earlier_epoch_is_not_the_latest),
		cmocka_unit_test(epochs_of_one_host_are_bounded),
		cmocka_unit_test(old_epochs_are_forgotten_with_their_losses_kept),
		cmocka_unit_test(two_live_senders_are_both_refused),
		cmocka_unit_test(a_restart_is_none),
		cmocka_unit_test(a_restart_with_a_rest_is_believed_at_once),
		cmocka_unit_test(a_smaller_epoch_waits_for_silence),
		cmocka_unit_test(a_slow_clock_does_not_hide_a_clone),
		cmocka_unit_test(several_threads_at_once),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
