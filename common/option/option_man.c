/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages of the option table, man(7). */
#include "option_reference.h"

#include <string.h>

/* Text as it stands, whatever roff would see in it; a line of its own begins where bol is. */
static void text(FILE *to, const char *s, size_t n)
{
	bool bol = true;

	for (; n && *s; s++, n--) {
		if (bol && (*s == '.' || *s == '\''))
			fputs("\\&", to);
		bol = *s == '\n';
		if (*s == '\\')
			fputs("\\e", to);
		else if (*s == '-')
			fputs("\\-", to); /* can be copied to a shell */
		else if (*s == '\'')
			fputs("\\(aq", to);
		else
			fputc(*s, to);
	}
}

static void all(FILE *to, const char *s)
{
	text(to, s, strlen(s));
}

static void bold(FILE *to, const char *s)
{
	fputs("\\fB", to);
	all(to, s);
	fputs("\\fR", to);
}

static void italic(FILE *to, const char *s)
{
	fputs("\\fI", to);
	all(to, s);
	fputs("\\fR", to);
}

static void title(const struct option_table *t, const char *suffix, unsigned section, FILE *to)
{
	/* In capitals by the macro, where that is the custom. */
	fprintf(to, ".\\\" made by %s --list-options\n.TH ", t->program);
	all(to, t->program);
	fprintf(to, "%s %u \"\" \"proxtop " PROXTOP_VERSION "\" \"proxtop\"\n.SH NAME\n", suffix,
		section);
	all(to, t->program);
	fprintf(to, "%s \\- ", suffix);
}

/* The summary is: one sentence, \v, more. */
static size_t sentence(const struct option_table *t)
{
	size_t n = strcspn(t->summary, "\v");

	return n && t->summary[n - 1] == '.' ? n - 1 : n;
}

/* Meaning, what is allowed, the default: as --help and the Markdown have it. */
static void meaning(const struct option_row *row, FILE *to)
{
	char allowed[256];

	all(to, row->help);
	if (option_is_bounded(row)) {
		option_allowed(row, allowed, sizeof(allowed));
		fputs(": ", to);
		all(to, allowed);
	}
	if (row->fallback) {
		fputs(" (default: ", to);
		all(to, row->fallback);
		fputs(")", to);
	}
	fputs("\n", to);
}

static void group(const struct option_table *t, unsigned g, FILE *to)
{
	fputs(".SS ", to);
	all(to, t->groups[g]);
	fputs("\n", to);
}

static void option(const struct option_table *t, const struct option_row *row, FILE *to)
{
	char name[64];

	fputs(".TP\n", to);
	if (row->letter) {
		snprintf(name, sizeof(name), "-%c", row->letter);
		bold(to, name);
		fputs(", ", to);
	}
	snprintf(name, sizeof(name), "--%s", row->name);
	bold(to, name);
	if (row->arg) {
		fputs(row->implied ? "[=" : "=", to);
		italic(to, row->arg);
		fputs(row->implied ? "]" : "", to);
	}
	fputs("\n", to);
	meaning(row, to);
	if (row->bits & OPTION_NO_ENV)
		return;
	option_variable(t, row, name, sizeof(name));
	fputs(".br\nEnvironment: ", to);
	bold(to, name);
	fputs("\n", to);
}

static void variable(const struct option_table *t, const struct option_row *row, FILE *to)
{
	char name[64];

	option_variable(t, row, name, sizeof(name));
	fputs(".TP\n", to);
	bold(to, name);
	fputs("=", to);
	italic(to, row->arg ? row->arg : "yes|no");
	fputs("\n", to);
	meaning(row, to);
}

static void description(const struct option_table *t, FILE *to)
{
	const char *more = strchr(t->summary, '\v');

	text(to, t->summary, strcspn(t->summary, "\v"));
	fputs("\n", to);
	if (!more)
		return;
	fputs(".PP\n", to);
	all(to, more + 1);
	fputs("\n", to);
}

static void files(const struct option_table *t, FILE *to)
{
	if (!t->file)
		return;
	fputs(".SH FILES\n.TP\n", to);
	italic(to, t->file);
	fputs("\nOptions as variables, for ", to);
	bold(to, t->program);
	fputs(".service: ", to);
	bold(to, t->program);
	fputs(".conf(5).\n", to);
}

static void see_also(const char *self, FILE *to)
{
	static const struct {
		const char *name;
		unsigned section;
	} pages[] = {{"proxprofiler", 1},       {"proxtop", 1},
		     {"proxtop-agent.conf", 5}, {"proxtop-aggregator.conf", 5},
		     {"proxtop.conf", 5},       {"proxtop-agent", 8},
		     {"proxtop-aggregator", 8}};
	bool first = true;

	fputs(".SH SEE ALSO\n", to);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (!strcmp(pages[i].name, self))
			continue;
		fputs(first ? "" : ",\n", to);
		bold(to, pages[i].name);
		fprintf(to, "(%u)", pages[i].section);
		first = false;
	}
	fputs("\n", to);
}

void option_man(const struct option_table *t, FILE *to)
{
	title(t, "", t->section, to);
	text(to, t->summary, sentence(t));
	fputs("\n.SH SYNOPSIS\n", to);
	bold(to, t->program);
	fputs(t->operands ? " [\\fIOPTION\\fR...] [\\fIFILE\\fR]\n" : " [\\fIOPTION\\fR...]\n", to);
	fputs(".SH DESCRIPTION\n", to);
	description(t, to);
	fputs(".SH OPTIONS\n", to);
	for (size_t i = 0; i < t->n; i++) {
		if (!i || t->rows[i].group != t->rows[i - 1].group)
			group(t, t->rows[i].group, to);
		option(t, &t->rows[i], to);
	}
	files(t, to);
	fputs(".SH EXIT STATUS\n"
	      ".TP\n0\nIt did what was asked for, or was ended by SIGTERM or SIGINT.\n"
	      ".TP\n1\nIt could not; one line on stderr says why.\n"
	      ".TP\n2\nAn option is not possible; one line on stderr says what is allowed.\n",
	      to);
	see_also(t->program, to);
}

void option_man_file(const struct option_table *t, FILE *to)
{
	char self[64];
	int last = -1;

	snprintf(self, sizeof(self), "%s.conf", t->program);
	title(t, ".conf", 5, to);
	fputs("options of ", to);
	all(to, t->program);
	fputs(" as a service\n.SH SYNOPSIS\n", to);
	italic(to, t->file);
	fputs("\n.SH DESCRIPTION\nsystemd reads this file when it starts ", to);
	bold(to, t->program);
	fputs(".service, and hands its lines to the program as environment:\n"
	      "\\fINAME\\fR=\\fIVALUE\\fR, one a line, in quotes when there are blanks in it.\n"
	      "Lines that begin with # are comments.\n"
	      "An empty value is as if the line were not there.\n"
	      "What the unit\\(aqs command line has wins.\n"
	      "A name that is not known is warned about.\n"
	      "A change counts after ",
	      to);
	fputs("\\fBsystemctl restart ", to);
	all(to, t->program);
	fputs("\\fR.\n.SH VARIABLES\n", to);
	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].bits & OPTION_NO_ENV)
			continue;
		if (t->rows[i].group != last)
			group(t, t->rows[i].group, to);
		last = t->rows[i].group;
		variable(t, &t->rows[i], to);
	}
	fputs(".SH EXAMPLES\n.nf\n", to);
	all(to, t->example);
	fputs(".fi\n", to);
	see_also(self, to);
}
