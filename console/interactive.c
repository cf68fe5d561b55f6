/* SPDX-License-Identifier: Apache-2.0 */
#include "interactive.h"

#include "log.h"
#include "program.h"
#include "session.h"
#include "settings.h"
#include "subject.h"
#include "vm_filter.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NS          1000000000ull
#define PATIENCE_NS (10 * NS)

struct interactive {
	const struct options *o;
	struct subject subject;
	struct session_options session;
	struct settings settings;
	char settings_path[PATH_MAX]; /* "": none are kept */
};

/* Before the source starts its threads. */
static int take_signals(bool terminal)
{
	static const int terminals[] = {SIGWINCH, SIGTSTP, SIGCONT, SIGQUIT};

	return program_signals_and(terminals,
				   terminal ? sizeof(terminals) / sizeof(*terminals) : 0);
}

static int read_keys(struct session_options *s, const char *script)
{
	struct key *keys = NULL;
	char why[512];

	if (script && key_script(&keys, &s->n_keys, script, why, sizeof(why)) < 0) {
		log_error("--keys: %s", why);
		return 2;
	}
	s->keys = keys;
	return 0;
}

static void read_settings(struct interactive *i)
{
	char why[512] = "";

	settings_default(&i->settings);
	if (!i->o->screen) {
		if (settings_path(environ, i->settings_path, sizeof(i->settings_path)) < 0)
			*i->settings_path = '\0';
		else if (settings_load(&i->settings, i->settings_path, why, sizeof(why)) < 0)
			log_warning("settings are not used: %s", why);
	}
	/* What was asked for now is where it begins, and is not kept by itself. */
	i->settings.human |= i->o->human;
	i->settings.mouse |= i->o->mouse;
}

static void keep_settings(const struct interactive *i)
{
	struct settings now;
	char why[512] = "";

	if (!*i->settings_path || !ui_settings(i->session.ui, &now))
		return;
	if (settings_save(&now, i->settings_path, why, sizeof(why)) < 0)
		log_warning("settings are not kept: %s", why);
}

static int open_terminal(struct interactive *i)
{
	const char *no_color = getenv("NO_COLOR");
	struct terminal_options t = {.mouse = i->settings.mouse, .no_color = no_color && *no_color};
	char why[512];

	if (terminal_open(&i->session.terminal, &t, why, sizeof(why)) < 0) {
		log_error("%s", why);
		return 2;
	}
	return 0;
}

static struct ui *new_ui(const struct interactive *i)
{
	const struct options *o = i->o;
	struct ui_options u = {
		.settings = &i->settings,
		.ascii = i->session.ascii,
		.interval = o->frequency,
		.feed = o->connect != NULL,
		.verbose = o->verbose,
		.wants_vm = o->vm.n ? vm_filter_wants : NULL,
		.wants_arg = (void *)&o->vm,
	};

	return ui_new(&u);
}

static int open_all(struct interactive *i)
{
	const struct options *o = i->o;
	struct session_options *s = &i->session;
	char why[512];
	int r = read_keys(s, o->keys);

	if (r)
		return r;
	if (!o->screen && terminal_check(why, sizeof(why)) < 0) {
		log_error("%s", why);
		return 2;
	}
	s->signals = take_signals(!o->screen);
	if (!o->screen)
		s->lines = log_lines_begin();
	if (s->signals < 0 || (!o->screen && !s->lines)) {
		log_error("no descriptor for signals or messages: %s", strerror(errno));
		return 1;
	}
	read_settings(i);
	r = subject_open(&i->subject, o);
	if (r)
		return r;
	s->source = i->subject.source;
	s->ui = new_ui(i);
	return o->screen ? 0 : open_terminal(i);
}

/* The terminal first: what is said from here on is seen. */
static int close_all(struct interactive *i)
{
	struct session_options *s = &i->session;
	int r = 0;

	terminal_close(s->terminal);
	log_lines_end(s->lines);
	if (i->subject.source)
		r = subject_close(&i->subject);
	ui_free(s->ui);
	free((void *)s->keys);
	if (s->signals >= 0)
		close(s->signals);
	return r;
}

static int run(struct interactive *i)
{
	enum session_end end = session_run(&i->session);

	if (end == SESSION_ERROR)
		return 1;
	if (end == SESSION_QUIT)
		keep_settings(i);
	if (!i->o->screen)
		return 0;
	if (end == SESSION_SIGNAL)
		return 1; /* nothing was printed */
	return program_finish_stdout(end == SESSION_LATE);
}

int interactive_run(const struct options *o)
{
	struct interactive i = {
		.o = o,
		.session = {.cols = o->screen_cols,
			    .rows = o->screen_rows,
			    .ascii = strcasecmp(nl_langinfo(CODESET), "UTF-8") != 0,
			    .patience_ns = PATIENCE_NS + (uint64_t)(o->frequency * 2 * (double)NS),
			    .print_to = stdout,
			    .signals = -1},
	};
	int status = open_all(&i), closed;

	if (!status)
		status = run(&i);
	closed = close_all(&i);
	return status ? status : closed;
}
