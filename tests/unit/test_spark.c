/* SPDX-License-Identifier: Apache-2.0 */
/* Values as blocks: the newest at the right, absent is not zero, and ASCII. */
#include "spark.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grid_kit.h"

static void row_is(const struct grid *g, const char *what, const char *want)
{
	char *have = grid_kit_text(g, false);

	*strchr(have, '\n') = '\0';
	if (strcmp(have, want))
		fail_msg("%s: \"%s\", not \"%s\"", what, have, want);
	free(have);
}

static void test_spark(void **state)
{
	static const double up[] = {0, 1, 2, 3, 4, 5, 6, 7}, gaps[] = {NAN, 0, 10, NAN, 5},
			    odd[] = {-5, INFINITY, 200, 50}, nothing[] = {0, 0};
	static const struct {
		const char *what, *want, *ascii;
		const double *values;
		unsigned n;
		double top;
	} cases[] = {
		{"ramp", "  \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", "  _.-=+*#@", up, 8,
		 0},
		{"ramp to 14", "  \u2581\u2582\u2582\u2583\u2583\u2584\u2584\u2585", "  _..--==+",
		 up, 8, 14},
		{"gaps", "      \u2581\u2588 \u2585", "      _@ +", gaps, 5, 10},
		{"odd ones", "      \u2581\u2588\u2588\u2585", "      _@@+", odd, 4, 100},
		{"only zeros", "        \u2581\u2581", "        __", nothing, 2, 0},
		{"none", "", "", NULL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct grid g;

		grid_init(&g, 10, 1);
		grid_fill(&g, 0, 0, 10, STYLE_NORMAL, '!');
		spark_draw(&g, 0, 0, 99, cases[i].values, cases[i].n, cases[i].top, STYLE_GRAPH);
		row_is(&g, cases[i].what, cases[i].want);
		g.ascii = true;
		spark_draw(&g, 0, 0, 10, cases[i].values, cases[i].n, cases[i].top, STYLE_GRAPH);
		row_is(&g, cases[i].what, cases[i].ascii);
		grid_fini(&g);
	}
}

static void test_newest(void **state)
{
	static const double values[] = {9, 9, 9, 0, 7};
	struct grid g;

	(void)state;
	grid_init(&g, 6, 1);
	g.ascii = true;
	spark_draw(&g, 1, 0, 3, values, 5, 7, STYLE_GRAPH);
	row_is(&g, "the last two", " _@");
	spark_draw(&g, 6, 0, 9, values, 5, 7, STYLE_GRAPH);
	spark_draw(&g, 4, 0, 4, values, 5, 7, STYLE_GRAPH);
	spark_draw(&g, 0, 1, 4, values, 5, 7, STYLE_GRAPH);
	row_is(&g, "nothing outside", " _@");
	grid_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spark),
		cmocka_unit_test(test_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
