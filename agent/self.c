/* SPDX-License-Identifier: Apache-2.0 */
#include "self.h"

#include "clock.h"
#include "xalloc.h"

#include <stdlib.h>
#include <time.h>

struct work {
	uint64_t cpu, time, runs, failures;
};

struct self {
	struct work part[SELF_PARTS], collector[FAMILIES];
	int now; /* running */
	uint64_t cpu_began, began;
	enum family turn; /* whose it is */
	uint64_t turn_began;
	unsigned turn_failures; /* before it */
	unsigned had;           /* bits: who had a turn since the last self_collect() */
};

static const char *const names[SELF_PARTS] = {"host", "vms", "total"};

struct self *self_new(void)
{
	return xcalloc(1, sizeof(struct self));
}

void self_free(struct self *s)
{
	free(s);
}

void self_begin(struct self *s, enum self_part part)
{
	s->now = part;
	s->turn = F_IDENT;
	s->turn_failures = 0;
	s->began = s->turn_began = clock_monotonic_ns();
	s->cpu_began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void end_turn(struct self *s, uint64_t now_ns, unsigned failures)
{
	struct work *w = &s->collector[s->turn];

	w->time += now_ns - s->turn_began;
	w->failures += failures - s->turn_failures;
	s->turn_began = now_ns;
	s->turn_failures = failures;
}

void self_turn(struct self *s, enum family f, unsigned failures)
{
	end_turn(s, clock_monotonic_ns(), failures);
	s->turn = f;
	s->had |= 1u << f;
}

void self_end(struct self *s, unsigned failures)
{
	struct work *w = &s->part[s->now];
	uint64_t now;

	w->cpu += clock_ns(CLOCK_THREAD_CPUTIME_ID) - s->cpu_began;
	now = clock_monotonic_ns();
	end_turn(s, now, failures);
	w->time += now - s->began;
	w->runs++;
	w->failures += failures;
}

static uint32_t add_row(struct sample *s, uint32_t host_row, const char *name)
{
	uint32_t row = sample_row(s, SCOPE_SELF, host_row, id_hash(3, name));

	sample_set_text(s, SCOPE_SELF, row, M_SELF_PART, name);
	return row;
}

static void add_collectors(struct self *s, struct sample *sample, uint32_t host_row)
{
	for (int f = F_IDENT + 1; f < FAMILIES; f++) {
		struct work *w = &s->collector[f];
		uint32_t row;

		w->runs += s->had >> f & 1;
		if (!w->runs)
			continue;
		row = add_row(sample, host_row, family_names[f]);
		sample_set(sample, SCOPE_SELF, row, M_SELF_RUNS, w->runs);
		sample_set(sample, SCOPE_SELF, row, M_SELF_TIME, w->time);
		sample_set(sample, SCOPE_SELF, row, M_SELF_FAILURES, w->failures);
	}
	s->had = 0;
}

void self_collect(struct self *s, struct sample *sample, uint32_t host_row)
{
	s->part[SELF_TOTAL].cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	s->part[SELF_TOTAL].runs++;
	add_collectors(s, sample, host_row);
	for (int i = 0; i < SELF_PARTS; i++) {
		const struct work *w = &s->part[i];
		uint32_t row = add_row(sample, host_row, names[i]);

		sample_set(sample, SCOPE_SELF, row, M_SELF_CPU, w->cpu);
		sample_set(sample, SCOPE_SELF, row, M_SELF_RUNS, w->runs);
		if (i == SELF_TOTAL)
			continue;
		sample_set(sample, SCOPE_SELF, row, M_SELF_TIME, w->time);
		sample_set(sample, SCOPE_SELF, row, M_SELF_FAILURES, w->failures);
	}
}

void self_connector(struct sample *sample, uint32_t host_row, const char *name,
		    const struct hub_work *work)
{
	uint32_t row = add_row(sample, host_row, name);

	sample_set(sample, SCOPE_SELF, row, M_SELF_RUNS, work->questions);
	sample_set(sample, SCOPE_SELF, row, M_SELF_TIME, work->ns);
	sample_set(sample, SCOPE_SELF, row, M_SELF_FAILURES, work->failures);
}
