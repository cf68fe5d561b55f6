/* SPDX-License-Identifier: Apache-2.0 */
/* proxtop: what every VM on this host really costs. */
#include "feed_check.h"
#include "interactive.h"
#include "log.h"
#include "loop.h"
#include "metric_list.h"
#include "option_reference.h"
#include "options.h"
#include "program.h"
#include "seal.h"
#include "ui.h"

#include <unistd.h>

static void say_line(void *arg, const char *line)
{
	fprintf(arg, "%s\n", line);
}

static int look_at_paths(const struct options *o)
{
	struct measure_options m = options_measure(o);

	return measure_look_at_paths(&m);
}

static int check(const struct options *o)
{
	struct measure_options m = options_measure(o);

	if (o->connect)
		return feed_check(o, stdout);
	return measure_check(&m, say_line, stdout) ? 1 : 0;
}

static int generate_key(void)
{
	char text[KEY_TEXT_SIZE];

	if (key_generate(text)) {
		log_error("no key can be made: libsodium found no source of random numbers");
		return 1;
	}
	puts(text);
	return 0;
}

static int run(const struct options *o)
{
	if (o->help)
		option_help(&options_table, stdout);
	else if (o->version)
		puts("proxtop " PROXTOP_VERSION);
	else if (o->list_options)
		option_reference(&options_table, o->list_options - 1, stdout);
	else if (o->list_keys)
		ui_markdown(stdout);
	else if (o->list_metrics == 1)
		metric_list_text(stdout);
	else if (o->list_metrics)
		metric_list_markdown(stdout);
	else if (o->generate_key)
		return program_finish_stdout(generate_key());
	else if (!o->connect && !o->replay && look_at_paths(o))
		return 1;
	else if (o->check)
		return program_finish_stdout(check(o));
	else
		return o->interactive ? interactive_run(o) : loop_run(o);
	return program_finish_stdout(0);
}

int main(int argc, char **argv)
{
	struct options o;
	char why[512], unknown[256];
	int status = 2, r;

	program_begin("proxtop");
	r = options_parse(&o, argc, argv, environ, why, sizeof(why));
	log_set_level((enum log_level)o.log_level);
	if (!o.help && !o.version) {
		option_unknown_variables(&options_table, environ, unknown, sizeof(unknown));
		if (*unknown)
			log_warning("unknown in the environment, not used: %s "
				    "(proxtop --list-options lists what is)",
				    unknown);
	}
	if (r < 0) {
		log_error("%s", why);
	} else {
		if (o.target_unused)
			log_warning("--target is not used with --output=stdout");
		if (*o.unused)
			log_warning("not used with %s: %s",
				    o.connect  ? "--connect"
				    : o.replay ? "--replay"
					       : "samples of this host",
				    o.unused);
		status = run(&o);
	}
	options_fini(&o);
	return status;
}
