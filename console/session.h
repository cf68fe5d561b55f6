/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SESSION_H
#define PROXTOP_SESSION_H

/*
 * One run of the console: moments and keys into the ui, its grid onto the terminal, and what
 * the ui wants of the source carried out.
 *
 * Without a terminal (--screen) it is the same loop with the keys of a script only.  Then the
 * first key waits for the first moment with rates, and a key that asks the source for another
 * time or another host's history waits for the answer: what is printed depends on the samples
 * and the keys, not on how fast the machine is.  After a second it is said in the log what is
 * waited for, and how long; what has not come then either is said too.
 *
 * SIGINT, SIGTERM, SIGHUP and the terminal's own must be blocked in all threads before.
 */
#include "console_source.h"
#include "key.h"
#include "log_lines.h"
#include "terminal.h"
#include "ui.h"

struct session_options {
	struct console_source *source; /* the caller's, as all that follows */
	struct ui *ui;
	struct terminal *terminal; /* NULL: none */
	struct log_lines *lines;   /* NULL: the log goes elsewhere */
	int signals;               /* a signalfd, nonblocking */
	unsigned cols, rows;       /* without a terminal */
	bool ascii;
	const struct key *keys; /* the script; with a terminal it goes on behind it */
	size_t n_keys;
	uint64_t patience_ns; /* how long a script waits for an answer; 0: 10 s */
	FILE *print_to;       /* without a terminal: where the last screen goes */
};

enum session_end {
	SESSION_QUIT,   /* asked for by a key, or the script is over */
	SESSION_LATE,   /* the same, but something did not come in time: said in the log */
	SESSION_SIGNAL, /* ended from outside; nothing was printed */
	SESSION_ERROR,  /* said in the log */
};
enum session_end session_run(const struct session_options *o);

#endif
