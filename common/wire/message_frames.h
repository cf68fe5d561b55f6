/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MESSAGE_FRAMES_H
#define PROXTOP_MESSAGE_FRAMES_H

/*
 * The member "frames" of uplink and feed: an array of bins, each a whole frame, not
 * looked into here.
 */
#include "message.h"
#include "wire_cursor.h"
#include "wire_pack.h"

void message_pack_frames(msgpack_packer *pk, const struct message_bytes *frames, uint32_t n);

/* As wire_u64() etc.: true when key was "frames".  *frames is allocated, the entries point
 * into the message; twice, or more than max, is bad. */
bool message_frames(struct wire_cursor *c, const struct wire_item *key, uint32_t max,
		    struct message_bytes **frames, uint32_t *n_frames);

#endif
