/* SPDX-License-Identifier: Apache-2.0 */
#include "outputs.h"

#include "aggregator_clock.h"
#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct one {
	struct outputs *all;
	struct output *output;
	unsigned target; /* of delivery */
};

struct outputs {
	struct delivery *delivery;
	struct hosts *hosts;
	struct vms *vms;             /* NULL: none */
	struct profiling *profiling; /* NULL: none */
	unsigned n;
	struct one one[DELIVERY_TARGETS_MAX];
};

static bool put(void *arg, const struct delivery_item *item)
{
	struct one *o = arg;
	struct output_item i = {.before = item->before, .now = item->now, .stream = item->stream};

	return output_put(o->output, &i);
}

static void committed(void *arg, struct output *output, uint32_t stream, uint64_t epoch,
		      uint64_t sequence)
{
	struct one *o = arg;

	(void)output;
	hosts_done(o->all->hosts, stream, o->target, epoch, sequence);
}

static void room(void *arg, struct output *output)
{
	struct one *o = arg;

	(void)output;
	delivery_room(o->all->delivery, o->target);
}

static void annotate(void *arg, const char *host_id, struct sample *s)
{
	struct one *o = arg;

	if (o->all->vms)
		vms_annotate(o->all->vms, host_id, s);
	if (o->all->profiling)
		profiling_annotate(o->all->profiling, host_id, s);
}

static int open_one(struct outputs *all, const char *url, char *why, size_t why_size)
{
	struct one *o = &all->one[all->n];
	struct output_calls calls = {
		.committed = committed, .room = room, .annotate = annotate, .arg = o};
	struct delivery_target target = {.put = put, .arg = o};
	const struct output_info *info;
	int r;

	if (all->n == DELIVERY_TARGETS_MAX) {
		snprintf(why, why_size, "more than %u outputs: --output is allowed %u times",
			 DELIVERY_TARGETS_MAX, DELIVERY_TARGETS_MAX);
		return -EINVAL;
	}
	o->all = all;
	r = output_open(&o->output, url, &calls, why, why_size);
	if (r < 0)
		return r;
	info = output_info(o->output);
	target.interval_ns = info->interval_ns;
	target.required = info->required;
	o->target = (unsigned)delivery_add(all->delivery, &target);
	all->n++;
	return 0;
}

int outputs_open(struct outputs **ret, const struct option_list *urls, struct delivery *d,
		 struct vms *vms, char *why, size_t why_size)
{
	struct outputs *o = xcalloc(1, sizeof(*o));

	o->delivery = d;
	o->vms = vms;
	for (unsigned i = 0; i < urls->n; i++) {
		int r = open_one(o, urls->item[i], why, why_size);

		if (r < 0) {
			outputs_close(o, 0);
			return r;
		}
	}
	*ret = o;
	return 0;
}

void outputs_attach(struct outputs *o, struct hosts *hosts, struct profiling *profiling)
{
	o->hosts = hosts;
	o->profiling = profiling;
}

static void watch(struct outputs *all, struct one *o)
{
	const struct output_info *info = output_info(o->output);
	bool out = delivery_left_out(all->delivery, o->target);
	struct output_stats s;
	bool dead;

	if (!info->required)
		return;
	output_stats(o->output, &s);
	dead = info->give_up_ns && s.dead_for_ns >= info->give_up_ns;
	if (dead == out)
		return;
	delivery_leave_out(all->delivery, o->target, dead);
	if (dead)
		log_error("output %s has been dead for %.0f s: given up until it is back, samples "
			  "are committed without it%s%s",
			  info->url, (double)s.dead_for_ns / 1e9, *s.error ? ": " : "", s.error);
	else
		log_notice("output %s is back: samples are committed with it again", info->url);
}

void outputs_tick(struct outputs *o)
{
	for (unsigned i = 0; i < o->n; i++)
		watch(o, &o->one[i]);
}

void outputs_reopen(struct outputs *o)
{
	for (unsigned i = 0; i < o->n; i++)
		output_reopen(o->one[i].output);
}

bool outputs_idle(struct outputs *o)
{
	for (unsigned i = 0; i < o->n; i++) {
		struct output_stats s;

		output_stats(o->one[i].output, &s);
		if (s.queued)
			return false;
	}
	return true;
}

/* While one is closed the others go on sending, so the time is the same for all. */
void outputs_close(struct outputs *o, int timeout_ms)
{
	uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;

	if (!o)
		return;
	for (unsigned i = 0; i < o->n; i++) {
		uint64_t now = clock_monotonic_ns();

		output_close(o->one[i].output, now < until ? (int)((until - now) / 1000000u) : 0);
	}
	free(o);
}

unsigned outputs_count(const struct outputs *o)
{
	return o->n;
}

const struct output_info *outputs_info(const struct outputs *o, unsigned i)
{
	return output_info(o->one[i].output);
}

uint64_t outputs_missed(const struct outputs *o, unsigned i)
{
	return delivery_missed_all(o->delivery, o->one[i].target);
}

void outputs_stats(const struct outputs *o, unsigned i, struct output_stats *ret)
{
	output_stats(o->one[i].output, ret);
}
