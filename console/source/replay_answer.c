/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_answer.h"

struct gathering {
	struct moment *moment;
	uint64_t wall_ns;
};

static void gather(void *arg, struct frame *now, struct frame *before)
{
	struct gathering *g = arg;

	moment_add(g->moment, NULL, now, before, g->wall_ns);
}

static struct moment *moment_at(struct replay_reader *r, uint64_t wall_ns)
{
	struct gathering g = {moment_new(), wall_ns};

	record_at(r->record, wall_ns, gather, &g);
	return g.moment;
}

static uint64_t first_time(struct replay_reader *r)
{
	return record_step(r->record, 0, 1, r->step_ns);
}

/* Also of what was added since it was looked at last. */
static uint64_t last_time(struct replay_reader *r)
{
	record_grow(r->record);
	return record_step(r->record, UINT64_MAX, -1, 1);
}

/* The time to be shown; 0: the recording is empty. */
static uint64_t time_for(struct replay_reader *r, const struct desk_question *q)
{
	uint64_t t = 0, last;

	switch (q->where) {
	case SOURCE_LIVE:
		return last_time(r);
	case SOURCE_NEXT:
		t = record_step(r->record, q->wall_ns, 1, r->step_ns);
		if (!t && record_grow(r->record))
			t = record_step(r->record, q->wall_ns, 1, r->step_ns);
		return t ? t : last_time(r);
	case SOURCE_BEFORE:
		t = record_step(r->record, q->wall_ns, -1, r->step_ns);
		return t ? t : first_time(r);
	case SOURCE_AT:
		last = last_time(r);
		return q->wall_ns < last ? q->wall_ns : last;
	}
	return t;
}

/* Hosts that sample at one instant differ by little; half of an interval is more than that. */
static void learn_step(struct replay_reader *r, const struct moment *m)
{
	uint64_t shortest = 0;

	for (uint32_t i = 0; i < m->n; i++) {
		uint64_t ns = m->hosts[i].about.interval_ns;

		if (ns && (!shortest || ns < shortest))
			shortest = ns;
	}
	if (shortest)
		r->step_ns = shortest / 2;
}

struct moment *replay_answer(struct replay_reader *r, const struct desk_question *q)
{
	uint64_t t = time_for(r, q);
	struct moment *m = moment_at(r, t);

	if (!m->n) {
		/* Before the first frame, or where nothing was recorded for long. */
		uint64_t near = record_step(r->record, t, -1, 1);

		moment_unref(m);
		t = near ? near : first_time(r);
		m = moment_at(r, t);
	}
	if (q->follow_n && *q->follow)
		replay_series_add(&r->series, r->record, m, q->follow, t, q->follow_n);
	moment_sort(m);
	if (record_is_interrupted(r->record)) {
		moment_unref(m);
		return NULL;
	}
	learn_step(r, m);
	return m;
}
