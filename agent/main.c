/* SPDX-License-Identifier: Apache-2.0 */
/* proxtop-agent: measures this host, and sends every sample to an aggregator. */
#include "daemon.h"
#include "feed_health.h"
#include "log.h"
#include "option_reference.h"
#include "program.h"

#include <stdio.h>
#include <unistd.h>

static void say_line(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

static int look_at_paths(const struct daemon_options *o)
{
	struct measure_options m = daemon_options_measure(o);

	return measure_look_at_paths(&m);
}

static int check(const struct daemon_options *o)
{
	struct measure_options m = daemon_options_measure(o);

	return measure_check(&m, say_line, stdout) ? 1 : 0;
}

static int healthcheck(const struct daemon_options *o)
{
	struct keyring keys = {0};
	char why[512] = "";
	int r = o->key_file ? keyring_load(&keys, o->key_file, why, sizeof(why)) : 0;

	if (!r)
		r = feed_health(o->feed, o->key_file ? &keys : NULL, true, why, sizeof(why));
	keyring_wipe(&keys);
	if (r < 0)
		log_error("%s", why);
	return r < 0;
}

static int run(const struct daemon_options *o)
{
	if (o->help)
		option_help(&daemon_options_table, stdout);
	else if (o->version)
		puts("proxtop-agent " PROXTOP_VERSION);
	else if (o->list_options)
		option_reference(&daemon_options_table, o->list_options - 1, stdout);
	else if (o->healthcheck)
		return healthcheck(o);
	else if (look_at_paths(o))
		return 1;
	else if (o->check)
		return program_finish_stdout(check(o));
	else
		return daemon_run(o);
	return program_finish_stdout(0);
}

int main(int argc, char **argv)
{
	struct daemon_options o;
	char why[512], unknown[256];
	int r;

	program_begin("proxtop-agent");
	r = daemon_options_parse(&o, argc, argv, environ, why, sizeof(why));
	log_set_level((enum log_level)o.log_level);
	if (!o.help && !o.version) {
		option_unknown_variables(&daemon_options_table, environ, unknown, sizeof(unknown));
		if (*unknown)
			log_warning("unknown in the environment, not used: %s "
				    "(proxtop-agent --list-options lists what is)",
				    unknown);
	}
	if (r < 0) {
		log_error("%s", why);
		return 2;
	}
	return run(&o);
}
