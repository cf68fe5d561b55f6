/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_JSON_TEXT_H
#define BENCH_JSON_TEXT_H

/*
 * The same document, proxtop's verbose json of one sample, made in other ways: as one would with
 * snprintf, and as one would with jansson.  Which columns there are comes from a printer.
 */
#include "buf.h"
#include "print.h"

#include <jansson.h>

/* Decimals as shown, of a value that is: false, or *ret and the number of decimals. */
bool json_text_number(const struct printer *p, const struct view *v, enum scope s, uint32_t row,
		      enum metric_id m, double *ret, unsigned *ret_decimals);

/* The document into b, byte by byte the same. */
void json_text_snprintf(struct printer *p, const struct view *v, struct buf *b);

/* The document as a tree; json_decref() by the caller. */
json_t *json_text_tree(struct printer *p, const struct view *v);

#endif
