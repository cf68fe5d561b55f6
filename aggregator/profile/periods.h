/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PERIODS_H
#define PROXTOP_PERIODS_H

/*
 * The period tree of a profile: the same counts once more, by where in the period they fell.
 *
 * Periods {a, b}: the root has a children, each of them b leaves; a * b leaves in a row.  The
 * state of number i belongs to leaf i mod (a * b), where i is the number of the state's last tick
 * (from 0, gaps counted) divided by buffersize, rounded down.  A transition belongs to the leaf
 * of its last state.
 *
 * Only leaves are kept, each from its first state on.  A node above is the sum of its leaves, made
 * when somebody wants it (periods_sum()); the root is the profile's metric itself.  States are
 * those of the profile's metric: when its bounds grow, all leaves are re-mapped.
 */
#include "markov_counts.h"
#include "profile.h"

struct profile_seam; /* profile_seam.h */

struct period_metric {
	struct markov_stats stats; /* of the averages that became states; filtered: 0 */
	struct markov_counts counts;
};

struct periods {
	struct period_metric **leaf; /* each NULL (no state yet) or n_metrics; owned */
	uint32_t leaves;
};

/* Product of the period sizes; 0: there are none. */
uint32_t periods_leaves(const struct profile_settings *s);
/* Leaves below one node of a depth: 0 is the root, n_periods a leaf. */
uint32_t periods_span(const struct profile_settings *s, unsigned depth);

/* NULL when the settings have no periods. */
struct periods *periods_new(const struct profile_settings *s);
void periods_free(struct periods *p, const struct profile_settings *s); /* NULL is fine */

/* n_metrics; made when there was none. */
struct period_metric *periods_leaf(struct periods *p, const struct profile_settings *s,
				   uint32_t leaf);

/* The last state of m, which is the metric of that number, belongs to the leaf. */
void periods_put(struct periods *p, const struct profile_settings *s, uint32_t leaf,
		 unsigned metric, const struct markov *m);

void periods_remap(struct periods *p, const struct profile_settings *s, unsigned metric,
		   const uint8_t *map);

/* The sum of `span` leaves from `first` on.  ret->counts is made here: markov_counts_fini() is
 * the caller's. */
void periods_sum(const struct periods *p, const struct profile_settings *s, unsigned metric,
		 uint32_t first, uint32_t span, struct period_metric *ret);

/* offset: the leaf of after's leaf 0.  seam: of each metric. */
void periods_merge(struct periods *p, const struct periods *after, const struct profile_settings *s,
		   const struct profile_seam *seam, uint32_t offset);

/* Bytes on the heap. */
size_t periods_size(const struct periods *p, const struct profile_settings *s);

#endif
