/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_seen.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024u
#define MOST        (4u << 20)

void replay_seen_fini(struct replay_seen *s)
{
	free(s->key);
	*s = (struct replay_seen){0};
}

/* The slot of a key, or the free one where it would be. */
static size_t place(const struct replay_seen *s, uint64_t key)
{
	size_t at = (size_t)key & (s->slots - 1);

	while (s->key[at] && s->key[at] != key)
		at = (at + 1) & (s->slots - 1);
	return at;
}

static void grow(struct replay_seen *s)
{
	struct replay_seen to = {.n = s->n, .slots = s->slots ? 2 * s->slots : FIRST_SLOTS};

	to.key = xcalloc(to.slots, sizeof(*to.key));
	for (size_t i = 0; i < s->slots; i++)
		if (s->key[i])
			to.key[place(&to, s->key[i])] = s->key[i];
	free(s->key);
	*s = to;
}

bool replay_seen_before(struct replay_seen *s, const struct frame *f)
{
	struct frame_head head;
	uint64_t key;
	size_t at;

	if (frame_head_decode(&head, f->bytes, f->size) < 0)
		return true; /* of nobody */
	key = id_hash_u64(id_hash_u64(id_hash(0, head.host_id), f->epoch), f->sequence);
	if (!key)
		key = 1;
	if (s->n == MOST)
		replay_seen_fini(s);
	if (2 * (s->n + 1) > s->slots)
		grow(s);
	at = place(s, key);
	if (s->key[at])
		return true;
	s->key[at] = key;
	s->n++;
	return false;
}
