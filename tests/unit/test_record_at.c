/* SPDX-License-Identifier: Apache-2.0 */
/* The state at a time, series and steps of a recording, against a model that looks at every
 * frame; and how little is read for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record_kit.h"
#include "record_reader.h"

#define HOSTS     5u
#define MINUTE_MS 60000u

struct one {
	unsigned host;
	uint64_t epoch, sequence, wall_ms, interval_ms;
};

struct world {
	struct one *one;
	unsigned n;
	uint64_t end_ms;
	uint32_t random;
};

static unsigned dice(struct world *w, unsigned n)
{
	w->random = w->random * 1664525u + 1013904223u;
	return (w->random >> 8) % n;
}

/* ---- a recording as it may come about ---- */

struct agent {
	uint64_t epoch, sequence, next_ms, interval_ms;
};

static void put(struct world *w, struct one o)
{
	w->one = realloc(w->one, (w->n + 1) * sizeof(o));
	assert_non_null(w->one);
	w->one[w->n++] = o;
}

/* Hosts sample at their own pace, restart, lose samples, are silent; some frames come late,
 * some twice. */
static void make_world(struct world *w, unsigned n)
{
	struct agent a[HOSTS];

	for (unsigned h = 0; h < HOSTS; h++)
		a[h] = (struct agent){1, dice(w, 3), dice(w, 1000), h == 4 ? 5 * MINUTE_MS : 10000};
	while (w->n < n) {
		struct agent *next = &a[0];
		struct one o;

		for (unsigned h = 1; h < HOSTS; h++)
			if (a[h].next_ms < next->next_ms)
				next = &a[h];
		o = (struct one){(unsigned)(next - a), next->epoch, ++next->sequence, next->next_ms,
				 next->interval_ms};
		if (dice(w, 20))
			put(w, o);
		if (!dice(w, 30) && w->n)
			put(w, w->one[w->n - 1 - dice(w, w->n < 40 ? w->n : 40)]);
		if (!dice(w, 60)) {
			next->epoch++;
			next->sequence = dice(w, 3);
		}
		next->next_ms += next->interval_ms + dice(w, 200);
		if (!dice(w, 80))
			next->next_ms += dice(w, 25 * MINUTE_MS);
		w->end_ms = o.wall_ms;
	}
	for (unsigned i = 0; i + 30 < w->n; i++)
		if (!dice(w, 25)) { /* late */
			struct one late = w->one[i];
			unsigned by = 1 + dice(w, 25);

			memmove(&w->one[i], &w->one[i + 1], by * sizeof(late));
			w->one[i + by] = late;
		}
}

static void write_world(const struct world *w, size_t block_bytes)
{
	struct record_writer *to = kit_create(kit_path, block_bytes);

	for (unsigned i = 0; i < w->n; i++) {
		const struct one *o = &w->one[i];
		char host[16];

		snprintf(host, sizeof(host), "h%u", o->host);
		kit_add(to, kit_frame(host, o->epoch, o->sequence, o->wall_ms, o->interval_ms));
	}
	assert_int_equal(record_close(to), 0);
}

/* ---- the model ---- */

static const struct one *newest(const struct world *w, unsigned host, uint64_t t)
{
	const struct one *best = NULL;

	for (unsigned i = 0; i < w->n; i++) {
		const struct one *o = &w->one[i];
		uint64_t reach = 3 * o->interval_ms;

		if (reach < 10 * MINUTE_MS)
			reach = 10 * MINUTE_MS;
		if (o->host == host && o->wall_ms <= t && t - o->wall_ms <= reach &&
		    (!best || o->wall_ms > best->wall_ms))
			best = o;
	}
	return best;
}

static const struct one *before(const struct world *w, const struct one *now)
{
	const struct one *best = NULL;

	for (unsigned i = 0; i < w->n; i++) {
		const struct one *o = &w->one[i];

		if (o->host == now->host && o->epoch == now->epoch && o->sequence < now->sequence &&
		    (!best || o->sequence > best->sequence))
			best = o;
	}
	return best;
}

