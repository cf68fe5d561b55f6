/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of keys and views for documents: made of what the console itself goes by. */
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
