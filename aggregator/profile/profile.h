/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_H
#define PROXTOP_PROFILE_H

/*
 * The profile of one VM (or of one CSV file): several metrics, each with its chain (markov.h)
 * and its counts by period, and the phases they all are in together.  Mathematics only: no
 * clock, no file.
 *
 * A tick is one value of each metric.  Metrics are in the order of the settings, everywhere.
 * The settings are the caller's, the same for all profiles that are merged or compared, and
 * must outlive them.
 *
 * Periods: {a, b} are a * b states in a row; the state of number i (from the first tick on,
 * gaps counted) belongs to leaf i mod (a * b), and to each node above it.  Phases: see phases.h.
 */
#include "markov.h"

#define PROFILE_METRICS_MAX       64u
#define PROFILE_NAME_MAX          63u /* bytes of a metric's name */
#define PROFILE_PERIODS_MAX       4u
#define PROFILE_LEAVES_MAX        1024u /* product of the period sizes */
#define PROFILE_PHASES_MAX        16u
#define PROFILE_PHASE_HISTORY_MAX 1000u
#define PROFILE_BYTES_MAX         (256u << 20) /* of counts, of one profile */

struct profile_metric {
	char name[PROFILE_NAME_MAX + 1];
	double low, high; /* bounds, when markov.fixed */
};

struct profile_settings {
	struct markov_settings markov;
	unsigned n_metrics; /* 1 .. PROFILE_METRICS_MAX */
	struct profile_metric metric[PROFILE_METRICS_MAX];
	unsigned n_periods; /* 0: no period tree */
	uint32_t period[PROFILE_PERIODS_MAX];
	/* A phase is left when the mean likeliness of the last phase_history transitions under
	 * it is below phase_likeliness (0 .. 1); 0: no phases. */
	double phase_likeliness;
	uint32_t phase_history;
};

struct periods; /* periods.h */
struct phases;  /* phases.h */

struct profile {
	struct markov *metric;   /* n_metrics, owned */
	struct periods *periods; /* one tree for all metrics, NULL: none; owned */
	struct phases *phases;   /* NULL: none; owned */
	uint64_t ticks;          /* gaps counted */
};

/* NULL, or what is wrong: one line for the user. */
const char *profile_settings_wrong(const struct profile_settings *s);

void profile_init(struct profile *p, const struct profile_settings *s);
void profile_fini(struct profile *p, const struct profile_settings *s);

/* One tick: n_metrics values (NAN: none).  state: n_metrics, what each value completed (-1: no
 * state), as markov_put(); NULL: of no interest. */
void profile_put(struct profile *p, const struct profile_settings *s, const double *values,
		 int *state);

/* This many ticks are missing; 0: none are, but no context crosses this moment.  Buffers end at
 * multiples of buffersize ticks, gaps counted: the first one after a gap may have fewer values. */
void profile_gap(struct profile *p, const struct profile_settings *s, uint64_t ticks);

/* What comes right after p (the same VM, later): p becomes the profile of both.  0, or as
 * markov_merge(), p is as before then.  Exact for metrics and periods when p->ticks is a multiple
 * of buffersize and there is no filter; else as markov_merge() says, and the leaf of after's
 * states is at most one beside what it would have been.  Phases: see phases.h. */
int profile_merge(struct profile *p, const struct profile *after, const struct profile_settings *s);

/* Bytes on the heap. */
size_t profile_size(const struct profile *p, const struct profile_settings *s);

#endif
