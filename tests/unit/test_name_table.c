/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by name: found again, grown, cleared, bounded. */
#include "name_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct name_table *t, unsigned i)
{
	char name[NAME_SIZE];
	struct named_row *row;

	snprintf(name, sizeof(name), "dev%u", i);
	row = name_table_add(t, name);
	assert_non_null(row);
	row->column[0] = i;
	row->column[15] = i * 2;
}

static const struct named_row *find(const struct name_table *t, unsigned i)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "dev%u", i);
	return name_table_find(t, name);
}

static void found_by_name(void **state)
{
	struct name_table t = {0};

	(void)state;
	assert_null(name_table_find(&t, "eth0"));
	for (unsigned i = 0; i < 5000; i++)
		add(&t, i);
	assert_int_equal(t.n, 5000);
	for (unsigned i = 0; i < 5000; i++) {
		const struct named_row *row = find(&t, i);

		if (!row || row->column[0] != i || row->column[15] != i * 2)
			fail_msg("dev%u is not found, or another's", i);
	}
	assert_null(name_table_find(&t, "dev5000"));
	assert_null(name_table_find(&t, "dev"));
	assert_null(name_table_find(&t, ""));
	name_table_free(&t);
	assert_null(name_table_find(&t, "dev1"));
}

static void same_name_same_row(void **state)
{
	struct name_table t = {0};
	struct named_row *a;

	(void)state;
	a = name_table_add(&t, "sda");
	a->column[3] = 9;
	assert_ptr_equal(name_table_add(&t, "sda"), a);
	assert_int_equal(t.n, 1);
	assert_ptr_not_equal(name_table_add(&t, "sda1"), a);
	assert_int_equal(name_table_find(&t, "sda")->column[3], 9);
	name_table_free(&t);
}

static void cleared_is_empty(void **state)
{
	struct name_table t = {0};

	(void)state;
	name_table_clear(&t);
	for (unsigned i = 0; i < 300; i++)
		add(&t, i);
	name_table_clear(&t);
	assert_null(find(&t, 0));
	assert_null(find(&t, 299));
	add(&t, 299);
	assert_int_equal(t.n, 1);
	assert_int_equal(find(&t, 299)->column[0], 299);
	assert_null(find(&t, 0));
	name_table_free(&t);
}

static void longest_name(void **state)
{
	static const char name[] = "a234567890123456789012345678901"; /* 31 */
	struct name_table t = {0};

	(void)state;
	assert_int_equal(strlen(name), NAME_SIZE - 1);
	name_table_add(&t, name)->column[0] = 1;
	assert_non_null(name_table_find(&t, name));
	assert_null(name_table_find(&t, "a23456789012345678901234567890"));
	name_table_free(&t);
}

static void bounded(void **state)
{
	struct name_table t = {0};

	(void)state;
	for (unsigned i = 0; i < 65536; i++)
		add(&t, i);
	assert_null(name_table_add(&t, "one more"));
	assert_null(name_table_find(&t, "one more"));
	/* the one that is there already is still given */
	assert_non_null(name_table_add(&t, "dev65535"));
	assert_int_equal(find(&t, 40000)->column[0], 40000);
	name_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_name),    cmocka_unit_test(same_name_same_row),
		cmocka_unit_test(cleared_is_empty), cmocka_unit_test(longest_name),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
