/* SPDX-License-Identifier: Apache-2.0 */
/* The references made of option tables: all rows are in them, and no text is taken for markup. */
#include "aggregator_options.h"
#include "daemon_options.h"
#include "option_reference.h"
#include "options.h"
#include "proxprofiler_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
	bool flag;
	const char *file;
	int choice;
};

#define AT(field) .offset = offsetof(struct values, field)

static const char *const choices[] = {"one", "two", NULL};
static const struct option_row rows[] = {
	{.name = "flag",
	 .letter = 'f',
	 .type = OPTION_FLAG,
	 AT(flag),
	 .help = ".dot\n.first, back\\slash"},
	{.name = "file",
	 .arg = "FILE",
	 .type = OPTION_TEXT,
	 AT(file),
	 .fallback = "a-b",
	 .help = "'quoted' at its begin"},
	{.name = "choice",
	 .arg = "C",
	 .type = OPTION_CHOICE,
	 AT(choice),
	 .choices = choices,
	 .implied = "one",
	 .bits = OPTION_NO_ENV,
	 .help = "one of them"},
};
static const char *const groups[] = {"All"};
static const struct option_table table = {.rows = rows,
					  .n = sizeof(rows) / sizeof(*rows),
					  .groups = groups,
					  .program = "prog",
					  .section = 8,
					  .file = "/etc/prog.conf",
					  .example = "P_FLAG=1\n",
					  .env_prefix = "P_",
					  .summary = "Does it.\vAnd -- more."};

static int index_of(const char *format)
{
	for (int i = 0; option_formats_service[i]; i++)
		if (!strcmp(option_formats_service[i], format))
			return i;
	fail_msg("no format %s", format);
	return -1;
}

static char *made(const struct option_table *t, const char *format)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	option_reference(t, index_of(format), f);
	fclose(f);
	return text;
}

static void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("lacks: %s\nin:\n%s", what, text);
}

static void test_man(void **state)
{
	char *text = made(&table, "man");

	(void)state;
	has(text, ".TH prog 8 ");
	has(text, "prog \\- Does it\n");
	has(text, "And \\-\\- more.\n");
	has(text, "\\fB\\-f\\fR, \\fB\\-\\-flag\\fR\n\\&.dot\n\\&.first, back\\eslash\n");
	has(text,
	    "\\fB\\-\\-file\\fR=\\fIFILE\\fR\n\\&\\(aqquoted\\(aq at its begin (default: a\\-b)\n");
	has(text, "Environment: \\fBP_FILE\\fR\n");
	has(text, "\\fB\\-\\-choice\\fR[=\\fIC\\fR]\none of them: one, two\n");
	assert_null(strstr(text, "P_CHOICE"));
	free(text);
}

static void test_file(void **state)
{
	char *text = made(&table, "man-conf");

	(void)state;
	has(text, ".TH prog.conf 5 ");
	has(text, "\\fI/etc/prog.conf\\fR");
	has(text, "\\fBP_FLAG\\fR=\\fIyes|no\\fR\n");
	has(text, "\\fBP_FILE\\fR=\\fIFILE\\fR\n");
	has(text, ".nf\nP_FLAG=1\n.fi\n");
	assert_null(strstr(text, "P_CHOICE"));
	free(text);
}

static void test_bash(void **state)
{
	char *text = made(&table, "bash");

	(void)state;
	has(text, "complete -F _prog prog\n");
	has(text, "compgen -W '--flag --file= --choice' -- \"$cur\"");
	has(text, "--file)\n\t\tcompopt -o filenames");
	has(text, "compgen -W 'one two'");
	assert_null(strstr(text, "--flag)"));
	free(text);
}

/* Every row of every program, and each line of its own program's page is one roff knows. */
static void test_programs(void **state)
{
	static const struct option_table *const tables[] = {&options_table, &daemon_options_table,
							    &aggregator_options_table,
							    &proxprofiler_options_table};

	(void)state;
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
		char *man = made(tables[t], "man"), *bash = made(tables[t], "bash");
		char name[128];

		assert_in_range(tables[t]->section, 1, 8);
		assert_true(!tables[t]->file == !tables[t]->example);
		for (size_t i = 0; i < tables[t]->n; i++) {
			const char *from = tables[t]->rows[i].name;
			size_t n = 0;

			for (; *from; from++)
				n += (size_t)snprintf(name + n, sizeof(name) - n,
						      *from == '-' ? "\\%c" : "%c", *from);
			has(man, name);
			has(bash, tables[t]->rows[i].name);
		}
		for (const char *line = man; line; line = strchr(line, '\n')) {
			line += *line == '\n';
			if (*line == '.' && !strchr("\\TSPbnf", line[1]))
				fail_msg("%s: a request that is text? %.40s", tables[t]->program,
					 line);
		}
		free(man);
		free(bash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_man),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_bash),
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
