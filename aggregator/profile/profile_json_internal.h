/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_JSON_INTERNAL_H
#define PROXTOP_PROFILE_JSON_INTERNAL_H

/* For the files of profile_json.h only: counts and statistics as members of an object.  Each
 * function writes members without a comma before or after. */
#include "profile_json.h"

/* "transitions":{...}, percents. */
void json_transitions(struct buf *b, const struct markov_counts *c,
		      const struct markov_settings *s);
/* "counts":{...}, the same rows. */
void json_counts(struct buf *b, const struct markov_counts *c, const struct markov_settings *s);
/* "stats":{...}; exact: with what is needed to go on. */
void json_stats(struct buf *b, const struct markov_stats *s, bool exact);
/* "phases":{...} */
void json_phases(struct buf *b, const struct profile *p, const struct profile_settings *s);
/* {"metric":name, -- the begin of an object. */
void json_name(struct buf *b, const char *name);
/* n numbers in brackets. */
void json_array(struct buf *b, const uint64_t *number, uint32_t n);
void json_bytes(struct buf *b, const uint8_t *number, uint32_t n);

static inline void json_comma(struct buf *b, bool wanted)
{
	if (wanted)
		buf_byte(b, ',');
}

#endif
