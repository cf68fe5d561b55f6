/* SPDX-License-Identifier: Apache-2.0 */
/* A spool's epochs and their pieces, and what goes when it is full. */
#include "log.h"
#include "spool_internal.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct epoch *spool_first_piece(const struct spool *s, uint64_t number)
{
	for (unsigned i = 0; i < s->n_epochs; i++)
		if (s->epochs[i]->number == number)
			return s->epochs[i];
	return NULL;
}

struct epoch *spool_last_piece(const struct spool *s, uint64_t number)
{
	for (unsigned i = s->n_epochs; i; i--)
		if (s->epochs[i - 1]->number == number)
			return s->epochs[i - 1];
	return NULL;
}

struct epoch *spool_add_piece(struct spool *s, uint64_t number)
{
	struct epoch *e = epoch_new(number);
	unsigned at = s->n_epochs;

	s->epochs = xrealloc(s->epochs, s->n_epochs + 1, sizeof(struct epoch *));
	for (; at && s->epochs[at - 1]->number > number; at--)
		s->epochs[at] = s->epochs[at - 1];
	s->epochs[at] = e;
	s->n_epochs++;
	if (number > s->last_epoch)
		s->last_epoch = number;
	for (unsigned i = 0; i + 1 < s->n_epochs; i++)
		s->epochs[i]->ended = true;
	return e;
}

static struct epoch *next_piece(const struct spool *s, const struct epoch *e)
{
	for (unsigned i = 0; i + 1 < s->n_epochs; i++)
		if (s->epochs[i] == e && s->epochs[i + 1]->number == e->number)
			return s->epochs[i + 1];
	return NULL;
}

static void kill_segment(struct spool *s, struct epoch *e)
{
	s->dead = xrealloc(s->dead, s->n_dead + 1, sizeof(*s->dead));
	s->dead[s->n_dead++] = (struct segment_name){e->number, e->segments[0].first};
	s->file_bytes -= e->segments[0].bytes;
	epoch_shift_segment(e);
	pthread_cond_signal(&s->work);
}

void spool_free_segments(struct spool *s, struct epoch *e)
{
	uint64_t oldest = epoch_oldest(e);

	while (e->n_segments > 1 && e->segments[1].first <= oldest)
		kill_segment(s, e);
	if (e->n_segments && e->ended && !e->used)
		kill_segment(s, e);
}

void spool_remove_piece(struct spool *s, struct epoch *e)
{
	struct epoch *next = next_piece(s, e);
	unsigned i = 0;

	/* What was known of the whole stays known. */
	if (next) {
		next->lost += e->lost;
		if (e->committed > next->committed)
			next->committed = e->committed;
	} else {
		s->lost_gone += e->lost;
	}
	while (s->epochs[i] != e)
		i++;
	s->n_epochs--;
	memmove(s->epochs + i, s->epochs + i + 1, (s->n_epochs - i) * sizeof(struct epoch *));
	while (e->n_segments)
		kill_segment(s, e);
	s->position_dirty = true;
	epoch_free(e);
}

/* ---- dropping ---- */

void spool_drop_first(struct spool *s, struct epoch *e)
{
	if (epoch_oldest(e) > e->committed) {
		e->lost++;
		log_debug("the spool drops sample %llu of epoch %llu",
			  (unsigned long long)epoch_oldest(e), (unsigned long long)e->number);
	}
	epoch_pop(e);
	s->position_dirty = true;
}

static uint64_t memory_of(const struct spool *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < s->n_epochs; i++)
		n += s->epochs[i]->memory;
	return n;
}

static bool first_on_disk(const struct epoch *e)
{
	return e->used && epoch_entry(e, epoch_oldest(e))->offset != NOT_ON_DISK;
}

/* Frees the least that frees something: a frame in memory, or a whole file.  The newest
 * frame stays. */
static bool drop_some(struct spool *s, struct epoch *e)
{
	uint64_t until = e->n_segments > 1 ? e->segments[1].first : e->newest + 1;
	size_t least = e->ended ? 0 : 1;

	if (e->used <= least)
		return false;
	if (!first_on_disk(e)) {
		spool_drop_first(s, e);
		return true;
	}
	while (e->used > least && epoch_oldest(e) < until && first_on_disk(e))
		spool_drop_first(s, e);
	/* The file that is being written too, when nothing in it is left: the thread will see
	 * that it is gone. */
	if (e->n_segments == 1 && !first_on_disk(e))
		kill_segment(s, e);
	spool_free_segments(s, e);
	return true;
}

static void say_full(struct spool *s)
{
	if (s->full_said)
		return;
	s->full_said = true;
	log_once(LOG_WARNING, "spool-full",
		 "the spool (%zu bytes) is full: the oldest samples are dropped until the receiver "
		 "takes them again",
		 s->size);
}

uint64_t spool_lost(const struct spool *s)
{
	uint64_t n = s->lost_gone;

	for (unsigned i = 0; i < s->n_epochs; i++)
		n += s->epochs[i]->lost;
	return n;
}

void spool_make_room(struct spool *s)
{
	uint64_t lost = spool_lost(s);

	for (unsigned i = 0; i < s->n_epochs;) {
		if (s->file_bytes + memory_of(s) <= s->size)
			break;
		if (!drop_some(s, s->epochs[i]))
			i++;
	}
	if (spool_lost(s) != lost)
		say_full(s);
	/* So many runs that nobody has heard of: the first ones are only counted. */
	while (s->n_epochs > EPOCHS_MAX) {
		s->lost_epochs++;
		spool_remove_piece(s, s->epochs[0]);
	}
}

void spool_fill_state(const struct spool *s, struct spool_state *ret, const struct epoch *e)
{
	*ret = (struct spool_state){
		.epoch = e->number,
		.oldest = epoch_oldest(e),
		.newest = e->newest,
		.committed = e->committed,
		.lost = e->lost,
		.frames = e->used,
		.bytes = e->bytes,
		.ended = e->ended && !next_piece(s, e),
		.interval_ns = e->head.interval_ns,
	};
	memcpy(ret->host_id, e->head.host_id, sizeof(ret->host_id));
	memcpy(ret->host_name, e->head.host_name, sizeof(ret->host_name));
	memcpy(ret->version, e->head.version, sizeof(ret->version));
}