struct answer {
	struct {
		bool is, has_before;
		uint64_t epoch, sequence, before;
	} host[HOSTS];
};

static void take(void *arg, struct frame *now, struct frame *before_it)
{
	struct answer *a = arg;
	struct frame_head h;
	unsigned i;

	assert_int_equal(frame_head_decode(&h, now->bytes, now->size), 0);
	i = (unsigned)strtoul(h.host_id + 1, NULL, 10);
	assert_in_range(i, 0, HOSTS - 1);
	assert_false(a->host[i].is);
	a->host[i].is = true;
	a->host[i].epoch = now->epoch;
	a->host[i].sequence = now->sequence;
	a->host[i].has_before = before_it != NULL;
	a->host[i].before = before_it ? before_it->sequence : 0;
	assert_true(!before_it || before_it->epoch == now->epoch);
}

static void check_at(struct record_reader *r, const struct world *w, uint64_t t)
{
	struct answer a = {0};

	assert_int_equal(record_at(r, KIT_START + t * 1000000, take, &a), 0);
	for (unsigned h = 0; h < HOSTS; h++) {
		const struct one *now = newest(w, h, t), *earlier = now ? before(w, now) : NULL;

		if (a.host[h].is != (now != NULL) ||
		    (now && (a.host[h].epoch != now->epoch || a.host[h].sequence != now->sequence)))
			fail_msg("at %" PRIu64 " h%u: %d %" PRIu64 ":%" PRIu64 ", not %" PRIu64
				 ":%" PRIu64,
				 t, h, a.host[h].is, a.host[h].epoch, a.host[h].sequence,
				 now ? now->epoch : 0, now ? now->sequence : 0);
		/* After a long silence it may be found or not, or one before it. */
		if (earlier && now->wall_ms - earlier->wall_ms > 10 * MINUTE_MS &&
		    a.host[h].before <= earlier->sequence)
			continue;
		if (a.host[h].has_before != (earlier != NULL) ||
		    (earlier && a.host[h].before != earlier->sequence))
			fail_msg("at %" PRIu64 " h%u:%" PRIu64 ": before it %" PRIu64
				 ", not %" PRIu64,
				 t, h, a.host[h].sequence, a.host[h].before,
				 earlier ? earlier->sequence : 0);
	}
}

/* The next older one than o (NULL: the newest until t). */
static const struct one *older(const struct world *w, unsigned host, const struct one *than,
			       uint64_t t)
{
	const struct one *best = NULL;

	for (unsigned i = 0; i < w->n; i++) {
		const struct one *o = &w->one[i];

		if (o->host == host && o->wall_ms <= t && (!than || o->wall_ms < than->wall_ms) &&
		    (!best || o->wall_ms > best->wall_ms))
			best = o;
	}
	return best;
}

static void check_series(struct record_reader *r, const struct world *w, unsigned host, uint64_t t,
			 unsigned n)
{
	struct frame *frames[100];
	char id[16];
	uint32_t got;
	const struct one *o = NULL;

	snprintf(id, sizeof(id), "h%u", host);
	got = record_series(r, id, KIT_START + t * 1000000, frames, n);
	for (unsigned i = got; i; i--) {
		o = older(w, host, o, t);
		if (!o || frames[i - 1]->wall_ns != KIT_START + o->wall_ms * 1000000 ||
		    frames[i - 1]->sequence != o->sequence)
			fail_msg("series of h%u until %" PRIu64 ": %u of %u is %" PRIu64
				 ", not %" PRIu64,
				 host, t, i, got, frames[i - 1]->sequence, o ? o->sequence : 0);
		frame_unref(frames[i - 1]);
	}
	if (got < n && older(w, host, o, t))
		fail_msg("series of h%u until %" PRIu64 ": %u of %u", host, t, got, n);
}

