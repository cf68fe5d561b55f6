/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_NUMBER_H
#define PROXTOP_PROFILE_NUMBER_H

/* Numbers of a profile's document: as text that is the same number when it is read back. */
#include "buf.h"

#include <stdbool.h>
#include <stdint.h>

/* v is finite, or it becomes the greatest number of its sign. */
void number_put(struct buf *b, double v);

/* As a JSON string: the range of a long double is more than JSON's readers take.  v is finite. */
void number_put_long(struct buf *b, long double v);

/* The whole text, a finite number. */
bool number_read_long(const char *text, long double *ret);

/* Shares of a whole as percents that sum up to 100, by the largest remainder (first come, first
 * served); all 0 when all counts are. */
void number_percents(const uint64_t *count, uint32_t n, uint8_t *percent);

#endif
