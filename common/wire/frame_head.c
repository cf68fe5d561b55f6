/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_head.h"

#include "frame_keys.h"

#include <errno.h>
#include <stddef.h>

/* A member: a number, or a text where size is not 0. */
static const struct {
	const char *word;
	size_t at, size;
	bool required;
} members[] = {
#define TEXT(field) offsetof(struct frame_head, field), sizeof(((struct frame_head *)0)->field)
#define U64(field)  offsetof(struct frame_head, field), 0
	{FRAME_HOST_ID, TEXT(host_id), true},  {FRAME_HOST, TEXT(host_name), false},
	{FRAME_AGENT, TEXT(version), false},   {FRAME_EPOCH, U64(epoch), true},
	{FRAME_SEQUENCE, U64(sequence), true}, {FRAME_BOOT, U64(boot_ns), true},
	{FRAME_WALL, U64(wall_ns), false},     {FRAME_INTERVAL, U64(interval_ns), false},
};
#define MEMBERS (sizeof(members) / sizeof(*members))

bool frame_head_member(struct wire_cursor *c, const struct wire_item *key, struct frame_head *head,
		       unsigned *seen)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		void *to = (char *)head + members[i].at;

		if (members[i].size ? !wire_text(c, key, members[i].word, to, members[i].size)
				    : !wire_u64(c, key, members[i].word, to))
			continue;
		if (*seen & (1u << i))
			wire_fail(c);
		*seen |= 1u << i;
		return true;
	}
	return false;
}

bool frame_head_complete(const struct frame_head *head, unsigned seen)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		if (members[i].required && !(seen & (1u << i)))
			return false;
	return head->host_id[0] && head->sequence;
}

int frame_head_decode(struct frame_head *ret, const void *bytes, size_t n)
{
	struct wire_cursor c;
	struct wire_item key;
	unsigned seen = 0;
	uint32_t more;
	int r;

	*ret = (struct frame_head){.host_id = ""};
	if (n > FRAME_MAX)
		return -EBADMSG;
	wire_start(&c, bytes, n);
	r = wire_versioned(&c, FRAME_VERSION, &more);
	if (r)
		return r;
	while (more-- && wire_key(&c, &key)) {
		if (frame_head_member(&c, &key, ret, &seen))
			continue;
		/* What follows is not looked at once the head is whole. */
		if (seen == (1u << MEMBERS) - 1)
			break;
		wire_skip(&c);
	}
	return c.bad || !frame_head_complete(ret, seen) ? -EBADMSG : 0;
}
