/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes to open a recording and to go to a time in it, and how large it is.
 *
 *   recording [--dir=/var/tmp] [--hosts=50] [--vms=30] [--values=60] [--interval=10]
 *             [--hours=24] [--jumps=300] [--keep] [--check]
 *
 * Makes it, of make-believe hosts (fleet.h), one pattern each so that none is like another,
 * measures, and removes it again.  Going to a time is measured as the console does it: the
 * question, its answer, and all frames of it decoded.  Fails when opening takes a second or
 * more, or a jump 100 ms (p99), or when a moment is not what it should be.  --check: small, and
 * by the medians, as it runs among other tests.
 */
#include "console_source.h"
#include "fleet.h"
#include "record.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SECONDS 30u /* as long as a block is kept open at the most */
#define BLOCK_BYTES   (4u << 20)
#define WAITING_MOST  (16u << 20)
#define SERIES        60u
#define OPEN_MS       1000.0
#define JUMP_MS       100.0

struct bench {
	struct fleet_options fleet;
	struct fleet_time time;
	struct patterns_facts facts;
	unsigned hours, jumps;
	bool keep, small, failed;
	char path[512];
	uint64_t cycles;
	struct sample *sample;
};

static char made[512]; /* the file, to be removed however this ends */

static void remove_it(void)
{
	if (*made)
		unlink(made);
}

static void stopped(int signal_number)
{
	remove_it();
	_exit(128 + signal_number);
}

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "recording: %s\n", what);
	exit(1);
}

static double since_ms(uint64_t began)
{
	return (double)(fleet_now_ns() - began) * 1e-6;
}

/* ---- making it ---- */

