/* SPDX-License-Identifier: Apache-2.0 */
#include "message_frames.h"

#include "xalloc.h"

void message_pack_frames(msgpack_packer *pk, const struct message_bytes *frames, uint32_t n)
{
	wire_pack_str(pk, "frames");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; i < n; i++)
		wire_pack_bin(pk, frames[i].p, frames[i].n);
}

bool message_frames(struct wire_cursor *c, const struct wire_item *key, uint32_t max,
		    struct message_bytes **frames, uint32_t *n_frames)
{
	struct wire_item it;
	uint32_t n;

	if (!wire_is(key, "frames"))
		return false;
	n = wire_array(c, max);
	if (*frames || n > wire_left(c) / FRAME_MIN) {
		wire_fail(c);
		return true;
	}
	*frames = xcalloc(n + 1, sizeof(**frames));
	while (n-- && wire_next(c, &it)) {
		if (it.type != WIRE_BIN || it.n < FRAME_MIN || it.n > FRAME_MAX) {
			wire_fail(c);
			break;
		}
		(*frames)[(*n_frames)++] = (struct message_bytes){it.p, it.n};
	}
	return true;
}