static void check_step(struct record_reader *r, const struct world *w, uint64_t t, uint64_t least)
{
	uint64_t first = UINT64_MAX, after = 0, earlier = 0, got;

	for (unsigned i = 0; i < w->n; i++) {
		uint64_t at = w->one[i].wall_ms;

		if (at >= t + least && at < first)
			first = at;
		if (t >= least && at <= t - least && KIT_START + at * 1000000 > earlier)
			earlier = KIT_START + at * 1000000;
	}
	for (unsigned i = 0; i < w->n; i++)
		if (w->one[i].wall_ms >= first && w->one[i].wall_ms - first < least &&
		    KIT_START + w->one[i].wall_ms * 1000000 > after)
			after = KIT_START + w->one[i].wall_ms * 1000000;
	got = record_step(r, KIT_START + t * 1000000, 1, least * 1000000);
	if (got != after)
		fail_msg("after %" PRIu64 ": %" PRIu64 ", not %" PRIu64, t, got, after);
	got = record_step(r, KIT_START + t * 1000000, -1, least * 1000000);
	if (got != earlier)
		fail_msg("before %" PRIu64 ": %" PRIu64 ", not %" PRIu64, t, got, earlier);
}

static void test_model(void **state)
{
	static const size_t block_bytes[] = {1, 1500, 10000, 0};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world w = {.random = i + 1};
		struct record_reader *r;

		make_world(&w, 1500);
		write_world(&w, block_bytes[i]);
		r = kit_open(kit_path);
		assert_null(record_damage(r));
		for (unsigned k = 0; k < 150; k++) {
			uint64_t t = dice(&w, (unsigned)w.end_ms + 20 * MINUTE_MS);

			if (k % 3 == 0) /* exactly at a frame */
				t = w.one[dice(&w, w.n)].wall_ms;
			check_at(r, &w, t);
			check_step(r, &w, t, k % 2 ? 5000 : 1);
			check_series(r, &w, k % HOSTS, t, k % 100);
		}
		record_reader_close(r);
		free(w.one);
		unlink(kit_path);
	}
}

/* ---- how much is read ---- */

static void count(void *arg, struct frame *now, struct frame *before_it)
{
	(void)now;
	*(unsigned *)arg += 1 + (before_it != NULL);
}

static void test_little_is_read(void **state)
{
	struct record_writer *w = kit_create(kit_path, 1);
	struct frame *frames[10];
	struct record_reader *r;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		kit_add(w, kit_frame("a", 1, i + 1, i * 10000, 10000));
		kit_add(w, kit_frame("b", 1, i + 1, i * 10000 + 5, 10000));
		if (i < 480)
			kit_add(w, kit_frame("gone", 1, i + 1, i * 10000 + 7, 10000));
	}
	record_close(w);
	r = kit_open(kit_path);
	assert_int_equal(r->loads, 0);
	/* Two frames of each of two hosts, two of the one that stopped before that. */
	record_at(r, KIT_START + 5000 * KIT_SECOND + 5000000, count, &n);
	assert_int_equal(n, 6);
	assert_int_equal(r->loads, 6);
	/* A step more: what is in memory is not read again. */
	n = 0;
	record_at(r, KIT_START + 5010 * KIT_SECOND + 5000000, count, &n);
	assert_int_equal(n, 6);
	assert_int_equal(r->loads, 8);
	assert_int_equal(record_series(r, "a", KIT_START + 5010 * KIT_SECOND, frames, 10), 10);
	assert_int_equal(r->loads, 8 + 7);
	for (unsigned i = 0; i < 10; i++)
		frame_unref(frames[i]);
	record_reader_close(r);
	unlink(kit_path);
}

static void test_interrupt(void **state)
{
	struct record_reader *r;
	unsigned n = 0;

	(void)state;
	kit_write(kit_path, 2, 20, true);
	r = kit_open(kit_path);
	record_interrupt(r, true);
	assert_int_equal(record_at(r, KIT_START + 5 * KIT_SECOND, count, &n), -ECANCELED);
	assert_int_equal(n, 0);
	assert_true(record_is_interrupted(r));
	record_interrupt(r, false);
	assert_null(record_damage(r));
	assert_int_equal(record_at(r, KIT_START + 5 * KIT_SECOND, count, &n), 0);
	assert_int_equal(n, 4);
	record_reader_close(r);
	unlink(kit_path);
}

