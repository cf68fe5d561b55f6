/* SPDX-License-Identifier: Apache-2.0 */
/* When the next cycle is due. */
#include "schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void points_stay_on_the_grid(void **state)
{
	static const struct {
		const char *name;
		uint64_t first, period, now, want;
	} cases[] = {
		{"before the first", 1000, 100, 0, 1000},
		{"just before it", 1000, 100, 999, 1000},
		{"at the first: the next one", 1000, 100, 1000, 1100},
		{"a little late", 1000, 100, 1007, 1100},
		{"just in time", 1000, 100, 1099, 1100},
		{"exactly one period late", 1000, 100, 1100, 1200},
		{"three missed: left out", 1000, 100, 1350, 1400},
		{"long asleep", 1000, 100, 1000000050, 1000000100},
		{"a day's period", 5, 86400000000000, 6, 86400000000005},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t got = schedule_next(cases[i].first, cases[i].period, cases[i].now);

		if (got != cases[i].want)
			fail_msg("%s: %llu, not %llu", cases[i].name, (unsigned long long)got,
				 (unsigned long long)cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_stay_on_the_grid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
