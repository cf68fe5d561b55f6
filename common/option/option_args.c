/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, by argp.  argp reports a fault on two lines and does not say what
 * is allowed, so its reports are off (ARGP_NO_ERRS) and explain() finds out afterwards
 * what it stumbled over.
 */
#include "option_argp.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUOTED_MAX 64

struct command_line {
	struct option_parse *p;
	int failed;
	int after; /* argv index behind the last element that was understood */
};

/* Number of edits between two short names, for "did you mean". */
static unsigned distance(const char *a, size_t n, const char *b)
{
	unsigned char row[OPTION_NAME_MAX + 1];
	size_t m = strlen(b);

	if (m > OPTION_NAME_MAX || n > OPTION_NAME_MAX)
		return OPTION_NAME_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned char)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1u < best)
				best = row[j] + 1u;
			if (row[j - 1] + 1u < best)
				best = row[j - 1] + 1u;
			row[j] = (unsigned char)best;
		}
	}
	return row[m];
}

static void unknown_long(struct option_parse *p, const char *name, size_t n)
{
	const struct option_table *t = p->table;
	const char *nearest = NULL;
	unsigned least = 3;

	for (size_t i = 0; i < t->n; i++) {
		unsigned d = distance(name, n, t->rows[i].name);

		if (d < least && d < n) {
			least = d;
			nearest = t->rows[i].name;
		}
	}
	if (nearest)
		option_fail(p, "unknown option --%.*s; did you mean --%s? (%s --help lists all)",
			    (int)n, name, nearest, t->program);
	else
		option_fail(p, "unknown option --%.*s%s; %s --help lists the options",
			    n > QUOTED_MAX ? QUOTED_MAX : (int)n, name, n > QUOTED_MAX ? "..." : "",
			    t->program);
}

static void needs_value(struct option_parse *p, const struct option_row *row)
{
	char allowed[256];

	option_allowed(row, allowed, sizeof(allowed));
	option_fail(p, "--%s needs a value; allowed: %s", row->name, allowed);
}

/* An element --name or --name=value that argp could not make sense of. */
static void explain_long(struct option_parse *p, const char *element)
{
	const char *name = element + 2;
	size_t n = strcspn(name, "="), found = 0, used = 0;
	const struct option_row *row = NULL;
	char all[256] = "";

	for (size_t i = 0; i < p->table->n; i++) {
		const struct option_row *r = &p->table->rows[i];

		if (strncmp(r->name, name, n))
			continue;
		row = r;
		if (!r->name[n]) {
			found = 1;
			break;
		}
		if (used < sizeof(all))
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%s--%s",
						 found ? ", " : "", r->name);
		found++;
	}
	if (!found || !n)
		unknown_long(p, name, n);
	else if (found > 1)
		option_fail(p, "--%.*s can mean %s: write more of it", (int)n, name, all);
	else if (name[n] && !row->arg)
		option_fail(p, "--%s takes no value", row->name);
	else
		needs_value(p, row);
}

static const struct option_row *row_of_letter(const struct option_table *t, char letter)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].letter == letter)
			return &t->rows[i];
	return NULL;
}

/* A bundle -abc: the first letter that is unknown, or the last one without its value. */
static void explain_short(struct option_parse *p, const char *element)
{
	for (const char *c = element + 1; *c; c++) {
		const struct option_row *row = row_of_letter(p->table, *c);

		if (!row) {
			option_fail(p, "unknown option -%c; %s --help lists the options", *c,
				    p->table->program);
			return;
		}
		if (row->arg && !row->implied) {
			needs_value(p, row);
			return;
		}
	}
}

static int explain(struct command_line *c, const struct argp_state *state)
{
	int at = state->next - 1;

	/* A bundle is left behind only with its last letter. */
	if (state->next == c->after && state->next < state->argc)
		at = state->next;
	if (!strncmp(state->argv[at], "--", 2))
		explain_long(c->p, state->argv[at]);
	else
		explain_short(c->p, state->argv[at]);
	return -EINVAL;
}

/* -f=5 is -f 5, as it always was in proxtop. */
static const char *without_equals(const struct argp_state *state, const char *value)
{
	const char *element = state->argv[state->next - 1];

	if (*value == '=' && element[1] != '-' && value > element &&
	    value < element + strlen(element))
		return value + 1;
	return value;
}

static bool take_operand(struct option_parse *p, const char *arg)
{
	struct option_list *l = (void *)((char *)p->into + p->table->operands_offset);

	if (!p->table->operands || l->n >= p->table->operands)
		return false;
	l->item = xrealloc(l->item, l->n + 1, sizeof(*l->item));
	l->item[l->n++] = xstrdup(arg);
	return true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct command_line *c = state->input;
	const struct option_table *t = c->p->table;

	for (size_t i = 0; i < t->n; i++) {
		const struct option_row *row = &t->rows[i];
		const char *value = arg;
		char as[OPTION_NAME_MAX + 3];

		if (option_key(t, i) != key)
			continue;
		if (value)
			value = without_equals(state, value);
		else
			value = row->implied;
		snprintf(as, sizeof(as), "--%s", row->name);
		c->after = state->next;
		c->failed = option_set(c->p, row, FROM_COMMAND_LINE, as, value);
		if (c->failed)
			return EINVAL;
		if (row->bits & OPTION_STOP)
			state->next = state->argc;
		return 0;
	}
	switch (key) {
	case ARGP_KEY_ARG:
		if (take_operand(c->p, arg))
			return 0;
		if (t->operands)
			c->failed = option_fail(c->p,
						"surplus argument %.*s%s; %s --help lists what is "
						"allowed",
						QUOTED_MAX, arg,
						strlen(arg) > QUOTED_MAX ? "..." : "", t->program);
		else
			c->failed = option_fail(
				c->p, "surplus argument %.*s%s; %s takes options only", QUOTED_MAX,
				arg, strlen(arg) > QUOTED_MAX ? "..." : "", t->program);
		return EINVAL;
	case ARGP_KEY_ERROR:
		if (!c->failed)
			c->failed = explain(c, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int option_command_line(struct option_parse *p, int argc, char **argv)
{
	struct command_line c = {.p = p, .after = 1};
	struct argp_option options[OPTION_ARGP_MAX];
	struct argp argp = {.options = options, .parser = parse};

	option_argp(p->table, options, NULL);
	argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_IN_ORDER, NULL, &c);
	return c.failed;
}
