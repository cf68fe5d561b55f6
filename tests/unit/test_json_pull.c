/* SPDX-License-Identifier: Apache-2.0 */
/* The pull reader against jansson, which decides what is JSON: over real answers cut at
 * each byte and with each byte changed, and over odd small texts. */
#include "json_pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const char answer[] =
	"{\"return\": [{\"device\": \"drive-scsi0\", \"parent\": {\"stats\": "
	"{\"unmap_operations\": 0,"
	" \"timed_stats\": [], \"account_invalid\": false}, \"node-name\": \"#block075\"}, "
	"\"stats\": "
	"{\"wr_total_time_ns\": 136427274, \"wr_bytes\": 71827456, \"timed_stats\": [], "
	"\"account_failed\": true, \"x\": null, \"f\": -1.5e+3, \"s\": \"a\\\"\\u00e4\\n\"}, "
	"\"node-name\": \"#block105\", \"qdev\": \"scsi0\"}]}";

static bool pull_accepts(const char *text, size_t n)
{
	struct json_pull j;

	jp_init(&j, text, n);
	jp_skip(&j);
	return jp_end(&j);
}

static bool jansson_accepts(const char *text, size_t n)
{
	json_error_t error;
	json_t *root = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	bool ok = root;

	/* Two things that it refuses are not a matter of grammar: numbers too large for
	 * its types, and text that is no UTF-8. */
	if (!ok && json_error_code(&error) == json_error_numeric_overflow)
		ok = pull_accepts(text, n);
	if (!ok && json_error_code(&error) == json_error_invalid_utf8)
		ok = pull_accepts(text, n);
	json_decref(root);
	return ok;
}

static void compare(const char *what, const char *text, size_t n)
{
	/* without a byte to spare, for the sanitizer */
	char *exact = malloc(n ? n : 1);
	bool pull, oracle;

	memcpy(exact, text, n);
	pull = pull_accepts(exact, n);
	oracle = jansson_accepts(exact, n);
	free(exact);
	if (pull != oracle)
		fail_msg("%s: %.*s is %s", what, (int)n, text, pull ? "accepted" : "refused");
}

static void test_cuts(void **state)
{
	char label[32];

	(void)state;
	for (size_t n = 0; n < sizeof(answer); n++) {
		snprintf(label, sizeof(label), "cut at %zu", n);
		compare(label, answer, n);
	}
}

static void test_changes(void **state)
{
	static const char with[] = "{}[]\",:\\ 019-.eEtfnu\n\t/+x";
	char text[sizeof(answer)], label[48];

	(void)state;
	for (size_t at = 0; at < sizeof(answer) - 1; at++) {
		/* jansson takes a NUL inside a number for its end: not asked */
		memcpy(text, answer, sizeof(answer));
		text[at] = '\0';
		if (pull_accepts(text, sizeof(answer) - 1))
			fail_msg("byte %zu is NUL: accepted", at);
		for (size_t i = 0; i < sizeof(with) - 1; i++) {
			memcpy(text, answer, sizeof(answer));
			text[at] = with[i];
			snprintf(label, sizeof(label), "byte %zu is %d", at, with[i]);
			compare(label, text, sizeof(answer) - 1);
		}
	}
}

static void test_small(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"1",
		"-0",
		"-",
		"01",
		"1.",
		"1.0",
		".5",
		"1e",
		"1e5",
		"1E+5",
		"1e-",
		"--1",
		"+1",
		"true",
		"tru",
		"truex",
		"nul",
		"null",
		"{}",
		"[]",
		"[,]",
		"[1,]",
		"[1 2]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,}",
		"{a:1}",
		"{\"a\" : [ ] }",
		"[{}]",
		"[}",
		"{]",
		"[1]]",
		"1 2",
		"\"",
		"\"\\",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\t\"",
		"\"a\" ",
		"[\"a\",\"b\"]",
		"{\"a\":1 \"b\":2}",
		"{\"\":0}",
		"[1,2,[3,[4]]]",
		"nan",
		"-Infinity",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		compare("small", texts[i], strlen(texts[i]));
}

static void test_depth(void **state)
{
	char text[JP_DEPTH * 2 + 2];

	(void)state;
	for (size_t depth = 1; depth <= JP_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		if (pull_accepts(text, 2 * depth) != (depth <= JP_DEPTH))
			fail_msg("depth %zu", depth);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t value;
	} cases[] = {
		{"0", true, 0},
		{"18446744073709551615", true, UINT64_MAX},
		{"18446744073709551616", false, 0},
		{"99999999999999999999999999", false, 0},
		{"-1", false, 0},
		{"1.5", false, 0},
		{"1e3", false, 0},
		{"\"1\"", false, 0},
		{"[1]", false, 0},
		{"null", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_pull j;
		uint64_t v = 0;
		bool ok;

		jp_init(&j, cases[i].text, strlen(cases[i].text));
		ok = jp_u64(&j, &v);
		if (ok != cases[i].ok || (ok && v != cases[i].value) || !jp_end(&j))
			fail_msg("%s gives %d, %llu", cases[i].text, ok, (unsigned long long)v);
	}
}

/* What is asked for is found wherever it stands; a wrong question spoils the rest. */
static void test_pull(void **state)
{
	static const char text[] = "{\"a\": {\"n\": 1}, \"b\": [\"x\", \"y\\n\", 7], \"c\": 5}";
	unsigned elements = 0, strings = 0;
	struct jp_text key, t;
	struct json_pull j;
	uint64_t c = 0;

	(void)state;
	jp_init(&j, text, sizeof(text) - 1);
	for (jp_object(&j); jp_key(&j, &key);) {
		if (jp_is(key, "b")) {
			for (jp_array(&j); jp_element(&j); elements++)
				strings += jp_string(&j, &t);
		} else if (jp_is(key, "c")) {
			assert_true(jp_u64(&j, &c));
		} else {
			jp_skip(&j);
		}
	}
	assert_true(jp_end(&j));
	assert_int_equal(elements, 3);
	assert_int_equal(strings, 1);
	assert_int_equal(c, 5);

	jp_init(&j, text, sizeof(text) - 1);
	assert_false(jp_array(&j));
	assert_false(jp_element(&j));
	assert_false(jp_key(&j, &key));
	assert_false(jp_end(&j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),    cmocka_unit_test(test_changes),
		cmocka_unit_test(test_small),   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_pull),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
