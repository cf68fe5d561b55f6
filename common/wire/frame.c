/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

/* Frames of a host differ by a few bytes.  Without steps their memory comes in thousands of
 * sizes, among which the allocator looks for the best one each time. */
#define FRAME_STEP 1024u

struct frame *frame_new(const struct frame_head *head, const void *bytes, size_t n)
{
	size_t room = sizeof(struct frame) + n;
	struct frame *f;

	if (room > 4 * FRAME_STEP)
		room += FRAME_STEP - 1 - (room - 1) % FRAME_STEP;
	f = xrealloc(NULL, room, 1);
	f->refs = 1;
	f->size = (uint32_t)n;
	f->epoch = head->epoch;
	f->sequence = head->sequence;
	f->boot_ns = head->boot_ns;
	f->wall_ns = head->wall_ns;
	memcpy(f->bytes, bytes, n);
	return f;
}

struct frame *frame_ref(struct frame *f)
{
	__atomic_fetch_add(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

void frame_unref(struct frame *f)
{
	if (f && __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(f);
}
