/* SPDX-License-Identifier: Apache-2.0 */
/* `/` on the columns as they are called on the screen, metrics or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "filter_term.h"
#include "ui_kit.h"
#include "ui_state.h"

#include <strings.h>

static struct ui *fleet_ui(void)
{
	static const struct fleet fleet = {.hosts = 2, .vms = 12};
	struct source_status status = {.name = "a test"};
	struct ui *u = kit_ui(&fleet, NULL);

	ui_status(u, &status, KIT_WALL + 100 * KIT_SECOND);
	kit_show(u, &fleet, 100);
	return u;
}

/* A column that stands for a metric is compared by that one. */
static bool is_meant(const struct filter *f, enum scope s, unsigned id)
{
	const struct term_metric *at = &f->term[0].at[s];
	unsigned instead = id < METRICS ? METRICS : ui_facts[id - METRICS].instead;

	return f->n == 1 && ((at->metric == id && at->scope == s) ||
			     (instead < METRICS && at->metric == instead));
}

static void meant(struct ui *u, const struct ui_view *v, unsigned id, const char *called)
{
	char text[80];

	snprintf(text, sizeof(text), "%s=1", called);
	ui_filter_set(u, text);
	if (*u->filter_why || !u->filter || !is_meant(u->filter, v->scope, id))
		fail_msg("%s: '%s' is not column %s (%s): %s", v->name, text, ui_column_name(id),
			 ui_column_title(id), u->filter_why);
}

/* Words end at blanks; and a column's name goes before another one's title. */
static bool is_free(enum scope s, unsigned id)
{
	const char *title = ui_column_title(id);

	for (unsigned i = METRICS; i < COLUMNS; i++)
		if (i != id && (ui_facts[i - METRICS].scopes & (1u << s)) &&
		    !strcasecmp(ui_facts[i - METRICS].name, title))
			return false;
	return !strchr(title, ' ');
}

/* Every column of every view is what the filter takes its title and its name for.  Of two
 * with one name in different views each is meant in its own. */
static void test_every_column(void **state)
{
	struct ui *u = fleet_ui();
	unsigned seen = 0;

	(void)state;
	for (unsigned v = 0; v < VIEWS; v++) {
		uint16_t list[COLUMNS];
		unsigned n = ui_column_list(u, &ui_views[v], list);

		for (unsigned i = 0; i < n; i++, seen++) {
			meant(u, &ui_views[v], list[i], ui_column_name(list[i]));
			if (is_free(ui_views[v].scope, list[i]))
				meant(u, &ui_views[v], list[i], ui_column_title(list[i]));
		}
	}
	assert_true(seen > 100);
	ui_free(u);
}

/* Numbers as on the screen, texts, and what a VM takes from its host. */
static void test_rows(void **state)
{
	static const struct {
		const char *keys, *filter;
		uint32_t rows;
	} cases[] = {
		{"o", "vms>11", 2},        {"o", "VMS>12", 0},     {"o", "age<5", 2},
		{"o", "age>30", 0},        {"o", "age<1m", 2},     {"o", "mem>0", 2},
		{"o", "mem>100%", 0},      {"o", "mem%<101", 2},   {"o", "every=1", 2},
		{"o", "interval>1", 0},    {"o", "version!=9", 2}, {"o", "trouble:nothing", 0},
		{"o", "worst:db-1", 1},    {"a", "trouble>1", 2},  {"a", "trouble:steal", 1},
		{"a", "!trouble>1", 22},   {"a", "vms>11", 24},    {"a", "vms<12", 0},
		{"a", "cause:no-such", 0}, {"1", "host:hv-", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ui *u = fleet_ui();
		struct grid g;
		uint32_t at, rows;

		grid_init(&g, 120, 30);
		kit_keys(u, &g, cases[i].keys);
		ui_filter_set(u, cases[i].filter);
		ui_settle(u);
		ui_cursor(u, &at, &rows);
		if (rows != cases[i].rows || *u->filter_why)
			fail_msg("%s /%s: %u rows, not %u; %s", cases[i].keys, cases[i].filter,
				 rows, cases[i].rows, u->filter_why);
		grid_fini(&g);
		ui_free(u);
	}
}

static void test_said(void **state)
{
	static const struct {
		const char *filter, *why;
	} cases[] = {
		{"nonsense>3", "'nonsense' is not a column's title: f and ?? list them"},
		{"cause>3", "'cause' is text: only = and != compare it"},
		{"age>x", "'x' is not a number with k, M, G or T behind it or nothing"},
		{"cause!=x", ""},
		{"trouble>", ""},
	};
	struct ui *u = fleet_ui();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ui_filter_set(u, cases[i].filter);
		if (strcmp(u->filter_why, cases[i].why) != 0)
			fail_msg("%s: '%s', not '%s'", cases[i].filter, u->filter_why,
				 cases[i].why);
	}
	ui_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_column),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
