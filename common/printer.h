/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PRINTER_H
#define PROXTOP_PRINTER_H

/*
 * A view, or its sample, as bytes: text, json, openmetrics.  Each format is one file
 * (out_*.c) and a loop over the metric table.
 *
 * A printed cycle is one record, or, where the output carries only so much at once
 * (udp), several: json is then split by VMs, each part one valid object; the others
 * cannot be split and are refused by the sink when too large.
 */
#include "buf.h"
#include "derive.h"

#include <stdbool.h>

struct printer_options {
	bool verbose;
	bool human;        /* text: 12.3M instead of 12345678 */
	bool cluster;      /* an aggregator prints: CLUSTER too */
	bool prometheus;   /* openmetrics: in Prometheus' own text format (prometheus_text.h) */
	unsigned families; /* bits 1 << enum family */
	size_t record_max; /* bytes of one record; SIZE_MAX: no limit */
	/* Which VMs are printed; NULL: all. */
	bool (*wants_vm)(void *arg, const struct sample *s, uint32_t vm_row);
	void *wants_arg;
	/* Of what families and verbose allow, which metrics are printed; NULL: all.  Asked by
	 * printer_new() only. */
	bool (*wants_metric)(void *arg, enum metric_id m);
	void *wants_metric_arg;
};

/* Who took a sample: at the root of json, where the samples of many hosts meet. */
struct printer_origin {
	const char *host_name, *host_id; /* NULL or "": not printed */
	uint64_t epoch, sequence;
};

struct printer;

/* names[], NULL-terminated: text, json, openmetrics */
extern const char *const printer_names[];

/* NULL when the name is unknown.  Options are copied. */
struct printer *printer_new(const char *name, const struct printer_options *o);
void printer_free(struct printer *p); /* NULL is fine */

/* Of the next cycles; borrowed, NULL (at first): none. */
void printer_set_origin(struct printer *p, const struct printer_origin *o);

/* Does the format need rates (a view of two samples)?  openmetrics does not. */
bool printer_wants_rates(const struct printer *p);

/* A file that must be replaced as a whole by each record (openmetrics)? */
bool printer_whole_file(const struct printer *p);

/* Formats one cycle and hands each record to put().  Stops at put()'s first negative
 * answer and returns it; -EMSGSIZE when a record cannot be made small enough (a single
 * VM larger than record_max is left out and counted by *dropped). */
int printer_print(struct printer *p, const struct view *v,
		  int (*put)(void *arg, const char *data, size_t n), void *arg, unsigned *dropped);

#endif
