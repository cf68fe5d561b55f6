/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const struct {
	const char *name;
	uint8_t scopes;
} facts[FACTS] = {
#define FACT(id_, name_, title_, unit_, scopes_, ...)                                              \
	[FACT_##id_] = {.name = name_, .scopes = scopes_},
#include "facts.def"
};

struct reader {
	struct settings *s;
	char *why;
	size_t why_size;
};

/* where: the path to it, name its last part. */
static int wrong(const struct reader *r, const char *where, const char *name, const char *must)
{
	snprintf(r->why, r->why_size, "%.80s%s%.80s must be %s", where, *where ? "." : "", name,
		 must);
	return -EBADMSG;
}

static int read_bool(const struct reader *r, const json_t *of, const char *where, const char *name,
		     bool *ret)
{
	const json_t *v = json_object_get(of, name);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return wrong(r, where, name, "true or false");
	*ret = json_is_true(v);
	return 0;
}

/* A text that is too long is none of ours. */
static int read_text(const struct reader *r, const json_t *of, const char *where, const char *name,
		     char *to, size_t size)
{
	const json_t *v = json_object_get(of, name);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return wrong(r, where, name, "a text");
	if (json_string_length(v) < size)
		memcpy(to, json_string_value(v), json_string_length(v) + 1);
	return 0;
}

/* *ret NULL: it is not there. */
static int read_object(const struct reader *r, json_t *of, const char *where, const char *name,
		       json_t **ret)
{
	*ret = json_object_get(of, name);
	return !*ret || json_is_object(*ret) ? 0 : wrong(r, where, name, "an object");
}

static int read_view(const struct reader *r, const char *name, const json_t *of)
{
	struct settings_view *v = &r->s->views[r->s->n_views];
	char where[120];
	int e;

	if (!json_is_object(of))
		return wrong(r, "views", name, "an object");
	if (strlen(name) >= sizeof(v->name) || r->s->n_views >= SETTINGS_VIEWS_MAX)
		return 0;
	snprintf(where, sizeof(where), "views.%.80s", name);
	*v = (struct settings_view){0};
	snprintf(v->name, sizeof(v->name), "%s", name);
	e = read_text(r, of, where, "sort", v->sort, sizeof(v->sort));
	if (!e)
		e = read_bool(r, of, where, "reversed", &v->reversed);
	if (!e)
		r->s->n_views++;
	return e;
}

static enum metric_id metric_by_name(enum scope s, const char *name)
{
	unsigned m = 0;

	while (m < METRICS && (!(metrics[m].scopes & 1u << s) || strcmp(metrics[m].name, name)))
		m++;
	return (enum metric_id)m;
}

static unsigned fact_by_name(enum scope s, const char *name)
{
	unsigned f = 0;

	while (f < FACTS && (!(facts[f].scopes & 1u << s) || strcmp(facts[f].name, name)))
		f++;
	return f;
}

static int read_fields(const struct reader *r, enum scope s, json_t *of)
{
	const char *name;
	char where[60];
	json_t *v;

	snprintf(where, sizeof(where), "fields.%s", scope_names[s]);
	json_object_foreach(of, name, v)
	{
		enum metric_id m = metric_by_name(s, name);
		unsigned f = fact_by_name(s, name);

		if (!json_is_boolean(v))
			return wrong(r, where, name, "true (shown) or false (hidden)");
		if (m < METRICS)
			r->s->field[s][m] = json_is_true(v) ? 1 : 2;
		else if (f < FACTS)
			r->s->fact[s][f] = json_is_true(v) ? 1 : 2;
	}
	return 0;
}

static int read_all(const struct reader *r, json_t *root)
{
	json_t *views, *fields, *v;
	const char *name;
	int e = 0;

	if (!json_is_object(root))
		return wrong(r, "", "the whole", "an object");
	if (read_text(r, root, "", "view", r->s->view, sizeof(r->s->view)) ||
	    read_bool(r, root, "", "human", &r->s->human) ||
	    read_bool(r, root, "", "mouse", &r->s->mouse) ||
	    read_bool(r, root, "", "tree", &r->s->tree) ||
	    read_object(r, root, "", "views", &views) ||
	    read_object(r, root, "", "fields", &fields))
		return -EBADMSG;
	json_object_foreach(views, name, v) if (!e) e = read_view(r, name, v);
	for (unsigned s = 0; s < SCOPES && !e; s++) {
		e = read_object(r, fields, "fields", scope_names[s], &v);
		if (!e && v)
			e = read_fields(r, (enum scope)s, v);
	}
	return e;
}

int settings_from_json(struct settings *s, const char *text, size_t n, char *why, size_t why_size)
{
	struct reader r = {.s = s, .why = why, .why_size = why_size};
	json_error_t error;
	json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
	int e;

	if (!root) {
		snprintf(why, why_size, "line %d: %s", error.line, error.text);
		return -EBADMSG;
	}
	e = read_all(&r, root);
	json_decref(root);
	return e;
}

static json_t *views_json(const struct settings *s)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < s->n_views && i < SETTINGS_VIEWS_MAX; i++) {
		const struct settings_view *v = &s->views[i];

		json_object_set_new(
			all, v->name,
			json_pack("{s:s, s:b}", "sort", v->sort, "reversed", (int)v->reversed));
	}
	return all;
}

static json_t *fields_json(const struct settings *s)
{
	json_t *all = json_object();

	for (unsigned scope = 0; scope < SCOPES; scope++) {
		json_t *of = json_object();

		for (unsigned m = 0; m < METRICS; m++)
			if (s->field[scope][m])
				json_object_set_new(of, metrics[m].name,
						    json_boolean(s->field[scope][m] == 1));
		for (unsigned f = 0; f < FACTS; f++)
			if (s->fact[scope][f])
				json_object_set_new(of, facts[f].name,
						    json_boolean(s->fact[scope][f] == 1));
		if (json_object_size(of))
			json_object_set_new(all, scope_names[scope], of);
		else
			json_decref(of);
	}
	return all;
}

char *settings_to_json(const struct settings *s)
{
	json_t *root = json_pack("{s:s, s:b, s:b, s:b, s:o, s:o}", "view", s->view, "human",
				 (int)s->human, "mouse", (int)s->mouse, "tree", (int)s->tree,
				 "views", views_json(s), "fields", fields_json(s));
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL, *line = NULL;

	json_decref(root);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}
