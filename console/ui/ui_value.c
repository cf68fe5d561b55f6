/* SPDX-License-Identifier: Apache-2.0 */
/* What a cell of a table says: a metric's or a fact's value, and how bad it is. */
#include "ui_state.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool ui_is_stale(const struct ui *u, struct thing t)
{
	const struct world_host *h = t.host < u->world->n_hosts ? u->world->hosts[t.host] : NULL;

	return !h || h->about.stale;
}

static bool exists(enum metric_id m, struct thing t)
{
	return metrics[m].scopes & (1u << t.scope);
}

double ui_number(const struct ui *u, struct thing t, unsigned column)
{
	const struct metric *m;

	if (column >= METRICS) {
		const struct ui_fact *f = &ui_facts[column - METRICS];

		return f->number && (f->scopes & (1u << t.scope)) ? f->number(u, t) : NAN;
	}
	m = &metrics[column];
	if (!exists((enum metric_id)column, t) || m->kind == INFO)
		return NAN;
	return world_value(u->world, t, (enum metric_id)column);
}

const char *ui_text(const struct ui *u, struct thing t, unsigned column, char *to, size_t size)
{
	if (column >= METRICS) {
		const struct ui_fact *f = &ui_facts[column - METRICS];

		return f->text && (f->scopes & (1u << t.scope)) ? f->text(u, t, to, size) : NULL;
	}
	if (!exists((enum metric_id)column, t) || metrics[column].kind != INFO)
		return NULL;
	return world_text(u->world, t, (enum metric_id)column);
}

bool ui_is_absent(const struct ui *u, struct thing t, unsigned column)
{
	char to[UI_CELL_MAX];
	const char *text;

	if (!ui_column_is_text(column))
		return isnan(ui_number(u, t, column));
	text = ui_text(u, t, column, to, sizeof(to));
	return !text || !*text;
}

enum level ui_level(const struct ui *u, struct thing t, unsigned column)
{
	if (column >= METRICS) {
		const struct ui_fact *f = &ui_facts[column - METRICS];

		return f->level && (f->scopes & (1u << t.scope)) ? f->level(u, t) : LEVEL_NONE;
	}
	return trouble_level(u->world, t, (enum metric_id)column);
}

const char *ui_level_sign(enum level l)
{
	return l == LEVEL_BAD ? "!!" : l == LEVEL_WARN ? "!" : "";
}

enum style ui_level_style(enum level l, enum style fine)
{
	return l == LEVEL_BAD ? STYLE_BAD : l == LEVEL_WARN ? STYLE_WARN : fine;
}

static const char *trimmed(const char *text)
{
	while (*text == ' ')
		text++;
	return text;
}

static void fact_number(double value, unsigned width, const char *unit, char *to, size_t size)
{
	int n;

	if (isnan(value))
		snprintf(to, size, "-");
	else if (!strcmp(unit, "%"))
		snprintf(to, size, "%.1f", value);
	else if (!strcmp(unit, "s") && value < 60)
		snprintf(to, size, "%.3gs", value);
	else if (!strcmp(unit, "s"))
		duration_text(value, to, size);
	else {
		n = snprintf(to, size, "%.0f", value);
		if (width && n > (int)width)
			snprintf(to, size, "%.1e", value);
	}
}

void ui_cell(const struct ui *u, struct thing t, const struct ui_column *c, struct ui_cell *ret)
{
	const char *text;
	double value;

	ret->style = STYLE_NORMAL;
	ret->sign = "";
	if (ui_column_is_text(c->id)) {
		text = ui_text(u, t, c->id, ret->text, sizeof(ret->text));
		if (!text)
			ret->text[0] = '\0';
		else if (text != ret->text)
			snprintf(ret->text, sizeof(ret->text), "%s", text);
	} else {
		value = ui_number(u, t, c->id);
		if (c->id < METRICS)
			/* 30 days are nothing to read in seconds. */
			value_text((enum metric_id)c->id, value,
				   u->chosen.human || metrics[c->id].unit == U_SECOND, c->width,
				   ret->text, sizeof(ret->text));
		else
			fact_number(value, c->width, ui_column_unit(c->id), ret->text,
				    sizeof(ret->text));
		if (isnan(value))
			ret->style = STYLE_DIM;
	}
	if (c->gap > 1) {
		enum level l = ui_level(u, t, c->id);

		ret->sign = ui_level_sign(l);
		ret->style = ui_level_style(l, ret->style);
	}
}

void ui_value_short(enum metric_id m, double value, bool human, char *to, size_t size)
{
	enum unit unit = (enum unit)metrics[m].unit;
	const char *number, *name = units[unit].text;
	bool per_second = metric_is_rate(m);
	char text[64];

	human = human || unit == U_SECOND;
	value_text(m, value, human, 10, text, sizeof(text));
	number = trimmed(text);
	snprintf(to, size, "%s", number);
	/* A prefix says it already, and so does a time. */
	if (!isdigit((unsigned char)number[strlen(number) - 1]) || unit == U_TEXT || unit == U_ID ||
	    (human && unit == U_SECOND) || (!*name && !per_second))
		return;
	snprintf(to, size, "%s%s%s%s", number, *name && *name != '%' ? " " : "", name,
		 per_second ? "/s" : "");
}
