/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FILTER_H
#define PROXTOP_FILTER_H

/*
 * What `/` takes: words that must all match.
 *
 *   web            name, UUID, VMID, host or tag contains it; of a disk or NIC also its own
 *                  name, its VM's and its device or MAC address
 *   !web           does not
 *   steal>5        any metric by its key, its wire name, its title or its key without the family
 *                  (lat_avg), what is shown before raw material; else what begins with that,
 *                  else what contains it; > < >= <= = !=; numbers may end in k M G T (1024 for
 *                  bytes, else 1000), in %, and times in s m h d; an absent value matches
 *                  nothing, behind ! neither, nor does a rate of a silent host
 *   age>30         a column that is no metric likewise, by its name or title: of the same thing
 *                  it goes before a metric of that name
 *   state=paused   texts: = and !=, the whole text
 *   host:web tag:x name:y   only there; any text or number that names something can stand
 *                  before the colon: state:paus vmid:10 mac:bc:24
 * Upper and lower case (of ASCII) are one.  A metric that the thing does not have itself is
 * that of its VM or host: steal>5 where disks are shown gives those of such VMs.
 * An unfinished term (`steal>`) is left out, so that typing narrows step by step.
 */
#include "diff_base.h"

struct filter;

/* Columns that are no metric, of whoever shows them.  Their numbers are METRICS or more. */
#define FILTER_NONE UINT16_MAX
struct filter_columns {
	/* By what it is called, in lower case, exactly; FILTER_NONE: that scope has no such one. */
	uint16_t (*find)(enum scope s, const char *name, size_t n);
	bool (*is_text)(uint16_t id); /* compared as text, not as number */
	enum unit (*unit)(uint16_t id);
	double (*number)(const void *arg, struct thing t, uint16_t id); /* NAN: absent */
	/* Into to or elsewhere; NULL: absent, or a number without a text. */
	const char *(*text)(const void *arg, struct thing t, uint16_t id, char *to, size_t size);
	const void *arg;
};

/* Never NULL; an empty filter matches all.  A term that cannot be understood is said in why
 * (e.g. no such metric) and left out.  columns: NULL for none; they stay the caller's, and are
 * asked as long as the filter is. */
struct filter *filter_new(const char *text, const struct filter_columns *columns, char *why,
			  size_t why_size);
void filter_free(struct filter *f); /* NULL is fine */
bool filter_is_empty(const struct filter *f);
bool filter_wants(const struct filter *f, const struct world *w, struct thing t);
/* The same of what is in no world any more: a host or VM, as far as the base knows it. */
bool filter_wants_gone(const struct filter *f, const struct diff_base *b, enum scope s,
		       uint32_t row);

/* A metric of that scope by any of its names as above, the best match, shown ones first;
 * METRICS: none. */
enum metric_id filter_metric(enum scope s, const char *name, size_t n);

#endif
