/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: every spelling, every refusal, and what the table itself promises. */
#include "options.h"

#include "log.h"
#include "printer.h"
#include "sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 32

/* Splits at spaces; line is changed. */
static int split(char *line, char **words, int max)
{
	int n = 0;

	for (char *w = strtok(line, " "); w && n < max - 1; w = strtok(NULL, " "))
		words[n++] = w;
	words[n] = NULL;
	return n;
}

/* What differs from the defaults (and from --printer=text), in a fixed order. */
static void dump(const struct options *o, char *to, size_t size)
{
	const unsigned all = (1u << FAMILIES) - 1;
	FILE *f = fmemopen(to, size, "w");

	assert_non_null(f);
#define TEXT(field, preset)                                                                        \
	if (o->field ? !(preset) || strcmp(o->field, (preset) ? (preset) : "") : !!(preset))       \
	fprintf(f, #field "=%s ", o->field ? o->field : "(none)")
	if (o->help)
		fputs("help ", f);
	if (o->version)
		fputs("version ", f);
	if (o->list_options)
		fprintf(f, "list_options=%d ", o->list_options);
	if (o->list_keys)
		fprintf(f, "list_keys=%d ", o->list_keys);
	if (o->list_metrics)
		fprintf(f, "list_metrics=%s ", reference_formats[o->list_metrics - 1]);
	if (o->check)
		fputs("check ", f);
	if (o->frequency != 2)
		fprintf(f, "frequency=%g ", o->frequency);
	if (o->runs != -1)
		fprintf(f, "runs=%d ", o->runs);
	if (o->verbose)
		fputs("verbose ", f);
	if (o->human)
		fputs("human ", f);
	TEXT(procfs, "/proc");
	TEXT(sysfs, "/sys");
	TEXT(rootfs, "/");
	TEXT(connection, NULL);
	if (o->connector)
		fprintf(f, "connector=%s ",
			o->connector == CONNECT_PROXMOX ? "proxmox" : "libvirt");
	if (!o->help && !o->version && o->families != all)
		for (int i = 0; i < FAMILIES; i++)
			if (o->families & (1u << i))
				fprintf(f, "%s ", family_names[i]);
	if (strcmp(printer_choices[o->printer], "text"))
		fprintf(f, "printer=%s ", printer_choices[o->printer]);
	if (strcmp(sink_outputs[o->output], "stdout"))
		fprintf(f, "output=%s ", sink_outputs[o->output]);
	TEXT(target, NULL);
	TEXT(netdev, NULL);
	TEXT(storedev, NULL);
	for (unsigned i = 0; i < o->vm.n; i++)
		fprintf(f, "vm=%s ", o->vm.item[i]);
	if (o->log_level != LOG_NOTICE)
		fprintf(f, "log_level=%s ", log_level_names[o->log_level]);
	if (o->qmp_interval != 5)
		fprintf(f, "qmp_interval=%g ", o->qmp_interval);
	TEXT(host_name, NULL);
	TEXT(host_id, NULL);
	TEXT(connect, NULL);
	TEXT(replay, NULL);
	TEXT(key_file, NULL);
	if (o->insecure)
		fputs("insecure ", f);
	TEXT(record, NULL);
	if (!o->help && !o->version && o->history_ns != 600000000000u)
		fprintf(f, "history=%g ", (double)o->history_ns / 1e9);
	if (!o->help && !o->version && o->history_bytes != 64u << 20)
		fprintf(f, "history_memory=%g ", (double)o->history_bytes);
	if (o->screen)
		fprintf(f, "screen=%ux%u ", o->screen_cols, o->screen_rows);
	TEXT(keys, NULL);
	if (o->mouse)
		fputs("mouse ", f);
	if (o->interactive)
		fputs("interactive ", f);
	if (o->record_only)
		fputs("record_only ", f);
	if (*o->unused)
		fprintf(f, "unused: %s ", o->unused);
	if (o->target_unused)
		fputs("target_unused ", f);
#undef TEXT
	fclose(f);
	if (*to)
		to[strlen(to) - 1] = '\0';
}

struct option_case {
	const char *args, *env;
	const char *want;  /* the dump, when it is accepted */
	const char *error; /* the whole message, when it is not */
};

static const struct option_case cases[] = {
	/* Frequency */
	{"-p text", "", "", NULL},
	{"-p text -f5", "", "frequency=5", NULL},
	{"-p text -f 5", "", "frequency=5", NULL},
	{"-p text -f=5", "", "frequency=5", NULL},
	{"-p text --frequency=5", "", "frequency=5", NULL},
	{"-p text --frequency 5", "", "frequency=5", NULL},
	{"-p text --freq 5", "", "frequency=5", NULL},
	{"-p text -f 0.1", "", "frequency=0.1", NULL},
	{"-p text -f .25", "", "frequency=0.25", NULL},
	{"-p text -f 1.", "", "frequency=1", NULL},
	{"-p text -f 86400", "", "frequency=86400", NULL},
	{"-p text -f 1 -f 3", "", "frequency=3", NULL},
#define SECONDS " is not possible; allowed: seconds from 0.1 to 86400"
	{"-p text -f 0.09", "", NULL, "--frequency=0.09" SECONDS},
	{"-p text -f 0", "", NULL, "--frequency=0" SECONDS},
	{"-p text -f -1", "", NULL, "--frequency=-1" SECONDS},
	{"-p text -f 86401", "", NULL, "--frequency=86401" SECONDS},
	{"-p text -f 0,5", "", NULL, "--frequency=0,5" SECONDS},
	{"-p text -f 1e3", "", NULL, "--frequency=1e3" SECONDS},
	{"-p text -f 0x10", "", NULL, "--frequency=0x10" SECONDS},
	{"-p text -f nan", "", NULL, "--frequency=nan" SECONDS},
	{"-p text -f inf", "", NULL, "--frequency=inf" SECONDS},
	{"-p text -f 1.2.3", "", NULL, "--frequency=1.2.3" SECONDS},
	{"-p text -f .", "", NULL, "--frequency=." SECONDS},
	{"-p text -f 2s", "", NULL, "--frequency=2s" SECONDS},
	{"-p text --frequency==5", "", NULL, "--frequency==5" SECONDS},
	{"-p text --frequency=", "", NULL, "--frequency=" SECONDS},
	{"-p text -f 1\n2", "", NULL, "--frequency=1?2" SECONDS},
	{"-p text -f 000000000000000000000000000000000000000000000000000000000000000000000000000"
	 "00000000000000000",
	 "", NULL,
	 "--frequency=0000000000000000000000000000000000000000000000000000000000000000000000000000"
	 "0000..." SECONDS},
	{"-p text --qmp-interval=0.5", "", "qmp_interval=0.5", NULL},
	{"-p text --qmp-interval=0", "", NULL, "--qmp-interval=0" SECONDS},

	/* Runs */
	{"-p text -r1", "", "runs=1", NULL},
	{"-p text --runs=10", "", "runs=10", NULL},
	{"-p text -r -1", "", "", NULL},
#define RUNS " is not possible; allowed: 1 and up, or -1 for no end"
	{"-p text -r 0", "", NULL, "--runs=0" RUNS},
	{"-p text --runs=-2", "", NULL, "--runs=-2" RUNS},
	{"-p text --runs=1.5", "", NULL, "--runs=1.5" RUNS},
	{"-p text --runs=2147483648", "", NULL, "--runs=2147483648" RUNS},
	{"-p text --runs=99999999999999999999", "", NULL, "--runs=99999999999999999999" RUNS},

	/* Where from */
	{"-p text -c qemu:///session", "", "connection=qemu:///session", NULL},
	{"-p text --connection=qemu+ssh://user@host/system --procfs=/mnt/proc", "",
	 "procfs=/mnt/proc connection=qemu+ssh://user@host/system", NULL},
	{"-p text --procfs=/h/proc --sysfs=/h/sys --rootfs=/h", "",
	 "procfs=/h/proc sysfs=/h/sys rootfs=/h", NULL},
	{"-p text --proxmox", "", "connector=proxmox", NULL},
	{"-p text --libvirt", "", "connector=libvirt", NULL},
	{"-p text --libvirt --libvirt", "", "connector=libvirt", NULL},
	{"-p text --proxmox --libvirt", "", NULL,
	 "--libvirt and --proxmox exclude each other: give one of them"},
	{"-p text --host-name=a --host-id=b", "", "host_name=a host_id=b", NULL},
	{"-p text --procfs=", "", NULL, "--procfs= is not possible; allowed: PATH, not empty"},

	/* Collectors: none is all */
	{"-p text --cpu", "", "ident cpu", NULL},
	{"-p text --cpu --mem --disk --net --io --pressure --host", "", "", NULL},
	{"-p text --io --pressure", "", "ident io pressure", NULL},
	{"-p text --host", "", "ident host", NULL},
	{"-p text --cpu=yes", "", NULL, "--cpu takes no value"},

	/* Printer and output */
	{"--printer=json", "", "printer=json", NULL},
	{"-popenmetrics", "", "printer=openmetrics", NULL},
	{"-p=json -H", "", "human printer=json", NULL},
	{"-p xml", "", NULL,
	 "--printer=xml is not possible; allowed: ncurses, text, json, openmetrics, auto"},
	{"-p TEXT", "", NULL,
	 "--printer=TEXT is not possible; allowed: ncurses, text, json, openmetrics, auto"},
	{"", "", "printer=ncurses interactive", NULL},
	{"-p ncurses --cpu", "", "ident cpu printer=ncurses interactive", NULL},
	{"-o tcp", "", "printer=ncurses output=tcp interactive", NULL},
	{"-p text -o file --target=/tmp/x", "", "output=file target=/tmp/x", NULL},
	{"-p json -o tcp --target=[::1]:5000", "", "printer=json output=tcp target=[::1]:5000",
	 NULL},
	{"-p json --output=udp --target h:1", "", "printer=json output=udp target=h:1", NULL},
	{"-p text -o file", "", NULL, "--output=file needs --target=PATH"},
	{"-p text -o tcp", "", NULL, "--output=tcp needs --target=HOST:PORT"},
	{"-p text -o udp", "", NULL, "--output=udp needs --target=HOST:PORT"},
	{"-p text -o http", "", NULL,
	 "--output=http is not possible; allowed: stdout, file, tcp, udp"},
	{"-p text --target=x", "", "target=x target_unused", NULL},
	{"-p text --netdev=eno1,eno2 --storedev=sda", "", "netdev=eno1,eno2 storedev=sda", NULL},
	{"-p text --human --verbose", "", "verbose human", NULL},
	{"-p text --log-level=debug", "", "log_level=debug", NULL},
	{"-p text --log-level=loud", "", NULL,
	 "--log-level=loud is not possible; allowed: error, warning, notice, debug"},

	/* Another source than this host */
	{"--connect=tcp://centre:7411", "", "printer=ncurses connect=tcp://centre:7411 interactive",
	 NULL},
	{"-p json --connect=tcp://[::1]:7409 --key-file=k", "",
	 "printer=json connect=tcp://[::1]:7409 key_file=k", NULL},
	{"-p text --connect=tcp://10.0.0.1:7411 --insecure --cpu", "",
	 "ident cpu connect=tcp://10.0.0.1:7411 insecure", NULL},
#define TCP_ONLY " is not possible; allowed: tcp://HOST:PORT"
	{"--connect=http://centre:7411", "", NULL, "--connect=http://centre:7411" TCP_ONLY},
	{"--connect=centre:7411", "", NULL, "--connect=centre:7411" TCP_ONLY},
	{"--connect=ipc:///run/x", "", NULL, "--connect=ipc:///run/x" TCP_ONLY},
	{"--connect=tcp://centre", "", NULL, "--connect=tcp://centre" TCP_ONLY},
	{"--connect=tcp://centre:0", "", NULL, "--connect=tcp://centre:0" TCP_ONLY},
	{"--connect=tcp://a:1,tcp://b:1", "", NULL, "--connect=tcp://a:1,tcp://b:1" TCP_ONLY},
	{"--replay=f", "", "printer=ncurses replay=f interactive", NULL},
	{"-p text --replay=f --vm=a", "", "vm=a replay=f", NULL},
	{"--replay=f --connect=tcp://a:1", "", NULL,
	 "--connect and --replay exclude each other: give one of them"},
	{"--replay=f --record=g", "", NULL,
	 "--record and --replay exclude each other: a recording is copied as any file"},
	/* What has no use there is said, if it was said here. */
	{"-p text --connect=tcp://a:1 --procfs=/x --libvirt --netdev=a --history=1h", "",
	 "procfs=/x connector=libvirt netdev=a connect=tcp://a:1 history=3600 "
	 "unused: --procfs, --history, --libvirt, --netdev",
	 NULL},
	{"-p text --connect=tcp://a:1", "PROXTOP_PROCFS=/x PROXTOP_HISTORY=1h",
	 "procfs=/x connect=tcp://a:1 history=3600", NULL},
	{"-p text --key-file=k --insecure", "",
	 "key_file=k insecure unused: --key-file, --insecure", NULL},
	{"-p text", "PROXTOP_KEY_FILE=k PROXTOP_INSECURE=1", "key_file=k insecure", NULL},
	{"-p text --replay=f -c x --proxmox --qmp-interval=9 --host-name=a --host-id=b "
	 "--storedev=s --sysfs=/s --rootfs=/r --history-memory=1M --key-file=k --procfs=/p",
	 "",
	 "procfs=/p sysfs=/s rootfs=/r connection=x connector=proxmox storedev=s qmp_interval=9 "
	 "host_name=a host_id=b replay=f key_file=k history_memory=1.04858e+06 unused: "
	 "--connection, --procfs, --sysfs, --rootfs, --qmp-interval, --host-name, --host-id, "
	 "--key-file, --history-memory, --proxmox, --storedev",
	 NULL},

	/* Recording */
	{"--record=f", "", "printer=ncurses record=f record_only", NULL},
	{"--record=f -o tcp", "", "printer=ncurses output=tcp record=f record_only", NULL},
	{"--record=f -p json", "", "printer=json record=f", NULL},
	{"--record=f -p ncurses", "", "printer=ncurses record=f interactive", NULL},
	{"--record=f", "PROXTOP_PRINTER=text", "record=f", NULL},
	{"--record=f --keys=q", "", "printer=ncurses record=f keys=q interactive", NULL},
	{"--record=f --connect=tcp://a:1", "",
	 "printer=ncurses connect=tcp://a:1 record=f record_only", NULL},

	/* History and screen */
	{"--history=0", "", "printer=ncurses history=0 interactive", NULL},
	{"--history=2h --history-memory=1G", "",
	 "printer=ncurses history=7200 history_memory=1.07374e+09 interactive", NULL},
	{"--history=8d", "", NULL,
	 "--history=8d is not possible; allowed: a time with ms, s, m, h or d (without: s), from 0 "
	 "to 7d"},
	{"--screen=80x24 --keys=c>q", "", "printer=ncurses screen=80x24 keys=c>q interactive",
	 NULL},
	{"--screen=20x5", "", "printer=ncurses screen=20x5 interactive", NULL},
	{"--screen=1000x500 --mouse", "", "printer=ncurses screen=1000x500 mouse interactive",
	 NULL},
#define SCREEN " is not possible; allowed: COLSxROWS from 20x5 to 1000x500"
	{"--screen=80", "", NULL, "--screen=80" SCREEN},
	{"--screen=x24", "", NULL, "--screen=x24" SCREEN},
	{"--screen=80x", "", NULL, "--screen=80x" SCREEN},
	{"--screen=80x24x", "", NULL, "--screen=80x24x" SCREEN},
	{"--screen=80x-24", "", NULL, "--screen=80x-24" SCREEN},
	{"--screen=80x+24", "", NULL, "--screen=80x+24" SCREEN},
	{"--screen=-80x24", "", NULL, "--screen=-80x24" SCREEN},
	{"--screen=19x24", "", NULL, "--screen=19x24" SCREEN},
	{"--screen=80x4", "", NULL, "--screen=80x4" SCREEN},
	{"--screen=1001x24", "", NULL, "--screen=1001x24" SCREEN},
	{"--screen=99999999999x24", "", NULL, "--screen=99999999999x24" SCREEN},
	{"-p text --screen=80x24", "", NULL,
	 "--screen is for --printer=ncurses (the default) only"},
	{"-p json --keys=q", "", NULL, "--keys is for --printer=ncurses (the default) only"},

	/* VMs */
	{"-p text --vm=a --vm=b*,100", "", "vm=a vm=b* vm=100", NULL},
	{"-p text --vm=a,,b", "", NULL,
	 "--vm=a,,b is not possible; allowed: PATTERN,... (at most 256, none empty)"},
	{"-p text --vm=", "", NULL,
	 "--vm= is not possible; allowed: PATTERN,... (at most 256, none empty)"},

	/* Instead of measuring: what is needed for it is not asked for */
	{"-h", "", "help printer=ncurses", NULL},
	{"--help --bogus", "", "help printer=ncurses", NULL},
	{"-v", "PROXTOP_FREQUENCY=bad", "version printer=ncurses", NULL},
	{"-Hv", "", "version human printer=ncurses", NULL},
	{"--check", "", "check printer=ncurses", NULL},
	{"--check --cpu -o tcp", "", "check ident cpu printer=ncurses output=tcp", NULL},
	{"--list-metrics", "", "list_metrics=text printer=ncurses", NULL},
	{"--list-metrics=markdown", "", "list_metrics=markdown printer=ncurses", NULL},
	{"--list-metrics=html", "", NULL,
	 "--list-metrics=html is not possible; allowed: text, markdown"},
	{"--list-keys", "", "list_keys=1 printer=ncurses", NULL},
	{"--list-options", "", "list_options=1 printer=ncurses", NULL},
	{"--list-options=markdown", "", "list_options=1 printer=ncurses", NULL},

	/* What nobody knows */
	{"--bogus", "", NULL, "unknown option --bogus; proxtop --help lists the options"},
	{"-p text --bogus=3 --cpu", "", NULL,
	 "unknown option --bogus; proxtop --help lists the options"},
	{"-p text --frequncy=3", "", NULL,
	 "unknown option --frequncy; did you mean --frequency? (proxtop --help lists all)"},
	{"--=3", "", NULL, "unknown option --; proxtop --help lists the options"},
	{"-z", "", NULL, "unknown option -z; proxtop --help lists the options"},
	{"-?", "", NULL, "unknown option -?; proxtop --help lists the options"},
	{"--usage", "", NULL, "unknown option --usage; proxtop --help lists the options"},
	{"-Hz", "", NULL, "unknown option -z; proxtop --help lists the options"},
	{"-Hzx", "", NULL, "unknown option -z; proxtop --help lists the options"},
	{"-c -x -zv", "", NULL, "unknown option -z; proxtop --help lists the options"},
	{"--pro", "", NULL, "--pro can mean --procfs, --proxmox: write more of it"},
	{"-p", "", NULL,
	 "--printer needs a value; allowed: ncurses, text, json, openmetrics, auto"},
	{"-p text -Hf", "", NULL, "--frequency needs a value; allowed: seconds from 0.1 to 86400"},
	{"--frequency", "", NULL, "--frequency needs a value; allowed: seconds from 0.1 to 86400"},
	{"--freq", "", NULL, "--frequency needs a value; allowed: seconds from 0.1 to 86400"},
	{"-p text all", "", NULL, "surplus argument all; proxtop takes options only"},
	{"-p text -- --cpu", "", NULL, "surplus argument --cpu; proxtop takes options only"},
	{"-p text -", "", NULL, "surplus argument -; proxtop takes options only"},

	/* The environment: below the command line, above the defaults */
	{"", "PROXTOP_PRINTER=json", "printer=json", NULL},
	{"-p text", "PROXTOP_PRINTER=json", "", NULL},
	{"-p text", "PROXTOP_PRINTER=bogus", "", NULL},
	{"-p json -o tcp", "PROXTOP_TARGET=192.168.50.230:12345",
	 "printer=json output=tcp target=192.168.50.230:12345", NULL},
	{"-p text", "PROXTOP_TARGET=h:1", "target=h:1", NULL},
	{"-p text", "PROXTOP_TARGET= PROXTOP_FREQUENCY=", "", NULL},
	{"-p text", "PROXTOP_FREQUENCY=0.5 PROXTOP_RUNS=3 PROXTOP_LOG_LEVEL=error",
	 "frequency=0.5 runs=3 log_level=error", NULL},
	{"-p text -f 7", "PROXTOP_FREQUENCY=0.5", "frequency=7", NULL},
	{"-p text", "PROXTOP_QMP_INTERVAL=10 PROXTOP_HOST_NAME=n PROXTOP_HOST_ID=i",
	 "qmp_interval=10 host_name=n host_id=i", NULL},
	{"-p text", "PROXTOP_VERBOSE=1 PROXTOP_HUMAN=yes", "verbose human", NULL},
	{"-p text", "PROXTOP_VERBOSE=True PROXTOP_HUMAN=ON", "verbose human", NULL},
	{"-p text", "PROXTOP_VERBOSE=0 PROXTOP_HUMAN=off", "", NULL},
	{"-p text --verbose", "PROXTOP_VERBOSE=no", "verbose", NULL},
	{"-p text", "PROXTOP_CPU=1 PROXTOP_MEM=true PROXTOP_IO=0", "ident cpu mem", NULL},
	{"-p text --net", "PROXTOP_CPU=1", "ident cpu net", NULL},
	{"-p text", "PROXTOP_CPU=no", "", NULL},
	{"-p text", "PROXTOP_VM=a,b", "vm=a vm=b", NULL},
	{"-p text --vm=c", "PROXTOP_VM=a,b", "vm=c", NULL},
	{"-p text", "PROXTOP_PROXMOX=yes", "connector=proxmox", NULL},
	{"-p text", "PROXTOP_PROXMOX=no PROXTOP_LIBVIRT=yes", "connector=libvirt", NULL},
	{"-p text --libvirt", "PROXTOP_PROXMOX=yes", "connector=libvirt", NULL},
	{"-p text", "PROXTOP_PROXMOX=yes PROXTOP_LIBVIRT=yes", NULL,
	 "PROXTOP_LIBVIRT and PROXTOP_PROXMOX exclude each other: give one of them"},
	{"-p text", "PROXTOP_CPU=maybe", NULL,
	 "PROXTOP_CPU=maybe is not possible; allowed: yes, no"},
	{"-p text", "PROXTOP_FREQUENCY=fast", NULL, "PROXTOP_FREQUENCY=fast" SECONDS},
	{"-p text", "PROXTOP_OUTPUT=mail", NULL,
	 "PROXTOP_OUTPUT=mail is not possible; allowed: stdout, file, tcp, udp"},
	{"-p text", "PROXTOP_OUTPUT=tcp", NULL, "--output=tcp needs --target=HOST:PORT"},
	{"-p text", "PROXTOP_VERSION=1.2 PROXTOP_HELP=1 PROXTOP_CHECK=1", "", NULL},
	{"-p text", "PROXTOP=1 PROXTOPCPU=1 proxtop_cpu=1 XPROXTOP_CPU=1", "", NULL},
};

static void options_as_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct option_case *c = &cases[i];
		char *args = NULL, *argv[ARGS_MAX], *env = strdup(c->env), *envp[ARGS_MAX];
		char why[512], got[1024] = "";
		struct options o;
		int argc, r;

		assert_true(asprintf(&args, "proxtop %s", c->args) > 0);
		argc = split(args, argv, ARGS_MAX);
		split(env, envp, ARGS_MAX);
		r = options_parse(&o, argc, argv, envp, why, sizeof(why));
		if (r < 0 && !c->error)
			fail_msg("[%s] with [%s]: refused: %s", c->args, c->env, why);
		if (r == 0 && c->error)
			fail_msg("[%s] with [%s]: accepted", c->args, c->env);
		if (c->error && strcmp(why, c->error))
			fail_msg("[%s] with [%s]:\n  says %s\n  not  %s", c->args, c->env, why,
				 c->error);
		if (c->want) {
			dump(&o, got, sizeof(got));
			if (strcmp(got, c->want))
				fail_msg("[%s] with [%s]: gives '%s', not '%s'", c->args, c->env,
					 got, c->want);
		}
		options_fini(&o);
		free(args);
		free(env);
	}
}

