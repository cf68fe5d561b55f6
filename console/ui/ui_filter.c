/* SPDX-License-Identifier: Apache-2.0 */
/* What `/` may name beside metrics: the columns of facts.def. */
#include "ui_state.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static const struct ui_fact *fact_of(uint16_t id)
{
	return &ui_facts[id - METRICS];
}

static bool is_called(const char *text, const char *name, size_t n)
{
	return strlen(text) == n && !strncasecmp(text, name, n);
}

/* What only stands for a metric is left to that one: its text has more in it. */
static uint16_t find(enum scope s, const char *name, size_t n)
{
	for (uint16_t id = METRICS; id < COLUMNS; id++) {
		const struct ui_fact *f = fact_of(id);

		if ((f->scopes & (1u << s)) && f->instead == METRICS &&
		    (is_called(f->name, name, n) || is_called(f->title, name, n)))
			return id;
	}
	return FILTER_NONE;
}

static bool is_text(uint16_t id)
{
	return !fact_of(id)->number;
}

static enum unit unit(uint16_t id)
{
	for (int i = U_NONE; i < UNITS; i++)
		if (!strcmp(units[i].text, fact_of(id)->unit))
			return (enum unit)i;
	return U_NONE;
}

static double number(const void *arg, struct thing t, uint16_t id)
{
	return ui_number(arg, t, id);
}

static const char *text(const void *arg, struct thing t, uint16_t id, char *to, size_t size)
{
	return ui_text(arg, t, id, to, size);
}

struct filter *ui_filter_new(const struct ui *u, const char *words, char *why, size_t why_size)
{
	const struct filter_columns columns = {.find = find,
					       .is_text = is_text,
					       .unit = unit,
					       .number = number,
					       .text = text,
					       .arg = u};

	return filter_new(words, &columns, why, why_size);
}
