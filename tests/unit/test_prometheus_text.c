/* SPDX-License-Identifier: Apache-2.0 */
#include "prometheus_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void converted(const char *from, const char *to)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	prometheus_text(&b, from, strlen(from));
	buf_byte(&b, '\0');
	if (strcmp(b.data, to))
		fail_msg("'%s' became '%s', not '%s'", from, b.data, to);
	buf_fini(&b);
}

static void families(void **state)
{
	(void)state;
	converted("# HELP x_seconds Time # of x\n# TYPE x_seconds counter\n# UNIT x_seconds "
		  "seconds\nx_seconds_total{a=\"# HELP\"} 1\n# EOF\n",
		  "# HELP x_seconds_total Time # of x\n# TYPE x_seconds_total counter\n"
		  "x_seconds_total{a=\"# HELP\"} 1\n");
	converted("# HELP g A gauge\n# TYPE g gauge\ng 1\n# EOF\n",
		  "# HELP g A gauge\n# TYPE g gauge\ng 1\n");
	converted("# HELP a b\n# TYPE a counter\na_total 1\n# HELP c d\n# TYPE c counter\n"
		  "c_total 2\n# EOF\n",
		  "# HELP a_total b\n# TYPE a_total counter\na_total 1\n# HELP c_total d\n"
		  "# TYPE c_total counter\nc_total 2\n");
}

static void names(void **state)
{
	static const char *const for_it[] = {".prom", "/a/b.prom", "x.tmp.prom"};
	static const char *const not [] = {"", "prom", "/a/b.promx", "/a.prom/b", "b.PROM"};

	(void)state;
	for (size_t i = 0; i < sizeof(for_it) / sizeof(*for_it); i++)
		assert_true(prometheus_text_is_for(for_it[i]));
	for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++)
		assert_false(prometheus_text_is_for(not [i]));
}

/* Nothing is read beyond the end, wherever it is cut. */
static void cut(void **state)
{
	static const char text[] = "# HELP x y\n# TYPE x counter\nx_total 1\n# EOF\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		struct buf b;

		buf_init(&b, 1 << 20);
		prometheus_text(&b, text, n);
		assert_true(b.used <= n + 2 * strlen("_total"));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),
		cmocka_unit_test(names),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
