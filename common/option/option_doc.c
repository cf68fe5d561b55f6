/* SPDX-License-Identifier: Apache-2.0 */
/* The option table for people: --help and the Markdown reference. */
#include "option_argp.h"
#include "option_reference.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

void option_argp(const struct option_table *t, struct argp_option *to, char **docs)
{
	unsigned n_groups = 0;
	size_t k = 0;

	for (size_t i = 0; i < t->n && i < OPTION_ROWS_MAX; i++) {
		const struct option_row *row = &t->rows[i];

		if (docs && (!i || row->group != t->rows[i - 1].group))
			to[k++] = (struct argp_option){.doc = t->groups[row->group],
						       .group = (int)++n_groups};
		if (docs)
			docs[i] = row->fallback
					  ? xasprintf("%s (default: %s)", row->help, row->fallback)
					  : xstrdup(row->help);
		to[k++] = (struct argp_option){
			.name = row->name,
			.key = option_key(t, i),
			.arg = row->arg,
			.flags = row->implied ? OPTION_ARG_OPTIONAL : 0,
			.doc = docs ? docs[i] : NULL,
			.group = (int)n_groups,
		};
	}
	to[k] = (struct argp_option){0};
}

void option_help(const struct option_table *t, FILE *to)
{
	struct argp_option options[OPTION_ARGP_MAX];
	char *docs[OPTION_ROWS_MAX] = {0};
	struct argp argp = {.options = options, .doc = t->summary};
	/* argp wants it writable. */
	char *program = xstrdup(t->program);

	option_argp(t, options, docs);
	argp_help(&argp, to, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC, program);
	for (size_t i = 0; i < OPTION_ROWS_MAX; i++)
		free(docs[i]);
	free(program);
}

bool option_is_bounded(const struct option_row *row)
{
	return row->type == OPTION_CHOICE || row->type == OPTION_SECONDS ||
	       row->type == OPTION_COUNT || row->type >= OPTION_NUMBER;
}

static void cell(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', to);
		fputc(*text, to);
	}
}

void option_markdown(const struct option_table *t, FILE *to)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct option_row *row = &t->rows[i];
		char variable[64], allowed[256];

		if (!i || row->group != t->rows[i - 1].group)
			fprintf(to,
				"%s**%s**\n\n| Option | Environment | Default | Meaning |\n"
				"|---|---|---|---|\n",
				i ? "\n" : "", t->groups[row->group]);
		fputs("| `", to);
		if (row->letter)
			fprintf(to, "-%c`, `", row->letter);
		fprintf(to, "--%s", row->name);
		if (row->arg)
			fprintf(to, row->implied ? "[=%s]" : "=%s", row->arg);
		fputs("` | ", to);
		option_variable(t, row, variable, sizeof(variable));
		if (!(row->bits & OPTION_NO_ENV))
			fprintf(to, "`%s`", variable);
		fputs(" | ", to);
		if (row->fallback)
			fprintf(to, "`%s`", row->fallback);
		fputs(" | ", to);
		cell(to, row->help);
		if (option_is_bounded(row)) {
			option_allowed(row, allowed, sizeof(allowed));
			fputs(": ", to);
			cell(to, allowed);
		}
		fputs(" |\n", to);
	}
}
