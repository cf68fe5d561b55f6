/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_series.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

void replay_series_fini(struct replay_series *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		frame_unref(s->frames[i]);
	free(s->frames);
	*s = (struct replay_series){.n = 0};
}

/* ---- frames at the later end ---- */

struct newer {
	struct frame **frames;
	uint32_t n, room;
};

static bool take(void *arg, struct frame *f)
{
	struct newer *to = arg;

	if (to->n == to->room) {
		to->room = to->room ? 2 * to->room : 64;
		to->frames = xrealloc(to->frames, to->room, sizeof(struct frame *));
	}
	to->frames[to->n++] = frame_ref(f);
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct frame *x = *(struct frame *const *)a, *y = *(struct frame *const *)b;

	if (x->wall_ns != y->wall_ns)
		return x->wall_ns < y->wall_ns ? -1 : 1;
	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

/* In order, each once. */
static void tidy(struct newer *t)
{
	uint32_t kept = 0;

	if (t->n)
		qsort(t->frames, t->n, sizeof(struct frame *), by_time);
	for (uint32_t i = 0; i < t->n; i++) {
		struct frame *f = t->frames[i], *last = kept ? t->frames[kept - 1] : NULL;

		if (last && last->epoch == f->epoch && last->sequence == f->sequence)
			frame_unref(f);
		else
			t->frames[kept++] = f;
	}
	t->n = kept;
}

/* ---- the whole ---- */

/* Can what is kept be a part of it?  Not when it is far away: then the way there would be
 * more to read. */
static bool is_near(const struct replay_series *s, const char *host, uint64_t wall_ns)
{
	uint64_t first;

	if (!s->n || strcmp(s->host, host) != 0)
		return false;
	first = s->frames[0]->wall_ns;
	return wall_ns >= first &&
	       (wall_ns <= s->wall_ns || wall_ns - s->wall_ns <= s->wall_ns - first);
}

/* What is kept until wall_ns, and what has come since; in one row. */
static void move_end(struct replay_series *s, struct record_reader *r, uint64_t wall_ns)
{
	struct newer newer = {.n = 0};

	while (s->n && s->frames[s->n - 1]->wall_ns > wall_ns)
		frame_unref(s->frames[--s->n]);
	if (wall_ns > s->wall_ns)
		record_read(r, s->wall_ns + 1, wall_ns, s->host, take, &newer);
	tidy(&newer);
	s->frames = xrealloc(s->frames, (size_t)s->n + newer.n + 1, sizeof(struct frame *));
	if (newer.n)
		memcpy(s->frames + s->n, newer.frames, newer.n * sizeof(struct frame *));
	s->n += newer.n;
	free(newer.frames);
}

/* Until there are n, with older ones. */
static void fill_up(struct replay_series *s, struct record_reader *r, uint64_t wall_ns, uint32_t n)
{
	uint64_t until = s->n ? s->frames[0]->wall_ns - 1 : wall_ns;
	struct frame **all;
	uint32_t more;

	if (s->n >= n || (s->n && !s->frames[0]->wall_ns))
		return;
	all = xcalloc(n, sizeof(struct frame *));
	more = record_series(r, s->host, until, all, n - s->n);
	if (s->n)
		memcpy(all + more, s->frames, s->n * sizeof(struct frame *));
	free(s->frames);
	s->frames = all;
	s->n += more;
}

void replay_series_add(struct replay_series *s, struct record_reader *r, struct moment *m,
		       const char *host, uint64_t wall_ns, uint32_t n)
{
	uint32_t left_out;

	if (!is_near(s, host, wall_ns)) {
		replay_series_fini(s);
		memcpy(s->host, host, strnlen(host, HOST_ID_MAX));
	} else {
		move_end(s, r, wall_ns);
	}
	s->wall_ns = wall_ns;
	fill_up(s, r, wall_ns, n);
	left_out = s->n > n ? s->n - n : 0;
	for (uint32_t i = 0; i < left_out; i++)
		frame_unref(s->frames[i]);
	s->n -= left_out;
	memmove(s->frames, s->frames + left_out, s->n * sizeof(struct frame *));
	moment_series(m, host, s->frames, s->n);
	if (record_is_interrupted(r))
		replay_series_fini(s); /* there may be gaps in it */
}
