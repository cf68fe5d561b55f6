/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that are cut off, damaged, or lie: what is readable is given, the rest is said
 * with its place, and nothing that was not recorded is ever given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crc32c.h"
#include "record_kit.h"
#include "record_pack.h"
#include "record_reader.h"

#define BLOCKS 6u

static struct kit_bytes whole; /* a recording of BLOCKS blocks, of one frame each */
static uint64_t begins[BLOCKS + 1];

static int make_whole(void **state)
{
	struct record_reader *r;

	if (kit_make_dir(state))
		return -1;
	kit_write(kit_path, 2, BLOCKS, true);
	whole = kit_load(kit_path);
	r = kit_open(kit_path);
	for (unsigned i = 0; i < BLOCKS; i++)
		begins[i] = r->index.block[i].offset;
	begins[BLOCKS] = begins[BLOCKS - 1] + record_block_bytes(&r->index.block[BLOCKS - 1]);
	record_reader_close(r);
	unlink(kit_path);
	return 0;
}

static int drop_whole(void **state)
{
	free(whole.p);
	return kit_remove_dir(state);
}

/* The frame of block i, as kit_all() says it. */
static const char *name_of(unsigned i)
{
	static char name[16];

	snprintf(name, sizeof(name), "h%u:%u", i % 2, i / 2 + 1);
	return name;
}

/* All but those of the blocks with a bit in missing. */
static const char *all_but(unsigned missing)
{
	static char text[256];

	*text = '\0';
	for (unsigned i = 0; i < BLOCKS; i++)
		if (!(missing & 1u << i)) {
			if (*text)
				strcat(text, " ");
			strcat(text, name_of(i));
		}
	return text;
}

static struct record_reader *open_bytes(const void *bytes, size_t n)
{
	kit_save(kit_path, bytes, n);
	return kit_open(kit_path);
}

static void expect(struct record_reader *r, const char *what, const char *frames, const char *said)
{
	const char *damage;

	if (strcmp(kit_all(r), frames) != 0)
		fail_msg("%s: got \"%s\", wanted \"%s\"", what, kit_all(r), frames);
	damage = record_damage(r);
	if (!damage || !strstr(damage, said) || !strstr(damage, kit_path))
		fail_msg("%s: said \"%s\", wanted \"%s\"", what, damage ? damage : "nothing", said);
	record_reader_close(r);
}

/* ---- refused ---- */

static void refused(const char *what, const void *bytes, size_t n, int wanted, const char *said)
{
	struct record_reader *r = NULL;
	char why[256] = "";
	int got;

	kit_save(kit_path, bytes, n);
	got = record_open(&r, kit_path, why, sizeof(why));
	if (got != wanted || !strstr(why, said) || !strstr(why, kit_path))
		fail_msg("%s: %d \"%s\", wanted %d \"%s\"", what, got, why, wanted, said);
}

static void test_refused(void **state)
{
	uint8_t head[RECORD_FILE_HEAD];
	struct record_reader *r = NULL;
	char why[256] = "", name[160];

	(void)state;
	refused("empty", "", 0, -EBADMSG, "not a recording");
	refused("text", "Dear Sirs, in reply to your letter", 34, -EBADMSG, "not a recording");
	refused("its first bytes", whole.p, 15, -EBADMSG, "not a recording");
	record_file_head_put(head, 1, "99.0");
	record_put32(head + 16, 2);
	record_put32(head + RECORD_FILE_HEAD - 4, crc32c(0, head, RECORD_FILE_HEAD - 4));
	refused("newer", head, sizeof(head), -EPROTO, "version 2; this program reads version 1");
	snprintf(name, sizeof(name), "%s/none", kit_dir);
	assert_int_equal(record_open(&r, name, why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, name));
	assert_int_equal(record_open(&r, kit_dir, why, sizeof(why)), -EBADMSG);
	unlink(kit_path);
	assert_int_equal(mkfifo(kit_path, 0600), 0);
	assert_int_equal(record_open(&r, kit_path, why, sizeof(why)), -EBADMSG);
	unlink(kit_path);
}

/* ---- cut off: at every byte ---- */

