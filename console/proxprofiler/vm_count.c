/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_count.h"

#include "log.h"
#include "vm_filter.h"
#include "vm_values.h"
#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS        1000000000.0
#define HOSTS_MAX 16384u
#define BYTES_MAX (UINT64_C(2) << 30) /* of all profiles */

struct host {
	char id[HOST_ID_MAX + 1];
	struct sample *last; /* the one that counted */
};

struct vm_count {
	const struct proxprofiler_options *o;
	uint64_t least_ns; /* between two samples of a host */
	struct profile_settings settings;
	struct profiler *profiles;
	struct predict_watch *watch; /* with --predict */
	struct host **hosts;         /* by id */
	uint32_t n, room;
	struct view *view;
	struct sample *spare; /* for frames */
};

struct vm_count *vm_count_new(const struct proxprofiler_options *o)
{
	struct vm_count *c = xcalloc(1, sizeof(*c));

	c->o = o;
	c->least_ns = (uint64_t)(o->base.frequency * 0.75 * NS);
	c->view = view_new();
	c->spare = sample_new();
	return c;
}

void vm_count_free(struct vm_count *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->n; i++) {
		sample_free(c->hosts[i]->last);
		free(c->hosts[i]);
	}
	free(c->hosts);
	predict_watch_free(c->watch);
	profiler_free(c->profiles);
	view_free(c->view);
	sample_free(c->spare);
	free(c);
}

struct profiler *vm_count_profiles(struct vm_count *c)
{
	return c->profiles;
}

const struct predict_error *vm_count_errors(const struct vm_count *c, const char *uuid)
{
	return c->watch ? predict_watch_errors(c->watch, uuid) : NULL;
}

/* ---- hosts ---- */

/* Where the id is, or belongs. */
static uint32_t place_of(const struct vm_count *c, const char *id)
{
	uint32_t low = 0, high = c->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(c->hosts[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct host *find_or_add(struct vm_count *c, const char *id)
{
	uint32_t at = place_of(c, id);
	struct host *h;

	if (at < c->n && !strcmp(c->hosts[at]->id, id))
		return c->hosts[at];
	if (c->n == HOSTS_MAX) {
		log_once(LOG_WARNING, "hosts", "more than %u hosts: the others are left out",
			 HOSTS_MAX);
		return NULL;
	}
	if (c->n == c->room) {
		c->room = c->room ? 2 * c->room : 16;
		c->hosts = xrealloc(c->hosts, c->room, sizeof(struct host *));
	}
	memmove(c->hosts + at + 1, c->hosts + at, (c->n - at) * sizeof(struct host *));
	h = xcalloc(1, sizeof(*h));
	snprintf(h->id, sizeof(h->id), "%s", id);
	c->hosts[at] = h;
	c->n++;
	return h;
}

/* ---- counting ---- */

static void open_profiles(struct vm_count *c)
{
	struct profiler_options p = {.settings = &c->settings,
				     .max_vms = PROFILER_VMS_MAX,
				     .max_hosts = HOSTS_MAX,
				     .max_bytes = BYTES_MAX};

	proxprofiler_settings(&c->settings, c->o);
	vm_values_settings(&c->settings, c->o->base.families, vm_values_link(c->view));
	c->profiles = profiler_new(&p);
	if (c->o->predict)
		c->watch = predict_watch_new(c->profiles);
}

static bool is_wanted(const struct vm_count *c, const struct sample *s, uint32_t row)
{
	return !c->o->base.vm.n || vm_filter_wants((void *)&c->o->base.vm, s, row);
}

static void count_vm(struct vm_count *c, const struct profiler_sample *at, const struct sample *s,
		     uint32_t row)
{
	double values[VM_VALUES_MAX];
	const char *state = sample_text(s, SCOPE_VM, row, M_STATE);
	struct profiler_vm vm = {
		.uuid = sample_text(s, SCOPE_VM, row, M_UUID),
		.name = sample_text(s, SCOPE_VM, row, M_NAME),
		.running = !state || !strcmp(state, "running"),
		.values = values,
	};

	if (!vm.uuid || !*vm.uuid) {
		log_once(LOG_WARNING, "uuid", "a VM without a UUID (%s) has no profile",
			 vm.name ? vm.name : "and without a name");
		return;
	}
	vm_values_get(values, c->o->base.families, c->view, row);
	if (c->watch)
		predict_watch_before(c->watch, vm.uuid);
	profiler_count(c->profiles, at, &vm);
	if (c->watch)
		predict_watch_after(c->watch);
}

static void count_host(struct vm_count *c, const struct frame_head *head, const struct sample *s)
{
	uint64_t interval_ns = (uint64_t)(c->o->base.frequency * NS);
	struct profiler_sample at = {
		.host_id = head->host_id,
		.host_name = head->host_name,
		.epoch = head->epoch,
		.sequence = head->sequence,
		.boot_ns = head->boot_ns,
		.wall_ns = head->wall_ns,
		.interval_ns = head->interval_ns > interval_ns ? head->interval_ns : interval_ns,
	};

	if (!c->profiles)
		open_profiles(c);
	for (uint32_t row = 0; row < s->table[SCOPE_VM].rows; row++)
		if (is_wanted(c, s, row))
			count_vm(c, &at, s, row);
	profiler_host(c->profiles, &at);
}

static bool is_new(const struct sample *last, const struct frame_head *head)
{
	return head->epoch != last->epoch ? head->epoch > last->epoch
					  : head->sequence > last->sequence;
}

struct sample *vm_count_sample(struct vm_count *c, const struct frame_head *head, struct sample *s)
{
	struct host *h = find_or_add(c, head->host_id);
	struct sample *last = h ? h->last : NULL;
	bool same;

	if (!h || (last && !is_new(last, head)))
		return s;
	same = last && last->epoch == head->epoch;
	if (same && head->boot_ns < last->boot_ns + c->least_ns)
		return s;
	if (same) {
		view_derive(c->view, last, s);
		count_host(c, head, s);
	}
	h->last = s;
	return last ? last : sample_new();
}

void vm_count_frame(struct vm_count *c, const struct frame *f)
{
	struct frame_head head;
	int r = frame_decode(c->spare, &head, f->bytes, f->size);

	if (r < 0)
		log_once(LOG_WARNING, "frame", "a sample cannot be read, and is left out: %s",
			 strerror(-r));
	else
		c->spare = vm_count_sample(c, &head, c->spare);
}
