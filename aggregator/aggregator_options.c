/* SPDX-License-Identifier: Apache-2.0 */
#include "aggregator_options.h"

#include "log.h"
#include "option_reference.h"
#include "profile.h"

#include <errno.h>
#include <string.h>

enum group { NETWORK, OUTPUTS, KEPT, PROFILES, SECURITY, HELP };
static const char *const groups[] = {"Network",  "Outputs",  "What is kept",
				     "Profiles", "Security", "Help Options"};

#define AT(field) .offset = offsetof(struct aggregator_options, field)
#define OF(field) .offset = offsetof(struct aggregator_options, profile.field)
#define MIB       1048576.0
#define DAY       86400.0

/* clang-format off */
static const struct option_row rows[] = {
	{.name = "listen", .arg = "URL", .type = OPTION_TEXT,
	 AT(listen), .fallback = "tcp://127.0.0.1:7410", .group = NETWORK,
	 .help = "Where agents, and aggregators of a lower tier, send their samples"},
	{.name = "feed", .arg = "URL", .type = OPTION_TEXT,
	 AT(feed), .fallback = "tcp://127.0.0.1:7411", .group = NETWORK,
	 .help = "Where consoles read; none for none"},
	{.name = "http", .arg = "ADDR:PORT", .type = OPTION_TEXT,
	 AT(http), .fallback = "127.0.0.1:7412", .group = NETWORK,
	 .help = "Where /metrics, /hosts, /healthz and /readyz are served; none for none"},
	{.name = "aggregator", .arg = "URL[,URL...]", .type = OPTION_TEXT,
	 AT(aggregator), .group = NETWORK,
	 .help = "Pass all samples on to an aggregator of the next tier, as an agent does"},

	{.name = "output", .letter = 'o', .arg = "URL", .type = OPTION_REPEAT,
	 AT(outputs), .group = OUTPUTS,
	 .help = "Write what arrives, as FORMAT+TRANSPORT://TARGET[?option=value&...]; repeated for more; in the environment separated by blanks"},

	{.name = "history", .arg = "DURATION", .type = OPTION_DURATION,
	 AT(history_ns), .fallback = "10m", .min = 0, .max = 7 * DAY, .group = KEPT,
	 .help = "How long samples are kept in memory for consoles"},
	{.name = "history-memory", .arg = "SIZE", .type = OPTION_SIZE,
	 AT(history_bytes), .fallback = "256M", .min = MIB, .max = 1048576 * MIB, .group = KEPT,
	 .help = "The most memory those take"},
	{.name = "max-hosts", .arg = "N", .type = OPTION_NUMBER,
	 AT(max_hosts), .fallback = "10000", .min = 1, .max = 65536, .group = KEPT,
	 .help = "The most hosts that are known at once; further ones are refused"},
	{.name = "forget", .arg = "DURATION", .type = OPTION_DURATION,
	 AT(forget_ns), .fallback = "1d", .min = 60, .max = 365 * DAY, .group = KEPT,
	 .help = "A host that is silent for so long is forgotten"},
	{.name = "log-level", .arg = "LEVEL", .type = OPTION_CHOICE, .choices = log_level_names,
	 AT(log_level), .fallback = "notice", .group = KEPT,
	 .help = "Messages on stderr up to this level"},

	{.name = "profile", .arg = "VALUE[,VALUE...]", .type = OPTION_LIST,
	 OF(values), .group = PROFILES,
	 .help = "Make a statistical profile of each VM, wherever it runs, of some of cpu, net, io, disk, mem"},
	{.name = "profile-dir", .arg = "DIR", .type = OPTION_TEXT,
	 OF(dir), .group = PROFILES,
	 .help = "Keep profiles in this directory, and what they have counted: nothing is lost or counted twice"},
	{.name = "profile-output", .arg = "URL", .type = OPTION_REPEAT,
	 OF(outputs), .group = PROFILES,
	 .help = "Write all profiles as json+TRANSPORT://TARGET; repeated for more; in the environment separated by blanks"},
	{.name = "profile-freq", .arg = "DURATION", .type = OPTION_DURATION,
	 OF(freq_ns), .fallback = "60s", .min = 1, .max = DAY, .group = PROFILES,
	 .help = "How often all profiles are written; to the directory at least every 60s"},
	{.name = "profile-states", .arg = "N", .type = OPTION_NUMBER,
	 OF(states), .fallback = "4", .min = 2, .max = MARKOV_STATES_MAX, .group = PROFILES,
	 .help = "Parts that the range of a value is divided into"},
	{.name = "profile-history", .arg = "N", .type = OPTION_NUMBER,
	 OF(history), .fallback = "1", .min = 1, .max = MARKOV_HISTORY_MAX, .group = PROFILES,
	 .help = "States that the next one is counted by"},
	{.name = "profile-buffersize", .arg = "N", .type = OPTION_NUMBER,
	 OF(buffersize), .fallback = "10", .min = 1, .max = 1000000, .group = PROFILES,
	 .help = "Samples whose mean is one state"},
	{.name = "profile-filterstddevs", .arg = "X", .type = OPTION_DECIMAL,
	 OF(filter), .fallback = "-1", .min = -1, .max = 1000, .group = PROFILES,
	 .help = "Leave out of the states what is more than X standard deviations from the mean; 0 or -1: nothing"},
	{.name = "profile-fixedbound", .type = OPTION_FLAG,
	 OF(fixed), .group = PROFILES,
	 .help = "States have fixed bounds instead of those that grow with the values: 0 to what is possible"},
	{.name = "profile-periodsize", .arg = "N[,N...]", .type = OPTION_LIST,
	 OF(periods), .group = PROFILES,
	 .help = "Sizes of a period and of what it is divided into, in states: 7,24 counts each of 168 by itself, too"},
	{.name = "profile-phase-likeliness", .arg = "X", .type = OPTION_DECIMAL,
	 OF(phase_likeliness), .fallback = "0", .min = 0, .max = 1, .group = PROFILES,
	 .help = "Find phases: one is left when what happens is less likely under it than X on average; 0: none"},
	{.name = "profile-phase-history", .arg = "N", .type = OPTION_NUMBER,
	 OF(phase_history), .fallback = "10", .min = 1, .max = PROFILE_PHASE_HISTORY_MAX, .group = PROFILES,
	 .help = "Last transitions which that is the average of"},
	{.name = "profile-alarms", .arg = "N", .type = OPTION_DECIMAL,
	 OF(alarms), .fallback = "1", .min = 0.001, .max = 100000, .group = PROFILES,
	 .help = "False alarms a day that are allowed of one VM: the fewer, the more unusual it must be, and the longer that is learnt"},
	{.name = "profile-memory", .arg = "SIZE", .type = OPTION_SIZE,
	 OF(bytes), .fallback = "1G", .min = MIB, .max = 1048576 * MIB, .group = PROFILES,
	 .help = "The most memory profiles take; further VMs are not profiled"},
	{.name = "profile-forget", .arg = "DURATION", .type = OPTION_DURATION,
	 OF(forget_ns), .fallback = "30d", .min = 60, .max = 3650 * DAY, .group = PROFILES,
	 .help = "The profile of a VM that did not run for so long is forgotten"},

	{.name = "key-file", .arg = "FILE", .type = OPTION_TEXT,
	 AT(key_file), .group = SECURITY,
	 .help = "The cluster's keys, one a line: uplink and feed are sealed with the first, all are accepted"},
	{.name = "insecure", .type = OPTION_FLAG,
	 AT(insecure), .group = SECURITY,
	 .help = "Serve beyond loopback without a key, and http without a token"},
	{.name = "http-cert", .arg = "FILE", .type = OPTION_TEXT,
	 AT(http_cert), .group = SECURITY,
	 .help = "Certificate chain (PEM): http is TLS"},
	{.name = "http-key", .arg = "FILE", .type = OPTION_TEXT,
	 AT(http_key), .group = SECURITY,
	 .help = "Its private key (PEM)"},
	{.name = "http-token-file", .arg = "FILE", .type = OPTION_TEXT,
	 AT(http_token_file), .group = SECURITY,
	 .help = "The bearer token that /metrics and /hosts want"},

	{.name = "help", .letter = 'h', .type = OPTION_FLAG,
	 AT(help), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show this help and exit"},
	{.name = "version", .letter = 'v', .type = OPTION_FLAG,
	 AT(version), .group = HELP, .bits = OPTION_NO_ENV | OPTION_STOP,
	 .help = "Show the version and exit"},
	{.name = "healthcheck", .type = OPTION_FLAG,
	 AT(healthcheck), .group = HELP, .bits = OPTION_NO_ENV,
	 .help = "Ask the aggregator that runs with the same options, by its feed, and exit: 0 when it answers, else 1"},
	{.name = "list-options", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = option_formats_service, AT(list_options), .value = 1, .group = HELP,
	 .bits = OPTION_NO_ENV,
	 .help = "Show the reference of these options and exit"},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(*rows) <= OPTION_ROWS_MAX, "raise OPTION_ROWS_MAX");

const struct option_table aggregator_options_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(*rows),
	.groups = groups,
	.program = "proxtop-aggregator",
	.section = 8,
	.file = "/etc/proxtop/aggregator.conf",
	.example = "PROXTOP_LISTEN=tcp://0.0.0.0:7410\n"
		   "PROXTOP_OUTPUT=\"influx+http://influx:8086/write?db=proxtop "
		   "json+tcp://logstash:12345\"\n",
	.env_prefix = "PROXTOP_",
	.summary = "Many hosts seen as one: takes the samples of agents, loses none, and writes "
		   "them to databases.\vEach option may also come from the environment: "
		   "PROXTOP_LISTEN is --listen; the command line wins.",
};

