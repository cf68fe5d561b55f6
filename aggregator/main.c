/* SPDX-License-Identifier: Apache-2.0 */
/* proxtop-aggregator: many hosts seen as one, and nothing lost. */
#include "aggregator.h"
#include "feed_health.h"
#include "log.h"
#include "notify.h"
#include "option_reference.h"
#include "program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define TICK_MS  1000
#define FLUSH_MS 5000

/* Each agent and reader is a connection. */
static void allow_many_connections(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

/* Until a signal ends it. */
static void loop(struct aggregator *a, int signals, struct notify *notify)
{
	struct pollfd fd = {.fd = signals, .events = POLLIN};
	struct signalfd_siginfo info;
	char line[NOTIFY_STATUS_MAX];

	for (;;) {
		if (poll(&fd, 1, notify_wait_ms(notify, TICK_MS)) < 0 && errno != EINTR)
			return;
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			if (info.ssi_signo != SIGHUP)
				return;
			aggregator_reopen(a);
		}
		aggregator_tick(a);
		aggregator_line(a, line, sizeof(line));
		notify_alive(notify, line);
	}
}

static int serve(const struct aggregator_options *o)
{
	int signals = program_signals(), r;
	struct aggregator *a;
	struct notify notify;
	char why[512] = "";

	notify_open(&notify);
	if (signals < 0) {
		log_error("no signal descriptor: %s", strerror(-signals));
		return 1;
	}
	allow_many_connections();
	r = aggregator_open(&a, o, why, sizeof(why));
	if (r < 0) {
		log_error("%s", *why ? why : strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	notify_say(&notify, "READY=1");
	loop(a, signals, &notify);
	notify_say(&notify, "STOPPING=1");
	aggregator_close(a, FLUSH_MS);
	notify_close(&notify);
	return 0;
}

static int healthcheck(const struct aggregator_options *o)
{
	struct keyring keys = {0};
	char why[512] = "";
	int r = o->key_file ? keyring_load(&keys, o->key_file, why, sizeof(why)) : 0;

	if (!r)
		r = feed_health(o->feed, o->key_file ? &keys : NULL, false, why, sizeof(why));
	keyring_wipe(&keys);
	if (r < 0)
		log_error("%s", why);
	return r < 0;
}

static int run(const struct aggregator_options *o)
{
	if (o->help)
		option_help(&aggregator_options_table, stdout);
	else if (o->version)
		puts("proxtop-aggregator " PROXTOP_VERSION);
	else if (o->list_options)
		option_reference(&aggregator_options_table, o->list_options - 1, stdout);
	else if (o->healthcheck)
		return healthcheck(o);
	else
		return serve(o);
	return program_finish_stdout(0);
}

int main(int argc, char **argv)
{
	struct aggregator_options o;
	char why[512], unknown[256];
	int status = 2, r;

	program_begin("proxtop-aggregator");
	r = aggregator_options_parse(&o, argc, argv, environ, why, sizeof(why));
	log_set_level((enum log_level)o.log_level);
	if (!o.help && !o.version) {
		option_unknown_variables(&aggregator_options_table, environ, unknown,
					 sizeof(unknown));
		if (*unknown)
			log_warning("unknown in the environment, not used: %s "
				    "(proxtop-aggregator --list-options lists what is)",
				    unknown);
	}
	if (r < 0)
		log_error("%s", why);
	else
		status = run(&o);
	aggregator_options_fini(&o);
	return status;
}
