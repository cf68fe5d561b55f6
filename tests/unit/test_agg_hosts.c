/* SPDX-License-Identifier: Apache-2.0 */
/* The hosts of an aggregator: bounds, silence, forgetting, epochs, two of one name or id. */
#include "receive_kit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
