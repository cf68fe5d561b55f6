/* SPDX-License-Identifier: Apache-2.0 */
#include "self.h"

#include "xalloc.h"

#include <stdlib.h>
#include <time.h>

struct self {
	uint64_t cpu[SELF_PARTS], runs[SELF_PARTS], began;
	int part; /* running, -1 none */
};

static const char *const names[SELF_PARTS] = {"host", "vms", "total"};

static uint64_t cpu_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct self *self_new(void)
{
	struct self *s = xcalloc(1, sizeof(*s));

	s->part = -1;
	return s;
}

void self_free(struct self *s)
{
	free(s);
}

void self_end(struct self *s)
{
	uint64_t now = cpu_ns(CLOCK_THREAD_CPUTIME_ID);

	if (s->part >= 0) {
		s->cpu[s->part] += now - s->began;
		s->runs[s->part]++;
	}
	s->began = now;
	s->part = -1;
}

void self_begin(struct self *s, enum self_part part)
{
	self_end(s);
	s->part = part;
}

void self_collect(struct self *s, struct sample *sample, uint32_t host_row)
{
	s->cpu[SELF_TOTAL] = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	s->runs[SELF_TOTAL]++;
	for (int i = 0; i < SELF_PARTS; i++) {
		uint32_t row = sample_row(sample, SCOPE_SELF, host_row, id_hash(3, names[i]));

		sample_set_text(sample, SCOPE_SELF, row, M_SELF_PART, names[i]);
		sample_set(sample, SCOPE_SELF, row, M_SELF_CPU, s->cpu[i]);
		sample_set(sample, SCOPE_SELF, row, M_SELF_RUNS, s->runs[i]);
	}
}
