/* SPDX-License-Identifier: Apache-2.0 */
#include "aggregator_options.h"

#include "log.h"

#include <errno.h>
#include <string.h>

static const char *const markdown_only[] = {"markdown", NULL};

enum group { NETWORK, OUTPUTS, KEPT, SECURITY, HELP };
static const char *const groups[] = {"Network", "Outputs", "What is kept", "Security",
				     "Help Options"};

#define AT(field) .offset = offsetof(struct aggregator_options, field)
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
	{.name = "list-options", .arg = "FORMAT", .type = OPTION_CHOICE, .implied = "markdown",
	 .choices = markdown_only, AT(list_options), .value = 1, .group = HELP,
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
}
