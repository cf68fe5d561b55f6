/* SPDX-License-Identifier: Apache-2.0 */
#include "alarm_budget.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define RATE_MAX 1e9 /* a day */

const char *alarm_budget_wrong(const struct alarm_budget_settings *s)
{
	if (!(s->ticks_per_day > 0 && s->ticks_per_day <= RATE_MAX))
		return "states per day: above 0, at most 1e9 are allowed";
	if (!(s->per_day > 0 && s->per_day <= s->ticks_per_day / 10))
		return "false alarms per day: above 0, at most one in ten states is allowed";
	if (s->per_day < s->ticks_per_day / RATE_MAX * 10)
		return "false alarms per day: at least one in 1e8 states is allowed";
	return NULL;
}

/* Ticks in which the budget has one alarm. */
static double apart(const struct alarm_budget_settings *s)
{
	return s->ticks_per_day / s->per_day;
}

static uint32_t learn(const struct alarm_budget_settings *s)
{
	double ticks = ceil(2 * apart(s));

	if (s->learn)
		return s->learn;
	return ticks > ALARM_LEARN ? (uint32_t)fmin(ticks, UINT32_MAX / 2) : ALARM_LEARN;
}

uint32_t alarm_budget_left(const struct alarm_budget *b, const struct alarm_budget_settings *s)
{
	return b->ticks < learn(s) ? learn(s) - b->ticks : 0;
}

/* What the peaks say. */
static double of_peaks(const struct alarm_budget *b, const struct alarm_budget_settings *s)
{
	double m = ALARM_AIM * b->window / apart(s), excess = 0, ret = 0;
	unsigned j = b->n < ALARM_TAIL ? b->n : ALARM_TAIL;
	unsigned rank = m < 1 ? 1 : (unsigned)fmin(m, ALARM_PEAKS);

	if (!j)
		return 0;
	if (rank <= b->n)
		ret = b->peak[rank - 1];
	for (unsigned i = 0; i + 1 < j; i++)
		excess += b->peak[i] - b->peak[j - 1];
	if (j > 1 && m > 0 && m < j)
		ret = fmax(ret, b->peak[j - 1] + excess / (j - 1) * log(j / m));
	return fmin(ret, FLT_MAX);
}

double alarm_budget_threshold(const struct alarm_budget *b, double least)
{
	return fmax(b->threshold, least);
}

/* False: it is less than all that there is room for. */
static bool keep_peak(struct alarm_budget *b, float peak)
{
	unsigned i;

	if (b->n == ALARM_PEAKS && peak <= b->peak[b->n - 1])
		return false;
	if (b->n < ALARM_PEAKS)
		b->n++;
	for (i = b->n - 1u; i && b->peak[i - 1] < peak; i--)
		b->peak[i] = b->peak[i - 1];
	b->peak[i] = peak;
	return true;
}

/* Of two that are next to each other the greater one stays. */
static void forget_half(struct alarm_budget *b)
{
	for (unsigned i = 0; 2 * i < b->n; i++)
		b->peak[i] = b->peak[2 * i];
	b->n = (uint8_t)((b->n + 1) / 2);
	b->window /= 2;
}

static void follow(struct alarm_budget *b, const struct alarm_budget_settings *s, float score)
{
	bool counts = b->ticks >= learn(s) / 2, again = false;

	if (b->ticks < UINT32_MAX)
		b->ticks++;
	if (b->rising > 0 && score < b->rising / 2) {
		again = counts && keep_peak(b, b->rising);
		b->rising = 0;
	}
	b->rising = fmaxf(b->rising, score);
	if (!counts)
		return;
	if (++b->window >= ALARM_PEAKS * apart(s)) {
		forget_half(b);
		again = true;
	}
	if (again || b->window % ALARM_AGAIN == 0 || b->ticks == learn(s))
		b->threshold = (float)of_peaks(b, s);
}

bool alarm_budget_put(struct alarm_budget *b, const struct alarm_budget_settings *s, double score,
		      double least)
{
	double threshold;

	score = score > 0 ? fmin(score, FLT_MAX) : 0; /* NAN is not above */
	if (alarm_budget_left(b, s)) {
		b->alarm = false;
	} else {
		threshold = alarm_budget_threshold(b, least);
		b->alarm = score > (b->alarm ? threshold / 2 : threshold);
	}
	follow(b, s, (float)score);
	return b->alarm;
}

bool alarm_budget_sound(const struct alarm_budget *b)
{
	uint8_t alarm;

	memcpy(&alarm, &b->alarm, 1); /* before it is read as what it may not be */
	if (alarm > 1 || b->n > ALARM_PEAKS || !(b->rising >= 0 && b->rising <= FLT_MAX) ||
	    !(b->threshold >= 0 && b->threshold <= FLT_MAX))
		return false;
	for (unsigned i = 0; i < b->n; i++)
		if (!(b->peak[i] > 0 && b->peak[i] <= (i ? b->peak[i - 1] : FLT_MAX)))
			return false;
	return true;
}
