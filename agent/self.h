/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SELF_H
#define PROXTOP_SELF_H

/* The program's own cost, by part, in scope self: a tool that measures others shows
 * what it takes itself.  Parts follow one another; collectors (one for each family) divide
 * the parts once more, kind by kind and never by VM: a look at a clock takes some 50 ns. */
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

/* Within a part: from here on the time, and what fails from here on, is the collector's of
 * that family; F_IDENT: nobody's.  failures: so many since self_begin(). */
void self_turn(struct self *s, enum family f, unsigned failures);

/* Adds the rows: of the parts, of each collector that has run, and of the total, which is the
 * whole process', all threads.  Collectors have time only: their CPU time would be a system
 * call more for each. */
void self_collect(struct self *s, struct sample *sample, uint32_t host_row);

/* The row of a connector: what asking hypervisors takes. */
void self_connector(struct sample *sample, uint32_t host_row, const char *name,
		    const struct hub_work *work);

#endif
