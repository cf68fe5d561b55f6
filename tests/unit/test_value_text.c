/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in columns: right, in their unit, and never wider than the column. */
#include "grid.h"
#include "value_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Any metric of that unit will do. */
static enum metric_id with_unit(enum unit unit, unsigned decimals, unsigned flags)
{
	for (unsigned m = 0; m < METRICS; m++)
		if (metrics[m].unit == unit && metrics[m].decimals == decimals &&
		    (metrics[m].flags & AS_TOTAL) == flags)
			return (enum metric_id)m;
	fail_msg("no metric of unit %u with %u decimals", unit, decimals);
	return METRICS;
}

static void test_values(void **state)
{
	static const struct {
		enum unit unit;
		unsigned decimals, flags;
		double value;
		bool human;
		unsigned width;
		const char *want;
	} cases[] = {
		{U_PERCENT, 2, 0, 12.345, false, 6, " 12.35"},
		{U_PERCENT, 2, 0, 12.345, true, 6, "  12.3"},
		{U_PERCENT, 2, 0, 0, false, 6, "  0.00"},
		{U_PERCENT, 2, 0, 1234.5678, false, 6, "1234.6"},
		{U_PERCENT, 2, 0, 123456.7, false, 6, "123457"},
		{U_PERCENT, 2, 0, 12345678, false, 6, " 12.3M"},
		{U_CENTIPERCENT, 2, 0, 1234, false, 6, " 12.34"},
		{U_KIB, 0, 0, 67108864, false, 10, "  67108864"},
		{U_KIB, 0, 0, 67108864, true, 8, "   64.0G"},
		{U_KIB, 0, 0, 67108864, false, 6, " 64.0G"},
		{U_KIB, 0, 0, 1023, true, 0, "1023K"},
		{U_KIB, 0, 0, 1023.6, true, 0, "1.0M"},
		{U_BYTE, 0, 0, 512, true, 0, "512"},
		{U_BYTE, 0, 0, 1536, true, 0, "1.5K"},
		{U_NONE, 0, 0, 999, true, 0, "999"},
		{U_NONE, 0, 0, 1000, true, 0, "1.0K"},
		{U_NONE, 0, 0, 99949, true, 0, "99.9K"},
		{U_NONE, 0, 0, 99960, true, 0, "100K"},
		{U_NONE, 0, 0, 999700, true, 0, "1.0M"},
		{U_NONE, 1, 0, 12.34, true, 0, "12.3"},
		{U_NONE, 1, 0, 12.34, false, 0, "12.3"},
		{U_NONE, 0, 0, -5, false, 4, "  -5"},
		{U_NONE, 0, 0, 1e300, false, 5, "#####"},
		{U_NONE, 0, 0, 123456, false, 2, "##"},
		{U_SECOND, 0, 0, 273600, false, 7, " 273600"},
		{U_SECOND, 0, 0, 273600, true, 7, "  3d04h"},
		{U_US, 0, AS_TOTAL, 320e6, true, 7, "  5m20s"},
		{U_MS, 2, 0, 12.34, true, 7, "   12.3"},
		{U_ID, 0, 0, 4194304, true, 7, "4194304"},
		{U_PERCENT, 2, 0, NAN, false, 4, "   -"},
		{U_PERCENT, 2, 0, INFINITY, true, 0, "-"},
	};
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		value_text(with_unit(cases[i].unit, cases[i].decimals, cases[i].flags),
			   cases[i].value, cases[i].human, cases[i].width, text, sizeof(text));
		if (strcmp(text, cases[i].want))
			fail_msg("%zu: %g is \"%s\", not \"%s\"", i, cases[i].value, text,
				 cases[i].want);
	}
}

static void test_never_over(void **state)
{
	char text[80];

	(void)state;
	for (unsigned m = 0; m < METRICS; m++)
		for (double value = 1e-4; value < 1e25; value *= 9.99)
			for (int sign = -1; sign <= 1; sign += 2)
				for (unsigned width = 1; width < 14; width++) {
					value_text((enum metric_id)m, sign * value, width & 1,
						   width, text, sizeof(text));
					if (strlen(text) != width)
						fail_msg("%s %g: \"%s\" is not %u columns",
							 metrics[m].name, sign * value, text,
							 width);
				}
}

static void test_widths(void **state)
{
	(void)state;
	for (unsigned m = 0; m < METRICS; m++) {
		unsigned width = value_width((enum metric_id)m);

		if (width <= grid_width(metrics[m].title) || width > 40)
			fail_msg("%s: %u columns", metrics[m].name, width);
	}
	/* A host's whole memory as it is */
	assert_true(value_width(with_unit(U_KIB, 0, 0)) >= 10);
}

static void test_durations(void **state)
{
	static const struct {
		double seconds;
		const char *want;
	} cases[] = {
		{0, "0s"},
		{0.9, "0s"},
		{59.9, "59s"},
		{60, "1m00s"},
		{320, "5m20s"},
		{3599, "59m59s"},
		{3600, "1h00m"},
		{86399, "23h59m"},
		{86400, "1d00h"},
		{273600, "3d04h"},
		{8639999, "99d23h"},
		{8640000, "100d"},
		{8.64e9, ">273y"},
		{1e300, ">273y"},
		{-1, "-"},
		{NAN, "-"},
		{8639913599, "99998d"},
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		duration_text(cases[i].seconds, text, sizeof(text));
		if (strcmp(text, cases[i].want))
			fail_msg("%g is \"%s\", not \"%s\"", cases[i].seconds, text, cases[i].want);
		assert_true(strlen(text) <= 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_never_over),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
