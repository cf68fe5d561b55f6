/* SPDX-License-Identifier: Apache-2.0 */
/* proxprofiler: statistical profiles of virtual machines, and of CSV files. */
#include "log.h"
#include "option_reference.h"
#include "program.h"
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Without a proc filesystem there is nothing to measure. */
static bool has_procfs(const struct options *o)
{
	struct stat st;
	int error = 0;

	if (stat(o->procfs, &st) < 0)
		error = errno;
	else if (!S_ISDIR(st.st_mode))
		error = ENOTDIR;
	if (error)
		log_error("--procfs=%.200s: %s", o->procfs, strerror(error));
	return !error;
}

static int run(const struct proxprofiler_options *o)
{
	const struct options *b = &o->base;

	if (b->help)
		option_help(&proxprofiler_options_table, stdout);
	else if (b->version)
		puts("proxprofiler " PROXTOP_VERSION);
	else if (b->list_options)
		option_reference(&proxprofiler_options_table, b->list_options - 1, stdout);
	else if (o->compare)
		return run_compare(o);
	else if (o->input)
		return run_csv(o);
	else if (b->replay)
		return run_replay(o);
	else if (b->connect)
		return run_feed(o);
	else
		return has_procfs(b) ? run_local(o) : 1;
	return program_finish_stdout(0);
}

static void say_unused(const struct proxprofiler_options *o)
{
	const struct options *b = &o->base;

	if (b->target_unused)
		log_warning("--target is not used with --output=stdout");
	if (*b->unused)
		log_warning("not used with %s: %s",
			    b->connect  ? "--connect"
			    : b->replay ? "--replay"
			    : o->input  ? "--input"
					: "samples of this host",
			    b->unused);
}

int main(int argc, char **argv)
{
	struct proxprofiler_options o;
	char why[512], unknown[256];
	int status = 2, r;

	program_begin("proxprofiler");
	r = proxprofiler_options_parse(&o, argc, argv, environ, why, sizeof(why));
	log_set_level((enum log_level)o.base.log_level);
	if (!o.base.help && !o.base.version) {
		option_unknown_variables(&proxprofiler_options_table, environ, unknown,
					 sizeof(unknown));
		if (*unknown)
			log_warning("unknown in the environment, not used: %s "
				    "(proxprofiler --list-options lists what is)",
				    unknown);
	}
	if (r < 0) {
		log_error("%s", why);
	} else {
		say_unused(&o);
		status = run(&o);
	}
	proxprofiler_options_fini(&o);
	return status;
}