/* The names and letters of the original are a promise. */
static void originals_are_kept(void **state)
{
	static const struct {
		const char *name;
		char letter;
		const char *fallback;
	} original[] = {
		{"version", 'v', NULL},    {"frequency", 'f', "2"},
		{"runs", 'r', "-1"},       {"connection", 'c', "qemu:///system"},
		{"procfs", 0, "/proc"},    {"verbose", 0, NULL},
		{"proxmox", 0, NULL},      {"libvirt", 0, NULL},
		{"cpu", 0, NULL},          {"mem", 0, NULL},
		{"disk", 0, NULL},         {"net", 0, NULL},
		{"io", 0, NULL},           {"pressure", 0, NULL},
		{"host", 0, NULL},         {"printer", 'p', "ncurses"},
		{"output", 'o', "stdout"}, {"target", 0, NULL},
		{"netdev", 0, NULL},       {"storedev", 0, NULL},
		{"help", 'h', NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(original) / sizeof(*original); i++) {
		const struct option_row *row = option_find(&options_table, original[i].name);

		if (!row)
			fail_msg("--%s is gone", original[i].name);
		if (row->letter != original[i].letter)
			fail_msg("--%s: its letter changed", original[i].name);
		if (!row->fallback != !original[i].fallback ||
		    (row->fallback && strcmp(row->fallback, original[i].fallback)))
			fail_msg("--%s: its default changed", original[i].name);
	}
}

static void table_is_sound(void **state)
{
	const struct option_table *t = &options_table;

	(void)state;
	assert_true(t->n <= OPTION_ROWS_MAX);
	for (size_t i = 0; i < t->n; i++) {
		const struct option_row *row = &t->rows[i];
		struct options o = {0};
		char why[256];
		struct option_parse p = {
			.table = t, .into = &o, .why = why, .why_size = sizeof(why)};
		bool flag = row->type <= OPTION_SET;

		if (strlen(row->name) > 31)
			fail_msg("--%s is too long a name", row->name);
		if (flag != !row->arg)
			fail_msg("--%s: a flag has no argument, all others have", row->name);
		if (row->group && i && row->group < t->rows[i - 1].group)
			fail_msg("--%s: its group is not in one piece", row->name);
		if (row->fallback && option_set(&p, row, FROM_DEFAULT, row->name, row->fallback))
			fail_msg("--%s: its own default is refused: %s", row->name, why);
		if (row->implied && option_set(&p, row, FROM_DEFAULT, row->name, row->implied))
			fail_msg("--%s: what it implies is refused: %s", row->name, why);
		options_fini(&o);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(row->name, t->rows[j].name) ||
			    (row->letter && row->letter == t->rows[j].letter))
				fail_msg("--%s and --%s are alike", row->name, t->rows[j].name);
	}
}

