/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SAMPLE_H
#define PROXTOP_SAMPLE_H

/*
 * A sample: one host, measured at one instant, as raw counters and gauges.
 *
 * One table per scope; a table is rows x columns, each column one contiguous array
 * of uint64_t in the unit of its metric.  INFO columns hold offsets into the
 * sample's strings.  A value that could not be read is ABSENT, never zero.
 *
 * Rows are known by their id: a hash of what makes the thing itself (of a VM: UUID
 * and instance, so that no rate crosses a restart or a reused PID; of a device: its
 * owner's id and its name).  The same id in two samples means the same counters.
 *
 * OWN_TIME metrics come more rarely than the cycle.  For them a row carries when its
 * latest and previous readings were taken, and both values, so that every sample has
 * their rate, over their own interval.
 *
 * Ownership: the sample owns everything in it and keeps its memory when cleared, so
 * a steady state does not allocate.  Memory that runs out ends the program
 * (xalloc.h): all sizes here are bounded by SAMPLE_ROWS_MAX and SAMPLE_TEXT_MAX.
 */
#include "metric.h"

#include <stdbool.h>
#include <stdint.h>

#define ABSENT          UINT64_MAX
#define NO_ROW          UINT32_MAX
#define SAMPLE_ROWS_MAX 262144u     /* rows of one table */
#define SAMPLE_TEXT_MAX (64u << 20) /* bytes of all strings */
#define SAMPLE_NAME_MAX 255u        /* bytes of one string; longer ones are cut at a character */
#define HOST_ID_MAX     64u         /* bytes of a host's id, without the NUL */
#define HOST_NAME_BYTES 255u        /* of its name; limits.h has a HOST_NAME_MAX of its own */

#define COLUMN_WORDS ((METRICS + 63u) / 64u)

struct table {
	uint32_t rows, room;
	uint64_t made[COLUMN_WORDS]; /* bits: the metrics that have memory here */
	uint64_t *id;
	uint32_t *parent; /* row in the parent scope's table, NO_ROW for hosts */
	uint8_t *counted; /* does the row take part in the parent's sum? */
	uint64_t
		*read_ns; /* OWN_TIME: when the latest reading was taken, ABSENT if there is none */
	uint64_t *prev_ns;           /* OWN_TIME: when the one before was */
	uint64_t *value[METRICS];    /* NULL until a collector has set one */
	uint64_t *previous[METRICS]; /* OWN_TIME counters only */
};

struct sample {
	uint64_t boot_ns; /* CLOCK_BOOTTIME at the cycle's instant: rates */
	uint64_t wall_ns; /* CLOCK_REALTIME, for people */
	uint64_t epoch;   /* rates never cross it; 0 where only one program ever sees it */
	uint64_t sequence;
	struct table table[SCOPES];
	char *text; /* strings, NUL-terminated; offset 0 is "" */
	uint32_t text_used, text_room;
	uint32_t refused; /* rows and strings beyond the bounds */
};

struct sample *sample_new(void);
void sample_free(struct sample *s); /* NULL is fine */
void sample_clear(struct sample *s);

/* Adds a row and returns its index, or NO_ROW beyond the bound. */
uint32_t sample_row(struct sample *s, enum scope scope, uint32_t parent, uint64_t id);

/* Sets a raw value; row NO_ROW is ignored. */
void sample_set(struct sample *s, enum scope scope, uint32_t row, enum metric_id m, uint64_t v);

/* Sets an INFO value (bounded, copied).  Any bytes are taken; what is printed later is
 * escaped by the printer.  NULL leaves it absent. */
void sample_set_text(struct sample *s, enum scope scope, uint32_t row, enum metric_id m,
		     const char *text);

/* An OWN_TIME value with the one before it (ABSENT when there is none). */
void sample_set_pair(struct sample *s, enum scope scope, uint32_t row, enum metric_id m, uint64_t v,
		     uint64_t previous);

static inline uint64_t sample_get(const struct sample *s, enum scope scope, uint32_t row,
				  enum metric_id m)
{
	const struct table *t = &s->table[scope];

	return row < t->rows && t->value[m] ? t->value[m][row] : ABSENT;
}

/* The text of an INFO value, NULL when absent.  Valid until the next text is set (the
 * strings may move) or the sample is cleared. */
const char *sample_text(const struct sample *s, enum scope scope, uint32_t row, enum metric_id m);

/* ---- whole columns: for what fills a sample from elsewhere ---- */

/* Gives back all memory; the sample is then as new. */
void sample_release(struct sample *s);

/* Adds n rows without parents, all absent.  Returns the first, or NO_ROW beyond the bound
 * (then none is added). */
uint32_t sample_rows(struct sample *s, enum scope scope, uint32_t n);

/* The rows of a column to write into, made when it is not there; valid until the next row
 * is added.  An INFO column takes what sample_keep_text() returned. */
uint64_t *sample_column(struct sample *s, enum scope scope, enum metric_id m);
uint64_t *sample_previous(struct sample *s, enum scope scope, enum metric_id m);

/* Keeps a string of n bytes, cut as sample_set_text() does it; ABSENT beyond the bound. */
uint64_t sample_keep_text(struct sample *s, const char *text, size_t n);

/* The first column with memory from m on; METRICS: none. */
static inline unsigned table_column_from(const struct table *t, unsigned m)
{
	uint64_t word;

	for (; m < METRICS; m = (m | 63) + 1) {
		word = t->made[m / 64] >> m % 64;
		if (word)
			return m + (unsigned)__builtin_ctzll(word);
	}
	return METRICS;
}

/* FNV-1a over a string, continuing from seed: ids of rows. */
uint64_t id_hash(uint64_t seed, const char *text);
uint64_t id_hash_bytes(uint64_t seed, const void *bytes, size_t n);
uint64_t id_hash_u64(uint64_t seed, uint64_t v);

#endif
