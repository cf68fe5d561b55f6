/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet generator: see fleet.h, and README.md for what it prints.
 *
 *   fleet URL [--hosts=N] [--vms=N] [--values=N] [--seconds=S] ...
 */
#include "fleet.h"

#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct number_option {
	const char *name;
	unsigned *to, least, most;
};

static bool parse_number(const struct number_option *o, const char *arg)
{
	size_t n = strlen(o->name);
	unsigned long v;
	char *end;

	if (strncmp(arg, "--", 2) || strncmp(arg + 2, o->name, n) || arg[2 + n] != '=')
		return false;
	errno = 0;
	v = strtoul(arg + 3 + n, &end, 10);
	if (errno || end == arg + 3 + n || *end || arg[3 + n] == '-' || v < o->least ||
	    v > o->most) {
		fprintf(stderr, "fleet: %s is not possible; allowed: %u to %u\n", arg, o->least,
			o->most);
		exit(2);
	}
	*o->to = (unsigned)v;
	return true;
}

static void parse(struct fleet_options *o, int argc, char **argv)
{
	const struct number_option numbers[] = {
		{"hosts", &o->hosts, 1, 20000},     {"vms", &o->vms, 0, 1000},
		{"values", &o->values, 20, 83},     {"interval", &o->interval_ms, 10, 60000},
		{"spread", &o->spread, 0, 100},     {"threads", &o->threads, 1, 256},
		{"patterns", &o->patterns, 1, 256}, {"keep", &o->keep, 1, 3600},
		{"warm", &o->warm, 0, 3600},        {"seconds", &o->seconds, 1, 86400},
		{"drain", &o->drain, 0, 3600},      {"ahead", &o->ahead_ms, 0, 60000},
	};

	for (int i = 1; i < argc; i++) {
		bool known = false;

		for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers) && !known; k++)
			known = parse_number(&numbers[k], argv[i]);
		if (known)
			continue;
		if (!strncmp(argv[i], "--key-file=", 11)) {
			o->key_file = argv[i] + 11;
		} else if (*argv[i] != '-' && !o->url) {
			o->url = argv[i];
		} else {
			fprintf(stderr, "fleet: %s is not known; the options are", argv[i]);
			for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
				fprintf(stderr, " --%s=N", numbers[k].name);
			fputs(" --key-file=FILE\n", stderr);
			exit(2);
		}
	}
	if (!o->url) {
		fputs("fleet: where to? fleet tcp://HOST:PORT [--hosts=N ...]\n", stderr);
		exit(2);
	}
	/* Nothing is prepared while what was asked before is still on its way. */
	if (o->ahead_ms > o->interval_ms / 2) {
		fputs("fleet: --ahead is at most half of --interval\n", stderr);
		exit(2);
	}
	if (o->threads > o->hosts)
		o->threads = o->hosts;
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * FLEET_SECOND + (uint64_t)t.tv_nsec;
}

/* The first sample is due at a whole interval of the clock, at least half a second from now. */
static void set_time(struct fleet *f)
{
	struct fleet_time *t = &f->time;
	uint64_t wall = wall_ns(), now = fleet_now_ns(), ahead = FLEET_SECOND / 2;

	t->interval_ns = f->o.interval_ms * UINT64_C(1000000);
	t->spread_ns = t->interval_ns / 100 * f->o.spread;
	t->hosts = f->o.hosts;
	t->start_wall_ns = (wall + ahead) / t->interval_ns * t->interval_ns + t->interval_ns;
	t->start_ns = now + (t->start_wall_ns - wall);
	t->last = (f->o.warm + f->o.seconds) * FLEET_SECOND / t->interval_ns;
	if (!t->last)
		t->last = 1;
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void sum(const struct fleet *f, const struct sender *senders, struct sender_counts *ret)
{
	uint64_t *to = (uint64_t *)ret;

	*ret = (struct sender_counts){0};
	for (unsigned i = 0; i < f->o.threads; i++) {
		const uint64_t *from = (const uint64_t *)&senders[i].counts;

		for (size_t k = 0; k < sizeof(*ret) / sizeof(*to); k++)
			to[k] += __atomic_load_n(&from[k], __ATOMIC_RELAXED);
	}
}

static uint64_t made(const struct fleet *f, uint64_t now_ns)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < f->o.hosts; i++)
		n += fleet_newest(&f->time, i, now_ns);
	return n;
}

