/* SPDX-License-Identifier: Apache-2.0 */
#include "periods.h"
#include "phases.h"
#include "profile_read_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool read_context(const char *key, const struct markov_settings *s, unsigned *h, uint32_t *context)
{
	*context = 0;
	for (*h = 1;; (*h)++) {
		unsigned state = 0, digits = 0;
		bool zero = *key == '0';

		for (; *key >= '0' && *key <= '9'; key++, digits++) {
			state = state * 10 + (unsigned)(*key - '0');
			if (state >= s->states)
				return false;
		}
		if (!digits || (zero && digits > 1) || *h > s->history)
			return false;
		*context = *context * s->states + state;
		if (!*key)
			return true;
		if (*key++ != '-')
			return false;
	}
}

bool read_counts(struct reader *r, json_t *of, const char *place, const struct markov_settings *s,
		 struct markov_counts *to)
{
	json_t *counts = read_member(r, of, place, "counts", JSON_OBJECT), *row;
	uint64_t number[MARKOV_STATES_MAX], sum = 0;
	const char *key;

	if (!counts)
		return false;
	json_object_foreach(counts, key, row)
	{
		uint32_t context, *cell;
		unsigned h;

		if (!read_context(key, s, &h, &context))
			return read_wrong(r, place, "counts",
					  "a key is not a context of the settings' states");
		if (!read_u64s(row, s->states, UINT32_MAX, number))
			return read_wrong(r, place, "counts",
					  "a row is not as many counts as there are states");
		cell = to->cell + (markov_row(to, s, h, context) - to->cell);
		for (unsigned i = 0; i < s->states; i++) {
			cell[i] = (uint32_t)number[i];
			sum += h == 1 ? number[i] : 0;
		}
	}
	if (sum > UINT32_MAX)
		return read_wrong(r, place, "counts", "more than can be counted");
	to->transitions = (uint32_t)sum;
	return true;
}

bool read_stats(struct reader *r, json_t *of, const char *place, struct markov_stats *to)
{
	json_t *stats = read_member(r, of, place, "stats", JSON_OBJECT);
	char here[READ_PLACE_MAX];

	snprintf(here, sizeof(here), "%.64s.stats", place);
	if (!stats || !read_u64(r, stats, here, "count", INT64_MAX, &to->count) ||
	    !read_u64(r, stats, here, "filtered", to->count, &to->filtered))
		return false;
	if (!to->count)
		return true;
	if (!read_number(r, stats, here, "min", &to->min) ||
	    !read_number(r, stats, here, "max", &to->max) ||
	    !read_number(r, stats, here, "avg", &to->mean) ||
	    !read_long(r, stats, here, "squares", &to->m2))
		return false;
	if (!(to->min <= to->max && to->m2 >= 0))
		return read_wrong(r, here, "", "the least is above the greatest");
	return true;
}

/* ---- periods ---- */

static bool read_leaf(struct reader *r, json_t *node, const char *place,
		      const struct profile_settings *s, struct periods *to, uint32_t leaf)
{
	json_t *matrices = read_member(r, node, place, "txmatrix", JSON_ARRAY);
	struct period_metric *of;

	if (!matrices || !json_array_size(matrices))
		return matrices;
	if (!read_array(r, node, place, "txmatrix", s->n_metrics))
		return false;
	of = periods_leaf(to, s, leaf);
	for (unsigned m = 0; m < s->n_metrics; m++) {
		json_t *one = json_array_get(matrices, m);
		const char *name = json_string_value(json_object_get(one, "metric"));
		char here[READ_PLACE_MAX];

		snprintf(here, sizeof(here), "%.64s.txmatrix[%u]", place, m);
		if (!name || strcmp(name, s->metric[m].name))
			return read_wrong(r, here, "metric", "not in the order of roottx");
		if (!read_stats(r, one, here, &of[m].stats) ||
		    !read_counts(r, one, here, &s->markov, &of[m].counts))
			return false;
	}
	return true;
}

/* Depth is n_periods at most: what is below is not looked at. */
static bool read_node(struct reader *r, json_t *node, const char *place,
		      const struct profile_settings *s, struct periods *to, unsigned depth,
		      uint32_t first)
{
	char here[READ_PLACE_MAX];
	json_t *children;

	if (!json_is_object(node))
		return read_wrong(r, place, "", "an object is needed");
	if (depth == s->n_periods)
		return read_leaf(r, node, place, s, to, first);
	children = read_array(r, node, place, "children", s->period[depth]);
	for (uint32_t i = 0; children && i < s->period[depth]; i++) {
		/* A place is as long as the tree is deep: 4 times this much. */
		snprintf(here, sizeof(here), "%.64s[%u]", place, i);
		if (!read_node(r, json_array_get(children, i), here, s, to, depth + 1,
			       first + i * periods_span(s, depth + 1)))
			return false;
	}
	return children;
}

