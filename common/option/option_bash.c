/* SPDX-License-Identifier: Apache-2.0 */
/* A completion for bash: long options, and the values of those that have a known set. */
#include "option_reference.h"

#include <string.h>

/* bash splits words at =, so that --a=b comes as three of them. */
static const char begin[] =
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} equals=\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur= equals=1\n"
	"\telif [[ $prev == = && COMP_CWORD -ge 2 ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD-2]} equals=1\n"
	"\tfi\n"
	"\tcase $prev in\n";

static const char end[] = "\tesac\n"
			  "\t[[ $equals ]] && return\n";

static void pattern(const struct option_row *row, FILE *to)
{
	fputs("\t", to);
	if (row->letter)
		fprintf(to, "-%c|", row->letter);
	fprintf(to, "--%s)\n", row->name);
}

static bool is(const struct option_row *row, const char *arg)
{
	return !strcmp(row->arg, arg);
}

/* What stands behind the option; nothing where nobody can know it. */
static void values(const struct option_row *row, FILE *to)
{
	if (row->type == OPTION_CHOICE) {
		fputs("mapfile -t COMPREPLY < <(compgen -W '", to);
		for (size_t i = 0; row->choices[i]; i++)
			fprintf(to, "%s%s", i ? " " : "", row->choices[i]);
		fputs("' -- \"$cur\")\n", to);
	} else if (is(row, "FILE") || is(row, "PATH") || is(row, "DIR")) {
		fprintf(to,
			"compopt -o filenames 2>/dev/null\n"
			"\t\tmapfile -t COMPREPLY < <(compgen -%c -- \"$cur\")\n",
			is(row, "DIR") ? 'd' : 'f');
	} else {
		fputs(":\n", to);
	}
}

static void one_case(const struct option_row *row, FILE *to)
{
	if (!row->arg)
		return;
	pattern(row, to);
	fputs("\t\t", to);
	if (row->implied) {
		fputs("if [[ $equals ]]; then\n\t\t", to); /* its value comes behind = only */
		values(row, to);
		fputs("\t\treturn\n\t\tfi ;;\n", to);
		return;
	}
	values(row, to);
	fputs("\t\treturn ;;\n", to);
}

void option_bash(const struct option_table *t, FILE *to)
{
	fprintf(to, "# bash completion of %s, made by %s --list-options=bash\n_%s()\n%s",
		t->program, t->program, t->program, begin);
	for (size_t i = 0; i < t->n; i++)
		one_case(&t->rows[i], to);
	fputs(end, to);
	if (t->operands)
		fputs("\tif [[ $cur != -* ]]; then\n"
		      "\t\tcompopt -o filenames 2>/dev/null\n"
		      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
		      "\t\treturn\n"
		      "\tfi\n",
		      to);
	fputs("\tmapfile -t COMPREPLY < <(compgen -W '", to);
	for (size_t i = 0; i < t->n; i++)
		fprintf(to, "%s--%s%s", i ? " " : "", t->rows[i].name,
			t->rows[i].arg && !t->rows[i].implied ? "=" : "");
	fprintf(to,
		"' -- \"$cur\")\n"
		"\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null\n"
		"\treturn 0\n"
		"}\n"
		"complete -F _%s %s\n",
		t->program, t->program);
}
