/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OUTPUTS_H
#define PROXTOP_OUTPUTS_H

/*
 * All outputs of this run: opened from their URLs, made targets of delivery, and watched:
 * one that is dead for longer than its give-up time is left out of what is committed until
 * it is alive again, and both is said.
 */
#include "delivery.h"
#include "hosts.h"
#include "option.h"
#include "output.h"
#include "profiling.h"
#include "vms.h"

struct outputs;

/* vms: what is known of VMs beyond their host; NULL: nothing is added.  0, or negative errno
 * with one line for the user in why (-EINVAL: usage). */
int outputs_open(struct outputs **ret, const struct option_list *urls, struct delivery *d,
		 struct vms *vms, char *why, size_t why_size);
/* Whose streams the commits are for, and who else knows of VMs (NULL: nobody); before the first
 * frame is delivered. */
void outputs_attach(struct outputs *o, struct hosts *hosts, struct profiling *profiling);

void outputs_tick(struct outputs *o);                  /* about once a second */
void outputs_reopen(struct outputs *o);                /* SIGHUP */
bool outputs_idle(struct outputs *o);                  /* nothing waits in a queue */
void outputs_close(struct outputs *o, int timeout_ms); /* all together; NULL is fine */

unsigned outputs_count(const struct outputs *o);
const struct output_info *outputs_info(const struct outputs *o, unsigned i);
/* Samples that it was never given because nobody had them any more. */
uint64_t outputs_missed(const struct outputs *o, unsigned i);
void outputs_stats(const struct outputs *o, unsigned i, struct output_stats *ret);

#endif
