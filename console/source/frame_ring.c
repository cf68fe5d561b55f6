/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_ring.h"

#include "xalloc.h"

#include <stdlib.h>

#define FIRST_ROOM  16u
#define KEPT_ANYHOW 2u

void frame_ring_init(struct frame_ring *r, uint64_t keep_ns, size_t keep_bytes, uint32_t keep_n)
{
	if (keep_n < KEPT_ANYHOW)
		keep_n = KEPT_ANYHOW;
	if (keep_n > FRAME_RING_MAX)
		keep_n = FRAME_RING_MAX;
	*r = (struct frame_ring){.keep_ns = keep_ns, .keep_bytes = keep_bytes, .keep_n = keep_n};
}

struct frame *frame_ring_get(const struct frame_ring *r, uint32_t i)
{
	return r->list[(r->first + i) & (r->room - 1)];
}

static void pop(struct frame_ring *r)
{
	struct frame *f = frame_ring_get(r, 0);

	r->bytes -= f->size;
	r->first = (r->first + 1) & (r->room - 1);
	r->n--;
	frame_unref(f);
}

void frame_ring_clear(struct frame_ring *r)
{
	while (r->n)
		pop(r);
}

void frame_ring_fini(struct frame_ring *r)
{
	frame_ring_clear(r);
	free(r->list);
	r->list = NULL;
	r->room = 0;
}

static void grow(struct frame_ring *r)
{
	uint32_t room = r->room ? 2 * r->room : FIRST_ROOM;
	struct frame **list = xcalloc(room, sizeof(struct frame *));

	for (uint32_t i = 0; i < r->n; i++)
		list[i] = frame_ring_get(r, i);
	free(r->list);
	r->list = list;
	r->room = room;
	r->first = 0;
}

static bool too_old(const struct frame_ring *r, const struct frame *f, const struct frame *newest)
{
	uint64_t then = f->wall_ns, now = newest->wall_ns;

	if (f->epoch == newest->epoch) {
		then = f->boot_ns;
		now = newest->boot_ns;
	}
	return r->keep_ns && now > then && now - then > r->keep_ns;
}

void frame_ring_add(struct frame_ring *r, struct frame *f)
{
	if (r->n && !frame_is_later(f, frame_ring_get(r, r->n - 1)))
		return;
	if (r->n == r->room)
		grow(r);
	r->list[(r->first + r->n) & (r->room - 1)] = frame_ref(f);
	r->n++;
	r->bytes += f->size;
	while (r->n > KEPT_ANYHOW && (r->n > r->keep_n || r->bytes > r->keep_bytes ||
				      too_old(r, frame_ring_get(r, 0), f)))
		pop(r);
}

/* From the newest on: a clock that was set back makes an earlier part of it unreachable, and
 * what is later in the ring wins. */
uint32_t frame_ring_count(const struct frame_ring *r, uint64_t wall_ns)
{
	uint32_t n = r->n;

	while (n && frame_ring_get(r, n - 1)->wall_ns > wall_ns)
		n--;
	return n;
}