static const char *unless_none(const char *value)
{
	return strcmp(value, "none") ? value : NULL;
}

/* What one option alone cannot know. */
static int check_together(struct aggregator_options *o, struct option_parse *p)
{
	o->feed = unless_none(o->feed);
	o->http = unless_none(o->http);
	if (!o->http_cert != !o->http_key)
		return option_fail(p, "--http-cert and --http-key belong together: give both");
	if (!strcmp(o->listen, "none"))
		return option_fail(p, "--listen=none is not possible; allowed: tcp://HOST:PORT");
	if (!o->profile.values.n && (o->profile.dir || o->profile.outputs.n))
		return option_fail(p, "--profile-%s needs --profile, as in --profile=cpu,net,io",
				   o->profile.dir ? "dir" : "output");
	return 0;
}

int aggregator_options_parse(struct aggregator_options *o, int argc, char **argv, char *const *envp,
			     char *why, size_t why_size)
{
	struct option_parse p = {
		.table = &aggregator_options_table, .into = o, .why = why, .why_size = why_size};
	int r;

	*o = (struct aggregator_options){0};
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

void aggregator_options_fini(struct aggregator_options *o)
{
	option_list_fini(&o->outputs);
	option_list_fini(&o->profile.values);
	option_list_fini(&o->profile.outputs);
	option_list_fini(&o->profile.periods);
}
