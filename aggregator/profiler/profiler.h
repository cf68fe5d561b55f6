/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILER_H
#define PROXTOP_PROFILER_H

/*
 * The profiles of all VMs, by UUID, wherever they run.
 *
 * A VM's record has its profile and the positions it has counted: of each (host, epoch) the last
 * sequence.  A sample at or below is not counted again, so samples may be brought as often as it
 * takes: after a restart they are counted from where the saved record was.  The last
 * PROFILER_POSITIONS_MAX positions are kept; of those before only when the latest of them was:
 * what is at most an hour older than that, of a run that is not known, counts as counted.
 *
 * A VM is on one host at a time, the one that counted last.  While it migrates another host's
 * samples of it do not count, until the first one has had a sample without it (or with it not
 * running), or has been silent for 3 of its intervals (at least 5 s, by the samples' clocks).
 * No context crosses a move; ticks that are missing are a gap, by time.
 *
 * Threads: profiler_count() and profiler_host() are one thread's.  Everything else may be called
 * by any: there are PROFILER_SHARDS shards, VMs by the hash of their UUID, each with a lock.
 * Bounded by max_vms and max_bytes; VMs beyond are not profiled, which is counted and said.
 */
#include "buf.h"
#include "profile.h"
#include "sample.h"

#define PROFILER_SHARDS        64u
#define PROFILER_VMS_MAX       (1u << 20)
#define PROFILER_POSITIONS_MAX 8u
#define PROFILER_ALARMS        1.0 /* false ones a day and VM */

struct profiler;

struct profiler_options {
	const struct profile_settings *settings; /* borrowed */
	unsigned max_vms, max_hosts;
	uint64_t max_bytes;  /* of all records; approximate while they grow */
	double alarms_a_day; /* false ones that are allowed, of one VM; 0: PROFILER_ALARMS */
};

struct profiler *profiler_new(const struct profiler_options *o);
void profiler_free(struct profiler *p); /* NULL is fine */
const struct profile_settings *profiler_settings(const struct profiler *p);

/* ---- counting: one thread ---- */

struct profiler_sample {
	const char *host_id, *host_name;
	uint64_t epoch, sequence, boot_ns, wall_ns, interval_ns;
};

#define PROFILER_WHY_MAX 191u /* bytes */

/* What its profile makes of what a VM did last. */
struct profiler_opinion {
	bool learning; /* not known yet: the rest says nothing */
	bool alarm;
	unsigned percent;               /* 100 raises an alarm */
	int metric;                     /* of the settings, that makes it so; -1: none */
	char why[PROFILER_WHY_MAX + 1]; /* of an alarm: what went from where to where; else "" */
};

struct profiler_vm {
	const char *uuid, *name; /* name: NULL or "" when it has none */
	bool running;            /* one that is not does not count */
	const double *values;    /* of each metric of the settings; NAN: none */
	struct profiler_opinion
		*opinion; /* what it thinks of it, when it counts; NULL: is not asked */
};

enum profiler_verdict {
	PROFILER_COUNTED,
	PROFILER_KNOWN,     /* it was counted before */
	PROFILER_ELSEWHERE, /* another host has it */
	PROFILER_IDLE,      /* it does not run */
	PROFILER_FULL,      /* no room for a further VM */
	PROFILER_VERDICTS
};

enum profiler_verdict profiler_count(struct profiler *p, const struct profiler_sample *s,
				     const struct profiler_vm *vm);
/* Where the disks of a VM are whose alarm is on. */
void profiler_storage(struct profiler *p, const char *uuid, const char *storage);
/* After all VMs of the sample. */
void profiler_host(struct profiler *p, const struct profiler_sample *s);

/* ---- reading: any thread ---- */

/* All VMs in an order of their own: from a cursor of 0 on, a few at a time.  Each is handed
 * over under its shard's lock.  False: there are no more.  A VM that is there all the time
 * comes once, seldom twice, never not at all. */
struct profiler_one {
	const char *uuid, *name;
	const struct profile *profile;
};
bool profiler_walk(struct profiler *p, uint64_t *cursor,
		   void (*each)(void *arg, const struct profiler_one *vm), void *arg);

/* The VM's; false when it has none. */
bool profiler_find(struct profiler *p, const char *uuid,
		   void (*each)(void *arg, const struct profiler_one *vm), void *arg);

/* The opinion of a VM, as far as it is on that host and was counted since then; false: there is
 * none. */
bool profiler_opinion(struct profiler *p, const char *host_id, const char *uuid,
		      uint64_t since_wall_ns, struct profiler_opinion *ret);

/* Those with an alarm now: how many, and what most of them share. */
struct profiler_share {
	char name[128]; /* "": nothing */
	unsigned vms;
};
struct profiler_unusual {
	unsigned alarms, learning;
	struct profiler_share host, storage, value;
};
/* An alarm is over when the VM was not counted since then. */
void profiler_unusual(struct profiler *p, uint64_t since_wall_ns, struct profiler_unusual *ret);

struct profiler_alarm {
	const char *uuid, *name, *host_name, *storage; /* storage: "" when it is not known */
	const struct profiler_opinion *opinion;
};
/* At most so many of them; under locks. */
void profiler_alarms(struct profiler *p, unsigned most,
		     void (*each)(void *arg, const struct profiler_alarm *vm), void *arg);

/* Forgets VMs whose last sample is older than that; returns how many. */
unsigned profiler_forget(struct profiler *p, uint64_t before_wall_ns);

/* When the newest sample was taken that was counted since the start; 0: none yet.  Ages are told
 * against that too: a clock that is wrong for a moment must not make all profiles old. */
uint64_t profiler_newest_wall_ns(const struct profiler *p);

struct profiler_stats {
	uint64_t vms, bytes;
	uint64_t verdict[PROFILER_VERDICTS]; /* samples of VMs, in this run */
};
void profiler_stats(struct profiler *p, struct profiler_stats *ret);

/* ---- keeping: the store's ---- */

/* Appends the records of a shard.  *changed: since the last time it was packed. */
void profiler_pack(struct profiler *p, unsigned shard, struct buf *to, bool *changed);
/* It was not written: the next profiler_pack() says changed again. */
void profiler_not_kept(struct profiler *p, unsigned shard);
/* Before counting: takes what profiler_pack() made.  0, or -EBADMSG (none of the shard is kept
 * then). */
int profiler_unpack(struct profiler *p, unsigned shard, const void *bytes, size_t n);

#endif
