/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include "log.h"
#include "printer.h"
#include "sink.h"

#include <errno.h>
#include <string.h>

const char *const reference_formats[] = {"text", "markdown", NULL};
const char *const printer_choices[] = {"ncurses", "text", "json", "openmetrics", NULL};

static const char *const markdown_only[] = {"markdown", NULL};

/* What only proxtop-agent and proxtop-aggregator have: one /etc/proxtop.conf may serve all. */
static const char *const others[] = {
	"aggregator", "feed",     "forget",          "history",  "history-memory", "http",
	"http-cert",  "http-key", "http-token-file", "insecure", "key-file",       "listen",
	"max-hosts",  "spool",    "spool-dir",       NULL,
};

enum group { GENERAL, HYPERVISOR, COLLECTORS, OUTPUT, HELP };
static const char *const groups[] = {"Application Options", "Hypervisor Selection", "Collectors",
				     "Output", "Help Options"};

#define AT(field) .offset = offsetof(struct options, field)
#define COLLECTOR(family, text, about)                                                             \
	{                                                                                          \
		.name = text, .type = OPTION_BITS, AT(families), .value = 1u << (family),          \
		.group = COLLECTORS, .help = about                                                 \
	}

/* clang-format off */
static const struct option_row rows[] = {
	{.name = "frequency", .letter = 'f', .arg = "SECONDS", .type = OPTION_SECONDS,
	 AT(frequency), .fallback = "2", .min = 0.1, .max = 86400, .group = GENERAL,
	 .help = "Time between two cycles, decimals are possible"},
	{.name = "runs", .letter = 'r', .arg = "N", .type = OPTION_COUNT,
	 AT(runs), .fallback = "-1", .group = GENERAL,
	 .help = "Number of cycles to print; the first one comes after 200 ms"},
	{.name = "connection", .letter = 'c', .arg = "URI", .type = OPTION_TEXT,
	 AT(connection), .fallback = "qemu:///system", .group = GENERAL, .bits = OPTION_UNSET,
	 .help = "Connection URI of the libvirt daemon; given, it chooses the libvirt connector"},
	{.name = "procfs", .arg = "PATH", .type = OPTION_TEXT,
	 AT(procfs), .fallback = "/proc", .group = GENERAL,
	 .help = "Where the host's proc filesystem is mounted"},
	{.name = "sysfs", .arg = "PATH", .type = OPTION_TEXT,
	 AT(sysfs), .fallback = "/sys", .group = GENERAL,
	 .help = "Where the host's sys filesystem is mounted"},
	{.name = "rootfs", .arg = "PATH", .type = OPTION_TEXT,
	 AT(rootfs), .fallback = "/", .group = GENERAL,
	 .help = "Where the host's root is: its /etc/pve, /run and disk images are looked for below"},
	{.name = "qmp-interval", .arg = "SECONDS", .type = OPTION_SECONDS,
	 AT(qmp_interval), .fallback = "5", .min = 0.1, .max = 86400, .group = GENERAL,
	 .help = "Least time between two questions to one VM (libvirt and QMP)"},
	{.name = "host-name", .arg = "NAME", .type = OPTION_TEXT,
	 AT(host_name), .group = GENERAL,
	 .help = "Name of this host instead of the one found, as in a container"},
	{.name = "host-id", .arg = "ID", .type = OPTION_TEXT,
	 AT(host_id), .group = GENERAL,
	 .help = "Identity of this host instead of /etc/machine-id, as in a container"},
	{.name = "verbose", .type = OPTION_FLAG,
	 AT(verbose), .group = GENERAL,
	 .help = "More metrics, and in json what is below a VM and the host"},
	{.name = "log-level", .arg = "LEVEL", .type = OPTION_CHOICE, .choices = log_level_names,
	 AT(log_level), .fallback = "notice", .group = GENERAL,
	 .help = "Messages on stderr up to this level"},
	{.name = "version", .letter = 'v', .type = OPTION_FLAG,
	 AT(version), .group = GENERAL, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show the version and exit"},

	{.name = "proxmox", .type = OPTION_SET,
	 AT(connector), .value = CONNECT_PROXMOX, .group = HYPERVISOR,
	 .help = "Use the Proxmox VE connector (found out by default)"},
	{.name = "libvirt", .type = OPTION_SET,
	 AT(connector), .value = CONNECT_LIBVIRT, .group = HYPERVISOR,
	 .help = "Use the libvirt connector (found out by default)"},

	/* The names are family_names[], a unit test says so. */
	COLLECTOR(F_CPU, "cpu", "CPU metrics"),
	COLLECTOR(F_MEM, "mem", "Memory metrics"),
	COLLECTOR(F_DISK, "disk", "Disk metrics"),
	COLLECTOR(F_NET, "net", "Network metrics"),
	COLLECTOR(F_IO, "io", "I/O metrics of the QEMU processes (needs root)"),
	COLLECTOR(F_PRESSURE, "pressure", "Pressure stall information (needs Linux 4.20 and psi=1)"),
	COLLECTOR(F_HOST, "host", "Name and identity of the host"),

	{.name = "printer", .letter = 'p', .arg = "FORMAT", .type = OPTION_CHOICE,
	 .choices = printer_choices, AT(printer), .fallback = "ncurses", .group = OUTPUT,
	 .help = "How to show it"},
	{.name = "output", .letter = 'o', .arg = "WHERE", .type = OPTION_CHOICE,
	 .choices = sink_outputs, AT(output), .fallback = "stdout", .group = OUTPUT,
	 .help = "Where to write it"},
	{.name = "target", .arg = "TARGET", .type = OPTION_TEXT,
	 AT(target), .group = OUTPUT,
	 .help = "For file: its path; for tcp and udp: host:port or [IPv6 address]:port"},
	{.name = "netdev", .arg = "DEVICES", .type = OPTION_TEXT,
	 AT(netdev), .group = OUTPUT,
	 .help = "Network devices that the host's sums are made of, comma separated, instead of the physical ones"},
	{.name = "storedev", .arg = "DEVICES", .type = OPTION_TEXT,
	 AT(storedev), .group = OUTPUT,
	 .help = "Disks that the host's sums are made of, comma separated, instead of the physical ones"},
	{.name = "human", .letter = 'H', .type = OPTION_FLAG,
	 AT(human), .group = OUTPUT,
	 .help = "Numbers with K, M, G in text (never in json and openmetrics)"},
	{.name = "vm", .arg = "PATTERN", .type = OPTION_LIST,
	 AT(vm), .group = OUTPUT,
	 .help = "Show only VMs whose name, UUID or VMID matches; *, ? and [...] as in a shell, upper and lower case are the same; several: comma separated or repeated"},

	{.name = "help", .letter = 'h', .type = OPTION_FLAG,
	 AT(help), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show this help and exit"},
	{.name = "check", .type = OPTION_FLAG,
	 AT(check), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Say which sources, permissions and VMs this host gives, and exit: 0 when nothing is wrong, else 1"},
	{.name = "generate-key", .type = OPTION_FLAG,
	 AT(generate_key), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Print a new key for --key-file of agents, aggregators and consoles, and exit"},
	{.name = "list-metrics", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "text",
	 .choices = reference_formats, AT(list_metrics), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show all metrics and exit"},
	{.name = "list-options", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = markdown_only, AT(list_options), .value = 1, .group = HELP,
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
	.env_prefix = "PROXTOP_",
	.summary = "What every virtual machine on this KVM or Proxmox VE host really costs.\v"
		   "Without a collector option all of them are on.  Each option may also come from "
		   "the environment: PROXTOP_TARGET is --target; the command line wins.",
	.others = others,
};

/* What one option alone cannot know. */
static int check_together(struct options *o, struct option_parse *p)
{
	const char *output = sink_outputs[o->output];
	bool takes_target = strcmp(output, "stdout") != 0;

	if (!o->families)
		o->families = (1u << FAMILIES) - 1;
	o->families |= 1u << F_IDENT;
	if (o->check || o->generate_key || o->list_metrics || o->list_options)
		return 0;
	if (o->printer == PRINTER_NCURSES)
		return option_fail(
			p, "the interactive console (--printer=ncurses, the default) is not there "
			   "yet; allowed: --printer=text, --printer=json, --printer=openmetrics");
	if (takes_target && !o->target)
		return option_fail(p, "--output=%s needs --target=%s", output,
				   strcmp(output, "file") ? "HOST:PORT" : "PATH");
	o->target_unused = !takes_target && option_origin(p, "target") == FROM_COMMAND_LINE;
	return 0;
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
	if (r < 0 || o->help || o->version)
		return r;
	r = option_environment(&p, envp);
	if (r < 0)
		return r;
	return check_together(o, &p);
}

void options_fini(struct options *o)
{
	option_list_fini(&o->vm);
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
