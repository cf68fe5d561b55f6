/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_EXPOSITION_H
#define PROXTOP_EXPOSITION_H

/*
 * The samples of several hosts as one OpenMetrics exposition: each family once, its
 * series told apart by host_id and host.  Samples are added one after the other and need
 * not be kept: what is kept is the text, up to a ceiling.
 */
#include "printer.h"

struct exposition;

struct exposition *exposition_new(size_t ceiling);
void exposition_free(struct exposition *e); /* NULL is fine */

/* Of what openmetrics has, only the metrics that wants() takes; before the first host. */
void exposition_only(struct exposition *e, bool (*wants)(void *arg, enum metric_id m), void *arg);

/* Only the VMs that wants() takes; before the first host.  (printer.h) */
void exposition_vms(struct exposition *e,
		    bool (*wants)(void *arg, const struct sample *s, uint32_t vm_row), void *arg);

/* One host's; no two with the same id.  0, or -EMSGSIZE beyond the ceiling: it is then of
 * no use any more. */
int exposition_add(struct exposition *e, const struct sample *s,
		   const struct printer_origin *origin);

/* Appends all of it. */
void exposition_finish(const struct exposition *e, struct buf *to);
/* In Prometheus' own text format (prometheus_text.h). */
void exposition_finish_prometheus(const struct exposition *e, struct buf *to);

#endif
