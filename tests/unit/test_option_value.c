/* SPDX-License-Identifier: Apache-2.0 */
/* Values with a unit, numbers, and options that may be repeated. */
#include "option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct values {
	uint64_t size, time;
	unsigned number;
	double decimal;
	struct option_list urls;
};

#define AT(field) .offset = offsetof(struct values, field)

static const struct option_row rows[] = {
	{.name = "size", .arg = "SIZE", .type = OPTION_SIZE, AT(size), .min = 1024, .max = 0x1p40},
	{.name = "time",
	 .arg = "TIME",
	 .type = OPTION_DURATION,
	 AT(time),
	 .min = 0.1,
	 .max = 86400},
	{.name = "number", .arg = "N", .type = OPTION_NUMBER, AT(number), .min = 1, .max = 65536},
	{.name = "decimal", .arg = "X", .type = OPTION_DECIMAL, AT(decimal), .min = -1, .max = 1e6},
	{.name = "url", .arg = "URL", .type = OPTION_REPEAT, AT(urls)},
};
static const char *const groups[] = {"All"};
static const struct option_table table = {.rows = rows,
					  .n = sizeof(rows) / sizeof(*rows),
					  .groups = groups,
					  .program = "p",
					  .env_prefix = "P_"};

static int set(struct values *v, enum option_origin origin, const char *name, const char *value,
	       char *why, size_t size)
{
	struct option_parse p = {.table = &table, .into = v, .why = why, .why_size = size};

	return option_set(&p, option_find(&table, name), origin, name, value);
}

static void values_with_a_unit(void **state)
{
	static const struct {
		const char *name, *value;
		uint64_t want; /* 0: refused */
	} cases[] = {
		{"size", "1024", 1024},
		{"size", "1K", 1024},
		{"size", "64M", 64u << 20},
		{"size", "1.5G", UINT64_C(3) << 29},
		{"size", "1T", UINT64_C(1) << 40},
		{"size", "1023", 0},
		{"size", "2T", 0},
		{"size", "64MB", 0},
		{"size", "64m", 0},
		{"size", "M", 0},
		{"size", "", 0},
		{"size", "-1M", 0},
		{"size", "1e6", 0},
		{"size", "1.2.3M", 0},
		{"size", "0x10000", 0},
		{"size", "111111111111111111111111111111111111111", 0},
		{"time", "1", UINT64_C(1000000000)},
		{"time", "1s", UINT64_C(1000000000)},
		{"time", "250ms", 250000000},
		{"time", "0.1", 100000000},
		{"time", "10m", UINT64_C(600000000000)},
		{"time", "1.5h", UINT64_C(5400000000000)},
		{"time", "1d", UINT64_C(86400000000000)},
		{"time", "2d", 0},
		{"time", "99ms", 0},
		{"time", "10 m", 0},
		{"time", "10min", 0},
		{"time", "s", 0},
		{"number", "1", 1},
		{"number", "65536", 65536},
		{"number", "0", 0},
		{"number", "65537", 0},
		{"number", "1.5", 0},
		{"number", "+3", 0},
		{"number", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct values v = {0};
		char why[256] = "";
		int r = set(&v, FROM_COMMAND_LINE, cases[i].name, cases[i].value, why, sizeof(why));
		uint64_t got = v.size + v.time + v.number;

		if ((r == 0) != (cases[i].want != 0) || got != cases[i].want)
			fail_msg("--%s=%s: %d, %lu, '%s'", cases[i].name, cases[i].value, r, got,
				 why);
	}
}

static void decimals(void **state)
{
	static const struct {
		const char *value;
		double want; /* 77: refused */
	} cases[] = {
		{"0", 0},       {"-1", -1},    {"-0.5", -0.5},  {"+2.5", 2.5}, {"1e6", 1e6},
		{"1E-3", 1e-3}, {"-1.01", 77}, {"1000001", 77}, {"", 77},      {"nan", 77},
		{"inf", 77},    {"0x10", 77},  {"1e", 77},      {"1,5", 77},   {" 1", 77},
		{"1e999", 77},  {"1 ", 77},    {"--1", 77},     {"-", 77},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct values v = {.decimal = 77};
		char why[256] = "";
		int r = set(&v, FROM_COMMAND_LINE, "decimal", cases[i].value, why, sizeof(why));

		if ((r == 0) != (cases[i].want != 77) || v.decimal != cases[i].want)
			fail_msg("--decimal=%s: %d, %g, '%s'", cases[i].value, r, v.decimal, why);
	}
}

static void operands(void **state)
{
	static const struct option_table two = {.rows = rows,
						.n = sizeof(rows) / sizeof(*rows),
						.groups = groups,
						.program = "p",
						.env_prefix = "P_",
						.operands = 2,
						.operands_offset = offsetof(struct values, urls)};
	char *some[] = {"p", "A", "--number=3", "B", NULL}, *many[] = {"p", "A", "B", "C", NULL};
	struct values v = {0};
	char why[256] = "";
	struct option_parse p = {.table = &two, .into = &v, .why = why, .why_size = sizeof(why)};

	(void)state;
	assert_int_equal(option_command_line(&p, 4, some), 0);
	assert_int_equal(v.urls.n, 2);
	assert_string_equal(v.urls.item[0], "A");
	assert_string_equal(v.urls.item[1], "B");
	assert_int_equal(v.number, 3);
	option_list_fini(&v.urls);
	assert_true(option_command_line(&p, 4, many) < 0);
	assert_string_equal(why, "surplus argument C; p --help lists what is allowed");
	option_list_fini(&v.urls);
	p.table = &table;
	assert_true(option_command_line(&p, 4, some) < 0);
	assert_string_equal(why, "surplus argument A; p takes options only");
}

static void refusals_say_what_is_allowed(void **state)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{"size", "size=x is not possible; allowed: bytes with K, M, G or T, from 1K to 1T"},
		{"time", "time=x is not possible; allowed: a time with ms, s, m, h or d (without: "
			 "s), from 100ms to 1d"},
		{"number", "number=x is not possible; allowed: a number from 1 to 65536"},
		{"decimal",
		 "decimal=x is not possible; allowed: a decimal number from -1 to 1e+06"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct values v = {0};
		char why[256] = "";

		set(&v, FROM_COMMAND_LINE, cases[i].name, "x", why, sizeof(why));
		assert_string_equal(why, cases[i].want);
	}
}

