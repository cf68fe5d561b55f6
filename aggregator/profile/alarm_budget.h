/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_ALARM_BUDGET_H
#define PROXTOP_ALARM_BUDGET_H

/*
 * From how unusual something is to whether that is an alarm, at so many false alarms a day: the
 * threshold is learnt from the score's own past.  The score may be any number that is greater
 * the more unusual things are; 0 or less is usual.
 *
 * An alarm begins when the score is above the threshold, and ends when it is below half of it.
 * A peak is what the score rose to before it fell to less than half of that; so there are never
 * more alarms above a level than there are peaks above it.  Of the time since the learning's
 * first half (T, in alarms that the budget has for it) the greatest peaks are kept.  The
 * threshold is the greater of
 *   - the peak of rank m = T * ALARM_AIM, or the greatest: above it there were fewer than m.  When
 *     the future is as the past was, fewer are to be expected, whatever their distribution is
 *     (ranks, as in conformal prediction: Vovk, Gammerman, Shafer 2005);
 *   - u + b * log(j / m), where u is the peak of rank j = ALARM_TAIL and b the mean of what the
 *     greater ones are above it (peaks over threshold with an exponential tail: Pickands 1975),
 *     for what is rarer than anything seen;
 *   - least, which the caller gives.
 * When T is ALARM_PEAKS, every second peak is dropped and T is halved: the past is forgotten.
 *
 * Learning: for as long as the budget has two alarms, at least ALARM_LEARN ticks.  Peaks of the
 * first half do not count: what is new then is new because nothing was known.  No alarm before.
 *
 * A plain struct: it may be copied and kept.
 */
#include <stdbool.h>
#include <stdint.h>

#define ALARM_PEAKS 24u
#define ALARM_TAIL  12u
#define ALARM_AIM   0.5 /* of the budget, so that it is not spent by the error of the estimate */
#define ALARM_LEARN 200u
#define ALARM_AGAIN 64u

struct alarm_budget_settings {
	double per_day;       /* false alarms, of one VM; above 0 */
	double ticks_per_day; /* scores; above 0 */
	uint32_t learn;       /* ticks; 0: as above */
};

struct alarm_budget {
	uint32_t ticks;          /* all; stays at UINT32_MAX */
	uint32_t window;         /* of them, those that peaks are kept of: T */
	float peak[ALARM_PEAKS]; /* greatest first; n */
	float rising;            /* what will be a peak; 0: none */
	float threshold; /* by the peaks, least aside; as it was ALARM_AGAIN ticks ago at most */
	uint8_t n;
	bool alarm;
};

/* NULL, or what is wrong: one line for the user. */
const char *alarm_budget_wrong(const struct alarm_budget_settings *s);

/* Ticks until it is no longer learning. */
uint32_t alarm_budget_left(const struct alarm_budget *b, const struct alarm_budget_settings *s);

/* Above 0 if least is. */
double alarm_budget_threshold(const struct alarm_budget *b, double least);

/* One tick: is it an alarm?  Judged by the scores before this one.  NAN: as 0. */
bool alarm_budget_put(struct alarm_budget *b, const struct alarm_budget_settings *s, double score,
		      double least);

/* Of what was kept outside: no number in it that does harm. */
bool alarm_budget_sound(const struct alarm_budget *b);

#endif
