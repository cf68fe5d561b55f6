/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_read.h"
#include "markov_counts.h"
#include "profile_json.h"
#include "profile_read_value.h"
#include "profile_sound.h"
#include "xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings ---- */

static bool read_period_sizes(struct reader *r, json_t *settings, struct profile_settings *to)
{
	json_t *sizes = json_object_get(settings, "periodsize");
	uint64_t number[PROFILE_PERIODS_MAX];
	size_t n = json_array_size(sizes);

	if (!sizes || json_is_null(sizes))
		return true;
	if (n > PROFILE_PERIODS_MAX || !read_u64s(sizes, n, PROFILE_LEAVES_MAX, number))
		return read_wrong(r, "settings", "periodsize",
				  "at most 4 sizes of 1 to 1024 are allowed");
	for (size_t i = 0; i < n; i++)
		to->period[i] = (uint32_t)number[i];
	to->n_periods = (unsigned)n;
	return true;
}

/* Older documents of the original do not have these. */
static bool read_phase_settings(struct reader *r, json_t *settings, struct profile_settings *to)
{
	uint64_t history = 0;

	if (json_object_get(settings, "phaseChangeLikeliness") &&
	    !read_number(r, settings, "settings", "phaseChangeLikeliness", &to->phase_likeliness))
		return false;
	if (json_object_get(settings, "phaseChangeHistory") &&
	    !read_u64(r, settings, "settings", "phaseChangeHistory", UINT32_MAX, &history))
		return false;
	to->phase_history = (uint32_t)history;
	return true;
}

static bool read_fixed_bounds(struct reader *r, json_t *settings, struct profile_settings *to)
{
	json_t *bounds = read_array(r, settings, "settings", "fixedbounds", to->n_metrics);

	for (unsigned i = 0; bounds && i < to->n_metrics; i++) {
		json_t *pair = json_array_get(bounds, i);

		if (json_array_size(pair) != 2 || !json_is_number(json_array_get(pair, 0)) ||
		    !json_is_number(json_array_get(pair, 1)))
			return read_wrong(r, "settings", "fixedbounds",
					  "two numbers for each metric are needed");
		to->metric[i].low = json_number_value(json_array_get(pair, 0));
		to->metric[i].high = json_number_value(json_array_get(pair, 1));
	}
	return bounds;
}

static bool read_settings(struct reader *r, json_t *document, struct profile_settings *to)
{
	json_t *s = read_member(r, document, "", "settings", JSON_OBJECT);
	uint64_t states, history, buffersize;

	if (!s || !read_u64(r, s, "settings", "states", MARKOV_STATES_MAX, &states) ||
	    !read_u64(r, s, "settings", "history", MARKOV_HISTORY_MAX, &history) ||
	    !read_u64(r, s, "settings", "buffersize", UINT32_MAX, &buffersize) ||
	    !read_number(r, s, "settings", "filterstddevs", &to->markov.filter) ||
	    !read_bool(r, s, "settings", "fixbound", &to->markov.fixed))
		return false;
	to->markov.states = (unsigned)states;
	to->markov.history = (unsigned)history;
	to->markov.buffersize = (uint32_t)buffersize;
	return read_period_sizes(r, s, to) && read_phase_settings(r, s, to);
}

static bool read_name(struct reader *r, json_t *one, const char *place, struct profile_settings *to)
{
	json_t *name = read_member(r, one, place, "metric", JSON_STRING);
	size_t n = json_string_length(name);

	if (!name)
		return false;
	if (!n || n > PROFILE_NAME_MAX)
		return read_wrong(r, place, "metric", "a name of 1 to 63 bytes is needed");
	for (unsigned i = 0; i < to->n_metrics; i++)
		if (!strcmp(to->metric[i].name, json_string_value(name)))
			return read_wrong(r, place, "metric", "there is one of this name already");
	memcpy(to->metric[to->n_metrics++].name, json_string_value(name), n + 1);
	return true;
}

static bool read_names(struct reader *r, json_t *document, struct profile_settings *to)
{
	json_t *list = read_member(r, document, "", "roottx", JSON_ARRAY), *one;
	char place[READ_PLACE_MAX];
	size_t i;

	if (!list)
		return false;
	if (!json_array_size(list) || json_array_size(list) > PROFILE_METRICS_MAX)
		return read_wrong(r, "", "roottx", "1 to 64 metrics are allowed");
	json_array_foreach(list, i, one)
	{
		snprintf(place, sizeof(place), "roottx[%zu]", i);
		if (!read_name(r, one, place, to))
			return false;
	}
	return true;
}

/* ---- a metric of our own ---- */

