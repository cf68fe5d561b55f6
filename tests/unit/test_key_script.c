/* SPDX-License-Identifier: Apache-2.0 */
/* --keys: what a script says, and what is said about a wrong one. */
#include "key_words.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The keys as one text, to compare. */
static void shown(const struct key *k, size_t n, char *to, size_t size)
{
	size_t used = 0;

	*to = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		char name[16];

		key_text(k[i].code, name, sizeof(name));
		used += (size_t)snprintf(to + used, size - used, "%s%s", i ? " " : "", name);
		if (k[i].col || k[i].row)
			used += (size_t)snprintf(to + used, size - used, ":%u,%u", k[i].col,
						 k[i].row);
		if (k[i].seconds != 0)
			used += (size_t)snprintf(to + used, size - used, ":%g", k[i].seconds);
	}
}

static void test_scripts(void **state)
{
	static const struct {
		const char *script, *want;
	} cases[] = {
		{"", ""},
		{"c>r", "c > r"},
		{"c>r{Enter}{Down}{click 10,3}{wait 1}{resize 120x40}",
		 "c > r Enter Down click:10,3 wait:1 resize:120,40"},
		{"{{a}", "{ a }"},
		{"{ESC}{esc}{PageUp}{pagedown}{F1}{F12}{Ctrl-C}",
		 "Esc Esc PageUp PageDown F1 F12 Ctrl-C"},
		{" {Space}{Tab}{Home}{End}{Delete}{Backspace}{Left}{Right}{Up}",
		 "Space Space Tab Home End Delete Backspace Left Right Up"},
		{"{wait}{wait 0.25}{wait 3600}", "wait:-1 wait:0.25 wait:3600"},
		{"{wheel-up 1,2}{wheel-down 999,499}{resize 1000x500}",
		 "wheel-up:1,2 wheel-down:999,499 resize:1000,500"},
		{"/\xc3\xa9\xe6\x9d\xb1", "/ \xc3\xa9 \xe6\x9d\xb1"},
		{"{x}?", "x ?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct key *keys = NULL;
		char why[500] = "", have[300];
		size_t n = 0;

		if (key_script(&keys, &n, cases[i].script, why, sizeof(why)))
			fail_msg("\"%s\": %s", cases[i].script, why);
		shown(keys, n, have, sizeof(have));
		free(keys);
		if (strcmp(have, cases[i].want))
			fail_msg("\"%s\" is \"%s\", not \"%s\"", cases[i].script, have,
				 cases[i].want);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *script, *says;
	} cases[] = {
		{"ab{Enter", "character 3: { without }"},
		{"\xc3\xa9{Entre}", "character 2: unknown key {Entre}; allowed: F1 to F12, Enter"},
		{"{}", "character 1: unknown key {}"},
		{"{F0}", "unknown key"},
		{"{F13}", "unknown key"},
		{"{F01}", "unknown key"},
		{"{Enter 3}", "nothing behind its name"},
		{"{click}", "COL,ROW"},
		{"{click 1}", "COL,ROW"},
		{"{click 1,}", "COL,ROW"},
		{"{click 1,2,3}", "COL,ROW"},
		{"{click -1,2}", "COL,ROW"},
		{"{click 1000,2}", "to 999x499"},
		{"{click 99999999999999999999,2}", "COL,ROW"},
		{"{resize 0x5}", "COLSxROWS"},
		{"{resize 80,24}", "COLSxROWS"},
		{"{resize 1001x24}", "COLSxROWS"},
		{"{wait x}", "seconds from 0 to 3600"},
		{"{wait -1}", "seconds from 0 to 3600"},
		{"{wait 3601}", "seconds from 0 to 3600"},
		{"{wait nan}", "seconds from 0 to 3600"},
		{"{wait 1 2}", "seconds from 0 to 3600"},
		{"{wait 0000000000000000000000000001}", "seconds from 0 to 3600"},
		{"a\nb", "character 2: not a character that can be typed"},
		{"\x1b[A", "character 1: not a character"},
		{"\xff", "character 1: not a character"},
		{"\xe2\x80\xae", "not a character that is shown"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct key *keys = (struct key *)1;
		char why[500] = "";
		size_t n = 9;

		if (key_script(&keys, &n, cases[i].script, why, sizeof(why)) != -EINVAL)
			fail_msg("\"%s\" was taken", cases[i].script);
		assert_null(keys);
		assert_int_equal(n, 0);
		if (!strstr(why, cases[i].says) || strchr(why, '\n'))
			fail_msg("\"%s\": \"%s\" does not say \"%s\"", cases[i].script, why,
				 cases[i].says);
	}
}

static void test_names(void **state)
{
	char name[16];

	(void)state;
	/* There and back */
	for (uint32_t code = K_ENTER; code <= K_RESIZE; code++) {
		key_text(code, name, sizeof(name));
		if (key_code(name, strlen(name)) != code)
			fail_msg("%s is not its own name", name);
	}
	assert_int_equal(key_code("Space", 5), ' ');
	assert_int_equal(key_code("nothing", 7), 0);
	assert_int_equal(key_code("", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
