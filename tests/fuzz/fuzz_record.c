/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that claim to be recordings.  The first byte says what the rest is: 0 a file; 1 a
 * file whose checksums are made right; 2 changes to a good recording, whose checksums are
 * made right; 3 changes to its row of frames before it is compressed; 4 changes to its index
 * before that is.  Changes are three bytes each: where (two), and the new value.
 *
 * Whatever it is: what is given are frames, in the times and of the host that were asked for, a
 * part is no more than the whole, and a good recording is given whole.
 */
#include "crc32c.h"
#include "make_frame.h"
#include "record_file.h"
#include "record_format.h"
#include "record_pack.h"
#include "record_reader.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct base {
	struct record_pack pack;
	struct record_index index;
	struct buf good, good_row, good_index; /* the last two before they are compressed */
	uint64_t end;                          /* of the good one's blocks */
	struct buf file, part;                 /* what is made of them */
};

/* ---- a good recording, and parts of it ---- */

static void put_head(struct buf *file)
{
	uint8_t head[RECORD_FILE_HEAD];

	buf_clear(file);
	record_file_head_put(head, 1, "fuzz");
	buf_put(file, head, sizeof(head));
}

static void add_frames(struct base *b, unsigned from)
{
	for (unsigned i = 0; i < 4; i++) {
		struct frame *f = make_frame(i % 2 ? "one" : "two", 1 + i / 3, from + i / 2, 36);

		if (record_pack_add(&b->pack, &b->index.hosts, f))
			abort();
		frame_unref(f);
	}
}

static void put_block(struct base *b, uint32_t number)
{
	if (record_pack_finish(&b->pack, &b->index.hosts, number))
		abort();
	b->pack.block.offset = b->file.used;
	if (!b->good.used)
		record_index_add(&b->index, &b->pack.block, b->pack.host, b->pack.block.hosts);
	buf_put(&b->file, b->pack.out.data, b->pack.out.used);
}

static void put_index(struct base *b, const struct buf *raw)
{
	struct record_index_head head = {.offset = b->file.used, .raw_bytes = (uint32_t)raw->used};
	uint8_t bytes[RECORD_TRAILER];
	struct buf data;

	buf_init(&data, RECORD_RAW_MAX);
	if (record_pack_compress(b->pack.zstd, &data, raw))
		abort();
	head.data_bytes = (uint32_t)data.used;
	record_index_head_put(bytes, &head);
	buf_put(&b->file, bytes, RECORD_INDEX_HEAD);
	buf_put(&b->file, data.data, data.used);
	record_trailer_put(bytes, head.offset, b->file.used + RECORD_TRAILER);
	buf_put(&b->file, bytes, RECORD_TRAILER);
	buf_fini(&data);
}

static struct base *base_new(void)
{
	struct base *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	record_pack_init(&b->pack);
	buf_init(&b->good, RECORD_RAW_MAX);
	buf_init(&b->good_row, RECORD_RAW_MAX);
	buf_init(&b->good_index, RECORD_RAW_MAX);
	buf_init(&b->file, RECORD_RAW_MAX);
	buf_init(&b->part, RECORD_RAW_MAX);
	return b;
}

static void copy(struct buf *to, const struct buf *from, size_t n)
{
	buf_clear(to);
	buf_put(to, from->data, n);
}

/* Three blocks, and the index. */
static void make_good(struct base *b)
{
	put_head(&b->file);
	for (uint32_t i = 0; i < 3; i++) {
		add_frames(b, 2 * i + 1);
		if (!i)
			copy(&b->good_row, &b->pack.raw, b->pack.raw.used);
		put_block(b, i);
		record_pack_clear(&b->pack);
	}
	b->end = b->file.used;
	if (record_index_put(&b->index, &b->good_index))
		abort();
	put_index(b, &b->good_index);
	copy(&b->good, &b->file, b->file.used);
}

/* ---- what the input does to it ---- */

static void change(struct buf *b, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i + 3 <= n && b->used; i += 3)
		b->data[(bytes[i] | (size_t)bytes[i + 1] << 8) % b->used] = (char)bytes[i + 2];
}

static void mend_part(uint8_t *part, size_t n)
{
	record_put32(part + n - 4, crc32c(0, part, n - 4));
}

static void mend(struct buf *file)
{
	uint8_t *p = (uint8_t *)file->data;
	size_t n = file->used;

	if (n >= RECORD_FILE_HEAD)
		mend_part(p, RECORD_FILE_HEAD);
	for (size_t i = 0; i + RECORD_BLOCK_HEAD <= n; i++) {
		uint32_t directory;

		if (memcmp(p + i, record_block_magic, RECORD_MAGIC))
			continue;
		directory = record_get32(p + i + 8);
		if (directory <= n - i - RECORD_BLOCK_HEAD)
			record_put32(p + i + 52, crc32c(0, p + i + RECORD_BLOCK_HEAD, directory));
		mend_part(p + i, RECORD_BLOCK_HEAD);
	}
	if (n >= RECORD_TRAILER) {
		uint64_t index = record_get64(p + n - RECORD_TRAILER + 8);

		if (index <= n && n - index >= RECORD_INDEX_HEAD)
			mend_part(p + index, RECORD_INDEX_HEAD);
		mend_part(p + n - RECORD_TRAILER, RECORD_TRAILER);
	}
}

