/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MESSAGE_PARTS_H
#define PROXTOP_MESSAGE_PARTS_H

/* What the messages of uplink and feed have in common. */
#include "message.h"
#include "wire_cursor.h"
#include "wire_pack.h"

/* Enters a message of *ret_members members after its version.  0, -EBADMSG or -EPROTO. */
int message_begin(struct wire_cursor *c, const void *bytes, size_t n, uint32_t *ret_members);

/* Enters an array and gives zeroed room of size bytes for each of its *ret_n elements, the
 * caller's to free.  More than max, more than the bytes left can be at least bytes each,
 * and a second one (before, which is given back) are bad: then *ret_n is 0. */
void *message_array(struct wire_cursor *c, void *before, uint32_t max, uint32_t least, size_t size,
		    uint32_t *ret_n);

/* The member "frames": an array of bins, each a whole frame, not looked into here. */
void message_pack_frames(msgpack_packer *pk, const struct message_bytes *frames, uint32_t n);

/* As wire_u64() etc.: true when key was "frames".  *frames is allocated, the entries point
 * into the message; twice, or more than max, is bad. */
bool message_frames(struct wire_cursor *c, const struct wire_item *key, uint32_t max,
		    struct message_bytes **frames, uint32_t *n_frames);

#endif
