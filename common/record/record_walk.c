/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the blocks of a recording without its index: from head to head, and where there is
 * none, on to the next thing that looks like one.
 */
#include "crc32c.h"
#include "record_file.h"
#include "record_reader.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX (1u << 24)
#define SEARCH     (1u << 20) /* bytes looked through at once */
#define GUESS      4096u      /* bytes read with a head: most directories are smaller */

struct walk {
	struct record_reader *r;
	uint64_t at;
	uint32_t next;    /* as the reader's */
	bool after_fault; /* numbers that are missing here are part of what was said already */
	bool ended;
	uint8_t *piece; /* SEARCH bytes, or as many as there are, once they are needed */
	uint64_t piece_at;
	size_t piece_n; /* of them are read */
};

/* The directory of the block at w->at, of which there_n bytes are read already. */
static bool read_directory(struct walk *w, const struct record_block *b, const uint8_t *there,
			   size_t there_n, uint32_t **ret)
{
	uint8_t *bytes = xcalloc(b->directory_bytes, 1);
	bool good;

	if (b->directory_bytes <= there_n)
		memcpy(bytes, there, b->directory_bytes);
	else if (record_file_read(w->r->fd, bytes, b->directory_bytes, w->at + RECORD_BLOCK_HEAD) <
		 0)
		memset(bytes, 0, b->directory_bytes);
	good = crc32c(0, bytes, b->directory_bytes) == b->directory_crc &&
	       record_directory_get(&w->r->index.hosts, bytes, b->directory_bytes, b->hosts, ret);
	free(bytes);
	return good;
}

static void take_block(struct walk *w, struct record_block *b, const uint8_t *there, size_t there_n)
{
	uint32_t *hosts;

	if (b->number != w->next && !w->after_fault)
		record_note(w->r,
			    "before byte %" PRIu64 " blocks are missing: %" PRIu32
			    " follows %" PRIu32,
			    w->at, b->number, w->next);
	w->next = b->number + 1;
	w->after_fault = false;
	if (read_directory(w, b, there, there_n, &hosts)) {
		b->offset = w->at;
		record_index_add(&w->r->index, b, hosts, b->hosts);
		free(hosts);
	} else {
		record_note(w->r, "damaged at byte %" PRIu64 ": %" PRIu32 " samples are left out",
			    w->at, b->frames);
	}
	w->at += record_block_bytes(b);
}

/* Bytes from at on, at least as many as a magic has, into the piece; not again when they are
 * there: of many places that look like a head most lie close together. */
static bool read_piece(struct walk *w, uint64_t at)
{
	uint64_t left = w->r->size - at;

	if (w->piece_n && at >= w->piece_at && at + RECORD_MAGIC <= w->piece_at + w->piece_n)
		return true;
	w->piece_at = at;
	w->piece_n = left < SEARCH ? (size_t)left : SEARCH;
	if (record_file_read(w->r->fd, w->piece, w->piece_n, at) < 0)
		w->piece_n = 0;
	return w->piece_n != 0;
}

/* The next place behind at where a head might be; the file's end when there is none. */
static uint64_t search(struct walk *w, uint64_t at)
{
	struct record_reader *r = w->r;

	if (!w->piece)
		w->piece = xrealloc(NULL, r->size < SEARCH ? (size_t)r->size : SEARCH, 1);
	while (r->size > at && r->size - at >= RECORD_BLOCK_HEAD && !record_is_stopped(r)) {
		const uint8_t *from, *found;

		if (!read_piece(w, at)) {
			at += SEARCH; /* a disk that cannot read this may read what follows */
			continue;
		}
		from = w->piece + (at - w->piece_at);
		found = memmem(from, w->piece_n - (at - w->piece_at), record_block_magic,
			       RECORD_MAGIC);
		if (found)
			return at + (uint64_t)(found - from);
		at = w->piece_at + w->piece_n - (RECORD_MAGIC - 1);
	}
	return r->size;
}

/* The head of a block at an offset, with what follows it. */
static bool head_at(const struct walk *w, uint64_t at, struct record_block *b, uint8_t *bytes,
		    size_t most, size_t *ret_n)
{
	uint64_t left = w->r->size - at;

	*ret_n = left < most ? (size_t)left : most;
	return *ret_n >= RECORD_BLOCK_HEAD && record_file_read(w->r->fd, bytes, *ret_n, at) == 0 &&
	       record_block_get(b, bytes);
}

/* No head here: is it the index, or damage?  Goes on to the next head. */
static void pass_over(struct walk *w, const uint8_t *bytes, size_t n)
{
	struct record_reader *r = w->r;
	struct record_index_head index;
	struct record_block b;
	uint8_t next[RECORD_BLOCK_HEAD];
	uint64_t from = w->at, to = w->at;

	if (n >= RECORD_INDEX_HEAD && record_index_head_get(&index, bytes)) {
		w->at += RECORD_INDEX_HEAD + (uint64_t)index.data_bytes + RECORD_TRAILER;
		r->index_end = w->at;
		return;
	}
	do
		to = search(w, to + 1);
	while (to < r->size && !record_is_stopped(r) &&
	       !head_at(w, to, &b, next, sizeof(next), &n));
	if (to == r->size)
		record_note(r, "damaged from byte %" PRIu64 " to its end", from);
	else
		record_note(r, "damaged from byte %" PRIu64 " to %" PRIu64, from, to);
	w->at = to;
	w->after_fault = true;
}

/* What is written now is no loss, and may be whole later: true. */
static bool is_cut(struct walk *w)
{
	if (!w->r->growing)
		record_note(w->r,
			    "cut off at byte %" PRIu64 ", in a block that begins at byte %" PRIu64,
			    w->r->size, w->at);
	return w->r->growing;
}

static void step(struct walk *w)
{
	struct record_reader *r = w->r;
	uint8_t bytes[GUESS] = {0};
	struct record_block b;
	size_t n;

	if (!head_at(w, w->at, &b, bytes, sizeof(bytes), &n)) {
		if (n < RECORD_BLOCK_HEAD && !w->after_fault) {
			/* Not even a head: cut off, or the rest of an index. */
			is_cut(w);
			w->ended = true;
			return;
		}
		pass_over(w, bytes, n);
	} else if (record_block_bytes(&b) > r->size - w->at) {
		if (is_cut(w)) {
			w->ended = true;
			return;
		}
		/* Or its sizes lie, and others follow. */
		w->at = search(w, w->at + 1);
		w->after_fault = true;
	} else {
		take_block(w, &b, bytes + RECORD_BLOCK_HEAD, n - RECORD_BLOCK_HEAD);
	}
}

void record_walk(struct record_reader *r)
{
	record_index_fini(&r->index);
	r->walked = RECORD_FILE_HEAD;
	r->next = 0;
	record_walk_on(r);
}

void record_walk_on(struct record_reader *r)
{
	struct walk w = {.r = r, .at = r->walked, .next = r->next};

	while (!w.ended && w.at < r->size && r->index.n_blocks < BLOCKS_MAX &&
	       !record_is_stopped(r))
		step(&w);
	r->walked = w.at;
	r->next = w.next;
	if (r->index.n_blocks == BLOCKS_MAX)
		record_note(r,
			    "more than %u blocks: the rest, from byte %" PRIu64 " on, is left out",
			    BLOCKS_MAX, w.at);
	free(w.piece);
}
