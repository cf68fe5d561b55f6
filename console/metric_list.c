/* SPDX-License-Identifier: Apache-2.0 */
#include "metric_list.h"

#include "metric.h"

#include <string.h>

static const char *const shown[] = {
	[HIDDEN] = "openmetrics", [SHOWN] = "always", [VERBOSE] = "verbose", [CLUSTER] = "cluster"};

/* The unit of what is printed in text and json: of a counter its rate. */
static void unit_text(const struct metric *m, char *to, size_t size)
{
	bool rate = m->key && metric_is_rate((enum metric_id)(m - metrics));
	const char *unit = units[m->unit].text;

	if (rate)
		snprintf(to, size, "%s/s", *unit ? unit : "1");
	else
		snprintf(to, size, "%s", unit);
}

static void scopes_text(const struct metric *m, char *to, size_t size)
{
	size_t used = 0;

	*to = '\0';
	for (int s = 0; s < SCOPES && used < size; s++)
		if (m->scopes & (1u << s))
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? "," : "",
						 scope_names[s]);
}

void metric_list_text(FILE *to)
{
	fprintf(to, "%-28s %-26s %-9s %-18s %-7s %-11s %s\n", "KEY", "NAME", "COLLECTOR", "SCOPES",
		"UNIT", "SHOWN", "MEANING");
	for (int i = 0; i < METRICS; i++) {
		const struct metric *m = &metrics[i];
		char unit[32], scopes[128];
		int pad;

		unit_text(m, unit, sizeof(unit));
		scopes_text(m, scopes, sizeof(scopes));
		/* printf counts bytes, the micro sign has two. */
		pad = strncmp(unit, "µ", strlen("µ")) ? 7 : 8;
		fprintf(to, "%-28s %-26s %-9s %-18s %-*s %-11s %s\n", m->key ? m->key : "-",
			m->name, family_names[m->family], scopes, pad, *unit ? unit : "-",
			shown[m->show], m->help);
	}
}

static void cell(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '<')
			fputc('\\', to);
		fputc(*text, to);
	}
	fputs(" | ", to);
}

static void markdown_row(FILE *to, const struct metric *m)
{
	char unit[32], scopes[128];

	unit_text(m, unit, sizeof(unit));
	scopes_text(m, scopes, sizeof(scopes));
	fputs("| ", to);
	if (m->key)
		fprintf(to, "`%s`", m->key);
	fprintf(to, " | `%s` | ", m->name);
	cell(to, scopes);
	cell(to, unit);
	cell(to, kind_names[m->kind]);
	cell(to, shown[m->show]);
	cell(to, m->help);
	fprintf(to, "%s |\n", m->source);
}

void metric_list_markdown(FILE *to)
{
	fputs("# Metrics\n\n"
	      "Made by `proxtop --list-metrics=markdown` from common/metrics.def; a test keeps it "
	      "current.\n\n"
	      "*Key* is the name in text and json, *name* the one in openmetrics "
	      "(`proxtop_SCOPE_NAME`, with\nthe base unit and `_total` of a counter). The unit is "
	      "that of text and json, where a counter\nis shown per second; openmetrics has raw "
	      "counters in base units, and nothing that is derived from\nthem. *Shown*: always, "
	      "with `--verbose`, or in openmetrics only. A value that could not be\nread is "
	      "absent, never zero.\n",
	      to);
	for (int f = 0; f < FAMILIES; f++) {
		fprintf(to,
			"\n## %s\n\n| Key | Name | Scopes | Unit | Kind | Shown | Meaning | Source "
			"|\n"
			"|---|---|---|---|---|---|---|---|\n",
			family_names[f]);
		for (int i = 0; i < METRICS; i++)
			if (metrics[i].family == f)
				markdown_row(to, &metrics[i]);
	}
}
