/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as a target of delivery: what is done when, and what holds whom. */
#include "aggregator_clock.h"
#include "capture.h"
#include "profile_target.h"
#include "vm_values.h"
#include "xalloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define S        UINT64_C(1000000000)
#define WALL     (UINT64_C(1790000000) * S)
#define FAMILIES (1u << F_CPU | 1u << F_MEM)
#define VMS      4u
#define PATIENCE 20000 /* ms */

struct lab {
	struct profile_settings settings;
	struct profiler *profiler;
	struct profile_store *store;
	struct profile_notes *notes;
	struct delivery *delivery;
	struct hosts *hosts;
	struct host *host;
	struct host_stream *stream;
	struct profile_target *target;
	char dir[64];
	struct capture stderr_;
	uint64_t sequence;
};

static int setup(void **state)
{
	struct lab *l = xcalloc(1, sizeof(*l));

	/* In memory where that is possible: each save waits for its disk. */
	snprintf(l->dir, sizeof(l->dir), "%s/test_profile_target.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(l->dir))
		return -1;
	capture_begin(&l->stderr_);
	*state = l;
	return 0;
}

static void begin(struct lab *l, bool kept, uint64_t save_ns)
{
	struct profiler_options po = {
		.settings = &l->settings, .max_vms = 1000, .max_hosts = 4, .max_bytes = UINT64_MAX};
	struct profile_target_options to = {.families = FAMILIES, .save_ns = save_ns};
	char why[512] = "";

	l->settings.markov = (struct markov_settings){.states = 4, .history = 1, .buffersize = 1};
	vm_values_settings(&l->settings, FAMILIES, 0);
	l->profiler = profiler_new(&po);
	if (kept && profile_store_open(&l->store, l->dir, l->profiler, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	l->notes = profile_notes_new(4);
	l->delivery = delivery_new();
	to.delivery = l->delivery;
	to.profiler = l->profiler;
	to.store = l->store;
	to.notes = l->notes;
	if (profile_target_new(&l->target, &to, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	l->hosts = hosts_new(4, l->delivery);
	l->host = hosts_get(l->hosts, "h", true);
	pthread_mutex_lock(&l->host->lock);
	l->stream = hosts_stream_add(l->hosts, l->host, 7, 1);
	pthread_mutex_unlock(&l->host->lock);
}

static void start(struct lab *l)
{
	char why[512] = "";

	if (profile_target_start(l->target, l->hosts, why, sizeof(why)) < 0)
		fail_msg("%s", why);
}

static int teardown(void **state)
{
	struct lab *l = *state;
	char command[128];

	capture_end(&l->stderr_);
	profile_target_close(l->target);
	if (l->host)
		hosts_put(l->host);
	hosts_free(l->hosts);
	delivery_free(l->delivery);
	profile_notes_free(l->notes);
	profile_store_close(l->store);
	profiler_free(l->profiler);
	snprintf(command, sizeof(command), "rm -rf %s", l->dir);
	if (system(command) != 0)
		return -1;
	free(l);
	return 0;
}

static struct frame *frame_of(uint64_t sequence, unsigned fat)
{
	struct frame_head head = {.host_id = "h",
				  .host_name = "host",
				  .epoch = 7,
				  .sequence = sequence,
				  .boot_ns = sequence * S,
				  .wall_ns = WALL + sequence * S,
				  .interval_ns = S};
	struct sample *s = sample_new();
	struct frame *f;
	struct buf b;

	for (unsigned i = 0; i < VMS; i++) {
		uint32_t r = sample_row(s, SCOPE_VM, NO_ROW, 100 + i);
		char uuid[16];

		snprintf(uuid, sizeof(uuid), "vm-%u", i);
		/* The last one has none, and the one before does not run. */
		if (i < VMS - 1)
			sample_set_text(s, SCOPE_VM, r, M_UUID, uuid);
		sample_set_text(s, SCOPE_VM, r, M_STATE, i == VMS - 2 ? "paused" : "running");
		sample_set(s, SCOPE_VM, r, M_RAM_TOTAL, 1000);
		sample_set(s, SCOPE_VM, r, M_RAM_GUEST, 900);
		sample_set(s, SCOPE_VM, r, M_RAM_FREE, 100 + sequence % 5);
	}
	for (unsigned i = 0; i < fat; i++)
		sample_set(s, SCOPE_HOST_NIC, sample_row(s, SCOPE_HOST_NIC, NO_ROW, i + 1),
			   M_HN_RX_BYTES, id_hash_u64(i, sequence) >> 1);
	buf_init(&b, FRAME_MAX);
	assert_int_equal(frame_encode(&b, &head, s), 0);
	f = frame_new(&head, b.data, b.used);
	buf_fini(&b);
	sample_free(s);
	return f;
}

/* As receive.c does: the host's lock is held.  False: it is not wanted now. */
static bool take(struct lab *l, uint64_t sequence, unsigned fat)
{
	struct delivery_sender has = {.oldest = 1, .newest = sequence};
	struct frame *f = frame_of(sequence, fat);
	bool fresh, wanted;

	pthread_mutex_lock(&l->host->lock);
	delivery_sender_has(l->stream->delivery, &has);
	wanted = delivery_wants(l->delivery, l->stream->delivery, sequence);
	if (wanted)
		delivery_take(l->delivery, l->stream->delivery, f, &fresh);
	pthread_mutex_unlock(&l->host->lock);
	frame_unref(f);
	return wanted;
}

static void bring(struct lab *l, unsigned n)
{
	while (n--)
		assert_true(take(l, ++l->sequence, 0));
}

static uint64_t committed(struct lab *l)
{
	uint64_t n;

	pthread_mutex_lock(&l->host->lock);
	n = delivery_committed(l->delivery, l->stream->delivery);
	pthread_mutex_unlock(&l->host->lock);
	return n;
}

static bool wait_committed(struct lab *l, uint64_t sequence, int ms)
{
	for (; ms > 0 && committed(l) < sequence; ms--)
		usleep(1000);
	return committed(l) >= sequence;
}

static void look(void *arg, const struct profiler_one *vm)
{
	uint64_t *values = arg;

	*values = vm->profile->metric[1].stats.count;
}

static uint64_t values_of(struct lab *l, const char *uuid)
{
	uint64_t n = 0;

	profiler_find(l->profiler, uuid, look, &n);
	return n;
}

static void in_memory_it_is_done_when_counted(void **state)
{
	struct lab *l = *state;
	struct profiler_stats st;

	begin(l, false, S);
	start(l);
	bring(l, 50);
	assert_true(wait_committed(l, 50, PATIENCE));
	assert_int_equal(values_of(l, "vm-0"), 50);
	assert_int_equal(values_of(l, "vm-1"), 50);
	profiler_stats(l->profiler, &st);
	assert_int_equal(st.vms, 2);
	assert_int_equal(st.verdict[PROFILER_IDLE], 50);
}

static void kept_it_is_done_when_saved(void **state)
{
	struct lab *l = *state;
	struct profile_target_stats st;

	begin(l, true, 3600 * S);
	start(l);
	bring(l, 50);
	for (int ms = PATIENCE; ms && values_of(l, "vm-0") < 50; ms--)
		usleep(1000);
	assert_int_equal(values_of(l, "vm-0"), 50);
	usleep(50000);
	assert_int_equal(committed(l), 0);
	assert_false(profile_target_idle(l->target));
	profile_target_finish(l->target);
	assert_true(wait_committed(l, 50, PATIENCE));
	for (int ms = PATIENCE; ms && !profile_target_idle(l->target); ms--)
		usleep(1000);
	assert_true(profile_target_idle(l->target));
	/* From then on at once. */
	bring(l, 3);
	assert_true(wait_committed(l, 53, PATIENCE));
	profile_target_stats(l->target, &st);
	assert_int_equal(st.samples, 53);
	assert_true(st.saves >= 2);
}

static void every_so_often_it_is_saved(void **state)
{
	struct lab *l = *state;

	begin(l, true, S / 20);
	start(l);
	for (unsigned i = 1; i <= 5; i++) {
		bring(l, 10);
		assert_true(wait_committed(l, i * 10, PATIENCE));
	}
}

/* Nothing is counted yet: the queue fills, holds nobody, and is emptied later. */
static void a_full_queue_is_asked_for_again(void **state)
{
	struct lab *l = *state;
	struct profile_target_stats st;
	uint64_t n = 0, again;

	begin(l, false, S);
	while (n < 9000 && take(l, n + 1, 100))
		n++;
	profile_target_stats(l->target, &st);
	again = st.queued;
	assert_in_range(again, 100, 8192);
	assert_true(st.queued_bytes <= 64u << 20);
	/* What is live is taken all the same, for the others. */
	assert_true(n >= again);
	start(l);
	for (int ms = PATIENCE; ms && committed(l) < n; ms--) {
		struct delivery_sender has = {.oldest = 1, .newest = n};
		uint64_t next;

		pthread_mutex_lock(&l->host->lock);
		next = delivery_next(l->delivery, l->stream->delivery, &has);
		pthread_mutex_unlock(&l->host->lock);
		if (next <= n)
			take(l, next, 100);
		else
			usleep(1000);
	}
	assert_int_equal(committed(l), n);
	assert_int_equal(values_of(l, "vm-1"), n);
}

static void what_cannot_be_saved_is_not_done(void **state)
{
	struct lab *l = *state;
	struct profile_target_stats st;
	struct rlimit before, small;
	char *text;

	begin(l, true, S / 20);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){.rlim_cur = 10, .rlim_max = before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &small);
	start(l);
	bring(l, 10);
	for (int ms = PATIENCE; ms; ms--) {
		profile_target_stats(l->target, &st);
		if (st.failures)
			break;
		usleep(1000);
	}
	assert_true(st.failures > 0);
	assert_non_null(strstr(st.error, l->dir));
	assert_int_equal(committed(l), 0);
	setrlimit(RLIMIT_FSIZE, &before);
	bring(l, 1);
	assert_true(wait_committed(l, 11, PATIENCE));
	profile_target_stats(l->target, &st);
	assert_string_equal(st.error, "");
	/* That it cannot be said while files cannot grow. */
	text = capture_text(&l->stderr_);
	assert_non_null(strstr(text, "profiles can be saved again"));
	free(text);
}

/* For the feed: of VMs that are known, by the ids of their rows. */
static void notes_are_of_the_host(void **state)
{
	struct sample *s = sample_new();
	struct lab *l = *state;
	struct frame_head head;
	struct frame *f;

	begin(l, false, S);
	assert_null(profile_notes_get(l->notes, l->host->number));
	start(l);
	bring(l, 5);
	assert_true(wait_committed(l, 5, PATIENCE));
	f = profile_notes_get(l->notes, l->host->number);
	assert_non_null(f);
	assert_int_equal(f->sequence, 5);
	assert_int_equal(frame_decode(s, &head, f->bytes, f->size), 0);
	assert_int_equal(s->table[SCOPE_VM].rows, 2);
	assert_int_equal(s->table[SCOPE_VM].id[0], 100);
	assert_int_equal(s->table[SCOPE_VM].id[1], 101);
	assert_string_equal(sample_text(s, SCOPE_VM, 0, M_ANOMALY_WHY), "learning");
	assert_int_equal(sample_get(s, SCOPE_VM, 0, M_ANOMALY), ABSENT);
	frame_unref(f);
	profile_notes_forget(l->notes, l->host->number);
	assert_null(profile_notes_get(l->notes, l->host->number));
	assert_null(profile_notes_get(l->notes, 4));
	sample_free(s);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(in_memory_it_is_done_when_counted), LAB(kept_it_is_done_when_saved),
		LAB(every_so_often_it_is_saved),        LAB(a_full_queue_is_asked_for_again),
		LAB(what_cannot_be_saved_is_not_done),  LAB(notes_are_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
