/* SPDX-License-Identifier: Apache-2.0 */
#include "level.h"

#include <math.h>

#define M_NOTHING METRICS
#define TROUBLE   true
#define COLOUR    false

const struct level_row level_rows[] = {
#define LEVEL(scope_, metric_, of_, unless_, trouble_, warn_, bad_, why_)                          \
	{.metric = M_##metric_,                                                                    \
	 .of = M_##of_,                                                                            \
	 .unless = M_##unless_,                                                                    \
	 .scope = SCOPE_##scope_,                                                                  \
	 .trouble = trouble_,                                                                      \
	 .warn = warn_,                                                                            \
	 .bad = bad_,                                                                              \
	 .why = why_},
#include "levels.def"
#undef LEVEL
};
const unsigned level_rows_n = sizeof(level_rows) / sizeof(*level_rows);

const struct level_row *level_row_of(enum scope s, enum metric_id m)
{
	for (unsigned i = 0; i < level_rows_n; i++)
		if (level_rows[i].metric == m && level_rows[i].scope == s)
			return &level_rows[i];
	return NULL;
}

/* What thresholds are in: the unit of the key. */
static double as_shown(const struct level_row *row, double value)
{
	return metrics[row->metric].unit == U_CENTIPERCENT && row->of == METRICS ? value * 0.01
										 : value;
}

/* 1 and 2 are the thresholds, whichever way they go. */
static double score_of(double value, double warn, double bad)
{
	if (bad < warn) {
		if (value <= bad)
			return 2 + (value > 0 ? log2(bad / value) : INFINITY);
		return value < warn ? 1 + (warn - value) / (warn - bad) : warn / value;
	}
	if (value >= bad)
		return 2 + log2(value / bad);
	return value >= warn ? 1 + (value - warn) / (bad - warn) : value / warn;
}

double level_score(const struct level_row *row, double value)
{
	double score;

	if (isnan(value))
		return NAN;
	score = score_of(as_shown(row, value), row->warn, row->bad);
	/* Rates and shares are not below zero, and nothing is worse than this. */
	return score < 0 ? 0 : score > 100 ? 100 : score;
}

enum level level_of(enum scope s, enum metric_id m, double value)
{
	const struct level_row *row = level_row_of(s, m);
	double score;

	if (!row || row->of != METRICS || isnan(value))
		return LEVEL_NONE;
	score = level_score(row, value);
	return score >= 2 ? LEVEL_BAD : score >= 1 ? LEVEL_WARN : LEVEL_FINE;
}

/* ---- the documentation's table ---- */

static const char *const scope_words[SCOPES] = {
	"host", "VM", "vCPU", "VM's disk", "VM's NIC", "host's disk", "host's NIC", "program"};

static void print_threshold(FILE *to, const struct level_row *row, double value)
{
	const struct metric *m = &metrics[row->metric];
	const char *unit = row->of != METRICS ? "%" : units[m->unit].text;

	if (row->of == METRICS && m->unit == U_BYTE && value >= 1048576)
		fprintf(to, "%g MB", value / 1048576);
	else if (value < 0.001)
		fputs("any", to);
	else
		fprintf(to, "%g%s%s", value, *unit ? " " : "", unit);
	if (m->kind == COUNTER && value >= 0.001)
		fputs("/s", to);
}

void level_markdown(FILE *to)
{
	fputs("| Of | Metric | Warning | Bad | Trouble | Why |\n|---|---|---|---|---|---|\n", to);
	for (unsigned i = 0; i < level_rows_n; i++) {
		const struct level_row *row = &level_rows[i];
		const char *than = row->bad < row->warn ? "below " : "";

		fprintf(to, "| %s | `%s`", scope_words[row->scope], metrics[row->metric].key);
		if (row->of != METRICS)
			fprintf(to, " of `%s`", metrics[row->of].key);
		fprintf(to, " | %s", than);
		print_threshold(to, row, row->warn);
		fprintf(to, " | %s", than);
		print_threshold(to, row, row->bad);
		fprintf(to, " | %s | %s |\n", row->trouble ? "yes" : "colour only", row->why);
	}
}