static void test_cut(void **state)
{
	char what[64], said[128];

	(void)state;
	for (size_t n = 16; n < whole.n; n++) {
		unsigned blocks = 0;

		while (blocks < BLOCKS && begins[blocks + 1] <= n)
			blocks++;
		snprintf(what, sizeof(what), "cut at %zu", n);
		snprintf(said, sizeof(said), "at byte %zu", n);
		if (n < RECORD_FILE_HEAD)
			snprintf(said, sizeof(said), "cut off at byte %zu, within its head", n);
		else if (blocks < BLOCKS && n > begins[blocks])
			snprintf(said, sizeof(said),
				 "cut off at byte %zu, in a block that begins at byte %" PRIu64, n,
				 begins[blocks]);
		expect(open_bytes(whole.p, n), what, all_but(~0u << blocks), said);
	}
}

/* ---- damaged: every byte ---- */

/* Only the block, or what is between blocks, of that byte may be missing. */
static void check_flip(size_t at, uint8_t with)
{
	uint8_t *bytes = malloc(whole.n);
	struct record_reader *r;
	unsigned block = 0;
	const char *got;

	assert_non_null(bytes);
	memcpy(bytes, whole.p, whole.n);
	bytes[at] ^= with;
	while (block < BLOCKS && begins[block + 1] <= at)
		block++;
	r = open_bytes(bytes, whole.n);
	got = kit_all(r);
	if (!strcmp(got, all_but(0))) {
		/* The index makes up for a head, and its heads for the index. */
		if (block < BLOCKS && at >= begins[block] + RECORD_BLOCK_HEAD && !record_damage(r))
			fail_msg("byte %zu ^ %u: not said", at, with);
	} else if (at < RECORD_FILE_HEAD || block == BLOCKS ||
		   strcmp(got, all_but(1u << block)) != 0) {
		fail_msg("byte %zu ^ %u: got \"%s\"", at, with, got);
	} else if (!record_damage(r) || !strstr(record_damage(r), "damaged")) {
		fail_msg("byte %zu ^ %u: not said", at, with);
	}
	record_reader_close(r);
	free(bytes);
}

static void test_flip(void **state)
{
	(void)state;
	for (size_t at = 16; at < whole.n; at++) {
		check_flip(at, 0xff);
		check_flip(at, 1);
	}
}

/* ---- damaged in the middle, where nothing fits any more ---- */

static void test_middle(void **state)
{
	uint8_t *bytes = malloc(whole.n + 8192);
	size_t from = begins[2] + 20, n;
	char said[64];

	(void)state;
	assert_non_null(bytes);
	/* 30 bytes are gone: the third block is, and so is what the index says of others. */
	memcpy(bytes, whole.p, from);
	memcpy(bytes + from, whole.p + from + 30, whole.n - from - 30);
	expect(open_bytes(bytes, whole.n - 30), "bytes gone", all_but(1u << 2),
	       "its index is damaged");
	/* The same without an index: the place is said. */
	n = begins[BLOCKS] - 30;
	snprintf(said, sizeof(said), "damaged from byte %" PRIu64 " to %" PRIu64 "", begins[2],
		 begins[3] - 30);
	expect(open_bytes(bytes, n), "bytes gone, no index", all_but(1u << 2), said);
	/* Other bytes have come in. */
	memcpy(bytes, whole.p, begins[3]);
	memset(bytes + begins[3], 'x', 1000);
	memcpy(bytes + begins[3] + 1000, whole.p + begins[3], begins[BLOCKS] - begins[3]);
	snprintf(said, sizeof(said), "damaged from byte %" PRIu64 " to %" PRIu64, begins[3],
		 begins[3] + 1000);
	expect(open_bytes(bytes, begins[BLOCKS] + 1000), "bytes come in", all_but(0), said);
	/* A whole block is gone. */
	memcpy(bytes, whole.p, begins[4]);
	memcpy(bytes + begins[4], whole.p + begins[5], begins[6] - begins[5]);
	snprintf(said, sizeof(said), "before byte %" PRIu64 " blocks are missing", begins[4]);
	expect(open_bytes(bytes, begins[4] + begins[6] - begins[5]), "a block gone",
	       all_but(1u << 4), said);
	/* Zeros to the end, as a power loss leaves them. */
	memcpy(bytes, whole.p, begins[3]);
	memset(bytes + begins[3], 0, 3000);
	snprintf(said, sizeof(said), "damaged from byte %" PRIu64 " to its end", begins[3]);
	expect(open_bytes(bytes, begins[3] + 3000), "zeros", all_but(~0u << 3), said);
	/* Two places: the first is told, the other counted. */
	memcpy(bytes, whole.p, begins[BLOCKS]);
	bytes[begins[1]] ^= 1;
	bytes[begins[3]] ^= 1;
	expect(open_bytes(bytes, begins[BLOCKS]), "two places", all_but(1u << 1 | 1u << 3),
	       "; and 1 more");
	/* Damage before the index, found by a trailer that is right. */
	memcpy(bytes, whole.p, whole.n);
	bytes[begins[5] + RECORD_BLOCK_HEAD + 10] ^= 1;
	snprintf(said, sizeof(said), "damaged at byte %" PRIu64 ": 1 samples are left out",
		 begins[5]);
	expect(open_bytes(bytes, whole.n), "with an index", all_but(1u << 5), said);
	free(bytes);
}

