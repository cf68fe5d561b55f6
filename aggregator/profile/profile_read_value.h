/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_READ_VALUE_H
#define PROXTOP_PROFILE_READ_VALUE_H

/*
 * For the files of profile_read.h only: members of JSON objects, checked.  The first error
 * sticks, with the place of what is wrong; functions return false then.  place: of the object,
 * as roottx[2].stats; "" for the document's own.
 */
#include "profile_read.h"

#include <jansson.h>

#define READ_PLACE_MAX 96

struct reader {
	char *why;
	size_t why_size;
	int err;
};

bool read_wrong(struct reader *r, const char *place, const char *key, const char *what);

/* NULL: it is missing, or of another type; said. */
json_t *read_member(struct reader *r, json_t *of, const char *place, const char *key,
		    json_type type);
/* Exactly n elements. */
json_t *read_array(struct reader *r, json_t *of, const char *place, const char *key, size_t n);
bool read_u64(struct reader *r, json_t *of, const char *place, const char *key, uint64_t max,
	      uint64_t *to);
bool read_number(struct reader *r, json_t *of, const char *place, const char *key, double *to);
bool read_bool(struct reader *r, json_t *of, const char *place, const char *key, bool *to);
/* A number in a string, see number_put_long(). */
bool read_long(struct reader *r, json_t *of, const char *place, const char *key, long double *to);
/* An array of up to `most` numbers below `limit`. */
bool read_bytes(struct reader *r, json_t *of, const char *place, const char *key, unsigned limit,
		uint8_t *to, unsigned most, uint8_t *n);
/* All of an array of n numbers of 0 to max. */
bool read_u64s(json_t *array, size_t n, uint64_t max, uint64_t *to);

/* ---- parts: profile_read_parts.c ---- */

/* "counts" of a matrix, which are 0 so far. */
bool read_counts(struct reader *r, json_t *of, const char *place, const struct markov_settings *s,
		 struct markov_counts *to);
/* The number of a context, and its length h: "2-0-1". */
bool read_context(const char *key, const struct markov_settings *s, unsigned *h, uint32_t *context);
/* "stats" with what only our own documents have. */
bool read_stats(struct reader *r, json_t *of, const char *place, struct markov_stats *to);
bool read_periods(struct reader *r, json_t *document, const struct profile_settings *s,
		  struct periods *to);
bool read_phases(struct reader *r, json_t *document, const struct profile_settings *s,
		 struct phases *to);

/* ---- documents of the original: profile_read_percents.c ---- */

/* Sets the bounds too; settings are complete but for them, and checked here. */
bool read_original(struct reader *r, json_t *document, struct profile_document *to);

#endif
