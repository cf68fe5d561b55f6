/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_epoch.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16u

struct epoch *epoch_new(uint64_t number)
{
	struct epoch *e = xcalloc(1, sizeof(*e));

	e->number = number;
	e->room = FIRST_ROOM;
	e->ring = xcalloc(e->room, sizeof(*e->ring));
	return e;
}

void epoch_free(struct epoch *e)
{
	while (e->used)
		epoch_pop(e);
	free(e->ring);
	free(e->segments);
	free(e);
}

static struct entry *at(const struct epoch *e, size_t i)
{
	return &e->ring[(e->first + i) & (e->room - 1)];
}

struct entry *epoch_entry(const struct epoch *e, uint64_t sequence)
{
	return at(e, (size_t)(sequence - epoch_oldest(e)));
}

static void set_room(struct epoch *e, size_t room)
{
	struct entry *ring = xcalloc(room, sizeof(*ring));

	for (size_t i = 0; i < e->used; i++)
		ring[i] = *at(e, i);
	free(e->ring);
	e->ring = ring;
	e->room = room;
	e->first = 0;
}

void epoch_push(struct epoch *e, uint64_t sequence, struct frame *f, uint32_t size, uint32_t offset)
{
	if (e->used == e->room)
		set_room(e, e->room * 2);
	e->newest = sequence;
	e->used++;
	*at(e, e->used - 1) = (struct entry){f, size, offset};
	e->bytes += size;
	if (offset == NOT_ON_DISK)
		e->memory += size;
	else if (f)
		e->cached += size;
}

void epoch_pop(struct epoch *e)
{
	struct entry *first = at(e, 0);

	e->bytes -= first->size;
	if (first->offset == NOT_ON_DISK)
		e->memory -= first->size;
	else if (first->frame)
		e->cached -= first->size;
	frame_unref(first->frame);
	first->frame = NULL;
	e->first = (e->first + 1) & (e->room - 1);
	e->used--;
	if (e->room > FIRST_ROOM && e->used < e->room / 8)
		set_room(e, e->room / 4);
}

void epoch_on_disk(struct epoch *e, uint64_t sequence, uint32_t offset)
{
	struct entry *entry = epoch_entry(e, sequence);

	entry->offset = offset;
	e->memory -= entry->size;
	e->cached += entry->size;
}

void epoch_uncache(struct epoch *e, uint64_t max)
{
	uint64_t oldest = epoch_oldest(e), from = e->cached_from > oldest ? e->cached_from : oldest;

	for (; e->cached > max && from <= e->newest; e->cached_from = ++from) {
		struct entry *entry = epoch_entry(e, from);

		if (entry->offset == NOT_ON_DISK)
			return;
		if (!entry->frame)
			continue;
		frame_unref(entry->frame);
		entry->frame = NULL;
		e->cached -= entry->size;
	}
}

struct segment *epoch_segment(const struct epoch *e, uint64_t sequence)
{
	for (unsigned i = e->n_segments; i; i--)
		if (e->segments[i - 1].first <= sequence)
			return &e->segments[i - 1];
	return NULL;
}

void epoch_add_segment(struct epoch *e, uint64_t first, uint64_t bytes)
{
	e->segments = xrealloc(e->segments, e->n_segments + 1, sizeof(*e->segments));
	e->segments[e->n_segments++] = (struct segment){first, bytes};
}

void epoch_shift_segment(struct epoch *e)
{
	e->n_segments--;
	memmove(e->segments, e->segments + 1, e->n_segments * sizeof(*e->segments));
}