bool read_periods(struct reader *r, json_t *document, const struct profile_settings *s,
		  struct periods *to)
{
	json_t *tree;

	if (!to)
		return true;
	tree = read_member(r, document, "", "periodTree", JSON_OBJECT);
	return tree && read_node(r, json_object_get(tree, "root"), "periodTree.root", s, to, 0, 0);
}

/* ---- phases ---- */

static bool read_phase(struct reader *r, json_t *of, const struct profile_settings *s,
		       struct phases *to, unsigned phase)
{
	char here[READ_PLACE_MAX];

	snprintf(here, sizeof(here), "phases.phases[%u]", phase);
	if (!json_is_array(of) || json_array_size(of) != s->n_metrics)
		return read_wrong(r, here, "", "one matrix for each metric is needed");
	for (unsigned m = 0; m < s->n_metrics; m++) {
		json_t *one = json_array_get(of, m);
		const char *name = json_string_value(json_object_get(one, "metric"));

		snprintf(here, sizeof(here), "phases.phases[%u][%u]", phase, m);
		if (!name || strcmp(name, s->metric[m].name))
			return read_wrong(r, here, "metric", "not in the order of roottx");
		if (!read_counts(r, one, here, &s->markov, phases_counts(to, s, phase, m)))
			return false;
	}
	return true;
}

static bool read_column(json_t *of, const struct profile_settings *s, uint8_t *to)
{
	if (!json_is_array(of) || json_array_size(of) != s->n_metrics)
		return false;
	for (unsigned m = 0; m < s->n_metrics; m++) {
		json_t *v = json_array_get(of, m);

		to[m] = PHASES_NONE;
		if (json_is_null(v))
			continue;
		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    json_integer_value(v) >= s->markov.states)
			return false;
		to[m] = (uint8_t)json_integer_value(v);
	}
	return true;
}

static bool read_window(struct reader *r, json_t *phases, const struct profile_settings *s,
			struct phases *to)
{
	json_t *window = read_member(r, phases, "phases", "window", JSON_ARRAY);

	if (!window)
		return false;
	if (json_array_size(window) > phases_columns(s))
		return read_wrong(r, "phases", "window", "longer than the settings' history");
	to->ring_used = (uint32_t)json_array_size(window);
	for (uint32_t i = 0; i < to->ring_used; i++)
		if (!read_column(json_array_get(window, i), s, to->ring + i * s->n_metrics))
			return read_wrong(r, "phases", "window",
					  "a state, or null, of each metric is needed");
	return true;
}

static bool read_tx(struct reader *r, json_t *phases, struct phases *to)
{
	json_t *rows = read_array(r, phases, "phases", "counts", to->n);

	for (unsigned i = 0; rows && i < to->n; i++)
		if (!read_u64s(json_array_get(rows, i), to->n, INT64_MAX, to->tx + i * to->n))
			return read_wrong(r, "phases", "counts",
					  "a row is not as many counts as there are phases");
	return rows;
}

static bool read_state(struct reader *r, json_t *phases, struct phases *to)
{
	uint64_t current, changes, settled;
	double likeliness = NAN;

	if (!read_u64(r, phases, "phases", "current", to->n - 1u, &current) ||
	    !read_u64(r, phases, "phases", "changes", UINT32_MAX, &changes) ||
	    !read_u64(r, phases, "phases", "settled", to->ring_used, &settled))
		return false;
	if (json_object_get(phases, "likeliness") &&
	    (!read_number(r, phases, "phases", "likeliness", &likeliness) ||
	     !(likeliness >= 0 && likeliness <= 1)))
		return read_wrong(r, "phases", "likeliness", "0 to 1 is allowed");
	to->current = (uint8_t)current;
	to->leaves = (uint32_t)changes;
	to->settled = (uint32_t)settled;
	to->likeliness = (float)likeliness;
	return true;
}

bool read_phases(struct reader *r, json_t *document, const struct profile_settings *s,
		 struct phases *to)
{
	json_t *phases, *list;
	size_t n;

	if (!to)
		return true;
	phases = read_member(r, document, "", "phases", JSON_OBJECT);
	list = phases ? read_member(r, phases, "phases", "phases", JSON_ARRAY) : NULL;
	if (!list)
		return false;
	n = json_array_size(list);
	if (!n || n > PROFILE_PHASES_MAX)
		return read_wrong(r, "phases", "phases", "1 to 16 phases are allowed");
	while (to->n < n)
		phases_add(to, s);
	for (unsigned i = 0; i < n; i++)
		if (!read_phase(r, json_array_get(list, i), s, to, i))
			return false;
	return read_tx(r, phases, to) && read_window(r, phases, s, to) && read_state(r, phases, to);
}
