/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: what is written is read, whole and by time; and what a writer does when it
 * cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture.h"
#include "crc32c.h"
#include "log.h"
#include "make_frame.h"
#include "record_kit.h"
#include "record_reader.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>

static void test_round(void **state)
{
	struct record_span span;
	struct record_reader *r;
	struct stat st;

	(void)state;
	kit_write(kit_path, 2, 6, false);
	assert_int_equal(stat(kit_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	r = kit_open(kit_path);
	assert_null(record_damage(r));
	assert_true(r->from_file);
	assert_string_equal(kit_all(r), "h0:1 h1:1 h0:2 h1:2 h0:3 h1:3");
	record_span(r, &span);
	assert_int_equal(span.from_wall_ns, KIT_START);
	assert_int_equal(span.to_wall_ns, KIT_START + 2 * KIT_SECOND);
	assert_int_equal(span.frames, 6);
	assert_int_equal(span.bytes, st.st_size);
	assert_int_equal(r->loads, span.blocks);
	record_reader_close(r);
	record_reader_close(NULL);
	unlink(kit_path);
}

/* What is given is the same, byte by byte. */
static bool same(void *arg, struct frame *f)
{
	struct frame *want = arg;

	assert_int_equal(f->size, want->size);
	assert_memory_equal(f->bytes, want->bytes, f->size);
	assert_int_equal(f->epoch, want->epoch);
	assert_int_equal(f->sequence, want->sequence);
	assert_int_equal(f->boot_ns, want->boot_ns);
	assert_int_equal(f->wall_ns, want->wall_ns);
	return true;
}

static void test_bytes(void **state)
{
	struct record_writer *w = kit_create(kit_path, 0);
	struct frame *f = make_frame("a host", 77, 5, 100000);
	struct record_reader *r;

	(void)state;
	record_add(w, f);
	assert_int_equal(record_close(w), 0);
	r = kit_open(kit_path);
	assert_int_equal(record_read(r, 0, UINT64_MAX, NULL, same, f), 0);
	assert_int_equal(r->loads, 1);
	record_reader_close(r);
	frame_unref(f);
	unlink(kit_path);
}

static void test_empty(void **state)
{
	struct record_reader *r;
	struct record_span span;

	(void)state;
	kit_write(kit_path, 1, 0, false);
	r = kit_open(kit_path);
	assert_null(record_damage(r));
	assert_string_equal(kit_all(r), "");
	record_span(r, &span);
	assert_int_equal(span.from_wall_ns, 0);
	assert_int_equal(span.to_wall_ns, 0);
	assert_int_equal(record_step(r, 0, 1, 1), 0);
	assert_int_equal(record_step(r, UINT64_MAX, -1, 1), 0);
	record_reader_close(r);
	unlink(kit_path);
	assert_int_equal(record_close(NULL), 0);
}

static void test_refused(void **state)
{
	struct record_writer_options o = {.version = NULL};
	struct record_writer *w = NULL;
	char why[256], path[256];

	(void)state;
	kit_save(kit_path, "mine", 4);
	assert_int_equal(record_create(&w, kit_path, &o, why, sizeof(why)), -EEXIST);
	assert_non_null(strstr(why, "exists already"));
	assert_non_null(strstr(why, kit_path));
	unlink(kit_path);
	snprintf(path, sizeof(path), "%s/no/where", kit_dir);
	assert_int_equal(record_create(&w, path, &o, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, path));
}

/* ---- the format, as README.md has it ---- */

static uint32_t u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t u64(const uint8_t *p)
{
	return u32(p) | (uint64_t)u32(p + 4) << 32;
}

static void check_block(const uint8_t *p, uint32_t number)
{
	assert_memory_equal(p, "\xf1pxblock", 8);
	assert_int_equal(u32(p + 8), 6);  /* two ids of two bytes */
	assert_int_equal(u32(p + 20), 4); /* frames */
	assert_int_equal(u64(p + 24), KIT_START + number * 2 * KIT_SECOND);
	assert_int_equal(u64(p + 32), KIT_START + (number * 2 + 1) * KIT_SECOND);
	assert_int_equal(u32(p + 40), 2);    /* hosts */
	assert_int_equal(u32(p + 44), 1000); /* ms */
	assert_int_equal(u32(p + 48), number);
	assert_int_equal(u32(p + 52), crc32c(0, p + 64, 6));
	assert_int_equal(u32(p + 56), 0);
	assert_int_equal(u32(p + 60), crc32c(0, p, 60));
	assert_memory_equal(p + 64, "\2h0\2h1", 6);
	assert_memory_equal(p + 70, "\x28\xb5\x2f\xfd", 4); /* RFC 8878 */
	assert_true(p[74] & 4);                             /* with a checksum */
}

static void test_format(void **state)
{
	struct frame *f = kit_frame("h0", 1, 1, 0, 1000);
	size_t at = 64, index;
	struct kit_bytes b;

	(void)state;
	/* Blocks of four frames, two of each of two hosts. */
	{
		struct record_writer *w = kit_create(kit_path, 4 * (f->size + 4));

		for (unsigned i = 0; i < 8; i++)
			kit_add(w,
				kit_frame(i % 2 ? "h1" : "h0", 1, i / 2 + 1, i / 2 * 1000, 1000));
		assert_int_equal(record_close(w), 0);
	}
	frame_unref(f);
	b = kit_load(kit_path);
	assert_memory_equal(b.p, "proxtop-record\r\n\1\0\0\0\x40\0\0\0", 24);
	assert_string_equal((char *)b.p + 32, "test");
	assert_int_equal(u32(b.p + 60), crc32c(0, b.p, 60));
	for (uint32_t i = 0; i < 2; i++) {
		check_block(b.p + at, i);
		at += 64 + u32(b.p + at + 8) + u32(b.p + at + 12);
	}
	index = at;
	assert_memory_equal(b.p + index, "\xf1pxindex", 8);
	assert_int_equal(u64(b.p + index + 8), index);
	/* Counts, two ids, one set of two, two blocks. */
	assert_int_equal(u32(b.p + index + 20), 16 + 6 + 12 + 2 * 56);
	assert_int_equal(u32(b.p + index + 28), crc32c(0, b.p + index, 28));
	at += 32 + u32(b.p + index + 16);
	assert_memory_equal(b.p + at, "\xf1pxtrail", 8);
	assert_int_equal(u64(b.p + at + 8), index);
	assert_int_equal(u64(b.p + at + 16), b.n);
	assert_int_equal(u32(b.p + at + 28), crc32c(0, b.p + at, 28));
	assert_int_equal(at + 32, b.n);
	free(b.p);
	unlink(kit_path);
}

/* ---- reading by time ---- */

struct stop_after {
	struct kit_text text;
	unsigned n;
};

static bool each_stop(void *arg, struct frame *f)
{
	struct stop_after *s = arg;

	kit_say(&s->text, f);
	return s->text.n < s->n;
}

static const char *read_some(struct record_reader *r, uint64_t from_s, uint64_t to_s,
			     const char *host, unsigned most)
{
	static struct stop_after s;

	memset(&s, 0, sizeof(s));
	s.n = most;
	assert_int_equal(record_read(r, KIT_START + from_s * KIT_SECOND,
				     KIT_START + to_s * KIT_SECOND, host, each_stop, &s),
			 0);
	return s.text.text;
}

static void test_read(void **state)
{
	struct record_reader *r;

	(void)state;
	kit_write(kit_path, 2, 200, true);
	r = kit_open(kit_path);
	assert_int_equal(r->index.n_blocks, 200);
	assert_string_equal(read_some(r, 10, 11, NULL, 99), "h0:11 h1:11 h0:12 h1:12");
	/* Whole blocks out of reach are not read. */
	assert_int_equal(r->loads, 4);
	assert_string_equal(read_some(r, 10, 11, NULL, 99), "h0:11 h1:11 h0:12 h1:12");
	assert_int_equal(r->loads, 4);
	assert_string_equal(read_some(r, 20, 22, "h1", 99), "h1:21 h1:22 h1:23");
	assert_int_equal(r->loads, 7);
	assert_string_equal(read_some(r, 20, 22, "h1", 2), "h1:21 h1:22");
	assert_string_equal(read_some(r, 20, 22, "h", 2), "");
	assert_string_equal(read_some(r, 100, 200, NULL, 2), "");
	record_interrupt(r, true);
	assert_int_equal(record_read(r, 0, UINT64_MAX, NULL, kit_each, NULL), -ECANCELED);
	record_interrupt(r, false);
	record_reader_close(r);
	unlink(kit_path);
}

static uint64_t step(struct record_reader *r, double from_s, int direction, double least_s)
{
	uint64_t t = record_step(r, KIT_START + (uint64_t)(from_s * 1e3) * 1000000, direction,
				 (uint64_t)(least_s * 1e9));

	return t ? (t - KIT_START) / 1000000 + 1 : 0; /* ms, from 1 */
}

static void test_step(void **state)
{
	static const unsigned at[] = {0, 3, 10000, 10004, 10002, 20000, 20001, 30000};
	struct record_writer *w = kit_create(kit_path, 1);
	struct record_reader *r;

	(void)state;
	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++)
		kit_add(w, kit_frame("h", 1, i + 1, at[i], 10000));
	record_close(w);
	r = kit_open(kit_path);
	assert_int_equal(step(r, 0.003, 1, 5), 10004 + 1);
	assert_int_equal(step(r, 10.004, 1, 5), 20001 + 1);
	assert_int_equal(step(r, 20.001, 1, 5), 30000 + 1);
	assert_int_equal(step(r, 30, 1, 5), 0);
	assert_int_equal(step(r, 20.001, -1, 5), 10004 + 1);
	assert_int_equal(step(r, 10.004, -1, 5), 3 + 1);
	assert_int_equal(step(r, 0.003, -1, 5), 0);
	assert_int_equal(step(r, 10, 1, 0), 10002 + 1);
	assert_int_equal(step(r, 10.004, -1, 0), 10002 + 1);
	assert_int_equal(record_step(r, UINT64_MAX, 1, 1), 0);
	assert_int_equal(record_step(r, UINT64_MAX, -1, 1), KIT_START + 30 * KIT_SECOND);
	assert_int_equal(record_step(r, 0, 1, 5 * KIT_SECOND), KIT_START + 3000000);
	assert_int_equal(record_step(r, 0, -1, 1), 0);
	record_reader_close(r);
	unlink(kit_path);
}

/* ---- a writer that cannot ---- */

static void test_disk_full(void **state)
{
	struct record_writer *w = kit_create(kit_path, 1);
	struct rlimit before, small = {4096, RLIM_INFINITY};
	struct record_stats st;
	struct record_reader *r;
	struct kit_bytes file;
	char all[65536];
	uint64_t kept;

	(void)state;
	log_set_level(LOG_ERROR);
	getrlimit(RLIMIT_FSIZE, &before);
	small.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	for (unsigned i = 0; i < 50; i++)
		kit_add(w, kit_frame("h", 1, i + 1, i * 1000, 1000));
	do {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		record_stats(w, &st);
	} while (st.dropped < 5);
	setrlimit(RLIMIT_FSIZE, &before);
	/* What fits is kept; what comes when there is room again is, too. */
	do {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		kit_add(w, kit_frame("h", 1, 99, 99000, 1000));
		kept = st.bytes;
		record_stats(w, &st);
	} while (st.bytes <= kept);
	assert_int_equal(st.error, -EFBIG);
	kept = st.frames;
	assert_int_equal(record_close(w), -EFBIG);
	log_set_level(LOG_NOTICE);
	r = kit_open(kit_path);
	assert_null(record_damage(r));
	snprintf(all, sizeof(all), "%s", kit_all(r));
	assert_non_null(strstr(all, "h:1 h:2 h:3 "));
	assert_non_null(strstr(all, "h:99"));
	assert_null(strstr(all, "h:49 "));
	record_reader_close(r);
	file = kit_load(kit_path);
	assert_true(file.n > 4096);
	free(file.p);
	unlink(kit_path);
}

static void test_queue(void **state)
{
	struct frame *f = make_frame("h", 1, 1, 4000000);
	struct record_writer *w = kit_create(kit_path, 0);
	struct record_stats st;
	struct record_reader *r;
	struct record_span span;

	(void)state;
	log_set_level(LOG_ERROR);
	for (unsigned i = 0; i < 100; i++)
		record_add(w, f);
	record_stats(w, &st);
	assert_int_equal(st.frames + st.dropped, 100);
	assert_in_range(st.dropped, 1, 99);
	assert_int_equal(record_close(w), -ENOBUFS);
	log_set_level(LOG_NOTICE);
	r = kit_open(kit_path);
	record_span(r, &span);
	assert_int_equal(span.frames, st.frames);
	record_reader_close(r);
	frame_unref(f);
	unlink(kit_path);
}

static void test_no_frame(void **state)
{
	struct frame_head head = {.sequence = 1};
	struct frame *bad = frame_new(&head, "this is no frame, whatever its head says", 40);
	struct record_writer *w = kit_create(kit_path, 0);
	struct record_reader *r;

	(void)state;
	log_set_level(LOG_ERROR);
	kit_add(w, bad);
	kit_add(w, kit_frame("h", 1, 2, 0, 1000));
	assert_int_equal(record_close(w), -ENOBUFS);
	log_set_level(LOG_NOTICE);
	r = kit_open(kit_path);
	assert_null(record_damage(r));
	assert_string_equal(kit_all(r), "h:2");
	record_reader_close(r);
	unlink(kit_path);
}

/* A file that somebody writes shows what is there. */
static void test_while_written(void **state)
{
	struct record_writer *w = kit_create(kit_path, 1);
	struct record_stats st = {0};
	struct record_reader *r;
	uint64_t empty;

	(void)state;
	record_stats(w, &st);
	empty = st.bytes;
	kit_add(w, kit_frame("h", 1, 1, 0, 1000));
	while (st.bytes == empty) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		record_stats(w, &st);
	}
	r = kit_open(kit_path);
	assert_string_equal(kit_all(r), "h:1");
	assert_non_null(record_damage(r));
	assert_non_null(strstr(record_damage(r), "still being written"));
	record_reader_close(r);
	assert_int_equal(record_close(w), 0);
	unlink(kit_path);
}

