/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_ANOMALY_H
#define PROXTOP_ANOMALY_H

/*
 * Does a VM do what its own profile says is unlikely?
 *
 * The surprise of a tick is -log of the probability of its transitions (surprise.h), in nats,
 * summed over the metrics, as if they did not depend on each other.  What counts is its running
 * value: v = max(0, ANOMALY_STAYS * v + surprise - its mean so far).  So one odd transition is
 * less than several in a row, and a VM that is restless anyway is not odd for it.
 *
 * An alarm is raised above a threshold that is learnt from the VM's own past at so many false
 * alarms a day (alarm_budget.h), at least log(ticks per day / false alarms per day): what is
 * likelier than that comes more often by itself.
 *
 * A tick here is one in which at least one metric made a transition: with a buffer of 10 values,
 * every tenth.  per_day / ticks_per_day of the budget are in these.
 *
 * A plain struct without pointers, all zeros at the beginning: it is kept and copied as it is.
 * Where it comes from outside, anomaly_sound() tells whether it may be used.
 */
#include "alarm_budget.h"
#include "profile.h"

#define ANOMALY_STAYS 0.75

/* The transition that was the most surprising one of late. */
struct anomaly_why {
	float nats;
	float from_low, from_high; /* where the value was before: from..to of its state */
	float to_low, to_high;     /* the state it is in now */
	float value;               /* what it is now (the average of the buffer) */
	uint32_t seen, of;         /* how often before, of all transitions from there */
	uint8_t metric;            /* number in the profile's settings */
	uint8_t from, to;          /* states */
};

struct anomaly {
	struct alarm_budget budget;
	float value; /* the running one */
	float mean;  /* of surprise */
	struct anomaly_why why;
	float weight; /* of why in the running value, nats; 0: there is none */
};

struct anomaly_found {
	double surprise;  /* of this tick, nats */
	double value;     /* the running one */
	double threshold; /* nats; NAN: learning */
	double percent;   /* of the threshold; NAN: learning */
	uint32_t left;    /* ticks to learn; 0: it has learnt */
	bool learning, alarm;
	bool begins; /* the alarm, with this tick */
	/* Of what is in the running value, the most; NULL: nothing is.  Valid until the next
	 * anomaly_put(). */
	const struct anomaly_why *why;
};

/* Right after profile_put() with the states that it gave.  False, and *ret as after the last
 * transition: this tick made none. */
bool anomaly_put(struct anomaly *a, const struct alarm_budget_settings *b, const struct profile *p,
		 const struct profile_settings *s, const int *state, struct anomaly_found *ret);

/* As it is, without a new tick (ret->surprise: NAN). */
void anomaly_now(const struct anomaly *a, const struct alarm_budget_settings *b,
		 struct anomaly_found *ret);

/* Of what was kept outside: is there nothing in it that does harm? */
bool anomaly_sound(const struct anomaly *a, const struct profile_settings *s);

#endif
