/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILING_H
#define PROXTOP_PROFILING_H

/*
 * Profiles of this run, put together: what the options say, the profiles of all VMs, the
 * directory, the target that counts, and the outputs that tell.
 */
#include "aggregator_options.h"
#include "hosts.h"
#include "output.h"
#include "profile_target.h"

struct profiling;

/* A target of delivery: before the first stream.  *ret is NULL when no profiles are wanted.  0, or
 * negative errno with one line for the user in why (-EINVAL: usage).  Options are borrowed. */
int profiling_open(struct profiling **ret, const struct aggregator_options *o, struct delivery *d,
		   char *why, size_t why_size);
/* Before the first frame. */
int profiling_start(struct profiling *p, struct hosts *hosts, char *why, size_t why_size);

void profiling_tick(struct profiling *p, uint64_t now_ns); /* about once a second */
void profiling_reopen(struct profiling *p);                /* SIGHUP */
void profiling_finish(struct profiling *p);                /* no more frames will come */
bool profiling_idle(struct profiling *p);                  /* all of them are counted and safe */
void profiling_close(struct profiling *p, int timeout_ms); /* NULL is fine */

/* Adds to a host's sample, before it is printed, what profiles make of its VMs. */
void profiling_annotate(struct profiling *p, const char *host_id, struct sample *s);
/* The same for the feed: a reference or NULL (feed_host.notes). */
struct frame *profiling_notes(struct profiling *p, uint32_t host);
void profiling_forget(struct profiling *p, uint32_t host); /* the host's number is free */
struct profiler *profiling_profiler(struct profiling *p);
/* Since when a VM must have been counted, for its alarm to be of now. */
uint64_t profiling_alarms_since(void);

struct profiling_stats {
	struct profile_target_stats target;
	struct profiler_stats profiler;
};
void profiling_stats(struct profiling *p, struct profiling_stats *ret);
const char *profiling_dir(const struct profiling *p); /* NULL: none */
unsigned profiling_outputs(const struct profiling *p);
const char *profiling_output(const struct profiling *p, unsigned i, struct output_stats *ret);

#endif