/* ---- lies ---- */

static void put_index(struct kit_bytes *file, const struct record_index *x, uint64_t at)
{
	struct record_index_head head = {.offset = at};
	struct record_pack p;
	struct buf raw, out;
	uint8_t fixed[RECORD_INDEX_HEAD], trailer[RECORD_TRAILER];

	record_pack_init(&p);
	buf_init(&raw, RECORD_RAW_MAX);
	buf_init(&out, RECORD_RAW_MAX);
	assert_int_equal(record_index_put(x, &raw), 0);
	assert_int_equal(record_pack_compress(p.zstd, &out, &raw), 0);
	head.data_bytes = (uint32_t)out.used;
	head.raw_bytes = (uint32_t)raw.used;
	record_index_head_put(fixed, &head);
	file->n = at + sizeof(fixed) + out.used + sizeof(trailer);
	record_trailer_put(trailer, at, file->n);
	file->p = realloc(file->p, file->n);
	assert_non_null(file->p);
	memcpy(file->p + at, fixed, sizeof(fixed));
	memcpy(file->p + at + sizeof(fixed), out.data, out.used);
	memcpy(file->p + file->n - sizeof(trailer), trailer, sizeof(trailer));
	buf_fini(&raw);
	buf_fini(&out);
	record_pack_fini(&p);
}

static void ignore(void *arg, struct frame *now, struct frame *before)
{
	(void)arg;
	(void)now;
	(void)before;
}

/* An index whose checksums are right, but that says other things of a block in the middle
 * than its head does, where no probe looks. */
static void test_index_lies(void **state)
{
	struct record_reader *r;
	struct kit_bytes file;
	struct kit_text all = {.used = 0};
	uint64_t end;

	(void)state;
	unlink(kit_path);
	kit_write(kit_path, 1, 100, true);
	file = kit_load(kit_path);
	r = kit_open(kit_path);
	strcpy(all.text, kit_all(r));
	end = r->index.block[99].offset + record_block_bytes(&r->index.block[99]);
	r->index.block[50].to_wall_ns += 1;
	put_index(&file, &r->index, end);
	record_reader_close(r);
	r = open_bytes(file.p, file.n);
	assert_true(r->from_file);
	/* The question that finds it out does without the block, the next one has it. */
	assert_string_not_equal(kit_all(r), all.text);
	assert_non_null(strstr(record_damage(r), "damaged at byte"));
	/* A question that is interrupted while it is walked leaves nothing out of the next. */
	record_interrupt(r, true);
	assert_int_equal(record_at(r, KIT_START, ignore, NULL), -ECANCELED);
	record_interrupt(r, false);
	assert_null(strstr(record_damage(r), "more"));
	assert_string_equal(kit_all(r), all.text);
	assert_false(r->from_file);
	record_reader_close(r);
	/* Where a probe looks, it is not believed at all. */
	r = kit_open(kit_path);
	assert_true(r->from_file);
	r->index.block[99].frames = 0;
	put_index(&file, &r->index, end);
	record_reader_close(r);
	expect(open_bytes(file.p, file.n), "no frames", all.text, "its index is damaged");
	free(file.p);
	unlink(kit_path);
}

