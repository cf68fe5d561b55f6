/* SPDX-License-Identifier: Apache-2.0 */
#include "level.h"

#include <math.h>

#define M_NOTHING METRICS
#define TROUBLE   true
#define COLOUR    false
#define ANY_BELOW 0.001 /* less than that is any at all: levels.def's ANY */

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

/* Thresholds are in the unit of the key: of hundredths of a percent in percents. */
static bool is_in_hundredths(const struct level_row *row)
{
	return metrics[row->metric].unit == U_CENTIPERCENT && row->of == METRICS;
}

double level_raw(const struct level_row *row, double threshold)
{
	return is_in_hundredths(row) ? threshold * 100 : threshold;
}

static double as_shown(const struct level_row *row, double value)
{
	return is_in_hundredths(row) ? value * 0.01 : value;
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

	if (!row || row->of != METRICS)
		return LEVEL_NONE;
	return level_of_score(level_score(row, value));
}

enum level level_of_score(double score)
{
	return isnan(score) ? LEVEL_NONE
	       : score >= 2 ? LEVEL_BAD
	       : score >= 1 ? LEVEL_WARN
			    : LEVEL_FINE;
}

void level_threshold_text(const struct level_row *row, double value, char *to, size_t size)
{
	const char *unit = row->of != METRICS ? "%" : units[metrics[row->metric].unit].text;
	const char *rate = metric_is_rate((enum metric_id)row->metric) ? "/s" : "";
	double mib = value / 1048576;

	if (value < ANY_BELOW)
		snprintf(to, size, "any");
	else if (row->of == METRICS && metrics[row->metric].unit == U_BYTE && mib >= 1)
		snprintf(to, size, "%g MB%s", mib, rate);
	else
		snprintf(to, size, "%g%s%s%s", value, *unit ? " " : "", unit, rate);
}

/* ---- the documentation's table ---- */

static const char *const scope_words[SCOPES] = {
	"host", "VM", "vCPU", "VM's disk", "VM's NIC", "host's disk", "host's NIC", "program"};

void level_markdown(FILE *to)
{
	fputs("| Of | Metric | Warning | Bad | Trouble | Why |\n|---|---|---|---|---|---|\n", to);
	for (unsigned i = 0; i < level_rows_n; i++) {
		const struct level_row *row = &level_rows[i];
		const char *than = row->bad < row->warn ? "below " : "";
		char warn[40], bad[40];

		level_threshold_text(row, row->warn, warn, sizeof(warn));
		level_threshold_text(row, row->bad, bad, sizeof(bad));
		fprintf(to, "| %s | `%s`", scope_words[row->scope], metrics[row->metric].key);
		if (row->of != METRICS)
			fprintf(to, " of `%s`", metrics[row->of].key);
		fprintf(to, " | %s%s | %s%s", than, warn, than, bad);
		fprintf(to, " | %s | %s |\n", row->trouble ? "yes" : "colour only", row->why);
	}
}
