/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "endpoint.h"
#include "log.h"
#include "measure_options.h"
#include "option_reference.h"
#include "printer.h"
#include "sink.h"
#include "xalloc.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCREEN_COLS_MIN 20u
#define SCREEN_ROWS_MIN 5u
#define SCREEN_COLS_MAX 1000u
#define SCREEN_ROWS_MAX 500u

const char *const reference_formats[] = {"text", "markdown", NULL};
const char *const printer_choices[] = {"ncurses", "text", "json", "openmetrics", "auto", NULL};

static const char *const markdown_only[] = {"markdown", NULL};

/* What only proxtop-agent has: one /etc/proxtop.conf may serve both. */
static const char *const others[] = {
	"aggregator",      "feed",  "http",      "http-cert", "http-key",
	"http-token-file", "spool", "spool-dir", NULL,
};

enum group { GENERAL, SOURCE, HYPERVISOR, COLLECTORS, OUTPUT, SCREEN, HELP };
static const char *const groups[] = {"Application Options",
				     "What Is Looked At",
				     "Hypervisor Selection",
				     "Collectors",
				     "Output",
				     "Screen",
				     "Help Options"};

#define MEASURES OPTION_MARK_1 /* of no use where others have measured */
#define CONNECTS OPTION_MARK_2 /* of no use but for --connect */

#define AT(field) .offset = offsetof(struct options, field)
#define MIB       1048576.0
#define DAY       86400.0

