/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PHASES_H
#define PROXTOP_PHASES_H

/*
 * Phases: a VM that does one thing by day and another by night has two profiles, not one blurred
 * one.  A phase is a set of counts for all metrics; one phase is the current one.
 *
 * The last phase_history (L) transitions are the window; they belong to no phase yet.  A
 * transition that leaves the window is counted in the phase that is current then.  So what the
 * window is compared with never contains it.  When the phase changes, the window is cut where
 * it changed (phases_choice.c): what was before it is counted in the old phase at once, the rest
 * is what the window still has, and goes to the new one.  For each metric the counts of all
 * phases and the window's together are the counts of the profile.
 *
 * Likeliness: the mean probability of the window's transitions, all metrics, under the current
 * phase.  Probabilities are smoothed (phase_probability.c): what was never seen is not 0.
 *
 * The current phase is left when
 * - at least PHASES_WARM_UP of its states are counted, and the window is full, and
 * - likeliness is below phase_likeliness, and
 * - that is no accident: another phase, or a new one that learns from the window alone, explains
 *   the window, or the end of it that the current phase explains worst, better by a factor of
 *   PHASES_EVIDENCE * phase_history at least.  A series that is made by the current phase shows
 *   such a window once in PHASES_EVIDENCE windows at most (Markov's inequality, for each of the
 *   ends).  Over metrics, which may depend on each other, the factor is a mean, for which that
 *   holds, too.
 * So one regime is one phase; but one that stays in some of its states for longer than the warm-up
 * before it comes to others is two by this: nothing tells it from two.
 *
 * Then the known phase that explains it best becomes the current one, or a new phase when that
 * explains it better than the best known by the same factor; when there is no such factor between
 * them, nor between the best known and the current one, more is waited for, until half of the
 * window is of it, and the better one taken.  When there are PROFILE_PHASES_MAX already, the best
 * known is.
 *
 * From phase to phase is counted at each state of the profile, staying included.
 *
 * Merging: counts are exact (the sentence above about their sum holds as for the metrics), which
 * phase they are in is not: a seam's transitions go to the first part's current phase; each phase
 * of the second part is added to the one of the first that is most like it, when they are alike
 * (phases_merge.c), or becomes one more.  The window and the current phase are those of the second
 * part; when that has not counted anything yet, its window has the first part's last ones, too.
 */
#include "markov_counts.h"
#include "profile.h"

#define PHASES_WARM_UP  100u
#define PHASES_EVIDENCE 1e9
#define PHASES_NONE     255u /* in a column: no state */

struct profile_seam; /* profile_seam.h */

struct phases {
	struct markov_counts *counts; /* n * n_metrics: phase by phase; owned */
	uint64_t *tx;                 /* n * n: [from * n + to], states; owned */
	/* Columns of n_metrics states, a ring: the window and the context before it. */
	uint8_t *ring;               /* phases_columns() * n_metrics; owned */
	uint32_t ring_at, ring_used; /* the oldest one; how many */
	uint32_t settled;   /* the oldest of them, that are counted: the window begins there */
	uint8_t n, current; /* n: 1 .. PROFILE_PHASES_MAX */
	uint32_t leaves;    /* how often a phase was left for another */
	float likeliness;   /* the last one; NAN: there was none yet */
};

/* L + history + 1: the window, what has just left it, and the context of that. */
uint32_t phases_columns(const struct profile_settings *s);

/* NULL when the settings have no phases; else with one phase, which is empty. */
struct phases *phases_new(const struct profile_settings *s);
void phases_free(struct phases *p, const struct profile_settings *s); /* NULL is fine */

/* One more phase, empty; returns its number.  n < PROFILE_PHASES_MAX. */
unsigned phases_add(struct phases *p, const struct profile_settings *s);

struct markov_counts *phases_counts(const struct phases *p, const struct profile_settings *s,
				    unsigned phase, unsigned metric);

/* The profile's states of one moment, of each metric (PHASES_NONE: it has none). */
void phases_put(struct phases *p, const struct profile_settings *s, const uint8_t *states);

/* All contexts end. */
void phases_gap(struct phases *p, const struct profile_settings *s);

void phases_remap(struct phases *p, const struct profile_settings *s, unsigned metric,
		  const uint8_t *map);

/* Column i, 0 the oldest. */
const uint8_t *phases_column(const struct phases *p, const struct profile_settings *s, uint32_t i);

/* What ends at column i: its last states, at most history + 1, oldest first.  run has room for
 * MARKOV_HISTORY_MAX + 1; returns how many. */
unsigned phases_run(const struct phases *p, const struct profile_settings *s, unsigned metric,
		    uint32_t i, uint8_t *run);

void phases_merge(struct phases *p, const struct phases *after, const struct profile_settings *s,
		  const struct profile_seam *seam);

/* Bytes on the heap. */
size_t phases_size(const struct phases *p, const struct profile_settings *s);

/* ---- probabilities: phase_probability.c ---- */

/* Of the last of `length` (2 or more) states after those before it: each context's counts mixed
 * with what the next shorter one says, by how many different states followed it (Witten and Bell
 * 1991), down to how often the state came at all.  Never 0, and all states' add up to 1. */
double phase_probability(const struct markov_counts *c, const struct markov_settings *s,
			 const uint8_t *run, unsigned length);

#endif
