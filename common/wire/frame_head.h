/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FRAME_HEAD_H
#define PROXTOP_FRAME_HEAD_H

/* The head's members, for the two decoders that read them. */
#include "frame.h"
#include "wire_cursor.h"

/* As wire_u64() etc.: true when key was one of them.  seen: bits of which were there; one
 * that comes twice is bad. */
bool frame_head_member(struct wire_cursor *c, const struct wire_item *key, struct frame_head *head,
		       unsigned *seen);

/* Is all there that must be? */
bool frame_head_complete(const struct frame_head *head, unsigned seen);

#endif
