/* SPDX-License-Identifier: Apache-2.0 */
#include "qemu_args.h"

#include "xalloc.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void args_add(struct qemu_args *a, char *key, char *value)
{
	a->key[a->n] = key;
	a->value[a->n] = value;
	a->n++;
}

/* Ends the part at p: undoubles commas in place and returns where the next part starts,
 * NULL when this was the last. */
static char *part_end(char *p)
{
	char *to = p;

	for (; *p; p++) {
		if (*p == ',') {
			if (p[1] != ',') {
				*to = '\0';
				return p + 1;
			}
			p++;
		}
		*to++ = *p;
	}
	*to = '\0';
	return NULL;
}

static void parse_pairs(struct qemu_args *a, const char *text, const char *implied)
{
	static char on[] = "on";
	char *p = a->text = xstrdup(text);

	for (bool first = true; p && a->n < QEMU_PAIRS_MAX; first = false) {
		char *part = p, *equals = part + strcspn(part, "=,");

		if (*equals == '=') {
			*equals = '\0';
			p = part_end(equals + 1);
			args_add(a, part, equals + 1);
			continue;
		}
		p = part_end(part);
		if (first && implied)
			args_add(a, (char *)implied, part);
		else if (*part)
			args_add(a, part, on);
	}
}

static void flatten(struct qemu_args *a, json_t *object, const char *prefix, unsigned depth)
{
	const char *key;
	json_t *v;

	json_object_foreach(object, key, v)
	{
		char *name;

		if (a->n == QEMU_PAIRS_MAX)
			return;
		name = xasprintf("%s%s%s", prefix, *prefix ? "." : "", key);
		if (json_is_string(v)) {
			args_add(a, name, xstrdup(json_string_value(v)));
		} else if (json_is_integer(v)) {
			args_add(a, name, xasprintf("%lld", (long long)json_integer_value(v)));
		} else if (json_is_boolean(v)) {
			args_add(a, name, xstrdup(json_is_true(v) ? "on" : "off"));
		} else {
			if (json_is_object(v) && depth < QEMU_JSON_DEPTH)
				flatten(a, v, name, depth + 1);
			free(name);
		}
	}
}

void qemu_args_parse(struct qemu_args *a, const char *text, const char *implied, bool json)
{
	json_t *object;

	a->n = 0;
	a->text = NULL;
	if (!json || *text != '{') {
		parse_pairs(a, text, implied);
		return;
	}
	object = json_loads(text, 0, NULL);
	if (json_is_object(object))
		flatten(a, object, "", 1);
	json_decref(object);
}

void qemu_args_fini(struct qemu_args *a)
{
	if (!a->text) {
		for (unsigned i = 0; i < a->n; i++) {
			free(a->key[i]);
			free(a->value[i]);
		}
	}
	free(a->text);
	a->text = NULL;
	a->n = 0;
}

const char *qemu_args_get(const struct qemu_args *a, const char *key)
{
	for (unsigned i = a->n; i > 0; i--) {
		if (!strcmp(a->key[i - 1], key))
			return a->value[i - 1];
	}
	return NULL;
}

bool qemu_args_is(const struct qemu_args *a, const char *key, const char *value)
{
	const char *have = qemu_args_get(a, key);

	return have && !strcmp(have, value);
}
