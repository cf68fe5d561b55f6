/* SPDX-License-Identifier: Apache-2.0 */
#include "proxprofiler_options.h"

#include "endpoint.h"
#include "log.h"
#include "measure_options.h"
#include "option_reference.h"
#include "sink.h"
#include "vm_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 10000000.0

static const char *const printers[] = {"json", NULL};

enum group { GENERAL, SOURCE, HYPERVISOR, METRICS_OF_A_VM, PROFILE, OUTPUT, USES, HELP };
static const char *const groups[] = {
	"Application Options", "What Is Profiled", "Hypervisor Selection",
	"Values of a VM",      "Profile",          "Output",
	"Use of Profiles",     "Help Options"};

#define MEASURES OPTION_MARK_1 /* of no use where others have measured */
#define CONNECTS OPTION_MARK_2 /* of no use but for --connect */

#define AT(field)  .offset = offsetof(struct proxprofiler_options, base.field)
#define OWN(field) .offset = offsetof(struct proxprofiler_options, field)
#define LARGE      1e300 /* as markov_bounds_wrong() */

/* clang-format off */
static const struct option_row rows[] = {
	{.name = "frequency", .letter = 'f', .arg = "SECONDS", .type = OPTION_SECONDS,
	 AT(frequency), .fallback = "2", .min = 0.1, .max = 86400, .group = GENERAL,
	 .help = "Time between two values of a VM, decimals are possible; where samples come more rarely: theirs"},
	{.name = "runs", .letter = 'r', .arg = "N", .type = OPTION_COUNT,
	 AT(runs), .fallback = "-1", .group = GENERAL,
	 .help = "Number of samples to take of this host"},
	MEASURE_SOURCE_ROWS(GENERAL, MEASURES),
	{.name = "log-level", .arg = "LEVEL", .type = OPTION_CHOICE, .choices = log_level_names,
	 AT(log_level), .fallback = "notice", .group = GENERAL,
	 .help = "Messages on stderr up to this level"},
	{.name = "version", .letter = 'v', .type = OPTION_FLAG,
	 AT(version), .group = GENERAL, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show the version and exit"},

	{.name = "connect", .arg = "URL", .type = OPTION_TEXT,
	 AT(connect), .group = SOURCE,
	 .help = "Profile the VMs of an aggregator (all its hosts) or an agent instead of this host's: tcp://HOST:PORT"},
	{.name = "key-file", .arg = "FILE", .type = OPTION_TEXT,
	 AT(key_file), .group = SOURCE, .bits = CONNECTS,
	 .help = "The cluster's keys, one a line, for --connect"},
	{.name = "insecure", .type = OPTION_FLAG,
	 AT(insecure), .group = SOURCE, .bits = CONNECTS,
	 .help = "Connect beyond loopback without a key"},
	{.name = "replay", .arg = "FILE", .type = OPTION_TEXT,
	 AT(replay), .group = SOURCE,
	 .help = "Profile the VMs of a recording"},
	{.name = "input", .arg = "FILE", .type = OPTION_TEXT,
	 OWN(input), .group = SOURCE,
	 .help = "Profile a CSV file, one column a metric, one row a step of time; - is stdin"},
	{.name = "fixedmin", .arg = "VALUE", .type = OPTION_DECIMAL,
	 OWN(fixed_min), .fallback = "0", .min = -LARGE, .max = LARGE, .group = SOURCE,
	 .help = "Where the first state begins, for --input with --fixedbound"},
	{.name = "fixedmax", .arg = "VALUE", .type = OPTION_DECIMAL,
	 OWN(fixed_max), .fallback = "100", .min = -LARGE, .max = LARGE, .group = SOURCE,
	 .help = "Where the last state ends, for --input with --fixedbound"},

	MEASURE_CONNECTOR_ROWS(HYPERVISOR, MEASURES),

	MEASURE_COLLECTOR_ROW(METRICS_OF_A_VM, F_CPU, "cpu", "What it wanted of its vCPUs in percent: time run and time ready to run"),
	MEASURE_COLLECTOR_ROW(METRICS_OF_A_VM, F_NET, "net", "Bytes per second received and sent"),
	MEASURE_COLLECTOR_ROW(METRICS_OF_A_VM, F_IO, "io", "Bytes per second its QEMU process read and wrote (needs root)"),
	MEASURE_COLLECTOR_ROW(METRICS_OF_A_VM, F_DISK, "disk", "Bytes per second the guest read and wrote"),
	MEASURE_COLLECTOR_ROW(METRICS_OF_A_VM, F_MEM, "mem", "Memory the guest uses in percent of what it has"),

	{.name = "states", .arg = "N", .type = OPTION_NUMBER,
	 OWN(states), .fallback = "4", .min = 2, .max = MARKOV_STATES_MAX, .group = PROFILE,
	 .help = "Parts that the range of a metric is divided into"},
	{.name = "buffersize", .arg = "N", .type = OPTION_NUMBER,
	 OWN(buffersize), .fallback = "10", .min = 1, .max = 1000000, .group = PROFILE,
	 .help = "Values whose mean is one state"},
	{.name = "history", .arg = "N", .type = OPTION_NUMBER,
	 OWN(history), .fallback = "1", .min = 1, .max = MARKOV_HISTORY_MAX, .group = PROFILE,
	 .help = "States that the next one is counted by"},
	{.name = "filterstddevs", .arg = "X", .type = OPTION_DECIMAL,
	 OWN(filter_stddevs), .fallback = "-1", .min = -1, .max = 1000, .group = PROFILE,
	 .help = "Leave out of the states what is more than X standard deviations from the mean; 0 or -1: nothing"},
	{.name = "fixedbound", .type = OPTION_FLAG,
	 OWN(fixed_bound), .group = PROFILE,
	 .help = "States have fixed bounds instead of those that grow with the values: 0 to what is possible"},
	{.name = "periodsize", .arg = "N", .type = OPTION_LIST,
	 OWN(period_sizes), .group = PROFILE,
	 .help = "Sizes of a period and of what it is divided into, in states: 7,24 counts each of 168 by itself, too"},
	{.name = "phase-likeliness", .arg = "X", .type = OPTION_DECIMAL,
	 OWN(phase_likeliness), .fallback = "0", .min = 0, .max = 1, .group = PROFILE,
	 .help = "Find phases: one is left when what happens is less likely under it than X on average; 0: none"},
	{.name = "phase-history", .arg = "N", .type = OPTION_NUMBER,
	 OWN(phase_history), .fallback = "10", .min = 1, .max = PROFILE_PHASE_HISTORY_MAX, .group = PROFILE,
	 .help = "Last transitions which that is the average of"},

	{.name = "printer", .letter = 'p', .arg = "FORMAT", .type = OPTION_CHOICE,
	 .choices = printers, AT(printer), .fallback = "json", .group = OUTPUT,
	 .help = "How to write a profile"},
	{.name = "output", .letter = 'o', .arg = "WHERE", .type = OPTION_CHOICE,
	 .choices = sink_outputs, AT(output), .fallback = "stdout", .group = OUTPUT,
	 .help = "Where to write it"},
	{.name = "target", .arg = "TARGET", .type = OPTION_TEXT,
	 AT(target), .group = OUTPUT,
	 .help = "For file: its path; for tcp and udp: host:port or [IPv6 address]:port"},
	{.name = "outputFreq", .arg = "DURATION", .type = OPTION_DURATION,
	 OWN(output_ns), .fallback = "60s", .min = 0.1, .max = 86400, .group = OUTPUT,
	 .help = "How often all profiles are written; they are at the end, too (with --replay: only then, unless this is given; time is that of the recording)"},
	{.name = "vm", .arg = "PATTERN", .type = OPTION_LIST,
	 AT(vm), .group = OUTPUT,
	 .help = "Profile only VMs whose name, UUID or VMID matches; *, ? and [...] as in a shell, upper and lower case are the same; several: comma separated or repeated"},

	{.name = "compare", .arg = "A B", .type = OPTION_TEXT,
	 OWN(compare), .group = USES, .bits = OPTION_NO_ENV,
	 .help = "Compare each profile of file A with each of file B"},
	{.name = "capacity", .type = OPTION_FLAG,
	 OWN(capacity), .group = USES,
	 .help = "Write how much of the time values are how great, and for how long, instead of profiles"},
	{.name = "predict", .arg = "STEPS", .type = OPTION_NUMBER,
	 OWN(predict), .min = 1, .max = 100000, .group = USES,
	 .help = "Write what is expected of the next states instead of profiles"},
	{.name = "simulate", .arg = "STEPS", .type = OPTION_NUMBER,
	 OWN(simulate), .min = 1, .max = STEPS_MAX, .group = USES,
	 .help = "Write a series that the profile could have been made of, instead of profiles"},
	{.name = "seed", .arg = "N", .type = OPTION_NUMBER,
	 OWN(seed), .fallback = "1", .min = 0, .max = 4294967295.0, .group = USES,
	 .help = "Another number is another series"},

	{.name = "help", .letter = 'h', .type = OPTION_FLAG,
	 AT(help), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show this help and exit"},
	{.name = "list-options", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = option_formats, AT(list_options), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show the reference of these options and exit"},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(*rows) <= OPTION_ROWS_MAX, "raise OPTION_ROWS_MAX");

const struct option_table proxprofiler_options_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(*rows),
	.groups = groups,
	.program = "proxprofiler",
	.section = 1,
	.env_prefix = "PROXPROFILER_",
	.summary = "Statistical profiles of virtual machines: which state of its metrics follows "
		   "which, how often.\v"
		   "Without one of --cpu, --net, --io, --disk and --mem: cpu, net and io.  Each "
		   "option may also come from the environment: PROXPROFILER_TARGET is --target; "
		   "the command line wins.",
	.operands = 1,
	.operands_offset = offsetof(struct proxprofiler_options, operands),
};

/* ---- what one option alone cannot know ---- */

static int check_source(struct proxprofiler_options *o, struct option_parse *p)
{
	const struct options *b = &o->base;
	char host[ENDPOINT_HOST_MAX + 1];
	unsigned port;

	if (!!o->input + !!b->connect + !!b->replay > 1)
		return option_fail(p, "--input, --connect and --replay exclude each other: give "
				      "one of them");
	if (b->connect && (endpoint_split(b->connect, host, &port) < 0 || !port))
		return option_fail(p, "--connect=%.200s is not possible; allowed: tcp://HOST:PORT",
				   b->connect);
	if ((option_origin(p, "fixedmin") || option_origin(p, "fixedmax")) &&
	    (!o->input || !o->fixed_bound))
		return option_fail(p, "--fixedmin and --fixedmax are for --input with "
				      "--fixedbound only");
	return 0;
}

static int check_uses(struct proxprofiler_options *o, struct option_parse *p)
{
	const struct options *b = &o->base;

	if (o->compare && !o->operands.n)
		return option_fail(p, "--compare needs two files: --compare A B");
	if (!o->compare && o->operands.n)
		return option_fail(
			p,
			"surplus argument %.80s; only --compare A B takes one that is no "
			"option",
			o->operands.item[0]);
	if (!!o->compare + o->capacity + !!o->predict + !!o->simulate > 1)
		return option_fail(
			p,
			"--compare, --capacity, --predict and --simulate exclude each other: give "
			"one of them");
	if (o->compare && (o->input || b->connect || b->replay))
		return option_fail(p, "--compare takes two files of profiles: without --input, "
				      "--connect and --replay");
	if (option_origin(p, "seed") && !o->simulate)
		return option_fail(p, "--seed is for --simulate only");
	return 0;
}

static int check_profile(struct proxprofiler_options *o, struct option_parse *p)
{
	struct profile_settings s;
	const char *wrong = NULL;

	if (o->period_sizes.n > PROFILE_PERIODS_MAX)
		return option_fail(p, "--periodsize: %u sizes; allowed: at most %u",
				   o->period_sizes.n, PROFILE_PERIODS_MAX);
	for (unsigned i = 0; i < o->period_sizes.n; i++) {
		const char *size = o->period_sizes.item[i];

		if (size[strspn(size, "0123456789")] || strlen(size) > 4 || atoi(size) < 2)
			return option_fail(p,
					   "--periodsize=%.80s is not possible; allowed: numbers "
					   "from 2, comma separated, whose product is at most %u",
					   size, PROFILE_LEAVES_MAX);
	}
	if (o->fixed_bound && o->input)
		wrong = markov_bounds_wrong(o->fixed_min, o->fixed_max);
	if (wrong)
		return option_fail(p, "--fixedmin, --fixedmax: %s", wrong);
	proxprofiler_settings(&s, o);
	vm_values_settings(&s, o->base.families, 0);
	wrong = profile_settings_wrong(&s);
	return wrong ? option_fail(p, "%s", wrong) : 0;
}

/* Options on the command line that what was chosen has no use for: worth a word, no more. */
static void note_unused(struct proxprofiler_options *o, const struct option_parse *p)
{
	struct options *b = &o->base;
	bool measured = b->connect || b->replay || o->input || o->compare;
	unsigned unused = (measured ? MEASURES : 0) | (b->connect ? 0 : CONNECTS);
	size_t used = 0;

	for (size_t i = 0; i < p->table->n; i++)
		if ((p->table->rows[i].bits & unused) && p->origin[i] == FROM_COMMAND_LINE &&
		    used < sizeof(b->unused))
			used += (size_t)snprintf(b->unused + used, sizeof(b->unused) - used,
						 "%s--%s", used ? ", " : "", rows[i].name);
}

static int check_together(struct proxprofiler_options *o, struct option_parse *p)
{
	struct options *b = &o->base;
	const char *output = sink_outputs[b->output];
	bool takes_target = strcmp(output, "stdout") != 0;
	int r;

	if (!b->families)
		b->families = VM_VALUES_USUAL;
	r = measure_options_check(p, &b->families, b->host_id, b->host_name);
	if (r || b->list_options)
		return r;
	r = check_source(o, p);
	if (!r)
		r = check_uses(o, p);
	if (!r)
		r = check_profile(o, p);
	if (r)
		return r;
	note_unused(o, p);
	o->output_given = option_origin(p, "outputFreq") != FROM_DEFAULT;
	if (takes_target && !b->target)
		return option_fail(p, "--output=%s needs --target=%s", output,
				   strcmp(output, "file") ? "HOST:PORT" : "PATH");
	b->target_unused = !takes_target && option_origin(p, "target") == FROM_COMMAND_LINE;
	return 0;
}

/* proxtop's number for the format. */
static int printer_of(const char *name)
{
	int i = 0;

	while (strcmp(printer_choices[i], name) != 0)
		i++;
	return i;
}

int proxprofiler_options_parse(struct proxprofiler_options *o, int argc, char **argv,
			       char *const *envp, char *why, size_t why_size)
{
	struct option_parse p = {
		.table = &proxprofiler_options_table, .into = o, .why = why, .why_size = why_size};
	int r;

	*o = (struct proxprofiler_options){0};
	*why = '\0';
	option_defaults(&p);
	r = option_command_line(&p, argc, argv);
	if (r < 0 || o->base.help || o->base.version)
		return r;
	r = option_environment(&p, envp);
	if (r < 0)
		return r;
	o->base.printer = printer_of(printers[o->base.printer]);
	return check_together(o, &p);
}

void proxprofiler_options_fini(struct proxprofiler_options *o)
{
	option_list_fini(&o->period_sizes);
	option_list_fini(&o->operands);
	options_fini(&o->base);
}

void proxprofiler_settings(struct profile_settings *s, const struct proxprofiler_options *o)
{
	*s = (struct profile_settings){
		.markov = {.states = o->states,
			   .history = o->history,
			   .buffersize = o->buffersize,
			   .filter = o->filter_stddevs,
			   .fixed = o->fixed_bound},
		.n_periods = o->period_sizes.n,
		.phase_likeliness = o->phase_likeliness,
		.phase_history = o->phase_history,
	};
	for (unsigned i = 0; i < o->period_sizes.n; i++)
		s->period[i] = (uint32_t)atoi(o->period_sizes.item[i]);
}
