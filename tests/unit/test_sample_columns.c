/* SPDX-License-Identifier: Apache-2.0 */
/* Whole columns of a sample: rows added at once, and memory given back. */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check_new(const struct table *t, uint32_t from, uint32_t to)
{
	for (uint32_t r = from; r < to; r++)
		if (t->id[r] || t->parent[r] != NO_ROW || t->counted[r] != 1 ||
		    t->read_ns[r] != ABSENT || t->prev_ns[r] != ABSENT)
			fail_msg("row %u is not new", r);
}

static void many_rows(void **state)
{
	struct sample *s = sample_new();
	const struct table *t = &s->table[SCOPE_VM];

	(void)state;
	assert_int_equal(sample_rows(s, SCOPE_VM, 0), 0);
	assert_int_equal(sample_row(s, SCOPE_VM, 0, 9), 0);
	sample_set(s, SCOPE_VM, 0, M_PID, 7);
	assert_int_equal(sample_rows(s, SCOPE_VM, 100), 1);
	assert_int_equal(t->rows, 101);
	check_new(t, 1, 101);
	assert_true(sample_get(s, SCOPE_VM, 0, M_PID) == 7);
	for (uint32_t r = 1; r < 101; r++)
		assert_true(sample_get(s, SCOPE_VM, r, M_PID) == ABSENT);
	memset(sample_column(s, SCOPE_VM, M_PID), 0, 101 * sizeof(uint64_t));
	memset(sample_previous(s, SCOPE_VM, M_PID), 0, 101 * sizeof(uint64_t));
	t->id[50] = t->read_ns[50] = 5;
	t->parent[50] = t->counted[50] = 0;
	sample_clear(s);
	assert_int_equal(sample_rows(s, SCOPE_VM, 60), 0);
	check_new(t, 0, 60);
	for (uint32_t r = 0; r < 60; r++)
		assert_true(sample_get(s, SCOPE_VM, r, M_PID) == ABSENT &&
			    t->previous[M_PID][r] == ABSENT);
	/* One by one behind many, beyond what there was room for */
	for (uint32_t r = 60; r < 300; r++)
		assert_int_equal(sample_row(s, SCOPE_VM, 0, r), r);
	assert_true(sample_get(s, SCOPE_VM, 299, M_PID) == ABSENT);
	sample_free(s);
}

static void rows_are_bounded(void **state)
{
	struct sample *s = sample_new();

	(void)state;
	assert_int_equal(sample_rows(s, SCOPE_VCPU, SAMPLE_ROWS_MAX - 1), 0);
	assert_int_equal(sample_rows(s, SCOPE_VCPU, 2), NO_ROW);
	assert_int_equal(s->refused, 2);
	assert_int_equal(s->table[SCOPE_VCPU].rows, SAMPLE_ROWS_MAX - 1);
	assert_int_equal(sample_rows(s, SCOPE_VCPU, UINT32_MAX), NO_ROW);
	assert_int_equal(sample_rows(s, SCOPE_VCPU, 1), SAMPLE_ROWS_MAX - 1);
	sample_free(s);
}

static void which_columns_are_there(void **state)
{
	struct sample *s = sample_new();
	const struct table *t = &s->table[SCOPE_VM];

	(void)state;
	assert_int_equal(table_column_from(t, 0), METRICS);
	sample_rows(s, SCOPE_VM, 3);
	for (unsigned m = 0; m < METRICS; m += 13)
		sample_column(s, SCOPE_VM, m);
	sample_previous(s, SCOPE_VM, METRICS - 1);
	for (unsigned m = 0, at = 0; m < METRICS - 1; m += 13) {
		at = table_column_from(t, at);
		assert_int_equal(at, m);
		at++;
	}
	assert_int_equal(table_column_from(t, METRICS - 1), METRICS - 1);
	assert_int_equal(table_column_from(t, METRICS), METRICS);
	sample_free(s);
}

static void kept_texts(void **state)
{
	struct sample *s = sample_new();
	char name[SAMPLE_NAME_MAX + 50];
	uint64_t at;

	(void)state;
	memset(name, 'x', sizeof(name));
	sample_rows(s, SCOPE_VM, 2);
	at = sample_keep_text(s, "abcdef", 3);
	sample_column(s, SCOPE_VM, M_NAME)[1] = at;
	at = sample_keep_text(s, name, sizeof(name));
	sample_column(s, SCOPE_VM, M_TAGS)[1] = at;
	assert_string_equal(sample_text(s, SCOPE_VM, 1, M_NAME), "abc");
	assert_int_equal(strlen(sample_text(s, SCOPE_VM, 1, M_TAGS)), SAMPLE_NAME_MAX);
	while (sample_keep_text(s, name, SAMPLE_NAME_MAX) != ABSENT)
		continue;
	assert_int_equal(s->refused, 1);
	assert_true(s->text_used <= SAMPLE_TEXT_MAX);
	assert_string_equal(sample_text(s, SCOPE_VM, 1, M_NAME), "abc");
	sample_free(s);
}

static void memory_is_given_back(void **state)
{
	struct sample *s = sample_new();

	(void)state;
	sample_rows(s, SCOPE_VM, 1000);
	sample_column(s, SCOPE_VM, M_PID);
	sample_set_text(s, SCOPE_VM, 5, M_NAME, "x");
	sample_release(s);
	for (int i = 0; i < SCOPES; i++) {
		assert_int_equal(s->table[i].rows, 0);
		assert_int_equal(s->table[i].room, 0);
		assert_int_equal(table_column_from(&s->table[i], 0), METRICS);
	}
	assert_int_equal(sample_row(s, SCOPE_VM, 0, 1), 0);
	sample_set_text(s, SCOPE_VM, 0, M_NAME, "again");
	assert_string_equal(sample_text(s, SCOPE_VM, 0, M_NAME), "again");
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_rows),
		cmocka_unit_test(rows_are_bounded),
		cmocka_unit_test(which_columns_are_there),
		cmocka_unit_test(kept_texts),
		cmocka_unit_test(memory_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
