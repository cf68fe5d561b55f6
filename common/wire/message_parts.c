/* SPDX-License-Identifier: Apache-2.0 */
#include "message_parts.h"

#include "xalloc.h"

#include <errno.h>

int message_begin(struct wire_cursor *c, const void *bytes, size_t n, uint32_t *ret_members)
{
	if (n > MESSAGE_MAX)
		return -EBADMSG;
	wire_start(c, bytes, n);
	return wire_versioned(c, MESSAGE_VERSION, ret_members);
}

void *message_array(struct wire_cursor *c, void *before, uint32_t max, uint32_t least, size_t size,
		    uint32_t *ret_n)
{
	uint32_t n = wire_array(c, max);

	*ret_n = 0;
	if (before || c->bad || n > wire_left(c) / least) {
		wire_fail(c);
		return before;
	}
	*ret_n = n;
	return xcalloc(n + 1, size);
}

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
	*frames = message_array(c, *frames, max, FRAME_MIN, sizeof(**frames), &n);
	while (n-- && wire_next(c, &it)) {
		if (it.type != WIRE_BIN || it.n < FRAME_MIN || it.n > FRAME_MAX) {
			wire_fail(c);
			break;
		}
		(*frames)[(*n_frames)++] = (struct message_bytes){it.p, it.n};
	}
	return true;
}