static void what_is_repeated_adds_up(void **state)
{
	struct values v = {0};
	char why[256] = "";

	(void)state;
	assert_int_equal(set(&v, FROM_COMMAND_LINE, "url", "a?m=1,2", why, sizeof(why)), 0);
	assert_int_equal(set(&v, FROM_COMMAND_LINE, "url", "b c", why, sizeof(why)), 0);
	assert_int_equal(v.urls.n, 2);
	assert_string_equal(v.urls.item[0], "a?m=1,2");
	assert_string_equal(v.urls.item[1], "b c");
	assert_int_equal(set(&v, FROM_COMMAND_LINE, "url", "", why, sizeof(why)), -22);
	assert_string_equal(why, "url= is not possible; allowed: URL, at most 256 times");
	option_list_fini(&v.urls);
	assert_int_equal(set(&v, FROM_ENVIRONMENT, "url", " a  b,c\td ", why, sizeof(why)), 0);
	assert_int_equal(v.urls.n, 3);
	assert_string_equal(v.urls.item[0], "a");
	assert_string_equal(v.urls.item[1], "b,c");
	assert_string_equal(v.urls.item[2], "d");
	for (unsigned i = 3; i < OPTION_LIST_MAX; i++)
		assert_int_equal(set(&v, FROM_COMMAND_LINE, "url", "x", why, sizeof(why)), 0);
	assert_int_equal(set(&v, FROM_COMMAND_LINE, "url", "x", why, sizeof(why)), -22);
	option_list_fini(&v.urls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_with_a_unit),
		cmocka_unit_test(decimals),
		cmocka_unit_test(operands),
		cmocka_unit_test(refusals_say_what_is_allowed),
		cmocka_unit_test(what_is_repeated_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
