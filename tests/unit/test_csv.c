/* SPDX-License-Identifier: Apache-2.0 */
/* CSV as people have it: read as meant, or refused with the place. */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The whole file as "a,b|1,2|-,3": names and rows, - for absent; or what was said. */
static const char *read_all(const char *text, size_t n)
{
	static char out[8192];
	FILE *f = fmemopen((void *)(uintptr_t)text, n, "r");
	const double *row;
	struct csv *c;
	int r;

	assert_non_null(f);
	*out = '\0';
	r = csv_open(&c, f, "x.csv", out, sizeof(out));
	if (r < 0) {
		fclose(f);
		return out;
	}
	for (unsigned i = 0; i < csv_columns(c); i++)
		sprintf(out + strlen(out), "%s%s", i ? "," : "", csv_name(c, i));
	for (;;) {
		char why[400];

		r = csv_next(c, &row, why, sizeof(why));
		if (r < 0)
			strcpy(out, why);
		if (r <= 0)
			break;
		for (unsigned i = 0; i < csv_columns(c); i++)
			if (isnan(row[i]))
				strcat(out, i ? ",-" : "|-");
			else
				sprintf(out + strlen(out), "%s%g", i ? "," : "|", row[i]);
	}
	csv_close(c);
	fclose(f);
	return out;
}

static void cases(void **state)
{
	static const struct {
		const char *text, *want;
	} all[] = {
		{"1\n2\n3\n", "metric_0|1|2|3"},
		{"1\n2", "metric_0|1|2"},
		{"1\n\n2\n", "metric_0|1|-|2"},
		{"cpu,net\n1,2\n3,4\n", "cpu,net|1,2|3,4"},
		{"cpu,net\r\n1,2\r\n,4\r\n", "cpu,net|1,2|-,4"},
		{"\xef\xbb\xbf"
		 "cpu,net\n1,2\n",
		 "cpu,net|1,2"},
		{"\n\n1,2\n\n3,4\n\n", "metric_0,metric_1|1,2|3,4"},
		{"\"a,b\",\"c\"\"d\"\n\"1\",2\n", "a,b,c\"d|1,2"},
		{" 1 ,\t2 \n", "metric_0,metric_1|1,2"},
		{"1,\n,2\n", "metric_0,metric_1|1,-|-,2"},
		{"nan,NaN\n1e308,-1e308\n", "metric_0,metric_1|-,-|1e+308,-1e+308"},
		{"1e-320\n", "metric_0|9.99989e-321"},
		{"\n\n", "x.csv: there is no line in it"},
		{"1,2\n3\n", "x.csv, line 2: 1 columns; wanted: 2, as in the first line"},
		{"1,2\n\n3,4,5\n", "x.csv, line 3: 3 columns; wanted: 2, as in the first line"},
		{"a\nb\n", "x.csv, line 2, column 1 (a): \"b\" is no number; allowed: a decimal "
			   "number, nothing or NaN"},
		{"1,2\n3,1e309\n",
		 "x.csv, line 2, column 2 (metric_1): \"1e309\" is too large; allowed: a decimal "
		 "number, nothing or NaN"},
		{"1\n0x10\n", "x.csv, line 2, column 1 (metric_0): \"0x10\" is no number; allowed: "
			      "a decimal number, nothing or NaN"},
		{"inf,1\n2,3\n", "x.csv, line 1: inf and hexadecimal numbers are not allowed"},
		{"cpu,0x1\n2,3\n", "x.csv, line 1: inf and hexadecimal numbers are not allowed"},
		{"cpu,2024\n2,3\n", "cpu,2024|2,3"},
		{"info,0y1\n2,3\n", "info,0y1|2,3"},
		{"a,a\n", "x.csv, line 1: two columns have the same name"},
		{"a,\n", "x.csv, line 1: a name of a column is empty, longer than 63 bytes or no "
			 "text"},
		{"a\xff\n", "x.csv, line 1: a name of a column is empty, longer than 63 bytes or "
			    "no text"},
		{"1,2\n\"3,4\n", "x.csv, line 2: a \" that does not end at the cell's end"},
		{"1,2\n\"3\"4,4\n", "x.csv, line 2: a \" that does not end at the cell's end"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const char *got = read_all(all[i].text, strlen(all[i].text));

		if (strcmp(got, all[i].want) != 0)
			fail_msg("case %zu: \"%s\", wanted \"%s\"", i, got, all[i].want);
	}
}

static void bounds(void **state)
{
	char *text = malloc(CSV_LINE_MAX + 100), name[200];

	(void)state;
	memset(text, '1', CSV_LINE_MAX + 10);
	memcpy(text, "1\n", 2);
	assert_non_null(strstr(read_all(text, CSV_LINE_MAX + 10), "line 2: longer than 65536"));
	for (unsigned i = 0; i < 65; i++)
		memcpy(text + 2 * i, "1,", 2);
	text[129] = '\n';
	assert_non_null(strstr(read_all(text, 130), "line 1: more than 64 columns"));
	text[127] = '\n';
	assert_non_null(strstr(read_all(text, 128), "metric_63|1,"));
	assert_non_null(strstr(read_all("1\n2\0003\n", 6), "line 2: a byte that is no text"));
	memset(name, 'n', sizeof(name));
	name[63] = '\n';
	assert_int_equal(strlen(read_all(name, 64)), 63);
	name[63] = 'n';
	name[64] = '\n';
	assert_non_null(strstr(read_all(name, 65), "line 1: a name"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