static bool waits(struct record_writer *w)
{
	struct record_stats st;

	record_stats(w, &st);
	return st.waiting != 0;
}

/* More than can be written is left out: said when it begins, with how many when it is over,
 * and at the end; and the file is whole. */
static void test_too_fast(void **state)
{
	struct record_writer *w = kit_create(kit_path, 0);
	struct frame *f = kit_frame("h", 1, 1, 0, 1000);
	struct record_stats st = {0};
	struct record_reader *r;
	struct record_span span;
	struct capture c = {0};
	char *text, want[600];
	uint64_t added = 0;

	(void)state;
	capture_begin(&c);
	while (!st.dropped && added < 20000000) {
		for (unsigned i = 0; i < 10000; i++)
			record_add(w, f);
		added += 10000;
		record_stats(w, &st);
	}
	while (waits(w) || !capture_count(&c, "fast enough again"))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	record_stats(w, &st);
	assert_true(st.dropped > 0 && st.frames + st.dropped == added && !st.error);
	assert_int_equal(record_close(w), -ENOBUFS);
	text = capture_text(&c);
	capture_end(&c);
	snprintf(want, sizeof(want),
		 ": more arrives than can be written: samples are left out\n"
		 "proxtop: %s: can be written fast enough again; %" PRIu64 " samples are left out\n"
		 "proxtop: warning: %s: %" PRIu64 " samples could not be recorded\n",
		 kit_path, st.dropped, kit_path, st.dropped);
	if (!strstr(text, want))
		fail_msg("%s, not %s", text, want);
	free(text);
	frame_unref(f);
	r = kit_open(kit_path);
	record_span(r, &span);
	assert_int_equal(span.frames, st.frames);
	assert_null(record_damage(r));
	record_reader_close(r);
	unlink(kit_path);
}

