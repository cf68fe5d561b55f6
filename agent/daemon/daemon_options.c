/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_options.h"

#include "log.h"
#include "measure_options.h"
#include "option_reference.h"

#include <errno.h>
#include <string.h>

/* What only proxtop has: one /etc/proxtop.conf may serve both. */
static const char *const others[] = {
	"runs",    "verbose", "printer", "output", "target", "human", "vm",
	"connect", "record",  "replay",  "screen", "keys",   "mouse", NULL,
};

enum group { NETWORK, KEPT, MEASURING, COLLECTORS, SECURITY, HELP };
static const char *const groups[] = {"Network",    "What is kept", "Measuring",
				     "Collectors", "Security",     "Help Options"};

#define AT(field) .offset = offsetof(struct daemon_options, field)
#define MIB       1048576.0
#define DAY       86400.0

/* clang-format off */
static const struct option_row rows[] = {
	{.name = "aggregator", .arg = "URL[,URL...]", .type = OPTION_TEXT,
	 AT(aggregator), .group = NETWORK,
	 .help = "Send the samples to this aggregator, tcp://HOST:PORT; of several that share the load, to one"},
	{.name = "feed", .arg = "URL", .type = OPTION_TEXT,
	 AT(feed), .fallback = "tcp://127.0.0.1:7409", .group = NETWORK,
	 .help = "Where consoles read; none for none"},
	{.name = "http", .arg = "ADDR:PORT", .type = OPTION_TEXT,
	 AT(http), .fallback = "none", .group = NETWORK,
	 .help = "Where /metrics (OpenMetrics), /healthz and /readyz are served; none for none"},

	{.name = "spool", .arg = "SIZE", .type = OPTION_SIZE,
	 AT(spool), .fallback = "64M", .min = MIB, .max = 1048576 * MIB, .group = KEPT,
	 .help = "The most memory, or with --spool-dir disk, for samples that no aggregator has committed; beyond it the oldest are dropped"},
	{.name = "spool-dir", .arg = "DIR", .type = OPTION_TEXT,
	 AT(spool_dir), .group = KEPT,
	 .help = "Keep them in files too, so that a restart of the agent loses none"},
	{.name = "history", .arg = "DURATION", .type = OPTION_DURATION,
	 AT(history_ns), .fallback = "10m", .min = 0, .max = 7 * DAY, .group = KEPT,
	 .help = "How long samples are kept in memory for consoles"},
	{.name = "history-memory", .arg = "SIZE", .type = OPTION_SIZE,
	 AT(history_bytes), .fallback = "32M", .min = MIB, .max = 1048576 * MIB, .group = KEPT,
	 .help = "The most memory those take"},

	{.name = "frequency", .letter = 'f', .arg = "SECONDS", .type = OPTION_SECONDS,
	 AT(frequency), .fallback = "1", .min = 0.1, .max = 86400, .group = MEASURING,
	 .help = "Time between two samples; they are taken at the clock's whole multiples of it"},
	MEASURE_CONNECTOR_ROWS(MEASURING, 0),
	MEASURE_SOURCE_ROWS(MEASURING, 0),
	MEASURE_DEVICE_ROWS(MEASURING, 0),
	{.name = "log-level", .arg = "LEVEL", .type = OPTION_CHOICE, .choices = log_level_names,
	 AT(log_level), .fallback = "notice", .group = MEASURING,
	 .help = "Messages on stderr up to this level"},

	MEASURE_COLLECTOR_ROWS(COLLECTORS),

	{.name = "key-file", .arg = "FILE", .type = OPTION_TEXT,
	 AT(key_file), .group = SECURITY,
	 .help = "The cluster's keys, one a line: uplink and feed are sealed with the first, all are accepted"},
	{.name = "insecure", .type = OPTION_FLAG,
	 AT(insecure), .group = SECURITY,
	 .help = "Speak beyond loopback without a key, and serve http there without a token"},
	{.name = "http-cert", .arg = "FILE", .type = OPTION_TEXT,
	 AT(http_cert), .group = SECURITY,
	 .help = "Certificate chain (PEM): http is TLS"},
	{.name = "http-key", .arg = "FILE", .type = OPTION_TEXT,
	 AT(http_key), .group = SECURITY,
	 .help = "Its private key (PEM)"},
	{.name = "http-token-file", .arg = "FILE", .type = OPTION_TEXT,
	 AT(http_token_file), .group = SECURITY,
	 .help = "The bearer token that /metrics wants"},

	{.name = "help", .letter = 'h', .type = OPTION_FLAG,
	 AT(help), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show this help and exit"},
	{.name = "version", .letter = 'v', .type = OPTION_FLAG,
	 AT(version), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show the version and exit"},
	{.name = "check", .type = OPTION_FLAG,
	 AT(check), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Say which sources, permissions and VMs this host gives, and exit: 0 when nothing is wrong, else 1"},
	{.name = "healthcheck", .type = OPTION_FLAG,
	 AT(healthcheck), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Ask the agent that runs with the same options, by its feed, and exit: 0 when its samples are fresh, else 1"},
	{.name = "list-options", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = option_formats_service, AT(list_options), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show the reference of these options and exit"},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(*rows) <= OPTION_ROWS_MAX, "raise OPTION_ROWS_MAX");

const struct option_table daemon_options_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(*rows),
	.groups = groups,
	.program = "proxtop-agent",
	.section = 8,
	.file = "/etc/proxtop/agent.conf",
	.example = "PROXTOP_AGGREGATOR=tcp://centre:7410\n"
		   "PROXTOP_KEY_FILE=/etc/proxtop/cluster.key\n"
		   "PROXTOP_FEED=none\n",
	.env_prefix = "PROXTOP_",
	.summary = "Measures this host and its virtual machines, and sends every sample to an "
		   "aggregator.\vWithout a collector option all of them are on.  Each option may "
		   "also come from the environment: PROXTOP_AGGREGATOR is --aggregator; the "
		   "command line wins.",
	.others = others,
};

static const char *unless_none(const char *value)
{
	return strcmp(value, "none") ? value : NULL;
}

/* What one option alone cannot know. */
static int check_together(struct daemon_options *o, struct option_parse *p)
{
	o->feed = unless_none(o->feed);
	o->http = unless_none(o->http);
	if (o->aggregator)
		o->aggregator = unless_none(o->aggregator);
	if (!o->http_cert != !o->http_key)
		return option_fail(p, "--http-cert and --http-key belong together: give both");
	return measure_options_check(p, &o->families, o->host_id, o->host_name);
}

int daemon_options_parse(struct daemon_options *o, int argc, char **argv, char *const *envp,
			 char *why, size_t why_size)
{
	struct option_parse p = {
		.table = &daemon_options_table, .into = o, .why = why, .why_size = why_size};
	int r;

	*o = (struct daemon_options){0};
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

struct measure_options daemon_options_measure(const struct daemon_options *o)
{
	return (struct measure_options){
		.procfs = o->procfs,
		.sysfs = o->sysfs,
		.rootfs = o->rootfs,
		.connection = o->connection,
		.connector = (enum connector)o->connector,
		.families = o->families,
		.verbose = true, /* what is left out here nobody can ask for */
		.netdev = o->netdev,
		.storedev = o->storedev,
		.qmp_interval = o->qmp_interval,
		.host_name = o->host_name,
		.host_id = o->host_id,
	};
}
