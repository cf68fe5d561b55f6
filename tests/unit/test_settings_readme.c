/* SPDX-License-Identifier: Apache-2.0 */
/* The file that the README shows is one: nothing of it is unknown, nothing is lost. */
#include "settings_json.h"
#include "ui_state.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define README SOURCE_DIR "/console/ui/README.md"

/* The only block of JSON in it; freed by the caller. */
static char *example(void)
{
	static const char fence[] = "```json\n";
	char *all = calloc(1, 100000), *begin, *end, *text;
	FILE *f = fopen(README, "r");

	assert_non_null(f);
	assert_in_range(fread(all, 1, 99999, f), 1, 99998);
	fclose(f);
	begin = strstr(all, fence);
	if (!begin)
		fail_msg("%s shows no JSON", README);
	begin += strlen(fence);
	end = strstr(begin, "```");
	assert_non_null(end);
	assert_null(strstr(end, fence));
	text = strndup(begin, (size_t)(end - begin));
	free(all);
	return text;
}

static json_t *parsed(const char *text)
{
	json_error_t error;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!j)
		fail_msg("line %d: %s", error.line, error.text);
	return j;
}

static void load(struct settings *s)
{
	char why[400] = "", *text = example();

	settings_default(s);
	if (settings_from_json(s, text, strlen(text), why, sizeof(why)))
		fail_msg("%s: %s", README, why);
	free(text);
}

/* Names that are not known are left out when it is read: they would not come back. */
static void test_nothing_is_lost(void **state)
{
	char *text = example(), *back;
	json_t *want = parsed(text), *got;
	struct settings s;

	(void)state;
	load(&s);
	back = settings_to_json(&s);
	got = parsed(back);
	if (!json_equal(want, got))
		fail_msg("of %s only this is known: %s", text, back);
	json_decref(want);
	json_decref(got);
	free(text);
	free(back);
}

static const struct ui_view *view_of(const char *name)
{
	for (unsigned v = 0; v < VIEWS; v++)
		if (!strcmp(ui_views[v].name, name))
			return &ui_views[v];
	fail_msg("%s names the view %s; there is none", README, name);
	return NULL;
}

static void test_views_are_there(void **state)
{
	struct settings s;

	(void)state;
	load(&s);
	view_of(s.view);
	assert_int_not_equal(s.n_views, 0);
	for (unsigned i = 0; i < s.n_views; i++) {
		const struct ui_view *v = view_of(s.views[i].name);

		if (ui_column_find((enum scope)v->scope, s.views[i].sort) >= COLUMNS)
			fail_msg("%s sorts %s by %s, no column of it", README, v->name,
				 s.views[i].sort);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost),
		cmocka_unit_test(test_views_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
