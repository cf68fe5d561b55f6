/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HOSTS_H
#define PROXTOP_HOSTS_H

/*
 * The hosts that are known, by id, and of each its streams (epochs), its latest sample
 * and what is to be told of it.
 *
 * A host's fields are guarded by its lock; users keeps it from being forgotten while
 * somebody has it.  The table's own lock is never held while a host's is waited for.
 * All is bounded: hosts by max, streams of one host by HOST_STREAMS_MAX.
 *
 * Times named _ns are CLOCK_MONOTONIC of this program unless they say wall.
 */
#include "delivery.h"
#include "frame.h"
#include "senders.h"

#include <pthread.h>
#include <stdbool.h>

#define HOST_STREAMS_MAX  64u
#define STREAM_FORGET_NS  UINT64_C(600000000000) /* an old epoch that is spoken of no more */
#define HOST_INTERVAL_MAX UINT64_C(86400000000000)

struct host_stream {
	struct host_stream *next; /* of the same host */
	uint32_t number;          /* what outputs hand back */
	uint64_t epoch;
	uint64_t sender;       /* who speaks of it */
	uint64_t mentioned_ns; /* when it last did */
	struct delivery_sender has;
	uint64_t lost, spool_bytes; /* as the sender says */
	bool ended;
	struct delivery_stream *delivery;
};

struct host {
	pthread_mutex_t lock;
	uint32_t number;   /* dense from 0: histories */
	unsigned users;    /* of the table */
	struct host *next; /* of the table */
	char id[HOST_ID_MAX + 1], name[HOST_NAME_BYTES + 1], version[AGENT_VERSION_MAX + 1];
	struct senders senders;
	struct host_stream *streams;
	unsigned n_streams;

	struct frame *latest;   /* the newest one of who speaks for it, NULL before the first */
	uint64_t latest_sender; /* who had sent it */
	uint64_t arrived_ns;    /* when it came */
	uint64_t heard_ns;      /* the last request that was taken */
	uint64_t interval_ns;   /* between samples */
	int64_t skew_ns;        /* its clock minus ours */
	uint64_t received, received_bytes, repeated, refused;
	uint64_t gaps;             /* samples that nobody had any more when they were wanted */
	uint64_t lost_before;      /* what streams that are forgotten had lost */
	uint64_t lost_epochs;      /* as the sender says */
	bool said_stale, said_gap; /* the log knows */
};

struct hosts;

struct hosts *hosts_new(unsigned max, const struct delivery *d);
void hosts_free(struct hosts *t); /* NULL is fine */

/* The host with one more user, or NULL: not known, or (create) the table is full. */
struct host *hosts_get(struct hosts *t, const char *id, bool create);
struct host *hosts_at(struct hosts *t, uint32_t number); /* by number; NULL: none has it */
void hosts_put(struct host *h);
/* All numbers are below. */
uint32_t hosts_numbers(struct hosts *t);

/* Calls each() for every host, locked.  Hosts that come meanwhile may be left out. */
void hosts_each(struct hosts *t, void (*each)(void *arg, struct host *h), void *arg);

/* h locked.  The stream, NULL when it is not known. */
struct host_stream *host_stream_find(struct host *h, uint64_t epoch);
/* h locked.  A new one; NULL when the host has too many that cannot be forgotten. */
struct host_stream *hosts_stream_add(struct hosts *t, struct host *h, uint64_t epoch,
				     uint64_t now_ns);

/* An output has done everything of the stream up to sequence. */
void hosts_done(struct hosts *t, uint32_t stream, unsigned target, uint64_t epoch,
		uint64_t sequence);

/* Forgets old streams, and hosts that were not heard for forget_ns; each of those is told
 * to gone() (with its number) while nobody can have it. */
void hosts_forget(struct hosts *t, uint64_t now_ns, uint64_t forget_ns,
		  void (*gone)(void *arg, const struct host *h), void *arg);

/* h locked.  Silent for three intervals? */
bool host_is_stale(const struct host *h, uint64_t now_ns);
uint64_t host_silent_ns(const struct host *h); /* three intervals */
/* h locked.  The stream that goes on: of who speaks for it now, the greatest epoch; NULL
 * when there is none. */
const struct host_stream *host_current(const struct host *h);
/* h locked.  Samples that a full spool dropped, over all streams. */
uint64_t host_lost(const struct host *h);

#endif