static bool read_resume(struct reader *r, json_t *of, const char *place,
			const struct markov_settings *s, struct markov *to)
{
	json_t *resume = read_member(r, of, place, "resume", JSON_OBJECT);
	char here[READ_PLACE_MAX];
	uint64_t pending, values;

	snprintf(here, sizeof(here), "%.64s.resume", place);
	if (!resume || !read_u64(r, resume, here, "states", INT64_MAX, &to->states_seen) ||
	    !read_u64(r, resume, here, "pending", s->buffersize - 1, &pending) ||
	    !read_u64(r, resume, here, "values", pending, &values) ||
	    !read_long(r, resume, here, "sum", &to->sum) ||
	    !read_bytes(r, resume, here, "head", s->states, to->head, s->history,
			&to->head_length) ||
	    !read_bytes(r, resume, here, "tail", s->states, to->tail, s->history + 1,
			&to->tail_length) ||
	    !read_bool(r, resume, here, "broken", &to->broken))
		return false;
	to->pending = (uint32_t)pending;
	to->values = (uint32_t)values;
	if (!to->states_seen)
		return true;
	if (!read_number(r, resume, here, "least", &to->least) ||
	    !read_number(r, resume, here, "greatest", &to->greatest) ||
	    !read_number(r, resume, here, "last", &to->average))
		return false;
	if (to->least > to->greatest)
		return read_wrong(r, here, "", "the least is above the greatest");
	if (!s->fixed)
		to->range = markov_range_of(to->least, to->greatest, s->states);
	return true;
}

/* Alone, so that it can be said which one it is. */
static bool adds_up(struct reader *r, const char *place, const struct profile_settings *s,
		    struct profile *p, unsigned i)
{
	struct profile one = {.metric = &p->metric[i], .ticks = p->ticks};
	struct profile_settings its = {
		.markov = s->markov, .n_metrics = 1, .metric = {s->metric[i]}};
	const char *wrong = profile_unsound(&one, &its);
	char what[128];

	if (!wrong)
		return true;
	snprintf(what, sizeof(what), "does not add up (%s)", wrong);
	return read_wrong(r, place, "", what);
}

static bool read_metric(struct reader *r, json_t *of, const struct profile_settings *s,
			struct profile *p, unsigned i)
{
	char place[READ_PLACE_MAX];

	snprintf(place, sizeof(place), "roottx[%u]", i);
	return read_stats(r, of, place, &p->metric[i].stats) &&
	       read_counts(r, of, place, &s->markov, &p->metric[i].counts) &&
	       read_resume(r, of, place, &s->markov, &p->metric[i]) && adds_up(r, place, s, p, i);
}

static bool read_own(struct reader *r, json_t *document, struct profile_document *to)
{
	struct profile_settings *s = &to->settings;
	const char *wrong;
	json_t *list, *one;
	size_t i;

	if (s->markov.fixed && !read_fixed_bounds(r, json_object_get(document, "settings"), s))
		return false;
	wrong = profile_settings_wrong(s);
	if (wrong)
		return read_wrong(r, "settings", "", wrong);
	profile_init(&to->profile, s);
	if (!read_u64(r, document, "", "ticks", INT64_MAX, &to->profile.ticks))
		return false;
	list = json_object_get(document, "roottx");
	json_array_foreach(
		list, i, one) if (!read_metric(r, one, s, &to->profile, (unsigned)i)) return false;
	if (!read_periods(r, document, s, to->profile.periods) ||
	    !read_phases(r, document, s, to->profile.phases))
		return false;
	wrong = profile_unsound(&to->profile, s);
	return wrong ? read_wrong(r, wrong, "", "does not add up to the metrics' counts") : true;
}

/* ---- the document ---- */

static bool read_title(struct reader *r, json_t *document, struct profile_document *to)
{
	json_t *name = json_object_get(document, "name");

	if (name && !json_is_string(name))
		return read_wrong(r, "", "name", "a string is needed");
	if (json_string_length(name) > PROFILE_TITLE_MAX)
		return read_wrong(r, "", "name", "4095 bytes are allowed");
	to->name = xstrdup(name ? json_string_value(name) : "");
	return true;
}

static bool read_document(struct reader *r, json_t *document, struct profile_document *to)
{
	json_t *schema = json_object_get(document, "schema");

	if (!json_is_object(document))
		return read_wrong(r, "", "profile", "an object is needed");
	if (schema && (!json_is_integer(schema) || json_integer_value(schema) != PROFILE_SCHEMA)) {
		read_wrong(r, "", "schema", "1 is what this version can read");
		r->err = -EPROTO;
		return false;
	}
	if (!read_title(r, document, to) || !read_names(r, document, &to->settings) ||
	    !read_settings(r, document, &to->settings))
		return false;
	return schema ? read_own(r, document, to) : read_original(r, document, to);
}

int profile_read(struct profile_document *ret, const char *text, size_t n, char *why,
		 size_t why_size)
{
	struct reader r = {.why = why, .why_size = why_size};
	json_t *root, *inner;
	json_error_t error;

	memset(ret, 0, sizeof(*ret));
	if (n > PROFILE_DOCUMENT_MAX) {
		snprintf(why, why_size, "larger than 64 MiB");
		return -EFBIG;
	}
	root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		snprintf(why, why_size, "line %d, column %d: %s", error.line, error.column,
			 error.text);
		for (char *c = why; *c; c++)
			if ((unsigned char)*c < ' ')
				*c = ' '; /* it may quote the text */
		return -EBADMSG;
	}
	inner = json_object_get(root, "profile");
	if (!read_document(&r, inner ? inner : root, ret))
		profile_document_fini(ret);
	json_decref(root);
	return r.err;
}

void profile_document_fini(struct profile_document *d)
{
	if (d->profile.metric)
		profile_fini(&d->profile, &d->settings);
	free(d->name);
	d->name = NULL;
}
