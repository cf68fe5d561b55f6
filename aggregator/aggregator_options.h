/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_AGGREGATOR_OPTIONS_H
#define PROXTOP_AGGREGATOR_OPTIONS_H

/*
 * proxtop-aggregator's options: what the command line and the environment asked for.
 * Strings belong to argv and the environment; aggregator_options_fini() frees the rest.
 */
#include "option.h"

#include <stdint.h>

/* Of profiles; --profile-NAME. */
struct profiling_options {
	struct option_list values; /* --profile; empty: no profiles */
	struct option_list outputs, periods;
	unsigned states, history, buffersize, phase_history;
	double filter, phase_likeliness, alarms;
	bool fixed;
	uint64_t freq_ns, bytes, forget_ns;
	const char *dir; /* NULL: in memory only */
};

struct aggregator_options {
	/* What to do instead of running; in this order. */
	bool help, version, healthcheck;
	int list_options; /* 0 no, else 1 + index in option_formats_service */

	const char *listen;     /* uplink */
	const char *feed;       /* NULL: none */
	const char *http;       /* NULL: none */
	const char *aggregator; /* the next tier's URLs; NULL: none */
	struct option_list outputs;

	const char *key_file, *http_cert, *http_key, *http_token_file;
	bool insecure;

	uint64_t history_ns, history_bytes, forget_ns;
	unsigned max_hosts;
	int log_level; /* enum log_level */

	struct profiling_options profile;
};

extern const struct option_table aggregator_options_table;

/* Fills o; -EINVAL with one line in why is a usage error.  With help or version nothing
 * else is looked at. */
int aggregator_options_parse(struct aggregator_options *o, int argc, char **argv, char *const *envp,
			     char *why, size_t why_size);
void aggregator_options_fini(struct aggregator_options *o);

#endif
