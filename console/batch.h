/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_BATCH_H
#define PROXTOP_BATCH_H

/*
 * What the loops without a screen share: where records go, signals, waiting.
 */
#include "options.h"
#include "printer.h"
#include "sink.h"

struct batch {
	const struct options *o;
	struct sink *sink;       /* NULL: nothing is printed */
	struct printer *printer; /* as well */
	int signals, timer;      /* descriptors, -1: none */
	bool stdout_watched;
	bool prometheus;  /* openmetrics is for a file that wants Prometheus' own text format */
	bool queued;      /* the sink may have records that wait (tcp) */
	uint64_t records; /* handed to the sink */
};

/* print false: only signals and waiting.  0 or the program's exit status, said in the log. */
int batch_open(struct batch *b, const struct options *o, bool print);
void batch_close(struct batch *b);

/* A put function of the printer's, for printer_print() and for what is made otherwise;
 * arg: the batch.  0, or -EPIPE when nobody reads any more. */
int batch_put(void *arg, const char *data, size_t n);
/* The same of a whole view; what went wrong is said once. */
int batch_print(struct batch *b, const struct view *v);

enum batch_event { BATCH_DUE, BATCH_READABLE, BATCH_END };
/* Until due_ns (CLOCK_MONOTONIC; UINT64_MAX: never), until fd is readable (-1: none), or until
 * the program should end. */
enum batch_event batch_wait(struct batch *b, uint64_t due_ns, int fd);

/* Waits while more than so many records have not gone out yet (a tcp peer that is slow or not
 * there).  BATCH_DUE, or BATCH_END. */
enum batch_event batch_wait_for_sink(struct batch *b, uint64_t most);

uint64_t batch_now_ns(void); /* CLOCK_MONOTONIC */

#endif
