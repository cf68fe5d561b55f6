/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPTIONS_H
#define PROXTOP_OPTIONS_H

/*
 * proxtop's options: what the command line and the environment asked for.
 *
 * Strings belong to argv and the environment; options_fini() frees the rest.  Option
 * names and their meaning are a promise to users.
 */
#include "measure.h"
#include "option.h"

#include <stdint.h>

struct options {
	/* What to do instead of measuring; in this order. */
	bool help, version;
	int list_options; /* 0 no, else 1 + index in option_formats_service */
	int list_metrics, list_keys;
	bool generate_key;
	bool check;

	double frequency; /* seconds */
	int runs;         /* -1: no end */
	bool verbose, human;
	const char *arguments_from; /* a variable, NULL: none */
	struct option_list words;   /* what stood in it */
	const char *procfs, *sysfs, *rootfs;
	const char *connection; /* NULL: not given */
	int connector;          /* enum connector */
	unsigned families;      /* bits 1 << enum family; all when none was given */
	int printer;            /* index in printer_choices */
	int output;             /* index in sink_outputs */
	const char *target;
	const char *netdev, *storedev;
	struct option_list vm; /* patterns */
	int log_level;         /* enum log_level */
	double qmp_interval;   /* seconds */
	const char *host_name, *host_id;

	/* Where samples come from: a feed, a recording, or (both NULL) this host. */
	const char *connect, *replay; /* with check: several URLs, comma separated */
	const char *expect;           /* NULL: not given */
	const char *key_file;
	bool insecure;
	const char *record; /* NULL: not recorded */
	uint64_t history_ns, history_bytes;

	const char *screen, *keys; /* NULL: none */
	unsigned screen_cols, screen_rows;
	bool mouse;

	/* Found out. */
	bool interactive; /* the console, or its --screen; else printed, recorded or both */
	bool printer_chosen;
	bool record_only;   /* nothing is printed */
	bool target_unused; /* --target was given for an output that has none */
	char unused[256];   /* options that were given and have no use here, "" for none */
};

extern const struct option_table options_table;
extern const char *const reference_formats[]; /* text, markdown */
extern const char *const printer_choices[];   /* ncurses first, then printer_names[] */

#define PRINTER_NCURSES 0
#define PRINTER_TEXT    1
#define PRINTER_AUTO    4 /* found out at once, never left in struct options */

/* Fills o; -EINVAL with one line in why is a usage error. With help or version nothing
 * else is looked at. */
int options_parse(struct options *o, int argc, char **argv, char *const *envp, char *why,
		  size_t why_size);
void options_fini(struct options *o);

/* The part that the agent's library wants. Borrows o's strings. */
struct measure_options options_measure(const struct options *o);

#endif