/* Until the file is larger than that. */
static uint64_t until_more(struct record_writer *w, uint64_t than)
{
	struct record_stats st = {0};

	while (record_stats(w, &st), st.bytes <= than)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	return st.bytes;
}

static unsigned blocks_of(struct record_reader *r)
{
	struct record_span span;

	record_span(r, &span);
	return (unsigned)span.blocks;
}

/* What is added is there when it is looked for, and only that is read. */
static void test_grow(void **state)
{
	struct record_writer *w = kit_create(kit_path, 1);
	struct record_reader *r = kit_open(kit_path);
	uint64_t loads, bytes = RECORD_FILE_HEAD;

	(void)state;
	assert_true(record_grows(r));
	assert_false(record_grow(r));
	for (unsigned i = 1; i <= 20; i++) {
		kit_add(w, kit_frame("h", 1, i, i * 1000, 1000));
		bytes = until_more(w, bytes);
		assert_int_equal(blocks_of(r), i - 1);
		assert_true(record_grow(r));
		assert_false(record_grow(r));
		assert_int_equal(blocks_of(r), i);
		loads = r->loads;
		assert_true(record_step(r, UINT64_MAX, -1, 1) == KIT_START + i * KIT_SECOND);
		assert_int_equal(r->loads, loads + 1);
	}
	assert_non_null(strstr(record_damage(r), "still being written"));
	kit_add(w, kit_frame("h", 1, 21, 21000, 1000));
	record_close(w);
	/* Its end, and that it is one. */
	assert_true(record_grow(r));
	assert_false(record_grows(r));
	assert_null(record_damage(r));
	assert_int_equal(blocks_of(r), 21);
	assert_false(record_grow(r));
	record_reader_close(r);
	/* And the same as who opens it now. */
	r = kit_open(kit_path);
	assert_int_equal(blocks_of(r), 21);
	assert_false(record_grows(r));
	record_reader_close(r);
	unlink(kit_path);
}