/* A recording of one block whose row of frames is what raw says. */
static struct record_reader *open_row(const struct buf *raw, uint32_t frames, uint32_t raw_bytes)
{
	struct frame *f = kit_frame("h0", 1, 1, 0, 1000);
	struct record_hosts hosts = {.n = 0};
	struct record_reader *r;
	struct record_pack p;
	struct buf file;
	uint8_t head[RECORD_FILE_HEAD];

	record_pack_init(&p);
	assert_int_equal(record_pack_add(&p, &hosts, f), 0);
	buf_clear(&p.raw);
	buf_put(&p.raw, raw->data, raw->used);
	assert_int_equal(record_pack_finish(&p, &hosts, 0), 0);
	p.block.frames = frames;
	p.block.raw_bytes = raw_bytes;
	buf_init(&file, RECORD_RAW_MAX);
	record_file_head_put(head, 1, "test");
	buf_put(&file, head, sizeof(head));
	record_block_put(head, &p.block);
	buf_put(&file, head, sizeof(head));
	buf_put(&file, p.out.data + RECORD_BLOCK_HEAD, p.out.used - RECORD_BLOCK_HEAD);
	r = open_bytes(file.data, file.used);
	buf_fini(&file);
	record_hosts_fini(&hosts);
	record_pack_fini(&p);
	frame_unref(f);
	return r;
}

static void put_row(struct buf *raw, const char *host, uint32_t length_more)
{
	struct frame *f = kit_frame(host, 1, 1, 0, 1000);
	uint8_t length[4];

	record_put32(length, f->size + length_more);
	buf_put(raw, length, sizeof(length));
	buf_put(raw, f->bytes, f->size);
	frame_unref(f);
}

static void row(const char *what, const struct buf *raw, uint32_t frames, uint32_t raw_bytes,
		const char *wanted, const char *said)
{
	expect(open_row(raw, frames, raw_bytes), what, wanted, said);
}

static void test_block_lies(void **state)
{
	struct buf raw;
	uint32_t n;

	(void)state;
	buf_init(&raw, RECORD_RAW_MAX);
	put_row(&raw, "h0", 0);
	n = (uint32_t)raw.used;
	row("all is right", &raw, 1, n, "h0:1", "was not closed");
	row("more bytes than there are", &raw, 1, RECORD_RAW_MAX, "", "damaged at byte 64");
	row("fewer bytes than there are", &raw, 1, n - 1, "", "damaged at byte 64");
	row("more bytes than may be", &raw, 1, RECORD_RAW_MAX + 1, "", "damaged from byte 64");
	row("more frames than bytes", &raw, 1000, n, "", "damaged from byte 64");
	row("no frames", &raw, 0, n, "", "damaged from byte 64");
	put_row(&raw, "h0", 0);
	row("more frames than it says", &raw, 1, (uint32_t)raw.used, "h0:1", "unreadable");
	row("fewer frames than it says", &raw, 3, (uint32_t)raw.used, "h0:1 h0:1",
	    "in the block at byte 64 1 samples are unreadable");
	put_row(&raw, "h0", 1);
	row("a length beyond the end", &raw, 3, (uint32_t)raw.used, "h0:1 h0:1", "unreadable");
	buf_clear(&raw);
	put_row(&raw, "h0", UINT32_MAX - 100);
	row("a length that wraps", &raw, 1, n, "", "unreadable");
	buf_clear(&raw);
	put_row(&raw, "h1", 0);
	row("a host that it does not name", &raw, 1, n, "", "unreadable");
	buf_clear(&raw);
	put_row(&raw, "h0", 0);
	memset(raw.data + 4, 0xc1, 10);
	put_row(&raw, "h0", 0);
	row("no frame at all", &raw, 2, (uint32_t)raw.used, "h0:1", "1 samples are unreadable");
	buf_fini(&raw);
	unlink(kit_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flip),       cmocka_unit_test(test_middle),
		cmocka_unit_test(test_index_lies), cmocka_unit_test(test_block_lies),
	};

	return cmocka_run_group_tests_name("record_damage", tests, make_whole, drop_whole);
}
