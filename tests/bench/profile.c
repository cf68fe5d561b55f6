/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What profiles cost: one value of each of 5 metrics for 100,000 VMs, one core, 4 states, history
 * 1; the best and the median of several rounds, and bytes per VM (as profile_size() says and as
 * malloc() has them).  One line for each kind of profile.
 *
 *   profile [VMS]       100000 by default; fails when the first kind takes 50 ms or more (median,
 *                       for 100,000 VMs) or more than 2 KiB per VM
 *   profile --check     1000 VMs; only the bytes can fail
 */
#include "profile.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define METRICS     5u
#define WARM        20u
#define ROUNDS      15u
#define LIMIT_MS    50.0
#define LIMIT_VMS   100000.0
#define LIMIT_BYTES 2048.0

struct kind {
	const char *name;
	bool fixed;
	uint32_t buffersize, period;
	double phase_likeliness;
};

static const struct kind KINDS[] = {
	{"plain", false, 1, 0, 0},
	{"fixed bounds", true, 1, 0, 0},
	{"buffers of 10 values", false, 10, 0, 0},
	{"period of 24", false, 1, 24, 0},
	{"phases", false, 1, 0, 0.2},
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static struct profile_settings settings_of(const struct kind *k)
{
	struct profile_settings s = {.markov = {.states = 4,
						.history = 1,
						.buffersize = k->buffersize,
						.fixed = k->fixed},
				     .n_metrics = METRICS,
				     .n_periods = k->period != 0,
				     .period = {k->period},
				     .phase_likeliness = k->phase_likeliness,
				     .phase_history = 10};

	for (unsigned i = 0; i < METRICS; i++) {
		snprintf(s.metric[i].name, sizeof(s.metric[i].name), "m%u", i);
		s.metric[i].high = 100;
	}
	return s;
}

static void make_values(double *values, size_t n, uint64_t *x)
{
	for (size_t i = 0; i < n; i++) {
		*x = *x * 6364136223846793005u + 1442695040888963407u;
		values[i] = (double)(*x >> 33) * (100.0 / 2147483648.0);
	}
}

static double one_round(struct profile *p, const struct profile_settings *s, unsigned vms,
			const double *values)
{
	double before = now_ms();

	for (unsigned i = 0; i < vms; i++)
		profile_put(&p[i], s, values + (size_t)i * METRICS, NULL);
	return now_ms() - before;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Returns false when it is more than it may be. */
static bool measure(const struct kind *k, unsigned vms, bool timed, bool bound)
{
	struct profile_settings s = settings_of(k);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, heap, counted = 0;
	struct profile *p = calloc(vms, sizeof(*p));
	double *values = malloc((size_t)vms * METRICS * sizeof(*values)), ms[ROUNDS], bytes;
	uint64_t x = 1;

	if (!p || !values)
		abort();
	for (unsigned i = 0; i < vms; i++)
		profile_init(&p[i], &s);
	for (unsigned i = 0; i < WARM + ROUNDS; i++) {
		double took;

		make_values(values, (size_t)vms * METRICS, &x);
		took = one_round(p, &s, vms, values);
		if (i >= WARM)
			ms[i - WARM] = took;
	}
	free(values);
	heap = mallinfo2().uordblks + mallinfo2().hblkhd - before;
	for (unsigned i = 0; i < vms; i++) {
		counted += sizeof(p[i]) + profile_size(&p[i], &s);
		profile_fini(&p[i], &s);
	}
	free(p);
	qsort(ms, ROUNDS, sizeof(*ms), by_value);
	bytes = (double)counted / vms;
	printf("%-22s %6u VMs  best %6.1f ms  median %6.1f ms  %5.0f ns/value  %6.0f bytes/VM "
	       "(malloc: %.0f)\n",
	       k->name, vms, ms[0], ms[ROUNDS / 2], ms[ROUNDS / 2] * 1e6 / vms / METRICS, bytes,
	       (double)heap / vms);
	return !bound ||
	       (bytes <= LIMIT_BYTES && (!timed || ms[ROUNDS / 2] * LIMIT_VMS / vms < LIMIT_MS));
}

int main(int argc, char **argv)
{
	bool check = argc > 1 && !strcmp(argv[1], "--check"), good = true;
	unsigned vms = check ? 1000 : argc > 1 ? (unsigned)atoi(argv[1]) : 100000;

	if (vms < 1 || vms > 10000000) {
		fprintf(stderr, "profile: VMs: 1 to 10000000 are allowed\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(*KINDS); i++)
		good &= measure(&KINDS[i], vms, !check, i == 0);
	if (!good)
		fprintf(stderr, "profile: more than %.0f ms or %.0f bytes per VM\n", LIMIT_MS,
			LIMIT_BYTES);
	return good ? 0 : 1;
}
