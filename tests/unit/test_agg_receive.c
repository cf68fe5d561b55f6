/* SPDX-License-Identifier: Apache-2.0 */
/* What an aggregator takes of senders, once, and what it refuses. */
#include "receive_kit.h"

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
		cmocka_unit_test(several_threads_at_once),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