/* Byte by byte, as a slow disk has it: half a block is none yet, and no damage; and whoever
 * writes may stop anywhere. */
static void test_grow_slowly(void **state)
{
	static char copy[160];
	struct record_reader *r;
	uint8_t bytes[65536];
	size_t n;
	FILE *from;
	int fd;

	(void)state;
	kit_write(kit_path, 2, 6, true);
	from = fopen(kit_path, "rb");
	n = fread(bytes, 1, sizeof(bytes), from);
	fclose(from);
	snprintf(copy, sizeof(copy), "%s.copy", kit_path);
	for (size_t stop = RECORD_FILE_HEAD; stop <= n; stop += stop < n - 40 ? 13 : 1) {
		unsigned seen = 0;

		fd = open(copy, O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(flock(fd, LOCK_EX), 0);
		assert_int_equal(write(fd, bytes, RECORD_FILE_HEAD), RECORD_FILE_HEAD);
		r = kit_open(copy);
		for (size_t at = RECORD_FILE_HEAD; at < stop; at += 29) {
			size_t piece = stop - at < 29 ? stop - at : 29;

			assert_int_equal(write(fd, bytes + at, piece), piece);
			seen += record_grow(r);
			assert_non_null(strstr(record_damage(r), "still being written"));
		}
		close(fd);
		record_grow(r);
		assert_false(record_grows(r));
		if (stop == n)
			assert_null(record_damage(r));
		else if (!record_damage(r) || !strstr(record_damage(r), "at byte"))
			fail_msg("ended at %zu: %s", stop, record_damage(r));
		if (stop == n)
			assert_int_equal(seen, 6);
		record_reader_close(r);
	}
	unlink(copy);
	unlink(kit_path);
}

static bool stop_at(void *arg)
{
	unsigned *left = arg;

	return !*left || !--*left;
}

/* Looking through a file that has no index is ended from outside, at any time. */
static void test_stop(void **state)
{
	struct record_reader *r = NULL;
	char why[256];

	(void)state;
	kit_write(kit_path, 2, 300, true);
	assert_int_equal(truncate(kit_path, 20000), 0);
	for (unsigned after = 0; after < 40; after += 7) {
		unsigned left = after;

		assert_int_equal(record_open_until(&r, kit_path, stop_at, &left, why, sizeof(why)),
				 -ECANCELED);
		assert_non_null(strstr(why, "ended while it was looked through"));
	}
	r = kit_open(kit_path);
	assert_true(blocks_of(r) > 40);
	record_reader_close(r);
	unlink(kit_path);
}

/* A block that is not full is written after a while: a crash costs little. */
static void test_flush(void **state)
{
	struct record_writer *w = kit_create(kit_path, 0);
	struct record_stats st = {0};
	struct record_reader *r;
	unsigned ms = 0;

	(void)state;
	kit_add(w, kit_frame("h", 1, 1, 0, 1000));
	for (; st.bytes <= RECORD_FILE_HEAD && ms < 3000; ms++) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		record_stats(w, &st);
	}
	r = kit_open(kit_path);
	assert_string_equal(kit_all(r), "h:1");
	record_reader_close(r);
	record_close(w);
	unlink(kit_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),       cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_empty),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read),        cmocka_unit_test(test_step),
		cmocka_unit_test(test_disk_full),   cmocka_unit_test(test_queue),
		cmocka_unit_test(test_no_frame),    cmocka_unit_test(test_while_written),
		cmocka_unit_test(test_grow),        cmocka_unit_test(test_too_fast),
		cmocka_unit_test(test_grow_slowly), cmocka_unit_test(test_stop),
		cmocka_unit_test(test_flush),       cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests_name("record", tests, kit_make_dir, kit_remove_dir);
}
