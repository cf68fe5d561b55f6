/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROXPROFILER_OPTIONS_H
#define PROXTOP_PROXPROFILER_OPTIONS_H

/*
 * proxprofiler's options.  What it has in common with proxtop (where samples come from, where
 * lines go) is in base, for the modules that take that.
 *
 * Strings belong to argv and the environment; proxprofiler_options_fini() frees the rest.
 */
#include "options.h"
#include "profile.h"

struct proxprofiler_options {
	struct options base; /* families: which values */

	const char *input; /* a CSV file, "-": stdin; NULL: none */
	double fixed_min, fixed_max;

	unsigned states, buffersize, history;
	double filter_stddevs;
	bool fixed_bound;
	struct option_list period_sizes;
	double phase_likeliness;
	unsigned phase_history;

	uint64_t output_ns;
	bool output_given;   /* --outputFreq was; a recording is written at its end only without */
	const char *compare; /* the first of two files, NULL: none */
	struct option_list operands;
	bool capacity;
	unsigned predict, simulate; /* steps, 0: no */
	unsigned seed;
};

extern const struct option_table proxprofiler_options_table;

/* As options_parse(). */
int proxprofiler_options_parse(struct proxprofiler_options *o, int argc, char **argv,
			       char *const *envp, char *why, size_t why_size);
void proxprofiler_options_fini(struct proxprofiler_options *o);

/* The settings that they make, without metrics. */
void proxprofiler_settings(struct profile_settings *s, const struct proxprofiler_options *o);

#endif