static void say_counts(const char *when, const struct fleet *f, const struct sender *senders)
{
	struct sender_counts c;
	uint64_t now = fleet_now_ns(), n;

	sum(f, senders, &c);
	n = made(f, now);
	printf("%s at=%.3f made=%" PRIu64 " received=%" PRIu64 " committed=%" PRIu64
	       " behind=%" PRIu64 " lost=%" PRIu64 " requests=%" PRIu64 " polls=%" PRIu64
	       " failures=%" PRIu64 " bytes=%" PRIu64 " cpu=%.3f\n",
	       when, (double)(int64_t)(now - f->time.start_ns) * 1e-9, n, c.received, c.committed,
	       n - c.committed, c.lost, c.requests, c.polls, c.failures, c.bytes, cpu_s());
	fflush(stdout);
}

static void say_delay(const char *name, const struct delays *d)
{
	printf(" %s_p50=%.2f %s_p99=%.2f %s_max=%.2f", name, delays_ms(d, 0.5), name,
	       delays_ms(d, 0.99), name, delays_ms(d, 1));
}

static void say_delays(const struct fleet *f, const struct sender *senders)
{
	struct delays *d = xcalloc(4, sizeof(*d));

	for (unsigned i = 0; i < f->o.threads; i++) {
		delays_sum(&d[0], &senders[i].late);
		delays_sum(&d[1], &senders[i].asked);
		delays_sum(&d[2], &senders[i].received);
		delays_sum(&d[3], &senders[i].committed);
	}
	printf("delays");
	say_delay("late", &d[0]);
	say_delay("asked", &d[1]);
	say_delay("received", &d[2]);
	say_delay("committed", &d[3]);
	printf("\n");
	free(d);
}

static void drain(struct fleet *f, const struct sender *senders)
{
	uint64_t until = fleet_now_ns() + f->o.drain * FLEET_SECOND,
		 all = f->o.hosts * f->time.last;
	struct sender_counts c;

	do {
		sum(f, senders, &c);
		if (c.committed + c.lost >= all)
			break;
		fleet_sleep_until(fleet_now_ns() + FLEET_SECOND / 50);
	} while (fleet_now_ns() < until);
}

/* Half an interval ahead. */
static void *prepare(void *fleet)
{
	struct fleet *f = fleet;

	for (uint64_t q = 1; q <= f->time.last; q++) {
		fleet_sleep_until(fleet_due_ns(&f->time, 0, q) - f->time.interval_ns / 2);
		patterns_prepare(f->patterns, q);
	}
	return NULL;
}

static void start(pthread_t *thread, void *(*what)(void *), void *arg)
{
	if (pthread_create(thread, NULL, what, arg)) {
		fputs("fleet: no more threads\n", stderr);
		exit(1);
	}
}

static void run(struct fleet *f)
{
	struct sender *senders = xcalloc(f->o.threads, sizeof(*senders));
	uint64_t begin = f->time.start_ns + f->o.warm * FLEET_SECOND;
	const char *error = "";
	pthread_t preparer;

	start(&preparer, prepare, f);
	for (unsigned i = 0; i < f->o.threads; i++) {
		senders[i] = (struct sender){.fleet = f, .number = i};
		start(&senders[i].thread, sender_run, &senders[i]);
	}
	fleet_sleep_until(begin);
	say_counts("begin", f, senders);
	fleet_sleep_until(begin + f->o.seconds * FLEET_SECOND);
	say_counts("end", f, senders);
	drain(f, senders);
	say_counts("drained", f, senders);
	__atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
	pthread_join(preparer, NULL);
	for (unsigned i = 0; i < f->o.threads; i++) {
		pthread_join(senders[i].thread, NULL);
		if (!*error)
			error = senders[i].error;
	}
	say_delays(f, senders);
	if (*error)
		printf("error %s\n", error);
	free(senders);
}

int main(int argc, char **argv)
{
	struct fleet f = {.o = {.hosts = 1000,
				.vms = 100,
				.values = 60,
				.interval_ms = 1000,
				.spread = 100,
				.threads = 16,
				.patterns = 16,
				.keep = 60,
				.warm = 5,
				.seconds = 20,
				.drain = 10}};
	struct patterns_facts facts;
	char why[256];

	parse(&f.o, argc, argv);
	if (f.o.key_file) {
		if (keyring_load(&f.keyring, f.o.key_file, why, sizeof(why)) < 0) {
			fprintf(stderr, "fleet: %s\n", why);
			return 1;
		}
		f.keys = &f.keyring;
	}
	f.epoch = wall_ns();
	set_time(&f);
	f.patterns = patterns_new(&f.o, &f.time, f.epoch);
	patterns_facts(f.patterns, &facts);
	printf("fleet hosts=%u vms=%u values=%zu vm_values=%zu frame=%zu changed_columns=%.3f "
	       "changed_values=%.3f "
	       "interval_ms=%u\n",
	       f.o.hosts, f.o.vms, facts.values, facts.vm_values, facts.bytes, facts.columns,
	       facts.all, f.o.interval_ms);
	fflush(stdout);
	set_time(&f);
	run(&f);
	patterns_free(f.patterns);
	return 0;
}
