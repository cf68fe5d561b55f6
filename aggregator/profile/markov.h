/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_MARKOV_H
#define PROXTOP_MARKOV_H

/*
 * One metric's profile: how often which state followed which.  Mathematics only: no clock, no
 * file, no names.
 *
 * Values come one a tick and are averaged over buffersize ticks; the average is a state; a
 * transition is counted from the last h states (its context, for each h of 1 to history) to the
 * next one.  Nothing is counted before there is a context of that length: no states are made up.
 * A buffer without any value makes no state and ends the context: nothing is counted across a gap.
 *
 * States are equal parts of a range.  Fixed bounds: [low, high] in `states` parts, values outside
 * belong to the first and the last.  Growing bounds: a part is 2^k wide and begins at a multiple
 * of its width; k is the smallest with which all averages so far fit into `states` parts, and at
 * least 20 below the exponent of the greatest magnitude (a constant has no range of its own).  So
 * the bounds follow from least and greatest alone, whichever came first, and when they grow every
 * old part lies within one new part: counts move as they are, and a profile is the same as if
 * its final bounds had been known from the start.  That is what makes merging exact.
 *
 * Mean and deviation: Welford, merged by Chan et al. (1979), in long double: the square of 1e308
 * is no double.  They are of all finite values, also of those that the filter leaves out of the
 * states: or a filter would never get used to a new level.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKOV_STATES_MAX  64u
#define MARKOV_HISTORY_MAX 4u
#define MARKOV_CELLS_MAX   65536u /* states ^ (history + 1) */
#define MARKOV_WARM_UP     10u    /* values before the filter may leave one out */

struct markov_settings {
	unsigned states;     /* 2 .. MARKOV_STATES_MAX */
	unsigned history;    /* 1 .. MARKOV_HISTORY_MAX */
	uint32_t buffersize; /* ticks of one state, 1 or more */
	double filter; /* deviations from the mean beyond which a value is left out; <= 0: none */
	bool fixed;    /* bounds are given with markov_init() */
};

struct markov_stats {
	long double m2;    /* sum of squared distances from the mean */
	uint64_t count;    /* finite values */
	uint64_t filtered; /* of them, left out of the states */
	double min, max, mean;
};

/* Where the states are. */
struct markov_range {
	double low, width; /* of the first state, when bounds are fixed */
	int32_t first, k;  /* when they grow: the first state begins at first * 2^k */
	bool known;        /* false: they grow and there was no state yet */
};

/* Counts of h = 1 .. history: states^h rows of `states` cells each, shortest context first; the
 * oldest state is the highest digit of a row's number. */
struct markov_counts {
	uint32_t *cell;       /* owned */
	uint32_t transitions; /* counted, of contexts of length 1 */
};

struct markov {
	struct markov_stats stats;
	long double sum; /* of the values of a buffer that is not complete */
	struct markov_range range;
	struct markov_counts counts;
	double least, greatest; /* of the averages that became states */
	double average;         /* the last of them */
	uint64_t states_seen;
	uint32_t pending; /* ticks of a buffer that is not complete */
	uint32_t values;  /* of them, that have a value that is not left out */
	/* Its first states, up to the first gap, for merging, and the last one with its context;
	 * oldest first. */
	uint8_t head[MARKOV_HISTORY_MAX], head_length;
	uint8_t tail[MARKOV_HISTORY_MAX + 1], tail_length;
	bool broken; /* there was a gap */
};

/* NULL, or what is wrong: one line for the user. */
const char *markov_settings_wrong(const struct markov_settings *s);
const char *markov_bounds_wrong(double low, double high);

/* low, high: the bounds when s->fixed; of no use when they grow. */
void markov_init(struct markov *m, const struct markov_settings *s, double low, double high);
void markov_fini(struct markov *m);

/* One tick.  NAN and infinite: no value.  Returns the state that is complete with it, -1: none. */
int markov_put(struct markov *m, const struct markov_settings *s, double value);

/* Ticks are missing: what is pending is dropped, the context ends. */
void markov_gap(struct markov *m);

/* The state of a value within the bounds as they are (outside: the first or the last); -1: no
 * bounds yet, or no value. */
int markov_state_of(const struct markov *m, const struct markov_settings *s, double value);

/* Where a state begins; its end is where the next one does.  May be infinite at the ends of what
 * a double can hold. */
double markov_state_begin(const struct markov *m, unsigned state);

/* `states` cells: what followed the context of length h. */
const uint32_t *markov_row(const struct markov_counts *c, const struct markov_settings *s,
			   unsigned h, uint32_t context);

/* What comes after m (the same VM, later): m becomes the profile of both.  0; -EINVAL: bounds are
 * fixed and not the same; -EOVERFLOW: more transitions than can be counted; m is as before then.
 * Exact when m has no pending ticks (those are dropped, as by markov_gap()) and there is no
 * filter (each part's filter knew its own values only). */
int markov_merge(struct markov *m, const struct markov *after, const struct markov_settings *s);

void markov_stats_put(struct markov_stats *s, double value);
void markov_stats_merge(struct markov_stats *s, const struct markov_stats *after);
double markov_deviation(const struct markov_stats *s); /* of all, not of a sample; NAN: none */

/* Bytes on the heap of one set of counts. */
size_t markov_counts_size(const struct markov_settings *s);

#endif
