/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of the original: percents of percents are ten-thousandths, exactly.  Contexts of one
 * state only. */
#include "profile_read_value.h"
#include "profile_sound.h"

#include <math.h>
#include <stdio.h>

/* Where its states are: equal parts from the least to the greatest. */
static bool read_extent(struct reader *r, json_t *stats, const char *place,
			struct profile_metric *to)
{
	if (!read_number(r, stats, place, "min", &to->low) ||
	    !read_number(r, stats, place, "max", &to->high))
		return false;
	if (to->low > to->high)
		return read_wrong(r, place, "", "the least is above the greatest");
	if (to->low == to->high)
		to->high = to->low + fmax(1, fabs(to->low)); /* a constant: any will do */
	return true;
}

static bool read_row(struct reader *r, json_t *row, const char *place, uint32_t *cell,
		     const struct markov_settings *s)
{
	uint64_t percent[MARKOV_STATES_MAX], share;

	if (!read_u64(r, row, place, "probability", 100, &share))
		return false;
	if (!read_u64s(json_object_get(row, "nextProbs"), s->states, 100, percent))
		return read_wrong(r, place, "nextProbs",
				  "as many whole percents as there are states are needed");
	for (unsigned i = 0; i < s->states; i++)
		cell[i] = (uint32_t)(share * percent[i]);
	return true;
}

static bool read_transitions(struct reader *r, json_t *of, const char *place,
			     const struct markov_settings *s, struct markov *to)
{
	json_t *rows = json_object_get(of, "transitions"), *row;
	struct markov_counts *c = &to->counts;
	char here[READ_PLACE_MAX];
	const char *key;

	if (json_is_null(rows))
		return true; /* nothing was counted */
	if (!read_member(r, of, place, "transitions", JSON_OBJECT))
		return false;
	json_object_foreach(rows, key, row)
	{
		uint32_t context;
		unsigned h;

		snprintf(here, sizeof(here), "%.48s.transitions", place);
		if (!read_context(key, s, &h, &context))
			return read_wrong(r, here, "",
					  "a key is not a context of the settings' states");
		if (h > 1)
			continue; /* rounded, they may be more than the shorter ones */
		snprintf(here, sizeof(here), "%.48s.transitions.%.32s", place, key);
		if (!read_row(r, row, here, c->cell + (markov_row(c, s, h, context) - c->cell), s))
			return false;
	}
	for (unsigned i = 0; i < s->states * s->states; i++)
		c->transitions += c->cell[i];
	return true;
}

static bool read_its_stats(struct reader *r, json_t *stats, const char *place,
			   struct markov_stats *to)
{
	double deviation = 0;

	if (!read_u64(r, stats, place, "count", INT64_MAX, &to->count))
		return false;
	if (!to->count)
		return true;
	if (!read_number(r, stats, place, "min", &to->min) ||
	    !read_number(r, stats, place, "max", &to->max) ||
	    !read_number(r, stats, place, "avg", &to->mean) ||
	    !read_number(r, stats, place, "stddev", &deviation))
		return false;
	to->m2 = (long double)deviation * deviation * to->count;
	return true;
}

static bool read_metric(struct reader *r, json_t *of, const struct profile_settings *s,
			struct profile *p, unsigned i)
{
	struct markov *m = &p->metric[i];
	char place[READ_PLACE_MAX], stats[READ_PLACE_MAX];

	snprintf(place, sizeof(place), "roottx[%u]", i);
	snprintf(stats, sizeof(stats), "roottx[%u].stats", i);
	if (!read_its_stats(r, json_object_get(of, "stats"), stats, &m->stats) ||
	    !read_transitions(r, of, place, &s->markov, m))
		return false;
	m->states_seen = m->counts.transitions ? m->counts.transitions + UINT64_C(1) : 0;
	m->least = s->metric[i].low;
	m->greatest = s->metric[i].high;
	m->average = m->least;
	m->broken = true;
	if (p->ticks < m->states_seen)
		p->ticks = m->states_seen;
	return true;
}

bool read_original(struct reader *r, json_t *document, struct profile_document *to)
{
	json_t *list = json_object_get(document, "roottx"), *one;
	struct profile_settings *s = &to->settings;
	const char *wrong;
	size_t i;

	to->percents_only = true;
	s->markov.fixed = true;
	s->n_periods = 0;
	s->phase_likeliness = 0;
	json_array_foreach(list, i, one)
	{
		char place[READ_PLACE_MAX];

		snprintf(place, sizeof(place), "roottx[%zu].stats", i);
		if (!read_extent(r, json_object_get(one, "stats"), place, &s->metric[i]))
			return false;
	}
	wrong = profile_settings_wrong(s);
	if (wrong)
		return read_wrong(r, "settings", "", wrong);
	profile_init(&to->profile, s);
	json_array_foreach(
		list, i, one) if (!read_metric(r, one, s, &to->profile, (unsigned)i)) return false;
	return true;
}
