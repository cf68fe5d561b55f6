/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILER_INTERNAL_H
#define PROXTOP_PROFILER_INTERNAL_H

/* The table behind profiler.h, for its own files. */
#include "opinion.h"
#include "profiler.h"

#include <pthread.h>

/* What was decided up to a sequence, of one run of one host's agent. */
struct position {
	uint64_t host; /* hash of its id */
	uint64_t epoch, sequence, wall_ns;
};

struct record {
	struct record *next;
	uint64_t key;      /* hash of the UUID */
	char *uuid, *name; /* name: "" when it has none */
	struct profile profile;
	struct position *position;  /* owned; n_positions */
	uint8_t n_positions, owner; /* owner: the one it was counted at last */
	uint64_t forgotten_wall_ns; /* the latest of the positions that are forgotten; 0: none */
	uint64_t boot_ns, wall_ns, interval_ns; /* of the last sample that was counted */
	struct anomaly anomaly;
	bool learning, alarm;      /* as they are in the shard's numbers */
	char *host_name, *storage; /* while there is an alarm */
	size_t bytes;              /* as they are in the shard's sum */
};

struct shard {
	pthread_mutex_t lock;
	struct record **bucket;
	unsigned buckets, n; /* buckets: a power of two */
	uint64_t bytes;
	unsigned alarms, learning;
	bool changed;
};

/* The last sample that was looked at, of each host: the counting thread's. */
struct host_seen {
	uint64_t host; /* 0: free */
	uint64_t epoch, sequence, interval_ns;
};

struct profiler {
	struct profiler_options o;
	struct shard shard[PROFILER_SHARDS];
	struct host_seen *host;
	unsigned hosts, hosts_used;          /* hosts: a power of two */
	uint64_t vms, bytes;                 /* __atomic */
	uint64_t newest_wall_ns;             /* __atomic; of what was counted since the start */
	uint64_t verdict[PROFILER_VERDICTS]; /* __atomic */
};

static inline unsigned shard_of(uint64_t key)
{
	return (unsigned)((key ^ key >> 29 ^ key >> 47) % PROFILER_SHARDS);
}

/* What it thinks of the VM now. */
void record_opinion(const struct profiler *p, const struct record *r, struct profiler_opinion *ret);
/* The shard is locked. */
struct record *shard_find(const struct shard *s, uint64_t key, const char *uuid);
/* With an empty profile, not in the shard yet. */
struct record *record_new(const struct profiler *p, const char *uuid, const char *name);
void record_free(struct record *r, const struct profile_settings *s);
void shard_add(struct profiler *p, struct shard *s, struct record *r);
/* A record that leaves the shard, and its memory. */
void shard_drop(struct profiler *p, struct shard *s, struct record *r);
/* Sees to the shard's numbers. */
void record_judged(struct shard *s, struct record *r, bool learning, bool alarm);
void record_place_forget(struct record *r);
/* What the record has come to weigh. */
void record_weigh(struct profiler *p, struct shard *s, struct record *r);

/* ---- record_state.c: a record as bytes ---- */

void record_pack(struct buf *to, const struct record *r, const struct profile_settings *s);
/* The next record of what is left; *at moves on.  NULL: they are none. */
struct record *record_unpack(const struct profiler *p, const char **at, const char *end);

#endif
