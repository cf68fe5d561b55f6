/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

/*
 * A fleet of make-believe agents in one process, which speaks the real wire.
 *
 * Each host has a connection of its own and does as an agent does: it sends what is wanted,
 * asks what is committed while something is not, keeps what is not committed up to a bound,
 * and counts what it had to drop.  Hosts are divided among few threads; a thread's hosts
 * take turns by when they are due.
 *
 * Frames are made from patterns: one sample for many hosts, encoded once, whose identity
 * (host, rows, UUIDs, times) is overwritten in a copy.  So the generator costs little, and
 * any sample can be made again when it is wanted again: nothing is stored.
 *
 * Real hosts make their requests at the same time, on processors of their own.  Where the
 * delay from then on is to be measured they are made ahead (ahead_ms), so that only their
 * sending is left to be done when they are due.
 */
#include "buf.h"
#include "frame.h"
#include "seal.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define FLEET_SECOND UINT64_C(1000000000)

struct fleet_options {
	const char *url, *key_file;
	unsigned hosts, vms, values;  /* values: of one VM */
	unsigned interval_ms, spread; /* spread: percent of the interval the hosts are due in */
	unsigned threads, patterns;
	unsigned ahead_ms;      /* a request is made so long before its sample is due; 0: then */
	unsigned keep;          /* samples of a host that are kept at most */
	unsigned warm, seconds; /* s: before the window that is measured, and its length */
	unsigned drain;         /* s: how long it may take to get rid of the rest */
};

/* ---- time: when which host takes which sample ---- */

struct fleet_time {
	uint64_t start_ns, start_wall_ns; /* CLOCK_MONOTONIC; of host 0's sequence 1 */
	uint64_t interval_ns, spread_ns;
	unsigned hosts;
	uint64_t last; /* sequence */
};

uint64_t fleet_now_ns(void);
void fleet_sleep_until(uint64_t ns);
uint64_t fleet_due_ns(const struct fleet_time *t, unsigned host, uint64_t sequence);
/* The last sequence that is due; 0: none. */
uint64_t fleet_newest(const struct fleet_time *t, unsigned host, uint64_t now_ns);

/* ---- frames ---- */

struct patterns;

struct patterns_facts {
	size_t values;       /* of one sample */
	size_t vm_values;    /* of them of one VM */
	size_t bytes;        /* of one frame */
	double columns, all; /* share of the columns, and of the values, that differ from the
				sample before (columns: in at least one row) */
};

/* Ends the program when a frame cannot be made, or is not read back as it should be. */
struct patterns *patterns_new(const struct fleet_options *o, const struct fleet_time *t,
			      uint64_t epoch);
void patterns_free(struct patterns *p);
void patterns_facts(const struct patterns *p, struct patterns_facts *ret);
void patterns_host_id(unsigned host, char to[HOST_ID_MAX + 1]);
void patterns_host_name(unsigned host, char to[HOST_NAME_BYTES + 1]);
/* Appends the host's frame of this sequence.  From any thread. */
void patterns_frame(struct patterns *p, unsigned host, uint64_t sequence, struct buf *to);

/* Makes what the frames of this sequence are made of, so that nobody waits for it later: at
 * most the one after the newest. */
void patterns_prepare(struct patterns *p, uint64_t sequence);

/* ---- delays ---- */

/* How often each delay was seen, by its five leading bits: 3 % exact. */
struct delays {
	uint64_t seen[64 * 32];
};

void delays_add(struct delays *d, uint64_t ns);
void delays_sum(struct delays *to, const struct delays *from);
double delays_ms(const struct delays *d, double part); /* 0.5: the median; 0 when there are none */

/* ---- senders ---- */

struct sender_counts { /* __atomic, they only grow */
	uint64_t received, committed, lost, requests, polls, failures, bytes;
};

struct fleet {
	struct fleet_options o;
	struct fleet_time time;
	struct patterns *patterns;
	struct keyring keyring;
	const struct keyring *keys; /* NULL: none */
	uint64_t epoch;
	bool stop; /* __atomic: drain time is over */
};

struct sender {
	struct fleet *fleet;
	unsigned number; /* this thread's hosts are number, number + threads, ... */
	pthread_t thread;
	struct sender_counts counts;
	struct delays late, received, committed; /* since the sample was due */
	struct delays asked;                     /* since the question was asked */
	char error[256];                         /* the receiver's first complaint */
};

void *sender_run(void *sender);

#endif
