/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the console takes from a key to the screen, and from a moment to the screen.
 *
 *   console_keys [--hosts=300] [--vms=33] [--values=80] [--cols=200] [--rows=50] [--rounds=30]
 *                [--check]
 *
 * Make-believe hosts (fleet.h), a new moment of all of them before each key, so that nothing
 * is known from the key before; then the key, and the screen drawn as a grid, as
 * console/session.c does it.  All in this thread, without a terminal.  Fails when a key
 * takes 16 ms or more (p99).  --check: less of everything.
 *
 * Of a moment, also: what trouble takes (who suffers, of all VMs and hosts), and how much of that
 * is for the parts of VMs (vCPUs, disks, NICs): the same is done without them.
 */
#include "fleet.h"
#include "trouble.h"
#include "ui_state.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_MS   16.0
#define SECONDS  8u /* moments that take turns */
#define INTERVAL FLEET_SECOND

/* What is done before the key, the key, and how to get back to the table; all scripts.  Before
 * these come the keys of all views. */
struct step {
	const char *before, *key, *after;
};
static const struct step steps[] = {
	{"c", ">", "<a"},
	{"c", "<", ">a"},
	{"c", "r", "ra"},
	{"a<<<<<<<<", "r", "r>>>>>>>>"},
	{"1", "r", "ra"},
	{"", "{Down}", "{Home}"},
	{"", "{PageDown}", "{Home}"},
	{"", "{End}", "{Home}"},
	{"", "{Right}", "{Left}"},
	{"", "u", "u"},
	{"", "v", "v"},
	{"v", "{End}", "{Home}v"},
	{"", "/", "{Esc}"},
	{"/", "v", "{Esc}"},
	{"/v", "m", "{Esc}"},
	{"/steal>", "1", "{Esc}"},
	{"/mem>", "1", "{Esc}"},
	{"/cause:vm", "1", "{Esc}"},
	{"/!trouble>", "1", "{Esc}"},
	{"/!vm1 host:hv-0001", "{Enter}", "{Esc}"},
	{"/vm1{Enter}{Esc}", ";", "{Home}"},
	{"", "{Tab}", "{Tab}"},
	{"{Tab}", ",", ",{Home}{Tab}"},
	{"", "?", "{Esc}"},
	{"", "f", "f"},
	{"f{Down}{Down}", "{Space}", " f"},
	{"", "{Enter}", "{Esc}"},
	{"", "y", "{Esc}"},
	{"o", "{Enter}", "{Esc}a"},
	{"", "{Space}", " "},
	{"", "'", ""},
	{"'", "\"", "{Esc}"},
	{"'\"", "{Down}", "{Esc}"},
	{"'\"", "{Esc}", ""},
};
#define STEPS (sizeof(steps) / sizeof(*steps))

struct bench {
	struct fleet_options fleet;
	struct fleet_time time;
	unsigned cols, rows, rounds;
	struct moment *moment[SECONDS];
	struct ui *ui;
	struct grid grid;
	unsigned next;
	double *ms; /* by round */
	bool failed;
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "console_keys: %s\n", what);
	exit(1);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- the moments ---- */

static struct frame *frame_of(struct patterns *p, unsigned host, unsigned sequence)
{
	struct frame_head head;
	struct frame *f;
	struct buf bytes;

	buf_init(&bytes, FRAME_MAX);
	patterns_frame(p, host, sequence, &bytes);
	if (bytes.error || frame_head_decode(&head, bytes.data, bytes.used) < 0)
		die("a frame could not be made");
	f = frame_new(&head, bytes.data, bytes.used);
	buf_fini(&bytes);
	return f;
}

