/* SPDX-License-Identifier: Apache-2.0 */
#include "host_lines.h"

#include "exposition.h"
#include "log.h"
#include "vm_filter.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXPOSITION_MAX ((size_t)256 << 20)
#define HOSTS_MAX      16384u
#define NS             1000000000u

struct host {
	char id[HOST_ID_MAX + 1];
	struct sample *last; /* as it was printed; NULL: nothing was yet */
	uint64_t epoch, sequence;
	uint64_t round; /* that it has something in */
};

struct host_lines {
	struct batch *b;
	bool merged; /* openmetrics */
	struct view *view;
	struct sample *sample;
	struct host **hosts; /* by id */
	uint32_t n, room;
	struct exposition *exposition;
	struct buf text;
	uint64_t round, round_wall_ns;
	bool any;
};

struct host_lines *host_lines_new(struct batch *b)
{
	struct host_lines *l = xcalloc(1, sizeof(*l));

	l->b = b;
	l->merged = b->printer && !printer_wants_rates(b->printer);
	l->view = view_new();
	l->sample = sample_new();
	buf_init(&l->text, EXPOSITION_MAX);
	l->round = 1;
	return l;
}

void host_lines_free(struct host_lines *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; i < l->n; i++) {
		sample_free(l->hosts[i]->last);
		free(l->hosts[i]);
	}
	free(l->hosts);
	exposition_free(l->exposition);
	buf_fini(&l->text);
	view_free(l->view);
	sample_free(l->sample);
	free(l);
}

/* Where the id is, or belongs. */
static uint32_t place_of(const struct host_lines *l, const char *id)
{
	uint32_t low = 0, high = l->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(l->hosts[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct host *find(const struct host_lines *l, const char *id)
{
	uint32_t at = place_of(l, id);

	return at < l->n && !strcmp(l->hosts[at]->id, id) ? l->hosts[at] : NULL;
}

static struct host *find_or_add(struct host_lines *l, const char *id)
{
	uint32_t at = place_of(l, id);
	struct host *h;

	if (at < l->n && !strcmp(l->hosts[at]->id, id))
		return l->hosts[at];
	if (l->n == HOSTS_MAX) {
		log_once(LOG_WARNING, "hosts", "more than %u hosts: the others are left out",
			 HOSTS_MAX);
		return NULL;
	}
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->hosts = xrealloc(l->hosts, l->room, sizeof(struct host *));
	}
	memmove(l->hosts + at + 1, l->hosts + at, (l->n - at) * sizeof(struct host *));
	h = xcalloc(1, sizeof(*h));
	strcpy(h->id, id); /* as long as the head's */
	l->hosts[at] = h;
	l->n++;
	return h;
}

static bool decode(struct sample *s, struct frame_head *head, const struct frame *f)
{
	int r = frame_decode(s, head, f->bytes, f->size);

	if (r < 0)
		log_once(LOG_WARNING, "frame", "a sample cannot be read, and is left out: %s",
			 strerror(-r));
	return !r;
}

/* A host that was not told to measure its name is named all the same. */
static void name_rows(struct sample *s, const char *host_name)
{
	static const enum scope scopes[] = {SCOPE_HOST, SCOPE_VM};

	for (unsigned i = 0; i < sizeof(scopes) / sizeof(*scopes); i++)
		for (uint32_t r = 0; r < s->table[scopes[i]].rows; r++)
			if (!sample_text(s, scopes[i], r, M_HOST_NAME))
				sample_set_text(s, scopes[i], r, M_HOST_NAME, host_name);
}

static struct printer_origin origin_of(const struct frame_head *head)
{
	return (struct printer_origin){.host_name = head->host_name,
				       .host_id = head->host_id,
				       .epoch = head->epoch,
				       .sequence = head->sequence};
}

/* Into the exposition of this round. */
static void merge(struct host_lines *l, const struct frame_head *head)
{
	struct printer_origin origin = origin_of(head);
	struct option_list *vm = (struct option_list *)&l->b->o->vm;

	if (!l->exposition) {
		l->exposition = exposition_new(EXPOSITION_MAX);
		if (vm->n)
			exposition_vms(l->exposition, vm_filter_wants, vm);
	}
	if (exposition_add(l->exposition, l->sample, &origin) < 0)
		log_once(LOG_WARNING, "exposition", "too many hosts for one exposition");
}

/* The rates of what is the first of its host begin at before. */
static void take_before(struct host *h, const struct frame *before)
{
	struct frame_head head;

	if (h->last || !before)
		return;
	h->last = sample_new();
	if (!decode(h->last, &head, before)) {
		sample_free(h->last);
		h->last = NULL;
	}
}

static int print(struct host_lines *l, struct host *h, const struct frame_head *head)
{
	struct printer_origin origin = origin_of(head);
	struct sample *swap = h->last;
	int r;

	name_rows(l->sample, head->host_name);
	view_derive(l->view, h->last, l->sample);
	printer_set_origin(l->b->printer, &origin);
	r = batch_print(l->b, l->view);
	printer_set_origin(l->b->printer, NULL);
	h->last = l->sample;
	l->sample = swap ? swap : sample_new();
	return r;
}

int host_lines_frame(struct host_lines *l, const struct frame *f, const struct frame *before)
{
	struct frame_head head;
	struct host *h;
	bool new;

	if (frame_head_decode(&head, f->bytes, f->size) < 0)
		return 0;
	h = find_or_add(l, head.host_id);
	if (!h)
		return 0;
	new = h->epoch != head.epoch ? head.epoch > h->epoch : head.sequence > h->sequence;
	if (!new && !l->merged)
		return 0;
	l->any = l->any || new;
	h->epoch = head.epoch;
	h->sequence = head.sequence;
	h->round = l->round;
	l->round_wall_ns = head.wall_ns;
	if (!l->b->printer || !decode(l->sample, &head, f))
		return 0;
	if (l->merged) {
		merge(l, &head);
		return 0;
	}
	take_before(h, before);
	return print(l, h, &head);
}

int host_lines_end(struct host_lines *l, bool *ret_any)
{
	int r = 0;

	*ret_any = l->any;
	if (l->exposition && l->any) {
		buf_clear(&l->text);
		if (l->b->prometheus)
			exposition_finish_prometheus(l->exposition, &l->text);
		else
			exposition_finish(l->exposition, &l->text);
		r = l->text.error ? 0 : batch_put(l->b, l->text.data, l->text.used);
	}
	exposition_free(l->exposition);
	l->exposition = NULL;
	l->any = false;
	l->round++;
	return r;
}

bool host_lines_begins(struct host_lines *l, const struct frame *f)
{
	struct frame_head head;
	const struct host *h;
	uint64_t apart, interval;

	if (!l->any || frame_head_decode(&head, f->bytes, f->size) < 0)
		return false;
	h = find(l, head.host_id);
	if (h && h->round == l->round)
		return true;
	interval = head.interval_ns ? head.interval_ns : NS;
	apart = head.wall_ns > l->round_wall_ns ? head.wall_ns - l->round_wall_ns
						: l->round_wall_ns - head.wall_ns;
	return apart > interval / 2;
}
