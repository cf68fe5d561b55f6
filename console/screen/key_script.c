/* SPDX-License-Identifier: Apache-2.0 */
/* --keys: a script of keys, read. */
#include "char_width.h"
#include "grid.h"
#include "key.h"
#include "utf8.h"
#include "xalloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
	const char *text, *at;
	char *why;
	size_t why_size;
};

/* What, and at which character of the script, counted from 1. */
static int fail(const struct script *s, const char *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct script *s, const char *at, const char *format, ...)
{
	unsigned character = 1;
	char what[400];
	va_list args;

	for (const char *c = s->text; c < at; c++)
		character += !utf8_follows((unsigned char)*c);
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(s->why, s->why_size, "character %u: %s", character, what);
	return -EINVAL;
}

/* "10,3" or "120x40" as two numbers */
static bool two_numbers(const char *text, const char *end, char between, unsigned max[2],
			unsigned ret[2])
{
	for (int i = 0; i < 2; i++) {
		const char *from = text;

		ret[i] = 0;
		for (; text < end && *text >= '0' && *text <= '9'; text++) {
			ret[i] = ret[i] * 10 + (unsigned)(*text - '0');
			if (ret[i] > max[i])
				return false;
		}
		if (text == from)
			return false;
		if (!i && (text == end || *text++ != between))
			return false;
	}
	return text == end;
}

static int read_wait(struct script *s, const char *from, const char *end, struct key *k)
{
	char number[24], *stop;

	k->seconds = -1;
	if (from == end)
		return 0;
	if ((size_t)(end - from) < sizeof(number)) {
		memcpy(number, from, (size_t)(end - from));
		number[end - from] = '\0';
		k->seconds = strtod(number, &stop);
		if (!*stop && k->seconds >= 0 && k->seconds <= KEY_WAIT_MAX)
			return 0;
	}
	return fail(s, from, "wait takes seconds from 0 to %g, or nothing", KEY_WAIT_MAX);
}

/* What stands behind the name of a key; [from, end) may be empty. */
static int read_argument(struct script *s, const char *from, const char *end, struct key *k)
{
	unsigned max[] = {GRID_COLS_MAX - 1, GRID_ROWS_MAX - 1}, v[2];
	bool resize = k->code == K_RESIZE;

	switch (k->code) {
	case K_WAIT:
		return read_wait(s, from, end, k);
	case K_CLICK:
	case K_WHEEL_UP:
	case K_WHEEL_DOWN:
	case K_RESIZE:
		if (resize) {
			max[0]++;
			max[1]++;
		}
		if (!two_numbers(from, end, resize ? 'x' : ',', max, v) ||
		    (resize && (!v[0] || !v[1])))
			return fail(s, from, "%s to %ux%u",
				    resize ? "resize takes COLSxROWS, 1x1"
					   : "this takes COL,ROW from 0,0",
				    max[0], max[1]);
		k->col = v[0];
		k->row = v[1];
		return 0;
	default:
		return from == end ? 0 : fail(s, from, "this key takes nothing behind its name");
	}
}

static int unknown(struct script *s, const char *name, size_t n)
{
	char all[256];

	key_names(all, sizeof(all));
	return fail(s, name - 1, "unknown key {%.*s}; allowed: %s", n > 20 ? 20 : (int)n, name,
		    all);
}

static int read_named(struct script *s, struct key *k)
{
	const char *name = s->at + 1, *end = strchr(name, '}'), *stop = name, *from;

	if (!end)
		return fail(s, s->at, "{ without }; a brace itself is {{");
	while (stop < end && *stop != ' ')
		stop++;
	for (from = stop; from < end && *from == ' ';)
		from++;
	k->code = key_code(name, (size_t)(stop - name));
	if (!k->code)
		return unknown(s, name, (size_t)(stop - name));
	s->at = end + 1;
	return read_argument(s, from, end, k);
}

static int read_key(struct script *s, struct key *k)
{
	const char *from;
	unsigned width;

	*k = (struct key){0};
	if (s->at[0] == '{' && s->at[1] != '{')
		return read_named(s, k);
	if (!utf8_length(s->at) || utf8_is_control(s->at))
		return fail(s, s->at,
			    "not a character that can be typed; keys have names: {Enter}");
	if (*s->at == '{')
		s->at++;
	from = s->at;
	k->code = char_next(&s->at, &width);
	if (k->code == '?' && *from != '?')
		return fail(s, from, "not a character that is shown");
	return 0;
}

int key_script(struct key **ret, size_t *ret_n, const char *text, char *why, size_t why_size)
{
	struct script s = {.text = text, .at = text, .why = why, .why_size = why_size};
	/* Each key is at least a byte. */
	struct key *list = xcalloc(strlen(text) + 1, sizeof(*list));
	size_t n = 0;

	*ret = NULL;
	*ret_n = 0;
	while (*s.at) {
		int r = read_key(&s, &list[n++]);

		if (r < 0) {
			free(list);
			return r;
		}
	}
	*ret = list;
	*ret_n = n;
	return 0;
}