static void make_moments(struct bench *b)
{
	struct patterns *p = patterns_new(&b->fleet, &b->time, 7);
	struct frame **before = calloc(b->fleet.hosts, sizeof(*before));
	struct patterns_facts facts;
	size_t bytes = 0;

	if (!before)
		die("no memory");
	for (unsigned h = 0; h < b->fleet.hosts; h++)
		before[h] = frame_of(p, h, 1);
	for (unsigned s = 0; s < SECONDS; s++) {
		uint64_t wall = b->time.start_wall_ns + (s + 1) * INTERVAL;

		b->moment[s] = moment_new();
		for (unsigned h = 0; h < b->fleet.hosts; h++) {
			struct frame *now = frame_of(p, h, s + 2);

			bytes += now->size;
			moment_add(b->moment[s], NULL, now, before[h], wall);
			frame_unref(before[h]);
			before[h] = now;
		}
		moment_sort(b->moment[s]);
		b->moment[s]->wall_ns = wall;
		b->moment[s]->live = true;
	}
	for (unsigned h = 0; h < b->fleet.hosts; h++)
		frame_unref(before[h]);
	free(before);
	patterns_facts(p, &facts);
	patterns_free(p);
	printf("%u hosts x %u VMs, %zu values each and %zu a host; a moment has %.1f MB of "
	       "frames\n",
	       b->fleet.hosts, b->fleet.vms, facts.vm_values, facts.values,
	       (double)bytes / SECONDS * 1e-6);
}

/* ---- keys ---- */

static void draw(struct bench *b)
{
	grid_clear(&b->grid);
	ui_draw(b->ui, &b->grid);
}

/* Returns the ms that the last key took. */
static double press(struct bench *b, const char *script)
{
	struct key *keys;
	size_t n;
	double began = 0, ms = 0;
	char why[200];

	if (key_script(&keys, &n, script, why, sizeof(why)) < 0)
		die(why);
	for (size_t i = 0; i < n; i++) {
		began = cpu_ms();
		ui_key(b->ui, &keys[i]);
		draw(b);
		ms = cpu_ms() - began;
	}
	free(keys);
	return ms;
}

/* Returns the ms until it is on the screen. */
static double show(struct bench *b)
{
	double began = cpu_ms();

	ui_moment(b->ui, b->moment[b->next++ % SECONDS]);
	draw(b);
	return cpu_ms() - began;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Returns the median. */
static double report(struct bench *b, const char *before, const char *what, double least)
{
	unsigned n = b->rounds;
	double p99;

	qsort(b->ms, n, sizeof(*b->ms), by_size);
	p99 = b->ms[(n * 99 + 99) / 100 - 1];
	printf("%-20s %-10s %8.2f %8.2f%s\n", before, what, b->ms[n / 2], p99,
	       p99 >= least ? "   too long" : "");
	b->failed |= p99 >= least;
	return b->ms[n / 2];
}

/* A screen without rows would be fast, too. */
static void check_rows(struct bench *b)
{
	uint32_t at, n;

	ui_cursor(b->ui, &at, &n);
	if (n != b->fleet.hosts * b->fleet.vms)
		die("not all VMs are on the screen's table");
}

static double measure_moments(struct bench *b)
{
	for (unsigned i = 0; i < b->rounds; i++) {
		/* After the last one the first comes again: that is a jump, not a second. */
		if (!(b->next % SECONDS))
			show(b);
		b->ms[i] = show(b);
	}
	check_rows(b);
	return report(b, "", "(moment)", 1e9);
}

/* ---- trouble ---- */

static void hide_parts(const struct world *w)
{
	static const enum scope parts[] = {SCOPE_VCPU, SCOPE_VM_DISK, SCOPE_VM_NIC};

	for (uint32_t h = 0; h < w->n_hosts; h++)
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			w->hosts[h]->view->table[parts[i]].rows = 0;
}

static double look_for_trouble(const struct world *w, struct trouble *vm)
{
	double began = cpu_ms();

	for (uint32_t h = 0; h < w->n_hosts; h++) {
		struct trouble host;

		trouble_of_host(w, h, &host, vm);
	}
	return cpu_ms() - began;
}

static double measure_trouble(struct bench *b, const char *what, bool with_parts)
{
	struct trouble *vm = calloc(b->fleet.vms, sizeof(*vm));
	struct world *w = world_new();

	if (!vm)
		die("no memory");
	for (unsigned i = 0; i < b->rounds; i++) {
		world_set(w, b->moment[i % SECONDS]);
		if (!with_parts)
			hide_parts(w);
		b->ms[i] = look_for_trouble(w, vm);
	}
	world_free(w);
	free(vm);
	return report(b, "", what, 1e9);
}

static void measure_share(struct bench *b, double moment)
{
	double all = measure_trouble(b, "(trouble)", true);
	double own = measure_trouble(b, "(own only)", false);

	printf("of a moment %.1f %% is trouble, %.1f %% that of the VMs' parts\n",
	       100 * all / moment, 100 * (all - own) / moment);
}

/* ---- all keys ---- */

static void measure_step(struct bench *b, const struct step *s)
{
	for (unsigned i = 0; i < b->rounds; i++) {
		show(b);
		press(b, s->before);
		b->ms[i] = press(b, s->key);
		press(b, s->after);
	}
	check_rows(b);
	report(b, s->before, s->key, KEY_MS);
}

static void measure(struct bench *b)
{
	printf("%-20s %-10s %8s %8s   CPU ms to the screen\n", "after", "key", "median", "p99");
	measure_share(b, measure_moments(b));
	for (unsigned v = 0; v < VIEWS; v++) {
		char key[2] = {ui_views[v].keys[0], '\0'};

		measure_step(b, &(struct step){"", key, v ? "a" : ""});
	}
	for (size_t s = 0; s < STEPS; s++)
		measure_step(b, &steps[s]);
}

/* ---- the command line ---- */

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || end == text || n < least || n > most)
		die("a number is not what is allowed: see the head of console_keys.c");
	return (unsigned)n;
}

