/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_NOTES_H
#define PROXTOP_PROFILE_NOTES_H

/*
 * What profiles make of VMs, as values of a sample; and for the feed, of each host a frame that
 * has nothing else (feed_host.notes).
 *
 * One thread makes notes, any may get them.
 */
#include "frame.h"
#include "profiler.h"

/* Adds it to a VM's row. */
void profile_note(struct sample *to, uint32_t row, const struct profiler_opinion *o);

struct profile_notes;

struct profile_notes *profile_notes_new(unsigned max_hosts);
void profile_notes_free(struct profile_notes *n); /* NULL is fine */

/* The notes on a host's sample: begin, add each VM that is known (by its row's id), keep. */
void profile_notes_begin(struct profile_notes *n);
void profile_notes_add(struct profile_notes *n, uint64_t vm_id, const struct profiler_opinion *o);
void profile_notes_keep(struct profile_notes *n, uint32_t host, const struct frame_head *head);

/* A reference, or NULL: nothing. */
struct frame *profile_notes_get(struct profile_notes *n, uint32_t host);
void profile_notes_forget(struct profile_notes *n, uint32_t host);

#endif