/* clang-format off */
static const struct option_row rows[] = {
	{.name = "frequency", .letter = 'f', .arg = "SECONDS", .type = OPTION_SECONDS,
	 AT(frequency), .fallback = "2", .min = 0.1, .max = 86400, .group = GENERAL,
	 .help = "Time between two cycles, decimals are possible"},
	{.name = "runs", .letter = 'r', .arg = "N", .type = OPTION_COUNT,
	 AT(runs), .fallback = "-1", .group = GENERAL,
	 .help = "Number of cycles to print; the first one comes after 200 ms"},
	MEASURE_SOURCE_ROWS(GENERAL, MEASURES),
	{.name = "verbose", .type = OPTION_FLAG,
	 AT(verbose), .group = GENERAL,
	 .help = "More metrics, on the screen too; in json also what is below a VM and the host"},
	{.name = "log-level", .arg = "LEVEL", .type = OPTION_CHOICE, .choices = log_level_names,
	 AT(log_level), .fallback = "notice", .group = GENERAL,
	 .help = "Messages on stderr up to this level"},
	{.name = "version", .letter = 'v', .type = OPTION_FLAG,
	 AT(version), .group = GENERAL, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show the version and exit"},

	{.name = "connect", .arg = "URL", .type = OPTION_TEXT,
	 AT(connect), .group = SOURCE,
	 .help = "Look at an aggregator (all its hosts) or an agent instead of this host: tcp://HOST:PORT"},
	{.name = "key-file", .arg = "FILE", .type = OPTION_TEXT,
	 AT(key_file), .group = SOURCE, .bits = CONNECTS,
	 .help = "The cluster's keys, one a line, for --connect"},
	{.name = "insecure", .type = OPTION_FLAG,
	 AT(insecure), .group = SOURCE, .bits = CONNECTS,
	 .help = "Connect beyond loopback without a key"},
	{.name = "replay", .arg = "FILE", .type = OPTION_TEXT,
	 AT(replay), .group = SOURCE,
	 .help = "Look at a recording"},
	{.name = "record", .arg = "FILE", .type = OPTION_TEXT,
	 AT(record), .group = SOURCE,
	 .help = "Record every sample into a new file; without --printer nothing is shown"},
	{.name = "history", .arg = "DURATION", .type = OPTION_DURATION,
	 AT(history_ns), .fallback = "10m", .min = 0, .max = 7 * DAY, .group = SOURCE, .bits = MEASURES,
	 .help = "How long samples of this host are kept in memory, to go back to"},
	{.name = "history-memory", .arg = "SIZE", .type = OPTION_SIZE,
	 AT(history_bytes), .fallback = "64M", .min = MIB, .max = 1048576 * MIB, .group = SOURCE, .bits = MEASURES,
	 .help = "The most memory those take"},

	MEASURE_CONNECTOR_ROWS(HYPERVISOR, MEASURES),

	MEASURE_COLLECTOR_ROWS(COLLECTORS),

	{.name = "printer", .letter = 'p', .arg = "FORMAT", .type = OPTION_CHOICE,
	 .choices = printer_choices, AT(printer), .fallback = "ncurses", .group = OUTPUT,
	 .help = "How to show it; auto: ncurses on a terminal, else text"},
	{.name = "output", .letter = 'o', .arg = "WHERE", .type = OPTION_CHOICE,
	 .choices = sink_outputs, AT(output), .fallback = "stdout", .group = OUTPUT,
	 .help = "Where to write it"},
	{.name = "target", .arg = "TARGET", .type = OPTION_TEXT,
	 AT(target), .group = OUTPUT,
	 .help = "For file: its path; for tcp and udp: host:port or [IPv6 address]:port"},
	MEASURE_DEVICE_ROWS(OUTPUT, MEASURES),
	{.name = "human", .letter = 'H', .type = OPTION_FLAG,
	 AT(human), .group = OUTPUT,
	 .help = "Numbers with K, M, G in text (never in json and openmetrics)"},
	{.name = "vm", .arg = "PATTERN", .type = OPTION_LIST,
	 AT(vm), .group = OUTPUT,
	 .help = "Show only VMs whose name, UUID or VMID matches; *, ? and [...] as in a shell, upper and lower case are the same; several: comma separated or repeated"},

	{.name = "screen", .arg = "COLSxROWS", .type = OPTION_TEXT,
	 AT(screen), .group = SCREEN,
	 .help = "Print the console's screen of that size as text and exit, after --keys"},
	{.name = "keys", .arg = "SCRIPT", .type = OPTION_TEXT,
	 AT(keys), .group = SCREEN,
	 .help = "Press these keys at the start: characters, {Enter}, {click 10,3}, {wait 1}; {{ is a brace"},
	{.name = "mouse", .type = OPTION_FLAG,
	 AT(mouse), .group = SCREEN,
	 .help = "Take clicks and the wheel"},

	{.name = "help", .letter = 'h', .type = OPTION_FLAG,
	 AT(help), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show this help and exit"},
	{.name = "check", .type = OPTION_FLAG,
	 AT(check), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Say which sources, permissions and VMs this host gives, and exit: 0 when nothing is wrong, else 1; with --connect (URL[,URL...]) which hosts are live"},
	{.name = "expect", .arg = "N|NAME", .type = OPTION_TEXT,
	 AT(expect), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "With --check and --connect: status 1 with fewer live hosts than N, or than NAME has addresses"},
	{.name = "generate-key", .type = OPTION_FLAG,
	 AT(generate_key), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Print a new key for --key-file of agents, aggregators and consoles, and exit"},
	{.name = "arguments-from", .arg = "VARIABLE", .type = OPTION_TEXT,
	 AT(arguments_from), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "More options, from this variable of the environment, split at blanks as a shell does; those of the command line win"},
	{.name = "list-metrics", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "text",
	 .choices = reference_formats, AT(list_metrics), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show all metrics and exit"},
	{.name = "list-keys", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = markdown_only, AT(list_keys), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show the reference of the screen and exit: views, keys, columns, thresholds"},
	{.name = "list-options", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = option_formats_service, AT(list_options), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show the reference of these options and exit"},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(*rows) <= OPTION_ROWS_MAX, "raise OPTION_ROWS_MAX");

const struct option_table options_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(*rows),
	.groups = groups,
	.program = "proxtop",
	.section = 1,
	.file = "/etc/proxtop.conf",
	.example = "PROXTOP_TARGET=192.168.50.230:12345\n",
	.env_prefix = "PROXTOP_",
	.summary = "What every virtual machine on this KVM or Proxmox VE host really costs.\v"
		   "Without a collector option all of them are on.  Each option may also come from "
		   "the environment: PROXTOP_TARGET is --target; the command line wins.",
	.others = others,
};

/* COLSxROWS. */
static bool take_screen(struct options *o)
{
	int end = 0;

	if (!isdigit((unsigned char)*o->screen))
		return false;
	if (sscanf(o->screen, "%4ux%4u%n", &o->screen_cols, &o->screen_rows, &end) != 2)
		return false;
	return !o->screen[end] && isdigit((unsigned char)strchr(o->screen, 'x')[1]) &&
	       o->screen_cols >= SCREEN_COLS_MIN && o->screen_cols <= SCREEN_COLS_MAX &&
	       o->screen_rows >= SCREEN_ROWS_MIN && o->screen_rows <= SCREEN_ROWS_MAX;
}

/* Options on the command line that what was chosen has no use for: worth a word, no more. */
static void note_unused(struct options *o, struct option_parse *p)
{
	unsigned unused = (o->connect || o->replay ? MEASURES : 0) | (o->connect ? 0 : CONNECTS);
	size_t used = 0;

	for (size_t i = 0; i < p->table->n; i++)
		if ((p->table->rows[i].bits & unused) && p->origin[i] == FROM_COMMAND_LINE &&
		    used < sizeof(o->unused))
			used += (size_t)snprintf(o->unused + used, sizeof(o->unused) - used,
						 "%s--%s", used ? ", " : "", rows[i].name);
}

/* Where samples come from, and whether they are recorded. */
static int check_source(struct options *o, struct option_parse *p)
{
	char host[ENDPOINT_HOST_MAX + 1];
	unsigned port;

	if (o->connect && o->replay)
		return option_fail(p, "--connect and --replay exclude each other: give one of "
				      "them");
	if (o->record && o->replay)
		return option_fail(p, "--record and --replay exclude each other: a recording is "
				      "copied as any file");
	if (o->connect && (endpoint_split(o->connect, host, &port) < 0 || !port))
		return option_fail(p, "--connect=%.200s is not possible; allowed: tcp://HOST:PORT",
				   o->connect);
	return 0;
}

static int check_screen(struct options *o, struct option_parse *p)
{
	const char *which = o->screen ? "screen" : "keys";

	if (!o->screen && !o->keys)
		return 0;
	if (o->printer != PRINTER_NCURSES)
		return option_fail(p, "--%s is for --printer=ncurses (the default) only", which);
	if (o->screen && !take_screen(o))
		return option_fail(p,
				   "--screen=%.80s is not possible; allowed: COLSxROWS from "
				   "%ux%u to %ux%u",
				   o->screen, SCREEN_COLS_MIN, SCREEN_ROWS_MIN, SCREEN_COLS_MAX,
				   SCREEN_ROWS_MAX);
	return 0;
}

/* --check of feeds: several, and how many hosts. */
static int check_feeds(struct options *o, struct option_parse *p)
{
	char host[ENDPOINT_HOST_MAX + 1], url[ENDPOINT_TEXT_MAX + 8];
	unsigned port;

	if (o->expect && !(o->check && o->connect))
		return option_fail(p, "--expect is for --check with --connect");
	if (o->expect && isdigit((unsigned char)*o->expect) &&
	    (strspn(o->expect, "0123456789") != strlen(o->expect) || strlen(o->expect) > 6))
		return option_fail(
			p, "--expect=%.80s is not possible; allowed: a number of hosts, or a name",
			o->expect);
	for (const char *at = o->check ? o->connect : NULL; at; at = strchr(at, ',')) {
		at += *at == ',';
		snprintf(url, sizeof(url), "%.*s", (int)strcspn(at, ","), at);
		if (endpoint_split(url, host, &port) < 0 || !port)
			return option_fail(
				p,
				"--connect=%.200s is not possible; allowed with --check: "
				"tcp://HOST:PORT[,tcp://...]",
				o->connect);
	}
	return 0;
}

/* What one option alone cannot know. */
static int check_together(struct options *o, struct option_parse *p)
{
	const char *output = sink_outputs[o->output];
	bool takes_target = strcmp(output, "stdout") != 0;
	int r = measure_options_check(p, &o->families, o->host_id, o->host_name);

	if (!r)
		r = check_feeds(o, p);
	if (r || o->check || o->generate_key || o->list_metrics || o->list_options || o->list_keys)
		return r;
	r = check_source(o, p);
	if (!r)
		r = check_screen(o, p);
	if (r)
		return r;
	note_unused(o, p);
	o->record_only = o->record && !o->screen && !o->keys && !o->printer_chosen;
	o->interactive = o->printer == PRINTER_NCURSES && !o->record_only;
	if (o->interactive || o->record_only)
		takes_target = false;
	if (takes_target && !o->target)
		return option_fail(p, "--output=%s needs --target=%s", output,
				   strcmp(output, "file") ? "HOST:PORT" : "PATH");
	o->target_unused = !takes_target && option_origin(p, "target") == FROM_COMMAND_LINE;
	return 0;
}

static const char *variable(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++)
		if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
			return *envp + n + 1;
	return "";
}

/* The command line once more, with the words of --arguments-from before it. */
static int take_more(struct options *o, struct option_parse *p, int argc, char **argv,
		     char *const *envp)
{
	const char *from = o->arguments_from;
	struct option_list words = {0};
	int r = option_words(&words, variable(envp, from));
	char **all;

	if (r < 0) {
		option_fail(p, "--arguments-from=%.80s: %s", from,
			    r == -E2BIG ? "too many words" : "a quote is not closed");
		option_list_fini(&words);
		return r;
	}
	all = xcalloc(words.n + (unsigned)argc + 1, sizeof(*all));
	all[0] = argv[0];
	for (unsigned i = 0; i < words.n; i++)
		all[1 + i] = words.item[i];
	memcpy(all + 1 + words.n, argv + 1, ((unsigned)argc - 1) * sizeof(*all));
	option_list_fini(&o->vm);
	*o = (struct options){0};
	memset(p->origin, 0, sizeof(p->origin));
	option_defaults(p);
	r = option_command_line(p, argc + (int)words.n, all);
	o->words = words; /* values point into them */
	free(all);
	return r;
}

/* --printer=auto chooses nothing: --record alone shows nothing, --screen is the console's. */
static void find_out_printer(struct options *o, struct option_parse *p)
{
	bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);

	o->printer_chosen =
		option_origin(p, "printer") != FROM_DEFAULT && o->printer != PRINTER_AUTO;
	if (o->printer == PRINTER_AUTO)
		o->printer = o->screen || o->keys || terminal ? PRINTER_NCURSES : PRINTER_TEXT;
}

int options_parse(struct options *o, int argc, char **argv, char *const *envp, char *why,
		  size_t why_size)
{
	struct option_parse p = {
		.table = &options_table, .into = o, .why = why, .why_size = why_size};
	int r;

	*o = (struct options){0};
	*why = '\0';
	option_defaults(&p);
	r = option_command_line(&p, argc, argv);
	if (!r && o->arguments_from)
		r = take_more(o, &p, argc, argv, envp);
	if (r < 0 || o->help || o->version)
		return r;
	r = option_environment(&p, envp);
	if (r < 0)
		return r;
	find_out_printer(o, &p);
	return check_together(o, &p);
}

void options_fini(struct options *o)
{
	option_list_fini(&o->vm);
	option_list_fini(&o->words);
}

struct measure_options options_measure(const struct options *o)
{
	return (struct measure_options){
		.procfs = o->procfs,
		.sysfs = o->sysfs,
		.rootfs = o->rootfs,
		.connection = o->connection,
		.connector = (enum connector)o->connector,
		.families = o->families,
		.verbose = o->verbose,
		.netdev = o->netdev,
		.storedev = o->storedev,
		.qmp_interval = o->qmp_interval,
		.host_name = o->host_name,
		.host_id = o->host_id,
	};
}