static void parse(struct bench *b, int argc, char **argv)
{
	static const struct option options[] = {
		{"hosts", 1, NULL, 'h'}, {"vms", 1, NULL, 'v'},  {"values", 1, NULL, 'n'},
		{"cols", 1, NULL, 'c'},  {"rows", 1, NULL, 'r'}, {"rounds", 1, NULL, 'i'},
		{"check", 0, NULL, 'k'}, {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'h')
			b->fleet.hosts = number(optarg, 1, 10000);
		else if (c == 'v')
			b->fleet.vms = number(optarg, 1, 1000);
		else if (c == 'n')
			b->fleet.values = number(optarg, 20, 83);
		else if (c == 'c')
			b->cols = number(optarg, 60, GRID_COLS_MAX);
		else if (c == 'r')
			b->rows = number(optarg, 15, GRID_ROWS_MAX);
		else if (c == 'i')
			b->rounds = number(optarg, 1, 10000);
		else if (c == 'k') {
			b->fleet.hosts = 60;
			b->rounds = 5;
		} else
			exit(2);
	}
	if (optind < argc)
		die("no such argument");
}

int main(int argc, char **argv)
{
	struct bench b = {.fleet = {.hosts = 300,
				    .vms = 33,
				    .values = 80,
				    .interval_ms = 1000,
				    .patterns = 16,
				    .keep = SECONDS + 2},
			  .cols = 200,
			  .rows = 50,
			  .rounds = 30};
	struct settings settings;
	struct ui_options o = {.settings = &settings, .interval = 1, .feed = true};

	parse(&b, argc, argv);
	b.time = (struct fleet_time){.start_wall_ns = UINT64_C(1795000000) * FLEET_SECOND,
				     .interval_ns = INTERVAL,
				     .hosts = b.fleet.hosts,
				     .last = SECONDS + 1};
	b.ms = calloc(b.rounds, sizeof(*b.ms));
	if (!b.ms)
		die("no memory");
	make_moments(&b);
	settings_default(&settings);
	b.ui = ui_new(&o);
	grid_init(&b.grid, b.cols, b.rows);
	measure(&b);
	ui_free(b.ui);
	grid_fini(&b.grid);
	for (unsigned s = 0; s < SECONDS; s++)
		moment_unref(b.moment[s]);
	free(b.ms);
	if (b.failed)
		fprintf(stderr, "console_keys: a key takes %.0f ms or more\n", KEY_MS);
	return b.failed;
}
