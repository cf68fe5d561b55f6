/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_INDEX_H
#define PROXTOP_RECORD_INDEX_H

/*
 * What is known of all blocks of a recording without reading them: where they are, their
 * times, and whose frames they hold.  The writer collects it and writes it at the end; the
 * reader takes it from there, or makes it by walking the heads.
 *
 * Most blocks have the same hosts as the one before, so blocks share sets of them.
 */
#include "buf.h"
#include "record_format.h"
#include "record_hosts.h"

struct record_set {
	uint32_t n;
	uint32_t *host; /* numbers, ascending, none twice */
};

struct record_index {
	struct record_hosts hosts;
	uint32_t n_sets, sets_room, n_blocks, blocks_room;
	struct record_set *set;
	struct record_block *block; /* in the file's order */
};

void record_index_fini(struct record_index *x);

/* Adds a block; b->set is ignored.  hosts[n] are ascending numbers. */
void record_index_add(struct record_index *x, const struct record_block *b, const uint32_t *hosts,
		      uint32_t n);
void record_numbers_sort(uint32_t *number, uint32_t n);
bool record_set_has(const struct record_set *s, uint32_t host);

/* Appends the ids of these hosts, as they stand behind a block's head. */
void record_directory_put(const struct record_hosts *h, const uint32_t *hosts, uint32_t n,
			  struct buf *to);
/* Reads such ids, adds new ones to h, gives the numbers (hosts[n], ascending, the caller's to
 * free).  False when they are not n or not ids. */
bool record_directory_get(struct record_hosts *h, const uint8_t *bytes, size_t size, uint32_t n,
			  uint32_t **ret_hosts);

/* Appends the index as it is before it is compressed; -EMSGSIZE when that is too much. */
int record_index_put(const struct record_index *x, struct buf *to);
/* Reads one into an empty x.  False, and x empty, when it lies: blocks must lie one behind
 * the other from the file's head to end, where the index begins. */
bool record_index_get(struct record_index *x, const uint8_t *bytes, size_t n, uint64_t end);

#endif
