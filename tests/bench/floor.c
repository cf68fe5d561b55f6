/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the least that reading a host once a second can cost.
 *
 *   floor DIR CYCLES [--cgroups] [--skip=N] [--qmp-every=N]
 *
 * A bare loop over descriptors that are held open: one pread of each thread's schedstat,
 * of each VM process's stat and io, and of the host's files; and a fifth of the VMs is asked
 * through its monitor (--qmp-every: each VM once in so many cycles), connecting and
 * writing to all before the first answer is read.  Nothing is parsed, kept or printed.  DIR is the
 * root of fakevms.  With --cgroups also the three pressure files and cpu.stat of each VM.
 *
 * Prints one line of key=value: CPU times (user + system) in us per cycle.
 */
#include "floor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* What a cycle consists of, and whose cost is printed apart. */
enum part { PART_THREADS, PART_PROCESSES, PART_HOST, PART_CGROUPS, PART_QMP, N_PARTS };
static const char *const part_names[N_PARTS] = {"threads", "processes", "host", "cgroups", "qmp"};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof *v, compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double usage_us(const struct timeval *t)
{
	return (double)t->tv_sec * 1e6 + (double)t->tv_usec;
}

/* us[part] of one cycle. */
static void cycle(struct floor_host *h, unsigned number, unsigned every, double us[N_PARTS])
{
	uint64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID), after;

	for (int part = 0; part < N_PARTS; part++) {
		switch (part) {
		case PART_THREADS:
			floor_read(h, &h->threads);
			break;
		case PART_PROCESSES:
			floor_read(h, &h->processes);
			break;
		case PART_HOST:
			floor_read_whole(h, &h->host);
			break;
		case PART_CGROUPS:
			floor_read(h, &h->cgroups);
			break;
		case PART_QMP:
			floor_ask(h, number % every, every);
			break;
		}
		after = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		us[part] = (double)(after - before) / 1000;
		before = after;
	}
}

static void run(struct floor_host *h, unsigned cycles, unsigned skip, unsigned every)
{
	double *total = calloc(cycles, sizeof *total), *part[N_PARTS], sum = 0;
	struct rusage first = {0}, last;
	uint64_t start = clock_ns(CLOCK_MONOTONIC);

	for (int p = 0; p < N_PARTS; p++)
		part[p] = calloc(cycles, sizeof *part[p]);
	for (unsigned c = 0; c < skip + cycles; c++) {
		uint64_t due = start + c * 1000000000ull;
		struct timespec t = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
		double us[N_PARTS];

		if (c == skip) {
			h->bytes = h->calls = h->exchanges = h->failed = 0;
			getrusage(RUSAGE_SELF, &first);
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
			;
		cycle(h, c, every, us);
		for (int p = 0; c >= skip && p < N_PARTS; p++) {
			part[p][c - skip] = us[p];
			total[c - skip] += us[p];
		}
	}
	getrusage(RUSAGE_SELF, &last);
	for (unsigned c = 0; c < cycles; c++)
		sum += total[c];
	printf("vms=%u threads=%zu cycles=%u median_us=%.0f mean_us=%.0f user_us=%.0f sys_us=%.0f",
	       h->n_vms, h->threads.n, cycles, median(total, cycles), sum / cycles,
	       (usage_us(&last.ru_utime) - usage_us(&first.ru_utime)) / cycles,
	       (usage_us(&last.ru_stime) - usage_us(&first.ru_stime)) / cycles);
	for (int p = 0; p < N_PARTS; p++)
		printf(" %s_us=%.0f", part_names[p], median(part[p], cycles));
	printf(" calls=%.0f bytes=%.0f exchanges=%.1f failed=%llu\n", (double)h->calls / cycles,
	       (double)h->bytes / cycles, (double)h->exchanges / cycles,
	       (unsigned long long)h->failed);
	for (int p = 0; p < N_PARTS; p++)
		free(part[p]);
	free(total);
}

static unsigned number(const char *what, const char *s)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (end == s || *end || *s == '-' || v > 100000) {
		fprintf(stderr, "floor: %s '%s': a number up to 100000 is allowed\n", what, s);
		exit(2);
	}
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	static struct floor_host h;
	unsigned cycles, skip = 5, every = 5;
	bool cgroups = false;
	int err;

	for (int i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "--cgroups"))
			cgroups = true;
		else if (!strncmp(argv[i], "--skip=", 7))
			skip = number("--skip", argv[i] + 7);
		else if (!strncmp(argv[i], "--qmp-every=", 12))
			every = number("--qmp-every", argv[i] + 12);
		else
			argc = 0;
	}
	if (argc < 3) {
		fputs("usage: floor DIR CYCLES [--cgroups] [--skip=N] [--qmp-every=N]\n", stderr);
		return 2;
	}
	cycles = number("CYCLES", argv[2]);
	if (!cycles || !every) {
		fputs("floor: CYCLES and --qmp-every: at least 1 is needed\n", stderr);
		return 2;
	}
	err = floor_open(&h, argv[1], cgroups);
	if (err < 0) {
		fprintf(stderr, "floor: %s: %s\n", h.failed_path, strerror(-err));
		return 1;
	}
	run(&h, cycles, skip, every);
	return 0;
}
