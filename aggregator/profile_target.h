/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_TARGET_H
#define PROXTOP_PROFILE_TARGET_H

/*
 * Profiles as a target of delivery, a required one: frames in, values of VMs counted, and what
 * is safe said to be done.
 *
 * One thread counts, one keeps: about every save_ns what has changed is written to the store, and
 * what had been counted before that is done.  Without a store it is done when it is counted.
 * Putting only queues: neither counting nor writing holds who receives.
 *
 * A store that cannot be written to for GIVE_UP (10 minutes) is left out of what is committed
 * until it can, and both is said: agents' spools do not last for ever.
 */
#include "hosts.h"
#include "profile_notes.h"
#include "profile_store.h"
#include "profiler.h"

struct profile_target;

struct profile_target_options {
	struct delivery *delivery;
	struct profiler *profiler;
	struct profile_store *store; /* NULL: profiles are in memory only */
	struct profile_notes *notes; /* NULL: nobody reads them */
	unsigned families;           /* as the profiler's settings were made (vm_values.h) */
	uint64_t save_ns;
};

/* Makes it a target: before the first stream.  All that is given is borrowed. */
int profile_target_new(struct profile_target **ret, const struct profile_target_options *o,
		       char *why, size_t why_size);
/* Before the first frame. */
int profile_target_start(struct profile_target *t, struct hosts *hosts, char *why, size_t why_size);

struct profile_target_stats {
	uint64_t queued, queued_bytes; /* not yet counted */
	uint64_t samples;              /* of hosts, counted */
	uint64_t saves, failures;
	uint64_t saved_ns; /* clock_monotonic_ns() of the last save; 0: none */
	uint64_t took_ns;  /* that long it took */
	bool given_up;
	char error[512]; /* "" when all is well */
};
void profile_target_stats(struct profile_target *t, struct profile_target_stats *ret);

/* From now on what is counted is saved at once. */
void profile_target_finish(struct profile_target *t);
bool profile_target_idle(struct profile_target *t); /* everything that was put is done */
/* Nothing is put any more; what is not done is not counted.  NULL is fine. */
void profile_target_close(struct profile_target *t);

#endif