/* The good one's first block with another row of frames. */
static void put_row(struct base *b, const struct buf *row)
{
	put_head(&b->file);
	add_frames(b, 1);
	copy(&b->pack.raw, row, row->used);
	put_block(b, 0);
	record_pack_clear(&b->pack);
}

static void make_file(struct base *b, unsigned how, const uint8_t *bytes, size_t n)
{
	copy(&b->file, &b->good, b->good.used);
	switch (how) {
	case 0:
	case 1:
		buf_clear(&b->file);
		buf_put(&b->file, bytes, n);
		break;
	case 2:
		change(&b->file, bytes, n);
		break;
	case 3:
		copy(&b->part, &b->good_row, b->good_row.used);
		change(&b->part, bytes, n);
		put_row(b, &b->part);
		break;
	default:
		copy(&b->part, &b->good_index, b->good_index.used);
		change(&b->part, bytes, n);
		b->file.used = b->end;
		put_index(b, &b->part);
	}
	if (how == 1 || how == 2)
		mend(&b->file);
}

/* ---- what must hold ---- */

/* What was asked for, and how much came. */
struct asked {
	uint64_t from, to;
	const char *host; /* NULL: of all */
	uint64_t frames;
};

static void decode(struct frame_head *ret, const struct frame *f)
{
	if (frame_head_decode(ret, f->bytes, f->size) || ret->wall_ns != f->wall_ns)
		abort();
}

static bool look(void *arg, struct frame *f)
{
	struct asked *a = arg;
	struct frame_head head;

	decode(&head, f);
	if (f->wall_ns < a->from || f->wall_ns > a->to ||
	    (a->host && strcmp(head.host_id, a->host)))
		abort();
	a->frames++;
	return true;
}

static void look_at_two(void *arg, struct frame *now, struct frame *before)
{
	struct frame_head is, was;

	look(arg, now);
	if (!before)
		return;
	decode(&is, now);
	decode(&was, before);
	if (was.epoch != is.epoch || was.sequence >= is.sequence || strcmp(was.host_id, is.host_id))
		abort();
}

static uint64_t read_range(struct record_reader *r, uint64_t from, uint64_t to, const char *host)
{
	struct asked a = {.from = from, .to = to, .host = host};

	record_read(r, from, to, host, look, &a);
	return a.frames;
}

/* The parts of a stretch of time are no more than all of it, and the hosts' no more than all
 * hosts'; of a good recording they are as many (heads may lie about times and hosts). */
static void ask_ranges(struct record_reader *r, const struct record_span *span, bool good)
{
	uint64_t middle = span->from_wall_ns + (span->to_wall_ns - span->from_wall_ns) / 2;
	uint64_t all, early, late, one, two;

	read_range(r, 0, UINT64_MAX, NULL); /* lies are found */
	all = read_range(r, 0, UINT64_MAX, NULL);
	early = read_range(r, 0, middle, NULL);
	late = middle < UINT64_MAX ? read_range(r, middle + 1, UINT64_MAX, NULL) : 0;
	one = read_range(r, 0, UINT64_MAX, "one");
	two = read_range(r, 0, UINT64_MAX, "two");
	if (early + late > all || one + two > all || read_range(r, 0, UINT64_MAX, "nobody"))
		abort();
	if (read_range(r, 0, middle, "one") > one || read_range(r, middle, middle, "two") > two)
		abort();
	if (good && (!early || !late || early + late != all || one != two || one + two != all))
		abort();
}

static void ask_series(struct record_reader *r, const char *host, uint64_t to)
{
	struct frame *frames[8];
	uint32_t n = record_series(r, host, to, frames, 8);
	struct asked a = {.to = to, .host = host};

	for (uint32_t i = 0; i < n; i++) {
		look(&a, frames[i]);
		a.from = frames[i]->wall_ns;
		if (i)
			frame_unref(frames[i - 1]);
	}
	if (n)
		frame_unref(frames[n - 1]);
}

static void ask_at(struct record_reader *r, uint64_t t)
{
	struct asked a = {.to = t};

	record_at(r, t, look_at_two, &a);
}

static void ask(struct record_reader *r, bool good)
{
	struct record_span span;
	uint64_t t = 0, next;

	record_span(r, &span);
	ask_ranges(r, &span, good);
	for (unsigned i = 0; i < 20; i++, t = next) {
		next = record_step(r, t, 1, 500000000);
		if (!next)
			break;
		if (next <= t)
			abort();
		ask_at(r, next);
		if (record_step(r, next, -1, 1) >= next)
			abort();
		ask_series(r, i % 2 ? "one" : "two", next);
	}
	ask_at(r, UINT64_MAX);
	ask_series(r, "one", UINT64_MAX);
	ask_series(r, "two", UINT64_MAX);
	if (record_damage(r) && !strchr(record_damage(r), ':'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct base *b;
	struct record_reader *r;
	char path[64], why[256];
	int fd;

	if (!b) {
		b = base_new();
		make_good(b);
	}
	if (!n)
		return 0;
	make_file(b, (unsigned)(bytes[0] - '0') % 5, bytes + 1, n - 1);
	fd = memfd_create("recording", MFD_CLOEXEC);
	if (fd < 0 || record_file_write(fd, b->file.data, b->file.used, 0))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (record_open(&r, path, why, sizeof(why)) == 0) {
		ask(r, b->file.used == b->good.used &&
			       !memcmp(b->file.data, b->good.data, b->good.used));
		record_reader_close(r);
	}
	close(fd);
	return 0;
}