static void wait_for_writer(struct record_writer *w)
{
	struct record_stats st;

	for (;;) {
		record_stats(w, &st);
		if (st.dropped || st.error)
			die("the writer lost frames");
		if (st.waiting < WAITING_MOST)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
}

static void add_cycle(struct bench *b, struct patterns *p, struct record_writer *w, uint64_t number,
		      struct buf *bytes)
{
	for (unsigned h = 0; h < b->fleet.hosts; h++) {
		struct frame_head head;
		struct frame *f;

		buf_clear(bytes);
		patterns_frame(p, h, number, bytes);
		if (bytes->error || frame_head_decode(&head, bytes->data, bytes->used) < 0)
			die("a frame could not be made");
		f = frame_new(&head, bytes->data, bytes->used);
		record_add(w, f);
		frame_unref(f);
	}
}

static void make(struct bench *b)
{
	uint64_t began = fleet_now_ns();
	struct patterns *p = patterns_new(&b->fleet, &b->time, 7);
	struct record_writer_options o = {.version = "bench", .block_bytes = BLOCK_BYTES};
	struct record_writer *w;
	struct buf bytes;
	size_t in_time;
	char why[600];

	patterns_facts(p, &b->facts);
	/* Time goes faster here: blocks are as long as they would be. */
	in_time =
		b->facts.bytes * b->fleet.hosts * (BLOCK_SECONDS * 1000 / b->fleet.interval_ms + 1);
	if (in_time < o.block_bytes)
		o.block_bytes = in_time;
	if (record_create(&w, b->path, &o, why, sizeof(why)) < 0)
		die(why);
	memcpy(made, b->path, sizeof(made));
	buf_init(&bytes, FRAME_MAX);
	for (uint64_t i = 1; i <= b->cycles; i++) {
		add_cycle(b, p, w, i, &bytes);
		wait_for_writer(w);
	}
	if (record_close(w) < 0)
		die("the recording could not be finished");
	buf_fini(&bytes);
	patterns_free(p);
	printf("made in %.0f s: %u hosts x %u VMs x %llu samples, %zu values and %zu bytes each\n",
	       since_ms(began) * 1e-3, b->fleet.hosts, b->fleet.vms, (unsigned long long)b->cycles,
	       b->facts.values, b->facts.bytes);
}

static void size(const struct bench *b)
{
	double frames = (double)b->cycles * b->fleet.hosts;
	struct stat st;

	if (stat(b->path, &st) < 0)
		die("the file is gone");
	printf("file      %.1f MB, %.2f of the frames, %.2f bytes a value\n",
	       (double)st.st_size * 1e-6, (double)st.st_size / (frames * (double)b->facts.bytes),
	       (double)st.st_size / (frames * (double)b->facts.values));
}

/* What the kernel has of it in memory goes. */
static void forget(const struct bench *b)
{
	int fd = open(b->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("the page cache could not be emptied");
	close(fd);
}

/* ---- measuring ---- */

static struct console_source *open_it(struct bench *b, const char *how, bool whole)
{
	uint64_t began = fleet_now_ns();
	struct console_source *s;
	struct source_status st;
	struct source_replay_options replay = {.path = b->path};
	char why[600];
	double ms;

	if (source_open_replay(&s, &replay, why, sizeof(why)) < 0)
		die(why);
	ms = since_ms(began);
	source_status(s, &st);
	if (!*st.error != whole ||
	    st.newest_wall_ns - st.oldest_wall_ns < (b->cycles - 1) * b->time.interval_ns)
		die(*st.error ? st.error : "the recording is too short");
	printf("open      %7.1f ms   %s\n", ms, how);
	b->failed |= ms >= OPEN_MS;
	return s;
}

static void decode(struct bench *b, const struct frame *f)
{
	struct frame_head head;

	if (!f || frame_decode(b->sample, &head, f->bytes, f->size) < 0)
		die("a frame of a moment is missing or none");
}

/* The question, and its answer with all in it decoded: how long that took. */
static double go(struct bench *b, struct console_source *s, enum source_where where,
		 uint64_t wall_ns, uint64_t *ret_wall_ns)
{
	uint64_t began = fleet_now_ns();
	struct pollfd fd = {.fd = source_fd(s), .events = POLLIN};
	struct moment *m;
	double ms;

	source_go(s, where, wall_ns);
	while (!(m = source_take(s)))
		if (poll(&fd, 1, 60000) <= 0)
			die("no answer within a minute");
	for (uint32_t i = 0; i < m->n; i++) {
		decode(b, m->hosts[i].now);
		decode(b, m->hosts[i].before);
	}
	for (uint32_t i = 0; i < m->n_series; i++)
		decode(b, m->series[i]);
	ms = since_ms(began);
	if (m->n != b->fleet.hosts || (where == SOURCE_AT && m->wall_ns > wall_ns))
		die("a moment is not what it should be");
	for (uint32_t i = 0; i < m->n; i++)
		if (m->hosts[i].now->sequence != m->hosts[i].before->sequence + 1 ||
		    m->hosts[i].about.stale)
			die("a moment's frames are not what they should be");
	*ret_wall_ns = m->wall_ns;
	moment_unref(m);
	return ms;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(struct bench *b, const char *what, double *ms)
{
	double p99;

	qsort(ms, b->jumps, sizeof(*ms), by_size);
	p99 = ms[(b->jumps * 99 + 99) / 100 - 1];
	printf("%-9s %7.1f ms   p99 %.1f, most %.1f\n", what, ms[b->jumps / 2], p99,
	       ms[b->jumps - 1]);
	b->failed |= (b->small ? ms[b->jumps / 2] : p99) >= JUMP_MS;
}

/* Not in the first minute, where some hosts have one sample alone. */
static uint64_t any_time(const struct bench *b)
{
	uint64_t span = (b->cycles - 3) * b->time.interval_ns;

	return b->time.start_wall_ns + 2 * b->time.interval_ns +
	       (uint64_t)(drand48() * (double)span);
}

static void jumps(struct bench *b, struct console_source *s, const char *what)
{
	double *ms = calloc(b->jumps, sizeof(*ms));
	uint64_t t;

	if (!ms)
		die("no memory");
	for (unsigned i = 0; i < b->jumps; i++)
		ms[i] = go(b, s, SOURCE_AT, any_time(b), &t);
	report(b, what, ms);
	free(ms);
}

static void steps(struct bench *b, struct console_source *s, const char *what,
		  enum source_where where)
{
	double *ms = calloc(b->jumps, sizeof(*ms));
	uint64_t t = b->time.start_wall_ns + b->cycles / 2 * b->time.interval_ns;

	if (!ms)
		die("no memory");
	for (unsigned i = 0; i < b->jumps; i++)
		ms[i] = go(b, s, where, t, &t);
	report(b, what, ms);
	free(ms);
}

/* As a crash leaves it. */
static void cut_index(const struct bench *b)
{
	struct stat st;

	if (stat(b->path, &st) < 0 || truncate(b->path, st.st_size - 1) < 0)
		die("the file cannot be cut");
	forget(b);
}

static void measure(struct bench *b)
{
	struct console_source *s;
	char host[HOST_ID_MAX + 1];

	forget(b);
	s = open_it(b, "nothing of it in memory", true);
	jumps(b, s, "jump cold");
	source_close(s);
	s = open_it(b, "again", true);
	jumps(b, s, "jump");
	steps(b, s, "next", SOURCE_NEXT);
	steps(b, s, "before", SOURCE_BEFORE);
	patterns_host_id(b->fleet.hosts / 2, host);
	source_follow(s, host, SERIES);
	jumps(b, s, "series");
	steps(b, s, "next", SOURCE_NEXT);
	source_close(s);
	cut_index(b);
	s = open_it(b, "nothing of it in memory, and without its index", false);
	jumps(b, s, "jump");
	source_close(s);
}

/* ---- the command line ---- */

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n < least || n > most)
		die("a number is not what is allowed: see the head of recording.c");
	return (unsigned)n;
}

static void parse(struct bench *b, int argc, char **argv, const char **dir)
{
	static const struct option options[] = {
		{"dir", 1, NULL, 'd'},    {"hosts", 1, NULL, 'h'},    {"vms", 1, NULL, 'v'},
		{"values", 1, NULL, 'n'}, {"interval", 1, NULL, 'i'}, {"hours", 1, NULL, 't'},
		{"jumps", 1, NULL, 'j'},  {"keep", 0, NULL, 'k'},     {"check", 0, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'd')
			*dir = optarg;
		else if (c == 'h')
			b->fleet.hosts = number(optarg, 1, 10000);
		else if (c == 'v')
			b->fleet.vms = number(optarg, 1, 1000);
		else if (c == 'n')
			b->fleet.values = number(optarg, 20, 83);
		else if (c == 'i')
			b->fleet.interval_ms = number(optarg, 1, 600) * 1000;
		else if (c == 't')
			b->hours = number(optarg, 1, 1000);
		else if (c == 'j')
			b->jumps = number(optarg, 1, 100000);
		else if (c == 'k')
			b->keep = true;
		else if (c == 'c') {
			b->fleet.hosts = 10;
			b->hours = 1;
			b->jumps = 50;
			b->small = true;
		} else
			exit(2);
	}
	if (optind < argc)
		die("no such argument");
}

int main(int argc, char **argv)
{
	struct bench b = {
		.fleet = {.hosts = 50, .vms = 30, .values = 60, .interval_ms = 10000, .keep = 2},
		.hours = 24,
		.jumps = 300};
	const char *dir = "/var/tmp";

	parse(&b, argc, argv, &dir);
	b.fleet.patterns = b.fleet.hosts;
	b.cycles = (uint64_t)b.hours * 3600000 / b.fleet.interval_ms;
	if (b.cycles < 5)
		die("so few samples are no recording");
	b.time = (struct fleet_time){.start_wall_ns = UINT64_C(1795000000) * FLEET_SECOND,
				     .interval_ns = b.fleet.interval_ms * UINT64_C(1000000),
				     .spread_ns = FLEET_SECOND / 2,
				     .hosts = b.fleet.hosts,
				     .last = b.cycles};
	snprintf(b.path, sizeof(b.path), "%s/proxtop-recording-%d", dir, (int)getpid());
	b.sample = sample_new();
	srand48(1);
	atexit(remove_it);
	signal(SIGINT, stopped);
	signal(SIGTERM, stopped);
	make(&b);
	size(&b);
	measure(&b);
	sample_free(b.sample);
	if (b.keep) {
		printf("kept      %s\n", b.path);
		*made = '\0';
	}
	if (b.failed)
		fprintf(stderr, "recording: opening takes %.0f ms or a jump %.0f ms or more\n",
			OPEN_MS, JUMP_MS);
	return b.failed;
}
