/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DIFF_BASE_H
#define PROXTOP_DIFF_BASE_H

/*
 * What a diff has to know of the older moment: the shown values and texts of its hosts and
 * VMs, column by column, and nothing of how they were sent.  A few MB for 10,000 VMs, where
 * the moment and its world are many times that.
 *
 * Rows are those of the world it was made of, hosts in its order and their VMs behind each
 * other; a base does not change and needs no world.
 */
#include "world.h"

struct diff_base;

/* Everything is copied.  wants: which VMs it is about; NULL: all. */
struct diff_base *diff_base_new(const struct world *w,
				bool (*wants)(void *arg, const struct sample *s, uint32_t row),
				void *arg);
/* The same of a moment that is in no world: host by host, so that it never takes the memory
 * of a world of all of them. */
struct diff_base *diff_base_of(const struct moment *m,
			       bool (*wants)(void *arg, const struct sample *s, uint32_t row),
			       void *arg);
void diff_base_free(struct diff_base *b); /* NULL is fine */

uint64_t diff_base_wall_ns(const struct diff_base *b);
uint32_t diff_base_rows(const struct diff_base *b, enum scope s);
size_t diff_base_size(const struct diff_base *b); /* bytes of memory */

/* As world_value() and world_text(), of SCOPE_HOST and SCOPE_VM and of what is always shown. */
double diff_base_value(const struct diff_base *b, enum scope s, uint32_t row, enum metric_id m);
const char *diff_base_text(const struct diff_base *b, enum scope s, uint32_t row, enum metric_id m);
const char *diff_base_host(const struct diff_base *b, enum scope s, uint32_t row); /* its name */

/* By world_id(); looked for at *near first, which is then behind it.  NO_ROW: none. */
uint32_t diff_base_find(const struct diff_base *b, enum scope s, uint64_t id, uint32_t *near);
uint64_t diff_base_id(const struct diff_base *b, enum scope s, uint32_t row);
/* Could the frame of the row's host be read? */
bool diff_base_readable(const struct diff_base *b, enum scope s, uint32_t row);
/* Was it silent then? */
bool diff_base_stale(const struct diff_base *b, enum scope s, uint32_t row);
uint64_t diff_base_host_id(const struct diff_base *b, enum scope s, uint32_t row);

/* One metric of all rows, NULL: no row has it. */
const double *diff_base_column(const struct diff_base *b, enum scope s, enum metric_id m);

#endif