/* Frames of an answer are bounded in bytes: what is beyond is left out, and said. */
static void test_bytes(void **state)
{
	struct frame *frames[8];
	struct record_reader *r;
	unsigned n = 0;

	(void)state;
	kit_write(kit_path, 4, 80, true);
	r = kit_open(kit_path);
	assert_int_equal(record_at(r, KIT_START + 70 * KIT_SECOND, count, &n), 0);
	assert_int_equal(n, 8);
	assert_null(record_damage(r));
	assert_int_equal(record_series(r, "h1", KIT_START + 70 * KIT_SECOND, frames, 8), 8);
	r->at_bytes = 4 * frames[0]->size + frames[0]->size / 2;
	r->series_bytes = 3 * frames[0]->size + frames[0]->size / 2;
	for (n = 0; n < 8; n++)
		frame_unref(frames[n]);
	for (unsigned round = 0; round < 2; round++) {
		n = 0;
		assert_int_equal(record_at(r, KIT_START + 70 * KIT_SECOND, count, &n), 0);
		assert_in_range(n, 3, 4);
		assert_non_null(strstr(record_damage(r), "at one time"));
		assert_null(strstr(record_damage(r), "more;"));
	}
	n = record_series(r, "h1", KIT_START + 70 * KIT_SECOND, frames, 8);
	assert_int_equal(n, 3);
	while (n)
		frame_unref(frames[--n]);
	record_reader_close(r);
	unlink(kit_path);
}

/* Blocks in memory are bounded, whatever is asked for. */
static void test_cache(void **state)
{
	struct record_writer *w = kit_create(kit_path, 1);
	struct record_reader *r;
	unsigned held = 0;
	const unsigned n = 2 * RECORD_CACHE_SLOTS;

	(void)state;
	for (unsigned i = 0; i < n; i++)
		kit_add(w, kit_frame("a", 1, i + 1, i * 1000, 1000));
	record_close(w);
	r = kit_open(kit_path);
	kit_all(r);
	for (unsigned i = 0; i < RECORD_CACHE_SLOTS; i++)
		held += r->cache[i].bytes != NULL;
	assert_in_range(held, 2, RECORD_CACHE_SLOTS);
	assert_int_equal(r->loads, n);
	/* The newest ones are those that are kept. */
	for (unsigned i = 0; i < RECORD_CACHE_SLOTS / 2; i++)
		assert_non_null(record_load(r, n - 1 - i));
	assert_int_equal(r->loads, n);
	record_reader_close(r);
	unlink(kit_path);
}

static void count_host(void *arg, struct frame *now, struct frame *before)
{
	unsigned *n = arg;

	(void)now;
	(void)before;
	++*n;
}

/* A moment has so many hosts at most; what is beyond is said, once. */
static void test_hosts(void **state)
{
	struct record_reader *r;
	unsigned n = 0;

	(void)state;
	kit_write(kit_path, 20, 40, false);
	r = kit_open(kit_path);
	assert_int_equal(r->at_hosts, 16384);
	assert_int_equal(record_at(r, UINT64_MAX / 2, count_host, &n), 0);
	n = 0;
	assert_int_equal(record_at(r, KIT_START + KIT_SECOND, count_host, &n), 0);
	assert_int_equal(n, 20);
	assert_null(record_damage(r));
	for (unsigned k = 0; k < 2; k++) {
		r->at_hosts = 7;
		n = 0;
		assert_int_equal(record_at(r, KIT_START + KIT_SECOND, count_host, &n), 0);
		assert_int_equal(n, 7);
		assert_non_null(
			strstr(record_damage(r), "more than 7 hosts at one time: 13 are left out"));
	}
	assert_null(strstr(record_damage(r), "and 1 more"));
	record_reader_close(r);
	unlink(kit_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),     cmocka_unit_test(test_little_is_read),
		cmocka_unit_test(test_interrupt), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_cache),     cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests_name("record_at", tests, kit_make_dir, kit_remove_dir);
}
