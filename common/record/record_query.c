/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about a stretch of time: all frames of it, and where the next one is. */
#include "record_reader.h"

#include <errno.h>
#include <string.h>

void record_span(const struct record_reader *r, struct record_span *ret)
{
	*ret = (struct record_span){.bytes = r->size};
	for (uint32_t i = 0; i < r->index.n_blocks; i++) {
		const struct record_block *b = &r->index.block[i];

		if (b->damaged)
			continue;
		if (!ret->blocks || b->from_wall_ns < ret->from_wall_ns)
			ret->from_wall_ns = b->from_wall_ns;
		if (b->to_wall_ns > ret->to_wall_ns)
			ret->to_wall_ns = b->to_wall_ns;
		ret->blocks++;
		ret->frames += b->frames;
	}
}

struct reading {
	uint64_t from, to;
	uint32_t host; /* RECORD_NO_HOST: all */
	bool (*each)(void *arg, struct frame *f);
	void *arg;
};

static bool read_block(struct record_reader *r, uint32_t block, const struct reading *q)
{
	const struct record_loaded *l = record_load(r, block);

	for (uint32_t i = 0; l && i < l->n; i++) {
		const struct record_entry *e = &l->entry[i];
		struct frame *f;
		bool more;

		if (e->wall_ns < q->from || e->wall_ns > q->to ||
		    (q->host != RECORD_NO_HOST && e->host != q->host))
			continue;
		f = record_entry_frame(l, e);
		more = q->each(q->arg, f);
		frame_unref(f);
		if (!more)
			return false;
	}
	return true;
}

int record_read(struct record_reader *r, uint64_t from_wall_ns, uint64_t to_wall_ns,
		const char *host_id, bool (*each)(void *arg, struct frame *f), void *arg)
{
	struct reading q = {from_wall_ns, to_wall_ns, RECORD_NO_HOST, each, arg};

	record_begin(r);
	if (host_id) {
		q.host = record_hosts_find(&r->index.hosts, host_id, strlen(host_id));
		if (q.host == RECORD_NO_HOST)
			return 0;
	}
	for (uint32_t i = 0; i < r->index.n_blocks; i++) {
		const struct record_block *b = &r->index.block[i];

		if (record_is_interrupted(r))
			return -ECANCELED;
		if (b->from_wall_ns > to_wall_ns || b->to_wall_ns < from_wall_ns ||
		    (host_id && !record_set_has(&r->index.set[b->set], q.host)))
			continue;
		if (!read_block(r, i, &q))
			break;
	}
	return record_is_interrupted(r) ? -ECANCELED : 0;
}

/* ---- steps ---- */

/* The first time of a frame from then on; 0: there is none. */
static uint64_t first_in(struct record_reader *r, uint64_t from)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; i < r->index.n_blocks; i++) {
		const struct record_block *b = &r->index.block[i];
		const struct record_loaded *l;

		if (b->to_wall_ns < from || b->from_wall_ns >= best)
			continue;
		l = record_load(r, i);
		for (uint32_t k = 0; l && k < l->n; k++)
			if (l->entry[k].wall_ns >= from && l->entry[k].wall_ns < best)
				best = l->entry[k].wall_ns;
	}
	return best == UINT64_MAX ? 0 : best;
}

/* The last one in between. */
static uint64_t last_in(struct record_reader *r, uint64_t from, uint64_t to)
{
	uint64_t best = 0;

	for (uint32_t i = r->index.n_blocks; i; i--) {
		const struct record_block *b = &r->index.block[i - 1];
		const struct record_loaded *l;

		if (b->from_wall_ns > to || b->to_wall_ns < from || b->to_wall_ns <= best)
			continue;
		l = record_load(r, i - 1);
		for (uint32_t k = 0; l && k < l->n; k++) {
			uint64_t t = l->entry[k].wall_ns;

			if (t >= from && t <= to && t > best)
				best = t;
		}
	}
	return best;
}

uint64_t record_step(struct record_reader *r, uint64_t wall_ns, int direction, uint64_t min_step_ns)
{
	uint64_t step = min_step_ns ? min_step_ns : 1, first;

	record_begin(r);
	if (direction < 0)
		return wall_ns < step ? 0 : last_in(r, 0, wall_ns - step);
	if (wall_ns > UINT64_MAX - step)
		return 0;
	first = first_in(r, wall_ns + step);
	if (!first || first > UINT64_MAX - step)
		return first;
	/* With all that belongs to the same instant. */
	return last_in(r, first, first + step - 1);
}
