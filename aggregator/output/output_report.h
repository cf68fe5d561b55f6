/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OUTPUT_REPORT_H
#define PROXTOP_OUTPUT_REPORT_H

/*
 * How an output fares: its numbers, its latest error, and what people are told of it.
 * A fault that lasts is said once, and once that it is over.  The output's thread writes,
 * anyone may read.
 */
#include "output.h"

#include <pthread.h>

struct output_report {
	pthread_mutex_t lock;
	struct output_stats stats; /* queued, queued_bytes and dead_for_ns are not kept here */
	char *name;                /* "output influx+http://..." */
	char *key_failing, *key_refused;
	bool failing;
	uint64_t refused_said, refused_ns; /* total when it was last said; the latest refusal */
};

void output_report_init(struct output_report *r, const char *shown_url);
void output_report_fini(struct output_report *r);

/* An attempt failed and will be made again. */
void output_report_failure(struct output_report *r, const char *what, const char *why);
/* Something has arrived: items and bytes of it. */
void output_report_sent(struct output_report *r, uint64_t items, uint64_t bytes);
/* The other side is there again, though nothing has arrived yet. */
void output_report_well(struct output_report *r);
/* So many records will never arrive; why: the server's own words. */
void output_report_refused(struct output_report *r, uint64_t records, const char *why);

bool output_report_failing(struct output_report *r);

#endif
