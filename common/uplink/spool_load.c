/* SPDX-License-Identifier: Apache-2.0 */
/* What an earlier run left in the directory. */
#include "log.h"
#include "spool_internal.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POSITION_MAX   (1u << 20)
#define POSITION_MAGIC "proxtop-spool 1\n"

/* What `position` says of an epoch, all its pieces together. */
struct position {
	uint64_t epoch, oldest, newest, committed, lost;
	bool found; /* there are frames of it */
};

struct load {
	struct spool *s;
	struct position *positions;
	unsigned n_positions;
	/* The segment that is being scanned. */
	struct segment_name segment;
	struct position *position; /* of its epoch, or NULL */
	struct epoch *piece;       /* that it belongs to; NULL: nothing of it was taken yet */
	uint64_t last;             /* sequence of the record before */
};

static struct position *position_of(struct load *l, uint64_t epoch)
{
	for (unsigned i = 0; i < l->n_positions; i++)
		if (l->positions[i].epoch == epoch)
			return &l->positions[i];
	return NULL;
}

static void add_position(struct load *l, const struct position *one)
{
	struct position *p = position_of(l, one->epoch);

	if (!p) {
		l->positions = xrealloc(l->positions, l->n_positions + 1, sizeof(*l->positions));
		l->positions[l->n_positions++] = *one;
		return;
	}
	p->lost += one->lost;
	if (one->oldest < p->oldest)
		p->oldest = one->oldest;
	if (one->newest > p->newest)
		p->newest = one->newest;
	if (one->committed > p->committed)
		p->committed = one->committed;
}

/* A position that is damaged is none: more is sent again then. */
static void read_position(struct load *l)
{
	struct buf text;
	const char *line;

	buf_init(&text, POSITION_MAX + 1);
	if (spool_dir_read_position(l->s->dir, &text) < 0)
		text.used = 0;
	buf_byte(&text, '\0');
	line = text.data;
	if (strncmp(line, POSITION_MAGIC, strlen(POSITION_MAGIC)) != 0)
		line += strlen(line);
	while ((line = strchr(line, '\n'))) {
		struct position p = {0};
		uint64_t v;

		line++;
		if (sscanf(line, "last %" SCNu64, &v) == 1 && v > l->s->last_epoch)
			l->s->last_epoch = v;
		else if (sscanf(line, "lost-epochs %" SCNu64, &v) == 1)
			l->s->lost_epochs = v;
		else if (sscanf(line, "lost %" SCNu64, &v) == 1)
			l->s->lost_gone = v;
		else if (l->n_positions < EPOCHS_MAX &&
			 sscanf(line,
				"epoch %" SCNu64 " oldest %" SCNu64 " newest %" SCNu64
				" committed %" SCNu64 " lost %" SCNu64,
				&p.epoch, &p.oldest, &p.newest, &p.committed, &p.lost) == 5)
			add_position(l, &p);
	}
	buf_fini(&text);
}

static struct epoch *begin_piece(struct load *l, uint64_t sequence)
{
	struct spool *s = l->s;
	struct epoch *before = spool_last_piece(s, l->segment.epoch);
	struct epoch *e = spool_add_piece(s, l->segment.epoch);

	if (before) {
		e->lost = sequence - before->newest - 1;
	} else if (l->position) {
		l->position->found = true;
		e->committed = l->position->committed;
		e->lost = l->position->lost;
	}
	return e;
}

static int found(void *arg, const struct frame_head *head, uint32_t size, uint32_t offset)
{
	struct load *l = arg;
	struct epoch *e = spool_last_piece(l->s, l->segment.epoch);
	bool follows = e && e->used && head->sequence == e->newest + 1;

	/* Within a file they follow each other. */
	if (head->sequence != l->last + 1 && l->last)
		return -EBADMSG;
	l->last = head->sequence;
	if (l->position &&
	    (head->sequence < l->position->oldest || head->sequence < l->position->committed))
		return 0;
	if (e && e->used && head->sequence <= e->newest)
		return 0;
	if (!follows)
		e = begin_piece(l, head->sequence);
	if (!l->piece)
		epoch_add_segment(e, l->segment.first, 0);
	l->piece = e;
	if (!e->head.sequence)
		e->head = *head;
	epoch_push(e, head->sequence, NULL, size, offset);
	e->written = head->sequence;
	return 0;
}

static int load_segment(struct load *l, const struct segment_name *name, char *why, size_t why_size)
{
	struct spool *s = l->s;
	uint64_t good, size;
	int r;

	l->segment = *name;
	l->position = position_of(l, name->epoch);
	l->piece = NULL;
	l->last = 0;
	if (name->epoch > s->last_epoch)
		s->last_epoch = name->epoch;
	r = spool_dir_scan(s->dir, name, found, l, &good, &size);
	if (r < 0 && r != -EBADMSG) {
		snprintf(why, why_size, "%s: %" PRIu64 "-%" PRIu64 ".spool cannot be read: %s",
			 s->path, name->epoch, name->first, strerror(-r));
		return r;
	}
	if (r < 0 || good < size)
		log_warning("%s: %" PRIu64 "-%" PRIu64 ".spool is damaged after sample %" PRIu64
			    ": what follows in it is lost",
			    s->path, name->epoch, name->first, l->last);
	if (!l->piece) {
		spool_dir_unlink(s->dir, name);
		return 0;
	}
	epoch_segment(l->piece, l->piece->newest)->bytes = size;
	s->file_bytes += size;
	return 0;
}

/* All of an earlier run that is committed goes; so it is with what nothing is left of. */
static void tidy(struct load *l)
{
	struct spool *s = l->s;

	for (unsigned i = 0; i < s->n_epochs; i++)
		s->epochs[i]->ended = true;
	for (unsigned i = s->n_epochs; i; i--)
		if (s->epochs[i - 1]->committed >= s->epochs[i - 1]->newest)
			spool_remove_piece(s, s->epochs[i - 1]);
	for (unsigned i = 0; i < l->n_positions; i++) {
		const struct position *p = &l->positions[i];

		if (p->found)
			continue;
		s->lost_gone += p->lost;
		if (p->newest > p->committed)
			s->lost_epochs++;
	}
	s->position_dirty = true;
	spool_make_room(s);
}

int spool_load(struct spool *s, char *why, size_t why_size)
{
	struct load l = {.s = s};
	struct segment_name *names;
	unsigned n;
	int r = spool_dir_list(s->dir, &names, &n);

	if (r < 0) {
		snprintf(why, why_size, "%s: cannot be read: %s", s->path, strerror(-r));
		return r;
	}
	read_position(&l);
	for (unsigned i = 0; i < n && r >= 0; i++)
		r = load_segment(&l, &names[i], why, why_size);
	if (r >= 0)
		tidy(&l);
	free(names);
	free(l.positions);
	return r;
}
