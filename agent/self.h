/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SELF_H
#define PROXTOP_SELF_H

/* The program's own cost, by part, in scope self: a tool that measures others shows
 * what it takes itself. */
#include "hub.h"
#include "sample.h"

enum self_part { SELF_HOST, SELF_VMS, SELF_TOTAL, SELF_PARTS };

struct self;

struct self *self_new(void);
void self_free(struct self *s);

/* The collecting thread's time between the two is the part's; failures: what it could not
 * read. */
void self_begin(struct self *s, enum self_part part);
void self_end(struct self *s, unsigned failures);

/* Adds the rows; the total is the whole process', all threads. */
void self_collect(struct self *s, struct sample *sample, uint32_t host_row);

/* The row of a connector: what asking hypervisors takes. */
void self_connector(struct sample *sample, uint32_t host_row, const char *name,
		    const struct hub_work *work);

#endif
