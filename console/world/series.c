/* SPDX-License-Identifier: Apache-2.0 */
#include "series.h"
#include "world_cache.h"

#include "xalloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One frame's values, and whether their rates have a base. */
struct point {
	uint64_t epoch, sequence;
	bool based;
};

struct series {
	enum scope scope;
	uint64_t host, id;
	unsigned n_wanted;
	enum metric_id wanted[METRICS];
	unsigned n; /* points; of each n_wanted values */
	struct point point[SERIES_MAX];
	double *value, *fresh; /* SERIES_MAX * n_wanted */
	struct frame *decoded; /* what sample is of; a reference */
	struct sample *sample, *other;
	struct view *view;
};

struct series *series_new(void)
{
	struct series *s = xcalloc(1, sizeof(*s));

	s->sample = sample_new();
	s->other = sample_new();
	s->view = view_new();
	return s;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	free(s->value);
	free(s->fresh);
	sample_free(s->sample);
	sample_free(s->other);
	view_free(s->view);
	frame_unref(s->decoded);
	free(s);
}

static bool is_same(const struct series *s, enum scope scope, uint64_t host, uint64_t id,
		    const enum metric_id *wanted, unsigned n_wanted)
{
	if (s->scope != scope || s->host != host || s->id != id || s->n_wanted != n_wanted)
		return false;
	for (unsigned i = 0; i < n_wanted; i++)
		if (s->wanted[i] != wanted[i])
			return false;
	return true;
}

static void start(struct series *s, enum scope scope, uint64_t host, uint64_t id,
		  const enum metric_id *wanted, unsigned n_wanted)
{
	size_t room = (size_t)SERIES_MAX * (n_wanted ? n_wanted : 1);

	s->scope = scope;
	s->host = host;
	s->id = id;
	s->n_wanted = n_wanted;
	for (unsigned i = 0; i < n_wanted; i++)
		s->wanted[i] = wanted[i];
	s->n = 0;
	s->value = xrealloc(s->value, room, sizeof(*s->value));
	s->fresh = xrealloc(s->fresh, room, sizeof(*s->fresh));
}

/* ---- decoding ---- */

static void decode(struct series *s, struct frame *f)
{
	struct frame_head head;

	if (frame_decode(s->sample, &head, f->bytes, f->size))
		sample_clear(s->sample);
	frame_ref(f);
	frame_unref(s->decoded);
	s->decoded = f;
}

static void derive(struct series *s, struct frame *before, struct frame *now)
{
	struct sample *spare;

	if (before && s->decoded != before)
		decode(s, before);
	spare = s->other;
	s->other = s->sample;
	s->sample = spare;
	decode(s, now);
	view_derive(s->view, before ? s->other : NULL, s->sample);
}

static void take(struct series *s, double *to)
{
	uint32_t row = ids_row(s->sample, s->scope, s->host, s->id);

	for (unsigned i = 0; i < s->n_wanted; i++)
		to[i] = row == NO_ROW ? NAN
				      : value_in(s->sample, s->view, s->scope, row, s->wanted[i]);
}

/* ---- ---- */

static bool is_of(const struct point *p, const struct frame *f)
{
	return p->epoch == f->epoch && p->sequence == f->sequence;
}

/* From *at on: frames and points are in the same order. */
static const struct point *find(const struct series *s, unsigned *at, const struct frame *f)
{
	for (unsigned i = *at; i < s->n; i++)
		if (is_of(&s->point[i], f)) {
			*at = i;
			return &s->point[i];
		}
	return NULL;
}

static void fill(struct series *s, struct frame *const *frames, unsigned first, unsigned n)
{
	struct point point[SERIES_MAX];
	size_t width = s->n_wanted;
	unsigned at = 0;
	double *was = s->value;

	for (unsigned i = 0; i < n; i++) {
		struct frame *f = frames[first + i];
		struct frame *before = first + i ? frames[first + i - 1] : NULL;
		const struct point *known = find(s, &at, f);

		point[i] = (struct point){f->epoch, f->sequence, before != NULL};
		if (known && (known->based || !before)) {
			point[i].based = known->based;
			memcpy(s->fresh + i * width, was + (size_t)(known - s->point) * width,
			       width * sizeof(*was));
			continue;
		}
		derive(s, before, f);
		take(s, s->fresh + i * width);
	}
	s->value = s->fresh;
	s->fresh = was;
	memcpy(s->point, point, n * sizeof(*point));
	s->n = n;
}

void series_set(struct series *s, const struct moment *m, enum scope scope, uint64_t id,
		const enum metric_id *wanted, unsigned n_wanted)
{
	uint64_t host = id_hash(0, m->series_host);
	unsigned n = m->n_series < SERIES_MAX ? m->n_series : SERIES_MAX;

	if (n_wanted > METRICS)
		n_wanted = METRICS;
	if (!s->value || !is_same(s, scope, host, id, wanted, n_wanted))
		start(s, scope, host, id, wanted, n_wanted);
	fill(s, m->series, m->n_series - n, n);
}

unsigned series_get(const struct series *s, enum metric_id m, double values[SERIES_MAX])
{
	for (unsigned i = 0; i < s->n_wanted; i++) {
		if (s->wanted[i] != m)
			continue;
		for (unsigned k = 0; k < s->n; k++)
			values[k] = s->value[(size_t)k * s->n_wanted + i];
		return s->n;
	}
	return 0;
}
