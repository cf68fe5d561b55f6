/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECEIVE_H
#define PROXTOP_RECEIVE_H

/*
 * The receiver's side of the uplink, without its sockets: a request in, what it brings
 * into hosts, history and outputs, and what is wanted and committed out (message.h).
 *
 * Each frame is decoded once before it is kept: what lies is refused here, and nobody
 * behind has to fear it.  Frames that are there already are not looked at.  May be called
 * by several threads; requests of one host take turns.
 */
#include "buf.h"
#include "hosts.h"
#include "message.h"

struct receive;

struct receive_options {
	uint64_t instance; /* of this run: requests for another one are only answered */
	struct hosts *hosts;
	struct delivery *delivery;
	uint64_t latest_max; /* bytes of the newest samples of all hosts together */
	/* A sample that is its host's newest; host is locked, f is borrowed, and so is s: what
	 * is in it. */
	void (*fresh)(void *arg, struct host *h, struct frame *f, const struct sample *s);
	void *arg;
};

struct receive *receive_new(const struct receive_options *o);
void receive_free(struct receive *r); /* NULL is fine */

/* Appends the reply.  0, or -EBADMSG, -EPROTO for what is no request: no answer. */
int receive_request(struct receive *r, const void *bytes, size_t n, uint64_t now_ns,
		    uint64_t wall_ns, struct buf *reply);

/* The host is being forgotten, and its newest sample with it. */
void receive_forgotten(struct receive *r, const struct host *h);

/* From now on nothing is taken, only answered. */
void receive_stop(struct receive *r);

struct receive_stats {
	uint64_t requests, bad_requests;
	uint64_t frames, bytes;      /* taken for the first time */
	uint64_t again, again_bytes; /* brought again because an output was behind */
	uint64_t repeated;           /* brought again and of no use */
	uint64_t refused;            /* damaged, or not what was announced */
	uint64_t hosts_refused;      /* the table was full */
};
void receive_stats(const struct receive *r, struct receive_stats *ret);

#endif
