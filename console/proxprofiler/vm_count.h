/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_COUNT_H
#define PROXTOP_VM_COUNT_H

/*
 * Samples of one or many hosts into the profiles of their VMs.
 *
 * A host's samples count when they are at least --frequency apart (three quarters of it: they
 * are never quite on time); each is derived against the one that counted before, so rates cover
 * all the time.  A host's first sample has no rates and does not count.
 *
 * One thread: counting and reading are never at the same time.
 */
#include "frame.h"
#include "predict_watch.h"
#include "profiler.h"
#include "proxprofiler_options.h"

struct vm_count;

struct vm_count *vm_count_new(const struct proxprofiler_options *o); /* o is borrowed */
void vm_count_free(struct vm_count *c);                              /* NULL is fine */

/* A sample and who took it.  The count keeps s; another one is the caller's then. */
struct sample *vm_count_sample(struct vm_count *c, const struct frame_head *head, struct sample *s);
void vm_count_frame(struct vm_count *c, const struct frame *f);

/* NULL: nothing has been counted yet.  (With fixed bounds the first sample decides where they
 * are: its links' speed.) */
struct profiler *vm_count_profiles(struct vm_count *c);

/* With --predict: how wrong one step was, of each metric.  NULL: nothing is known of it. */
const struct predict_error *vm_count_errors(const struct vm_count *c, const char *uuid);

#endif
