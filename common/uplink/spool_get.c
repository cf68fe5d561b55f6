/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out of a spool: references to what is in memory, and what must be read. */
#include "log.h"
#include "spool_internal.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct plan {
	struct segment_name segment;
	uint32_t offset, size;
};

/* References to what is in memory, NULL and a plan for what must be read. */
static unsigned plan_frames(const struct epoch *e, uint64_t from, struct frame **ret,
			    struct plan *plans, unsigned max, size_t max_bytes)
{
	unsigned n = 0;
	size_t bytes = 0;

	for (; n < max && from + n <= e->newest; n++) {
		const struct entry *entry = epoch_entry(e, from + n);
		const struct segment *segment;

		if (n && bytes + entry->size > max_bytes)
			break;
		bytes += entry->size;
		ret[n] = entry->frame ? frame_ref(entry->frame) : NULL;
		if (ret[n])
			continue;
		segment = epoch_segment(e, from + n);
		plans[n] = (struct plan){
			{e->number, segment ? segment->first : 0}, entry->offset, entry->size};
	}
	return n;
}

/* Reads what is missing; returns how many from the first on are there. */
static unsigned read_frames(const struct spool *s, struct frame **ret, const struct plan *plans,
			    unsigned n)
{
	unsigned good = 0;

	while (good < n &&
	       (ret[good] || spool_dir_read(s->dir, &plans[good].segment, plans[good].offset,
					    plans[good].size, &ret[good]) == 0))
		good++;
	for (unsigned i = good; i < n; i++)
		frame_unref(ret[i]);
	return good;
}

/* It is on disk only and cannot be read: nothing up to it will ever be had again. */
static void drop_unreadable(struct spool *s, struct epoch *e, uint64_t sequence)
{
	if (sequence < epoch_oldest(e) || sequence > e->newest)
		return; /* it had been dropped meanwhile */
	log_once(LOG_WARNING, "spool-unreadable",
		 "a sample in the spool's directory cannot be read any more, and is lost");
	while (e->used && epoch_oldest(e) <= sequence)
		spool_drop_first(s, e);
	spool_free_segments(s, e);
}

unsigned spool_get(struct spool *s, uint64_t epoch, uint64_t sequence, struct frame **ret,
		   unsigned max, size_t max_bytes, struct spool_state *ret_state)
{
	struct plan *plans = s->dir ? xcalloc(max ? max : 1, sizeof(*plans)) : NULL;
	unsigned n, good = 0;

	for (;;) {
		struct epoch *e;
		uint64_t from;

		pthread_mutex_lock(&s->lock);
		e = spool_first_piece(s, epoch);
		if (!e) {
			pthread_mutex_unlock(&s->lock);
			break;
		}
		from = sequence > epoch_oldest(e) ? sequence : epoch_oldest(e);
		if (ret_state)
			spool_fill_state(s, ret_state, e);
		n = plan_frames(e, from, ret, plans, max, max_bytes);
		pthread_mutex_unlock(&s->lock);
		if (!n)
			break;
		good = plans ? read_frames(s, ret, plans, n) : n;
		if (good)
			break;
		pthread_mutex_lock(&s->lock);
		e = spool_first_piece(s, epoch);
		if (e)
			drop_unreadable(s, e, from);
		pthread_mutex_unlock(&s->lock);
	}
	free(plans);
	return good;
}