static void collectors_are_the_families(void **state)
{
	(void)state;
	for (unsigned f = F_IDENT + 1; f < FAMILIES; f++) {
		const struct option_row *row = option_find(&options_table, family_names[f]);

		if (!row || row->type != OPTION_BITS || row->value != 1u << f)
			fail_msg("--%s does not stand for its family", family_names[f]);
	}
}

static void printers_are_all_there(void **state)
{
	size_t i;

	(void)state;
	assert_string_equal(printer_choices[PRINTER_NCURSES], "ncurses");
	for (i = 0; printer_names[i]; i++)
		assert_string_equal(printer_choices[i + 1], printer_names[i]);
	assert_string_equal(printer_choices[i + 1], "auto");
	assert_int_equal(i + 1, PRINTER_AUTO);
	assert_null(printer_choices[i + 2]);
	assert_string_equal(printer_choices[PRINTER_TEXT], "text");
}

/* A container's variable, split by the program itself. */
static void arguments_come_from_a_variable(void **state)
{
	static const struct option_case words[] = {
		{"--arguments-from=P", "P=-c qemu:///system --printer=json --cpu --mem", NULL,
		 NULL},
		{"--arguments-from=P --runs=3", "P=--printer=text --runs=2", "runs=3", NULL},
		{"--arguments-from=P -p text", "P=  \t --vm='a b',c\\ d \"--target=x\" ",
		 "target=x vm=a b vm=c d target_unused", NULL},
		{"-p text --arguments-from=Q", "P=--runs=2", "", NULL},
		{"-p text --arguments-from=P", "P=--vm='a", NULL,
		 "--arguments-from=P: a quote is not closed"},
		{"-p text --arguments-from=P", "P=--rums=2", NULL,
		 "unknown option --rums; did you mean --runs? (proxtop --help lists all)"},
		{"-p text --vm=a --arguments-from=P", "P=--vm=b", "vm=b vm=a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char *args = strdup(words[i].args), *argv[ARGS_MAX], got[1024] = "", why[512];
		char *envp[] = {(char *)words[i].env, NULL};
		struct options o;
		int argc, r;

		argv[0] = "proxtop";
		argc = 1 + (int)split(args, argv + 1, ARGS_MAX - 1);
		r = options_parse(&o, argc, argv, envp, why, sizeof(why));
		if ((r < 0) != (words[i].error != NULL) || (r < 0 && strcmp(why, words[i].error)))
			fail_msg("[%s] [%s]: %d '%s'", words[i].args, words[i].env, r, why);
		if (!r && words[i].want) {
			dump(&o, got, sizeof(got));
			if (!strstr(got, words[i].want))
				fail_msg("[%s] [%s]: '%s', not '%s'", words[i].args, words[i].env,
					 got, words[i].want);
		}
		if (!i && !(o.printer == 2 && o.connection && o.families & 1u << F_MEM &&
			    !(o.families & 1u << F_NET)))
			fail_msg("the words of the original's image are not taken");
		options_fini(&o);
		free(args);
	}
}

/* Not on a terminal, as here: text; nothing is chosen by it. */
static void auto_is_found_out(void **state)
{
	static const struct option_case found[] = {
		{"--runs=1", "PROXTOP_PRINTER=auto", "runs=1", NULL},
		{"--record=f", "PROXTOP_PRINTER=auto", "record=f record_only", NULL},
		{"--screen=80x24", "PROXTOP_PRINTER=auto",
		 "printer=ncurses screen=80x24 interactive", NULL},
		{"--printer=auto", "", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
		char *args = strdup(found[i].args), *argv[ARGS_MAX], got[1024] = "", why[512];
		char *envp[] = {*found[i].env ? (char *)found[i].env : NULL, NULL};
		struct options o;

		argv[0] = "proxtop";
		if (options_parse(&o, 1 + (int)split(args, argv + 1, ARGS_MAX - 1), argv, envp, why,
				  sizeof(why)))
			fail_msg("[%s]: %s", found[i].args, why);
		dump(&o, got, sizeof(got));
		if (strcmp(got, found[i].want))
			fail_msg("[%s] [%s]: '%s', not '%s'", found[i].args, found[i].env, got,
				 found[i].want);
		options_fini(&o);
		free(args);
	}
}

static void unknown_variables_are_named(void **state)
{
	static const struct {
		const char *env, *want;
	} unknown[] = {
		{"", ""},
		{"HOME=/root PROXTOP_TARGET=x PROXTOP_LOG_LEVEL=debug", ""},
		{"PROXTOP_TARGE=x", "PROXTOP_TARGE"},
		{"PROXTOP_TARGETS=x A=1 PROXTOP_=2", "PROXTOP_TARGETS, PROXTOP_"},
		{"PROXTOP_LOG-LEVEL=x", "PROXTOP_LOG-LEVEL"},
		{"PROXTOP_VERSION=1", "PROXTOP_VERSION"},
		{"PROXTOP_a\033[1m=1", "PROXTOP_a?[1m"},
		{"PROXTOP_0123456789=1 PROXTOP_0123456789=1 PROXTOP_0123456789=1 "
		 "PROXTOP_0123456789=1",
		 "PROXTOP_0123456789, PROXTOP_0123456789, PROXTOP_0123456789, ..."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		char *env = strdup(unknown[i].env), *envp[ARGS_MAX], got[64];

		split(env, envp, ARGS_MAX);
		option_unknown_variables(&options_table, envp, got, sizeof(got));
		if (strcmp(got, unknown[i].want))
			fail_msg("[%s]: names '%s', not '%s'", unknown[i].env, got,
				 unknown[i].want);
		free(env);
	}
}

static void list_is_bounded(void **state)
{
	char text[4 * OPTION_LIST_MAX + 16] = "--vm=", why[512];
	char *argv[] = {(char *)"proxtop", (char *)"-ptext", text, NULL}, *envp[] = {NULL};
	struct options o;

	(void)state;
	for (unsigned i = 0; i < OPTION_LIST_MAX; i++)
		strcat(text, i ? ",a" : "a");
	assert_int_equal(options_parse(&o, 3, argv, envp, why, sizeof(why)), 0);
	assert_int_equal(o.vm.n, OPTION_LIST_MAX);
	options_fini(&o);
	strcat(text, ",a");
	assert_true(options_parse(&o, 3, argv, envp, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, "at most 256"));
	options_fini(&o);
}

static void measure_gets_what_was_asked(void **state)
{
	char *argv[] = {(char *)"proxtop",          (char *)"-ptext",      (char *)"--cpu",
			(char *)"--libvirt",        (char *)"--rootfs=/h", (char *)"--verbose",
			(char *)"--qmp-interval=7", (char *)"--netdev=n",  NULL};
	char *envp[] = {NULL}, why[512];
	struct measure_options m;
	struct options o;

	(void)state;
	assert_int_equal(options_parse(&o, 8, argv, envp, why, sizeof(why)), 0);
	m = options_measure(&o);
	assert_int_equal(m.families, 1u << F_IDENT | 1u << F_CPU);
	assert_int_equal(m.connector, CONNECT_LIBVIRT);
	assert_string_equal(m.rootfs, "/h");
	assert_string_equal(m.procfs, "/proc");
	assert_string_equal(m.netdev, "n");
	assert_null(m.storedev);
	assert_null(m.connection); /* one that is given chooses libvirt */
	assert_true(m.verbose && m.qmp_interval == 7 && !m.synchronous);
	options_fini(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_as_given),
		cmocka_unit_test(originals_are_kept),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(collectors_are_the_families),
		cmocka_unit_test(printers_are_all_there),
		cmocka_unit_test(arguments_come_from_a_variable),
		cmocka_unit_test(auto_is_found_out),
		cmocka_unit_test(unknown_variables_are_named),
		cmocka_unit_test(list_is_bounded),
		cmocka_unit_test(measure_gets_what_was_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
