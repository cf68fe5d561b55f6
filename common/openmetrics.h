/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPENMETRICS_H
#define PROXTOP_OPENMETRICS_H

/*
 * What the files of the openmetrics format share: the private side of
 * out_openmetrics.c, openmetrics_labels.c and exposition.c.
 *
 * The labels of each row are made once per sample and then repeated for every metric.
 */
#include "print.h"

/* Which rows are printed, and with which labels.  Before anything else of a sample. */
void openmetrics_begin(struct printer *p, const struct sample *s);

bool openmetrics_wants(const struct printer *p, enum scope scope, uint32_t row);

/* The row's labels without braces, host first; *ret_n may be 0. */
const char *openmetrics_labels(const struct printer *p, enum scope scope, uint32_t row,
			       size_t *ret_n);

/* Labels that only a thing's info has: everything that names it. */
void openmetrics_info_labels(struct printer *p, struct buf *b, const struct sample *s,
			     enum scope scope, uint32_t row);

/* One family's lines of this sample; its HELP and TYPE before the first one unless begun.
 * Nothing when no row has a value.  openmetrics_info: of what names things. */
void openmetrics_family(struct printer *p, struct buf *b, const struct sample *s, enum scope scope,
			enum metric_id m, bool begun);
void openmetrics_info(struct printer *p, struct buf *b, const struct sample *s, enum scope scope,
		      bool begun);
/* Is there a family for the metric in this scope? */
bool openmetrics_has(const struct printer *p, enum scope scope, enum metric_id m);

#endif
