/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DAEMON_OPTIONS_H
#define PROXTOP_DAEMON_OPTIONS_H

/*
 * proxtop-agent's options: what the command line and the environment asked for.
 *
 * All strings belong to argv and the environment.  Option names and their meaning are a
 * promise to users; those that proxtop has too mean the same.
 */
#include "measure.h"
#include "option.h"

#include <stdint.h>

struct daemon_options {
	/* What to do instead of running; in this order. */
	bool help, version, healthcheck;
	int list_options; /* 0 no, else 1 + index in option_formats_service */
	bool check;

	double frequency;        /* seconds */
	const char *aggregator;  /* URLs; NULL: none */
	const char *feed, *http; /* NULL: none */
	uint64_t spool;          /* bytes */
	const char *spool_dir;
	uint64_t history_ns, history_bytes;

	const char *key_file, *http_cert, *http_key, *http_token_file;
	bool insecure;

	const char *procfs, *sysfs, *rootfs;
	const char *connection; /* NULL: not given */
	int connector;          /* enum connector */
	unsigned families;      /* bits 1 << enum family; all when none was given */
	const char *netdev, *storedev;
	double qmp_interval; /* seconds */
	const char *host_name, *host_id;
	int log_level; /* enum log_level */
};

extern const struct option_table daemon_options_table;

/* Fills o; -EINVAL with one line in why is a usage error.  With help or version nothing
 * else is looked at. */
int daemon_options_parse(struct daemon_options *o, int argc, char **argv, char *const *envp,
			 char *why, size_t why_size);

/* The part that the agent's library wants.  Borrows o's strings. */
struct measure_options daemon_options_measure(const struct daemon_options *o);

#endif
