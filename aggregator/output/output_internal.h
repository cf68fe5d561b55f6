/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OUTPUT_INTERNAL_H
#define PROXTOP_OUTPUT_INTERNAL_H

/*
 * An output between its callers (output.c) and its thread (output_thread.c).
 */
#include "output.h"
#include "output_report.h"
#include "output_url.h"
#include "parcel.h"
#include "render.h"
#include "transport.h"

/* Items that are put and not committed; bytes are those of their frames. */
#define OUTPUT_ITEMS_MAX 8192u
#define OUTPUT_BYTES_MAX (64u << 20)
/* Where many hosts are one record all of them are in hand at once. */
#define OUTPUT_WHOLE_ITEMS_MAX 131072u
#define OUTPUT_WHOLE_BYTES_MAX (1u << 30)

struct output_waiting {
	struct output_waiting *next;
	struct output_item item;
};

struct output {
	/* Constant. */
	struct output_info info;
	struct output_url url;
	struct output_calls calls;
	uint64_t items_max, bytes_max;
	uint64_t slow_ns; /* what waits for so long without an error is not dead, only slow */
	int wake;         /* eventfd: something has changed under the lock */
	pthread_t thread;

	struct output_report report; /* has a lock of its own */

	pthread_mutex_t lock;
	struct output_waiting *first, *last; /* not yet rendered */
	uint64_t items, bytes;               /* put and not committed */
	uint64_t progress_ns; /* when something was committed last, or the first item was put */
	bool full;            /* output_put() has said no */
	bool reopen, closing;
	int64_t deadline_ms; /* closing: until then */

	/* The thread's own. */
	struct render *render;
	struct transport *transport;
	struct parcel_line line;
	struct parcel *kept; /* whole files: what the next one commits */
	int64_t whole_ms;    /* not before */
};

/* Ends when closing and everything has arrived, or the deadline is over. */
void *output_thread(void *output);

#endif
