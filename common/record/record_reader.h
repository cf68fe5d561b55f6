/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_READER_H
#define PROXTOP_RECORD_READER_H

/*
 * The inside of a reader: what is known of the blocks, the blocks that are in memory, and
 * what was found to be wrong.
 */
#include "record.h"
#include "record_index.h"

#define RECORD_CACHE_BYTES (64u << 20) /* of blocks in memory; one is kept however large */
#define RECORD_CACHE_SLOTS 128u

/* A frame of a block in memory. */
struct record_entry {
	uint32_t at, size; /* in the block's bytes */
	uint32_t host;
	uint32_t interval_ms;
	uint64_t epoch, sequence, boot_ns, wall_ns;
};

#define RECORD_AT_BYTES     ((size_t)512 << 20)
#define RECORD_SERIES_BYTES ((size_t)64 << 20)
#define RECORD_AT_HOSTS     16384u

struct record_loaded {
	uint32_t block; /* number in the index */
	uint32_t n;
	struct record_entry *entry; /* in the order they were recorded */
	uint8_t *bytes;             /* NULL: the slot is free */
	size_t held;                /* bytes of memory */
	uint64_t used;              /* when, in questions of the cache */
};

struct record_reader {
	char *path;
	int fd;
	uint64_t size; /* of the file, when it was looked at last */
	struct record_index index;
	uint32_t *order;    /* the blocks, by to_wall_ns */
	bool from_file;     /* the index is the file's, not walked */
	bool growing;       /* somebody writes it */
	uint64_t index_end; /* where an index that a walk came to ends; 0: none */
	uint64_t walked;    /* a walk has come to here, and goes on here when there is more */
	uint32_t next;      /* the number that the next block should have */
	bool lies;          /* it did not fit a block: walk before the next question */
	/* Of the frames of one answer; what is beyond is left out, and noted: whoever made the file
	 * chose their sizes. */
	size_t at_bytes, series_bytes;
	uint32_t at_hosts;          /* of one answer */
	bool said_large, said_many; /* a moment beyond a bound was noted */
	bool (*stop)(void *arg);    /* while it is opened; NULL: none */
	void *stop_arg;
	char *first_damage, *damage;
	uint64_t damages;
	struct record_loaded cache[RECORD_CACHE_SLOTS];
	size_t cached;
	uint64_t clock, loads; /* blocks that were read and decompressed so far */
	void *zstd;
	bool interrupted; /* __atomic */
};

/* Notes one thing that is damaged; the first is told, the others are counted. */
void record_note(struct record_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What is no damage, but is said as long as there is none. */
void record_remark(struct record_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What was noted since there were so many is forgotten. */
void record_forget_notes(struct record_reader *r, uint64_t damages);

/* Finds the blocks: by the index, or by walking. */
void record_find_blocks(struct record_reader *r);
/* By their heads, from the beginning; whatever is known of them is forgotten. */
void record_walk(struct record_reader *r);
/* On from where it has come to. */
void record_walk_on(struct record_reader *r);
/* Is what goes on to end? */
bool record_is_stopped(struct record_reader *r);
/* At the beginning of each question. */
void record_begin(struct record_reader *r);

/* A block in memory: valid until the next one is loaded.  NULL: it is damaged (noted), or the
 * question is to end (record_interrupt). */
const struct record_loaded *record_load(struct record_reader *r, uint32_t block);
void record_unload_all(struct record_reader *r);

/* The frame of an entry, the caller's. */
struct frame *record_entry_frame(const struct record_loaded *l, const struct record_entry *e);

/* n bytes at an offset, decompressed into raw[raw_n].  False unless it is all of that. */
bool record_inflate(struct record_reader *r, const uint8_t *data, size_t n, uint8_t *raw,
		    size_t raw_n);

#endif
