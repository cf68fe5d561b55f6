/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PREDICT_H
#define PROXTOP_PREDICT_H

/*
 * What comes next, by the chain from the context it is in; and whether that is any better than
 * "the last value stays".
 *
 * A step is a state: buffersize ticks.  Probabilities are those of surprise.h, over contexts of
 * all `history` states (fewer, when so many were not yet since the last gap).  With steps the
 * prediction becomes what the profile's mean is; how fast says how much the chain knows.  Within
 * a state values are taken as spread evenly (capacity.h).
 */
#include "markov.h"

struct predict; /* the distribution over contexts */

struct prediction {
	double expectation;
	double low, high; /* between them the value is with the probability asked for */
};

/* From the context as it is now.  NULL: nothing is counted. */
struct predict *predict_new(const struct markov *m, const struct markov_settings *s);
void predict_free(struct predict *p); /* NULL is fine */

/* One step further.  share: `states` probabilities of that step; the caller's. */
void predict_step(struct predict *p, double *share);

/* What a distribution means in values; inside: 0.9 for 5 % to 95 %. */
struct prediction predict_values(const struct markov *m, const struct markov_settings *s,
				 const double *share, double inside);

/* ---- the error of one step, as it goes ---- */

struct predict_error {
	long double model, stays; /* sums of |error| */
	uint64_t n;
	double expected, last; /* of the step that is to come */
	bool ready;
};

/* Before markov_put() or profile_put(), at each tick; and right after it, with the state it gave.
 * Both predictions are made of the same steps: those with a context and a value. */
void predict_error_before(struct predict_error *e, const struct markov *m,
			  const struct markov_settings *s);
void predict_error_after(struct predict_error *e, const struct markov *m, int state);
/* Mean absolute errors; NAN: there was no step. */
double predict_error_model(const struct predict_error *e);
double predict_error_stays(const struct predict_error *e);

#endif
