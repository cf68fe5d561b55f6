/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FLEET_HOST_H
#define BENCH_FLEET_HOST_H

/*
 * The made-up host behind a pattern: every metric there is (wire_sample.h), without so many
 * that a VM has as many values as wanted, and with markers where real hosts differ.
 */
#include "../unit/wire_sample.h"
#include "fleet.h"

#define MARK_ID   "f1ee7000000000000000000000000000"
#define MARK_NAME "hv-000000.fleet.example"
#define MARK_UUID "f1ee7000-f1ee-4000-8000-"

struct fleet_left_out {
	bool is[SCOPES][METRICS];
};

_Noreturn void fleet_die(const char *what);

/* h's sample; h->second is its sequence. */
void fleet_fill(struct sample *s, const struct wire_host *h, const struct fleet_left_out *l,
		uint64_t epoch);
/* What is left out, so that each VM has so many values. */
void fleet_choose(struct fleet_left_out *ret, const struct wire_host *h, size_t values);
/* a is the sample before b. */
void fleet_compare(struct patterns_facts *ret, const struct sample *a, const struct sample *b);

#endif
