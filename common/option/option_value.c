/* SPDX-License-Identifier: Apache-2.0 */
/* One value of one option: from text into the field. */
#include "option.h"
#include "xalloc.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Of what the user wrote this much is repeated in a message. */
#define QUOTED_MAX 80

int option_fail(struct option_parse *p, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(p->why, p->why_size, format, ap);
	va_end(ap);
	/* One line, whatever was in the argument. */
	for (char *c = p->why; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return -EINVAL;
}

void option_list_fini(struct option_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->item[i]);
	free(l->item);
	*l = (struct option_list){0};
}

const struct option_row *option_find(const struct option_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->rows[i].name, name))
			return &t->rows[i];
	return NULL;
}

enum option_origin option_origin(const struct option_parse *p, const char *name)
{
	const struct option_row *row = option_find(p->table, name);

	return row ? (enum option_origin)p->origin[row - p->table->rows] : FROM_DEFAULT;
}

/* From the largest to the smallest, as they are written and what they stand for. */
struct suffix {
	const char *text;
	double factor;
};
static const struct suffix size_suffix[] = {{"T", 0x1p40}, {"G", 0x1p30}, {"M", 0x1p20},
					    {"K", 0x1p10}, {"", 1},       {NULL, 0}};
static const struct suffix time_suffix[] = {{"d", 86400},  {"h", 3600}, {"m", 60}, {"s", 1},
					    {"ms", 0.001}, {"", 1},     {NULL, 0}};

/* The largest unit of which it is a whole number. */
static int shortest(const struct suffix *unit, double v, char *to, size_t size)
{
	while (unit[1].text &&
	       (v < unit->factor || fabs(v / unit->factor - rint(v / unit->factor)) > 1e-9))
		unit++;
	return snprintf(to, size, "%g%s", unit->text ? v / unit->factor : v, unit->text);
}

static void allowed_range(const struct option_row *row, const struct suffix *unit, const char *what,
			  char *to, size_t size)
{
	char min[32], max[32];

	shortest(unit, row->min, min, sizeof(min));
	shortest(unit, row->max, max, sizeof(max));
	snprintf(to, size, "%s, from %s to %s", what, min, max);
}

void option_allowed(const struct option_row *row, char *to, size_t size)
{
	size_t used = 0;

	switch ((enum option_type)row->type) {
	case OPTION_FLAG:
	case OPTION_BITS:
	case OPTION_SET:
		snprintf(to, size, "yes, no");
		break;
	case OPTION_TEXT:
		snprintf(to, size, "%s, not empty", row->arg);
		break;
	case OPTION_SECONDS:
		snprintf(to, size, "seconds from %g to %g", row->min, row->max);
		break;
	case OPTION_COUNT:
		snprintf(to, size, "1 and up, or -1 for no end");
		break;
	case OPTION_CHOICE:
		*to = '\0';
		for (unsigned i = 0; row->choices[i] && used < size; i++)
			used += (size_t)snprintf(to + used, size - used, "%s%s", i ? ", " : "",
						 row->choices[i]);
		break;
	case OPTION_LIST:
		snprintf(to, size, "%s,... (at most %u, none empty)", row->arg, OPTION_LIST_MAX);
		break;
	case OPTION_REPEAT:
		snprintf(to, size, "%s, at most %u times", row->arg, OPTION_LIST_MAX);
		break;
	case OPTION_NUMBER:
		snprintf(to, size, "a number from %.0f to %.0f", row->min, row->max);
		break;
	case OPTION_SIZE:
		allowed_range(row, size_suffix, "bytes with K, M, G or T", to, size);
		break;
	case OPTION_DURATION:
		allowed_range(row, time_suffix, "a time with ms, s, m, h or d (without: s)", to,
			      size);
		break;
	case OPTION_DECIMAL:
		snprintf(to, size, "a decimal number from %g to %g", row->min, row->max);
		break;
	}
}

/* Plain decimals only: no exponent, no hexadecimal, no "inf"; the point is a point in
 * every locale because strtod() never sees another one (LC_NUMERIC stays C). */
static bool parse_seconds(const char *text, double min, double max, double *ret)
{
	size_t n = strspn(text, "0123456789.");
	char *end;
	double v;

	if (!n || text[n] || n > 32)
		return false;
	v = strtod(text, &end);
	if (*end || end == text || !(v >= min && v <= max))
		return false;
	*ret = v;
	return true;
}

static bool parse_decimal(const char *text, double min, double max, double *ret)
{
	char *end;
	double v;

	if (!*text || text[strspn(text, "0123456789.+-eE")])
		return false;
	v = strtod(text, &end);
	if (*end || !(v >= min && v <= max))
		return false;
	*ret = v;
	return true;
}

static bool parse_count(const char *text, int *ret)
{
	char *end;
	long v;

	if (!strcmp(text, "-1")) {
		*ret = -1;
		return true;
	}
	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	v = strtol(text, &end, 10);
	if (errno || v < 1 || v > 2147483647)
		return false;
	*ret = (int)v;
	return true;
}

/* 64M, 1.5h: plain decimals and one of the suffixes, within [min, max]; times scale. */
static bool parse_suffixed(const char *text, const struct suffix *unit,
			   const struct option_row *row, double scale, uint64_t *ret)
{
	size_t n = strspn(text, "0123456789.");
	char *end, number[33];
	double v;

	if (!n || n >= sizeof(number))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	v = strtod(number, &end);
	while (unit->text && strcmp(unit->text, text + n))
		unit++;
	if (*end || end == number || !unit->text)
		return false;
	v *= unit->factor;
	if (!(v >= row->min && v <= row->max))
		return false;
	*ret = (uint64_t)(v * scale + 0.5);
	return true;
}

