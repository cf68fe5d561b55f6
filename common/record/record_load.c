/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks in memory: read, checked, decompressed, and looked through once; the ones used last
 * are kept, so that going step by step reads little.
 */
#include "crc32c.h"
#include "record_file.h"
#include "record_reader.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000u

/* ---- the cache ---- */

static void unload(struct record_reader *r, struct record_loaded *l)
{
	r->cached -= l->held;
	free(l->bytes);
	free(l->entry);
	*l = (struct record_loaded){0};
}

void record_unload_all(struct record_reader *r)
{
	for (unsigned i = 0; i < RECORD_CACHE_SLOTS; i++)
		if (r->cache[i].bytes)
			unload(r, &r->cache[i]);
}

static struct record_loaded *find(struct record_reader *r, uint32_t block)
{
	for (unsigned i = 0; i < RECORD_CACHE_SLOTS; i++)
		if (r->cache[i].bytes && r->cache[i].block == block)
			return &r->cache[i];
	return NULL;
}

/* A free slot, with room for so many bytes; what was not used for the longest time goes. */
static struct record_loaded *make_room(struct record_reader *r, size_t bytes)
{
	for (;;) {
		struct record_loaded *free_one = NULL, *oldest = NULL;

		for (unsigned i = 0; i < RECORD_CACHE_SLOTS; i++) {
			struct record_loaded *l = &r->cache[i];

			if (!l->bytes)
				free_one = l;
			else if (!oldest || l->used < oldest->used)
				oldest = l;
		}
		if (free_one && (!oldest || r->cached + bytes <= RECORD_CACHE_BYTES))
			return free_one;
		unload(r, oldest);
	}
}

/* ---- a block's frames ---- */

/* One frame at bytes[at]; false when it is none, or of a host that the directory does not
 * have. */
static bool look_at(struct record_reader *r, const struct record_block *b, const uint8_t *bytes,
		    uint32_t at, uint32_t size, struct record_entry *ret)
{
	struct frame_head head;
	uint64_t ms;

	if (frame_head_decode(&head, bytes + at, size) < 0)
		return false;
	ms = head.interval_ns / MS;
	*ret = (struct record_entry){
		.at = at,
		.size = size,
		.host = record_hosts_find(&r->index.hosts, head.host_id, strlen(head.host_id)),
		.interval_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms,
		.epoch = head.epoch,
		.sequence = head.sequence,
		.boot_ns = head.boot_ns,
		.wall_ns = head.wall_ns};
	return ret->host != RECORD_NO_HOST && record_set_has(&r->index.set[b->set], ret->host);
}

/* The row of frames; how many bytes of it were understood. */
static uint32_t look_through(struct record_reader *r, const struct record_block *b,
			     struct record_loaded *l, uint32_t *ret_bad)
{
	uint32_t at = 0, seen = 0;

	while (seen < b->frames && b->raw_bytes - at >= RECORD_LENGTH) {
		uint32_t size = record_get32(l->bytes + at);

		if (size < FRAME_MIN || size > FRAME_MAX ||
		    size > b->raw_bytes - at - RECORD_LENGTH)
			break;
		if (look_at(r, b, l->bytes, at + RECORD_LENGTH, size, &l->entry[l->n]))
			l->n++;
		at += RECORD_LENGTH + size;
		seen++;
	}
	*ret_bad = b->frames - l->n;
	return at;
}

/* ---- reading ---- */

/* Head, directory and data as they are in the file (the caller's), or NULL. */
static uint8_t *read_block(struct record_reader *r, const struct record_block *b)
{
	size_t n = (size_t)record_block_bytes(b);
	uint8_t *bytes, head[RECORD_BLOCK_HEAD];

	/* Known from the index, perhaps: is it in the file at all? */
	if (b->offset > r->size || n > r->size - b->offset)
		return NULL;
	bytes = xrealloc(NULL, n, 1);
	record_block_put(head, b);
	if (record_file_read(r->fd, bytes, n, b->offset) == 0 && !memcmp(bytes, head, sizeof(head)))
		return bytes;
	/* Another head than was seen before: the index lies, or the head is damaged now. */
	r->lies = r->from_file;
	free(bytes);
	return NULL;
}

/* What does not keep the frames from being read. */
static void say_blemish(struct record_reader *r, struct record_block *b, const uint8_t *directory,
			uint32_t bad, bool all_understood)
{
	if (b->said)
		return;
	b->said = true;
	if (bad || !all_understood)
		record_note(r,
			    "in the block at byte %" PRIu64 " %" PRIu32 " samples are unreadable",
			    b->offset, bad);
	else if (crc32c(0, directory, b->directory_bytes) != b->directory_crc)
		record_note(r, "the names of hosts at byte %" PRIu64 " are damaged",
			    b->offset + RECORD_BLOCK_HEAD);
}

static bool fill(struct record_reader *r, struct record_block *b, struct record_loaded *l)
{
	uint8_t *bytes = read_block(r, b);
	uint32_t before = RECORD_BLOCK_HEAD + b->directory_bytes, bad, at;
	bool good;

	if (!bytes)
		return false;
	l->bytes = xrealloc(NULL, b->raw_bytes, 1);
	good = record_inflate(r, bytes + before, b->data_bytes, l->bytes, b->raw_bytes);
	if (good) {
		l->entry = xcalloc(b->frames, sizeof(*l->entry));
		at = look_through(r, b, l, &bad);
		say_blemish(r, b, bytes + RECORD_BLOCK_HEAD, bad, at == b->raw_bytes);
	}
	free(bytes);
	return good;
}

const struct record_loaded *record_load(struct record_reader *r, uint32_t block)
{
	struct record_block *b = &r->index.block[block];
	struct record_loaded *l = find(r, block), got = {.block = block};

	if (record_is_interrupted(r) || b->damaged)
		return NULL;
	if (!l) {
		got.held = b->raw_bytes + b->frames * sizeof(struct record_entry);
		l = make_room(r, got.held);
		r->loads++;
		if (!fill(r, b, &got)) {
			b->damaged = true;
			record_note(r,
				    "damaged at byte %" PRIu64 ": %" PRIu32 " samples are left out",
				    b->offset, b->frames);
			free(got.bytes);
			return NULL;
		}
		*l = got;
		r->cached += l->held;
	}
	l->used = ++r->clock;
	return l;
}

struct frame *record_entry_frame(const struct record_loaded *l, const struct record_entry *e)
{
	struct frame_head head = {.epoch = e->epoch,
				  .sequence = e->sequence,
				  .boot_ns = e->boot_ns,
				  .wall_ns = e->wall_ns};

	return frame_new(&head, l->bytes + e->at, e->size);
}
