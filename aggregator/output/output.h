/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OUTPUT_H
#define PROXTOP_OUTPUT_H

/*
 * An output: frames in, records in a format over a transport out, and word of what has
 * arrived.  One URL says it all:
 *
 *   FORMAT+TRANSPORT://TARGET[?option=value&...]
 *   json+tcp://logstash:12345   influx+http://influx:8086/write?db=x openmetrics+file:///var/x.prom
 *
 * Each has a thread and a bounded queue of its own: putting never blocks.  What was put
 * is formatted, sent, and reported as committed when the transport is done with it: http
 * at the server's 2xx, tcp when the peer's kernel has acknowledged it, file and stdout
 * when written, udp when sent.
 *
 * Knows formats and transports; which frames are put, and what a commit means for the
 * sender, is delivery's (delivery.h).
 */
#include "frame.h"
#include "printer.h"

#include <stdbool.h>

struct output;

/* What the URL said, for whoever feeds it. */
struct output_info {
	const char *url;      /* without secrets */
	uint64_t interval_ns; /* 0: every sample */
	uint64_t give_up_ns;  /* dead for longer: left out of what is committed */
	bool required;
};

struct output_item {
	struct frame *before; /* base of the rates, NULL when there is none */
	struct frame *now;
	uint32_t stream; /* the feeder's number, handed back with the commit */
};

struct output_calls {
	/* All items of the stream up to this one have arrived.  In the output's thread. */
	void (*committed)(void *arg, struct output *o, uint32_t stream, uint64_t epoch,
			  uint64_t sequence);
	/* There is room again after output_put() had said no. */
	void (*room)(void *arg, struct output *o);
	/* Adds to a host's sample, before it is printed, what the host cannot know; NULL:
	 * nothing.  In the output's thread. */
	void (*annotate)(void *arg, const char *host_id, struct sample *s);
	void *arg;
};

/* 0, or negative errno with one line for the user in why (-EINVAL: usage). */
int output_open(struct output **ret, const char *url, const struct output_calls *calls, char *why,
		size_t why_size);
const struct output_info *output_info(const struct output *o);

/* Takes references of its own.  False when the queue is full: put it again later. */
bool output_put(struct output *o, const struct output_item *item);

struct output_stats {
	uint64_t queued, queued_bytes, sent, bytes, failures, refused; /* refused: 4xx, too large */
	uint64_t dead_for_ns; /* nothing has arrived for so long although something waits; 0: alive
			       */
	char error[256];      /* the latest, "" when all is well */
};
void output_stats(struct output *o, struct output_stats *ret);

void output_reopen(struct output *o); /* SIGHUP */
/* Tries for at most timeout_ms to send what is queued. */
void output_close(struct output *o, int timeout_ms);

#endif
