/* SPDX-License-Identifier: Apache-2.0 */
#include "self.h"

#include "xalloc.h"

#include <stdlib.h>
#include <time.h>

struct work {
	uint64_t cpu, time, runs, failures;
};

struct self {
	struct work part[SELF_PARTS];
	int now; /* running */
	uint64_t cpu_began, began;
};

static const char *const names[SELF_PARTS] = {"host", "vms", "total"};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

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
	s->began = clock_ns(CLOCK_MONOTONIC);
	s->cpu_began = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void self_end(struct self *s, unsigned failures)
{
	struct work *w = &s->part[s->now];

	w->cpu += clock_ns(CLOCK_THREAD_CPUTIME_ID) - s->cpu_began;
	w->time += clock_ns(CLOCK_MONOTONIC) - s->began;
	w->runs++;
	w->failures += failures;
}

static uint32_t add_row(struct sample *s, uint32_t host_row, const char *name)
{
	uint32_t row = sample_row(s, SCOPE_SELF, host_row, id_hash(3, name));

	sample_set_text(s, SCOPE_SELF, row, M_SELF_PART, name);
	return row;
}

void self_collect(struct self *s, struct sample *sample, uint32_t host_row)
{
	s->part[SELF_TOTAL].cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	s->part[SELF_TOTAL].runs++;
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
