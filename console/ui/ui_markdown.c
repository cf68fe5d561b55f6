/* SPDX-License-Identifier: Apache-2.0 */
/* The tables for documents: made of what the console itself goes by. */
#include "ui_state.h"

#include <string.h>

static void put_keys(FILE *to, const char *keys)
{
	while (*keys) {
		size_t n = strcspn(keys, " ");

		fprintf(to, "`%.*s`", (int)n, keys);
		keys += n + (keys[n] == ' ');
		if (*keys)
			fputc(' ', to);
	}
}

static void put_cell(FILE *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '|' || *text == '<')
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void put_line(FILE *to, const char *keys, const char *help)
{
	fputs("| ", to);
	put_keys(to, keys);
	fputs(" | ", to);
	put_cell(to, help);
	fputs(" |\n", to);
}

void ui_markdown_keys(FILE *to)
{
	const char *group = "";

	for (unsigned i = 0; i < ui_binds_n; i++) {
		if (strcmp(group, ui_binds[i].group) != 0) {
			if (*group)
				fputc('\n', to);
			group = ui_binds[i].group;
			fprintf(to, "**%s**\n\n| Key | What it does |\n|---|---|\n", group);
		}
		put_line(to, ui_binds[i].keys, ui_binds[i].help);
	}
}

void ui_markdown_views(FILE *to)
{
	fputs("| Key | View | Shows |\n|---|---|---|\n", to);
	for (unsigned v = 0; v < VIEWS; v++) {
		fputs("| ", to);
		put_keys(to, ui_views[v].keys);
		fprintf(to, " | %s | ", ui_views[v].name);
		put_cell(to, ui_views[v].help);
		fputs(" |\n", to);
	}
}

static void put_scopes(FILE *to, unsigned scopes)
{
	const char *comma = "";

	for (int s = 0; s < SCOPES; s++)
		if (scopes & (1u << s)) {
			fprintf(to, "%s%s", comma, scope_names[s]);
			comma = ", ";
		}
}

void ui_markdown_facts(FILE *to)
{
	fputs("| Column | Name | Of | Unit | Meaning |\n|---|---|---|---|---|\n", to);
	for (unsigned f = 0; f < FACTS; f++) {
		const struct ui_fact *is = &ui_facts[f];

		fprintf(to, "| %s | `%s` | ", is->title, is->name);
		put_scopes(to, is->scopes);
		fprintf(to, " | %s | ", is->unit);
		put_cell(to, is->help);
		fputs(" |\n", to);
	}
}

void ui_markdown(FILE *to)
{
	fputs("### Views\n\n", to);
	ui_markdown_views(to);
	fputs("\n### Keys\n\n", to);
	ui_markdown_keys(to);
	fputs("\n### Columns that are no metric\n\n", to);
	ui_markdown_facts(to);
	fputs("\n### From when on a value is marked\n\n", to);
	level_markdown(to);
}
