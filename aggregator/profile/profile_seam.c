/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_seam.h"

#include <string.h>

/* False: nothing moves. */
static bool map_of(const struct markov *m, const struct markov_range *merged,
		   const struct markov_settings *s, uint8_t *map)
{
	for (unsigned i = 0; i < s->states; i++)
		map[i] = (uint8_t)i;
	if (s->fixed || !m->range.known || markov_range_same(&m->range, merged))
		return false;
	markov_range_map(&m->range, merged, s->states, map);
	return true;
}

void profile_seam_make(struct profile_seam *seam, const struct markov *m,
		       const struct markov *after, const struct markov_settings *s,
		       const struct markov_range *merged)
{
	memset(seam, 0, sizeof(*seam));
	seam->moved = map_of(m, merged, s, seam->map);
	seam->after_moved = map_of(after, merged, s, seam->after_map);
	seam->n = after->head_length;
	seam->cut = m->pending || (after->broken && !after->head_length);
	/* What is pending is dropped by merging, and the context with it. */
	seam->before = m->pending ? 0 : m->tail_length;
	for (unsigned i = 0; i < seam->before; i++)
		seam->run[i] = seam->map[m->tail[i]];
	for (unsigned i = 0; i < seam->n; i++)
		seam->run[seam->before + i] = seam->after_map[after->head[i]];
}

void profile_seam_step(const struct profile_seam *seam, unsigned i, struct markov_counts *c,
		       const struct markov_settings *s)
{
	/* Shorter contexts are within the second part, which has counted them. */
	markov_counts_step_from(c, s, seam->run, seam->before + i + 1, i + 1);
}

void profile_seam_add(const struct profile_seam *seam, struct markov_counts *c,
		      const struct markov_counts *after, const struct markov_settings *s)
{
	struct markov_counts moved;

	if (!seam->after_moved) {
		markov_counts_add(c, after, s);
		return;
	}
	markov_counts_init(&moved, s);
	markov_counts_add(&moved, after, s);
	markov_counts_remap(&moved, s, seam->after_map);
	markov_counts_add(c, &moved, s);
	markov_counts_fini(&moved);
}