static bool parse_number(const char *text, const struct option_row *row, unsigned *ret)
{
	double v;

	if (!*text || text[strspn(text, "0123456789")] ||
	    !parse_seconds(text, row->min, row->max, &v))
		return false;
	*ret = (unsigned)v;
	return true;
}

static bool parse_flag(const char *text, bool *ret)
{
	static const char *const words[] = {"0", "no", "false", "off", "1", "yes", "true", "on"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(text, words[i])) {
			*ret = i >= 4;
			return true;
		}
	}
	return false;
}

static bool parse_choice(const char *text, const char *const *choices, unsigned *ret)
{
	for (unsigned i = 0; choices[i]; i++) {
		if (!strcmp(text, choices[i])) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool parse_list(const char *text, struct option_list *l)
{
	for (;;) {
		size_t n = strcspn(text, ",");

		if (!n || l->n == OPTION_LIST_MAX)
			return false;
		l->item = xrealloc(l->item, l->n + 1, sizeof(*l->item));
		l->item[l->n++] = xstrndup(text, n);
		if (!text[n])
			return true;
		text += n + 1;
	}
}

static bool parse_repeat(const char *text, enum option_origin origin, struct option_list *l)
{
	static const char blanks[] = " \t\n";
	unsigned before = l->n;

	while (*text) {
		size_t n = origin == FROM_ENVIRONMENT ? strcspn(text, blanks) : strlen(text);

		if (n && l->n == OPTION_LIST_MAX)
			return false;
		if (n) {
			l->item = xrealloc(l->item, l->n + 1, sizeof(*l->item));
			l->item[l->n++] = xstrndup(text, n);
		}
		text += n;
		text += strspn(text, blanks);
	}
	return l->n > before;
}

/* The rows that set the same field as this one, which is about to be set to another
 * value: 0 when it may be, 1 when a stronger origin has decided, or -EINVAL. */
static int check_exclusive(struct option_parse *p, const struct option_row *row,
			   enum option_origin origin, const char *as)
{
	const struct option_table *t = p->table;

	for (size_t i = 0; i < t->n; i++) {
		const struct option_row *other = &t->rows[i];
		char variable[64];

		if (other == row || other->type != OPTION_SET || other->offset != row->offset ||
		    p->origin[i] == FROM_DEFAULT)
			continue;
		if (p->origin[i] > origin)
			return 1;
		option_variable(t, other, variable, sizeof(variable));
		return option_fail(p, "%s and %s%s exclude each other: give one of them", as,
				   origin == FROM_ENVIRONMENT ? "" : "--",
				   origin == FROM_ENVIRONMENT ? variable : other->name);
	}
	return 0;
}

static int refuse(struct option_parse *p, const struct option_row *row, const char *as,
		  const char *value)
{
	char allowed[256];

	option_allowed(row, allowed, sizeof(allowed));
	return option_fail(p, "%s=%.*s%s is not possible; allowed: %s", as, QUOTED_MAX, value,
			   strlen(value) > QUOTED_MAX ? "..." : "", allowed);
}

int option_set(struct option_parse *p, const struct option_row *row, enum option_origin origin,
	       const char *as, const char *value)
{
	void *field = (char *)p->into + row->offset;
	unsigned char *by = &p->origin[row - p->table->rows];
	bool ok = true, on = true;
	unsigned index;
	int r;

	switch ((enum option_type)row->type) {
	case OPTION_FLAG:
	case OPTION_BITS:
	case OPTION_SET:
		ok = !value || parse_flag(value, &on);
		if (!ok)
			break;
		if (row->type == OPTION_FLAG) {
			*(bool *)field = on;
		} else if (row->type == OPTION_BITS && on) {
			*(unsigned *)field |= row->value;
		} else if (row->type == OPTION_SET && on) {
			r = check_exclusive(p, row, origin, as);
			if (r)
				return r < 0 ? r : 0;
			*(int *)field = (int)row->value;
		}
		if (!on && row->type != OPTION_FLAG)
			return 0; /* as if it had not been given */
		break;
	case OPTION_TEXT:
		ok = *value;
		if (ok)
			*(const char **)field = value;
		break;
	case OPTION_SECONDS:
		ok = parse_seconds(value, row->min, row->max, field);
		break;
	case OPTION_COUNT:
		ok = parse_count(value, field);
		break;
	case OPTION_CHOICE:
		ok = parse_choice(value, row->choices, &index);
		if (ok)
			*(int *)field = (int)(row->value + index);
		break;
	case OPTION_LIST:
		ok = parse_list(value, field);
		break;
	case OPTION_REPEAT:
		ok = parse_repeat(value, origin, field);
		break;
	case OPTION_NUMBER:
		ok = parse_number(value, row, field);
		break;
	case OPTION_SIZE:
		ok = parse_suffixed(value, size_suffix, row, 1, field);
		break;
	case OPTION_DURATION:
		ok = parse_suffixed(value, time_suffix, row, 1e9, field);
		break;
	case OPTION_DECIMAL:
		ok = parse_decimal(value, row->min, row->max, field);
		break;
	}
	if (!ok)
		return refuse(p, row, as, value);
	*by = (unsigned char)origin;
	return 0;
}

void option_defaults(struct option_parse *p)
{
	for (size_t i = 0; i < p->table->n; i++) {
		const struct option_row *row = &p->table->rows[i];

		p->origin[i] = FROM_DEFAULT;
		/* A unit test proves that every default is one of the allowed values. */
		if (row->fallback && !(row->bits & OPTION_UNSET))
			option_set(p, row, FROM_DEFAULT, row->name, row->fallback);
	}
}
