/* SPDX-License-Identifier: Apache-2.0 */
/* The console at a feed that never pauses: whatever it asks, there is always more by then. */
#include "console_source.h"

#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "feed_kit.h"
#include "source_kit.h"

#define NS       1000000000ull
#define HOSTS    2u
#define PAUSE_NS 500000L /* an answer takes that long */
#define BUSY_S   5.0     /* then it pauses, so that who waits for a pause fails and does not hang */
#define SOON_S   1.0
#define MOMENTS  10u

struct busy {
	struct feed_kit kit; /* first: before_answer() knows no other */
	double until;
};

/* While a question is answered, new samples come: no answer is empty. */
static void more(struct feed_kit *k)
{
	const struct busy *b = (const struct busy *)(const void *)k;

	if (kit_seconds() > b->until)
		return;
	for (uint32_t h = 0; h < HOSTS; h++)
		kit_add_quietly(k, h);
	nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

static int setup(void **state)
{
	struct busy *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	kit_begin(&b->kit, HOSTS, NULL);
	for (unsigned i = 0; i < 5; i++)
		for (uint32_t h = 0; h < HOSTS; h++)
			kit_add(&b->kit, h);
	b->until = kit_seconds() + BUSY_S;
	b->kit.before_answer = more;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct busy *b = *state;

	kit_finish(&b->kit);
	free(b);
	return 0;
}

/* What was handed over, in its thread; looked at when the source is closed. */
struct heard {
	uint64_t frames, last[HOSTS];
	bool gap;
};

static void hear(void *arg, struct frame *f)
{
	struct heard *h = arg;
	struct frame_head head;
	unsigned n;

	if (frame_head_decode(&head, f->bytes, f->size) || head.host_id[0] != 'h')
		abort();
	n = (unsigned)(head.host_id[1] - '0');
	h->gap |= h->last[n] && head.sequence != h->last[n] + 1;
	h->last[n] = head.sequence;
	h->frames++;
}

static struct console_source *open_at(const struct busy *b, struct heard *h)
{
	struct source_feed_options o = {.url = b->kit.url, .interval_ns = NS / 10};
	struct console_source *s;
	char why[256] = "";

	if (source_open_feed(&s, &o, why, sizeof(why)))
		fail_msg("source_open_feed: %s", why);
	if (h)
		source_on_frame(s, hear, h);
	source_go(s, SOURCE_LIVE, 0);
	return s;
}

static bool has_rates(const struct moment *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (!m->hosts[i].before)
			return false;
	return m->n == HOSTS;
}

/* Rates are there soon, and then the newest again and again. */
static void test_begins_and_goes_on(void **state)
{
	struct busy *b = *state;
	double began = kit_seconds();
	struct console_source *s = open_at(b, NULL);
	uint64_t last = 0;
	bool rates = false;

	while (!rates) {
		struct moment *m = kit_moment(s);

		rates = has_rates(m);
		last = m->n ? m->hosts[0].now->sequence : 0;
		moment_unref(m);
		if (kit_seconds() - began > SOON_S)
			fail_msg("no rates within %.0f s", SOON_S);
	}
	for (unsigned i = 0; i < MOMENTS; i++) {
		double asked = kit_seconds();
		struct moment *m = kit_moment(s);

		assert_true(kit_seconds() - asked < SOON_S);
		if (m->hosts[0].now->sequence <= last)
			fail_msg("moment %u has nothing new: %s", i, kit_text(m));
		last = m->hosts[0].now->sequence;
		moment_unref(m);
	}
	source_close(s);
}

/* Who records gets every sample, from soon on. */
static void test_hands_over(void **state)
{
	struct busy *b = *state;
	struct heard h = {0};
	struct console_source *s = open_at(b, &h);
	double until = kit_seconds() + SOON_S;

	while (kit_seconds() < until)
		moment_unref(kit_moment(s));
	source_close(s);
	/* The last two of each, and far more than those. */
	if (h.frames < 2 * HOSTS + 100)
		fail_msg("%llu frames were handed over", (unsigned long long)h.frames);
	assert_false(h.gap);
}

/* Questions are answered, and closing waits for nothing. */
static void test_stays_responsive(void **state)
{
	struct busy *b = *state;
	struct console_source *s = open_at(b, NULL);
	struct moment *m = kit_moment(s);
	double asked = kit_seconds();

	moment_unref(m);
	source_go(s, SOURCE_AT, kit_wall(4));
	m = kit_moment(s);
	assert_true(kit_seconds() - asked < SOON_S);
	assert_false(m->live);
	assert_string_equal(kit_text(m), "h0:4-3 h1:4-3");
	moment_unref(m);
	source_go(s, SOURCE_LIVE, 0);
	moment_unref(kit_moment(s));
	asked = kit_seconds();
	source_close(s);
	assert_true(kit_seconds() - asked < SOON_S);
}

int main(void)
{
#define BUSY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		BUSY(test_begins_and_goes_on),
		BUSY(test_hands_over),
		BUSY(test_stays_responsive),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
