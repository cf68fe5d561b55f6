/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, absent values, bounds and texts of a sample. */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = sample_new();
	return 0;
}

static int teardown(void **state)
{
	sample_free(*state);
	return 0;
}

static void nothing_is_absent(void **state)
{
	struct sample *s = *state;
	uint32_t row;

	assert_true(sample_get(s, SCOPE_VM, 0, M_PID) == ABSENT);
	assert_true(sample_get(s, SCOPE_VM, NO_ROW, M_PID) == ABSENT);
	assert_null(sample_text(s, SCOPE_VM, 0, M_NAME));
	row = sample_row(s, SCOPE_VM, 0, 1);
	assert_true(sample_get(s, SCOPE_VM, row, M_PID) == ABSENT);
	assert_null(sample_text(s, SCOPE_VM, row, M_NAME));
	assert_true(s->table[SCOPE_VM].read_ns[row] == ABSENT);
	assert_true(s->table[SCOPE_VM].prev_ns[row] == ABSENT);
	assert_int_equal(s->table[SCOPE_VM].counted[row], 1);
	/* zero is a value */
	sample_set(s, SCOPE_VM, row, M_PID, 0);
	assert_true(sample_get(s, SCOPE_VM, row, M_PID) == 0);
	sample_set_text(s, SCOPE_VM, row, M_NAME, "");
	assert_string_equal(sample_text(s, SCOPE_VM, row, M_NAME), "");
	sample_set_text(s, SCOPE_VM, row, M_UUID, NULL);
	assert_null(sample_text(s, SCOPE_VM, row, M_UUID));
}

static void rows_keep_what_they_are(void **state)
{
	struct sample *s = *state;

	for (uint32_t r = 0; r < 1000; r++) {
		assert_int_equal(sample_row(s, SCOPE_VCPU, r / 4, 5000 + r), r);
		/* A column that is set for some rows only, from the middle of a growth on */
		if (r >= 20 && r % 3 == 0)
			sample_set(s, SCOPE_VCPU, r, M_RUN, r);
		if (r % 7 == 0)
			sample_set_pair(s, SCOPE_VCPU, r, M_WAIT, r, r + 1);
	}
	for (uint32_t r = 0; r < 1000; r++) {
		const struct table *t = &s->table[SCOPE_VCPU];

		assert_true(t->id[r] == 5000 + r && t->parent[r] == r / 4);
		if (sample_get(s, SCOPE_VCPU, r, M_RUN) != (r >= 20 && r % 3 == 0 ? r : ABSENT))
			fail_msg("row %u: run is wrong after the table grew", r);
		if (sample_get(s, SCOPE_VCPU, r, M_WAIT) != (r % 7 ? ABSENT : r) ||
		    t->previous[M_WAIT][r] != (r % 7 ? ABSENT : r + 1))
			fail_msg("row %u: pair is wrong after the table grew", r);
	}
	assert_true(sample_get(s, SCOPE_VM, 0, M_RUN) == ABSENT);
}

static void cleared_rows_start_absent(void **state)
{
	struct sample *s = *state;
	uint32_t row;

	for (uint64_t i = 0; i < 40; i++) {
		row = sample_row(s, SCOPE_VM_DISK, 0, i);
		sample_set_pair(s, SCOPE_VM_DISK, row, M_VD_RD_OPS, 7, 6);
		sample_set_text(s, SCOPE_VM_DISK, row, M_DISK_NAME, "vda");
		s->table[SCOPE_VM_DISK].read_ns[row] = s->table[SCOPE_VM_DISK].prev_ns[row] = 1;
		s->table[SCOPE_VM_DISK].counted[row] = 0;
	}
	s->refused = 3;
	sample_clear(s);
	assert_int_equal(s->refused, 0);
	assert_int_equal(s->table[SCOPE_VM_DISK].rows, 0);
	assert_true(sample_get(s, SCOPE_VM_DISK, 0, M_VD_RD_OPS) == ABSENT);
	for (uint64_t i = 0; i < 50; i++) {
		const struct table *t = &s->table[SCOPE_VM_DISK];

		row = sample_row(s, SCOPE_VM_DISK, 0, i);
		if (sample_get(s, SCOPE_VM_DISK, row, M_VD_RD_OPS) != ABSENT ||
		    t->previous[M_VD_RD_OPS][row] != ABSENT || t->read_ns[row] != ABSENT ||
		    t->prev_ns[row] != ABSENT || !t->counted[row] ||
		    sample_text(s, SCOPE_VM_DISK, row, M_DISK_NAME))
			fail_msg("row %u still has something of before", row);
	}
}

static void rows_that_are_not_there_are_ignored(void **state)
{
	struct sample *s = *state;

	sample_set(s, SCOPE_VM, NO_ROW, M_PID, 1);
	sample_set(s, SCOPE_VM, 0, M_PID, 1);
	sample_set_pair(s, SCOPE_VM, NO_ROW, M_RAM_FREE, 1, 2);
	sample_set_text(s, SCOPE_VM, 3, M_NAME, "x");
	assert_int_equal(s->text_used, 1);
	sample_row(s, SCOPE_VM, 0, 1);
	assert_true(sample_get(s, SCOPE_VM, 0, M_PID) == ABSENT);
}

static void rows_are_bounded(void **state)
{
	struct sample *s = *state;

	for (uint32_t r = 0; r < SAMPLE_ROWS_MAX; r++)
		sample_row(s, SCOPE_VM_NIC, 0, r);
	assert_int_equal(s->refused, 0);
	assert_true(sample_row(s, SCOPE_VM_NIC, 0, 1) == NO_ROW);
	assert_true(sample_row(s, SCOPE_VM_NIC, 0, 2) == NO_ROW);
	assert_int_equal(s->refused, 2);
	assert_int_equal(s->table[SCOPE_VM_NIC].rows, SAMPLE_ROWS_MAX);
}

static void texts_are_cut_between_characters(void **state)
{
	static const struct {
		const char *name;
		unsigned fill;    /* letters before */
		const char *tail; /* what the bound falls into */
		unsigned kept;
	} cases[] = {
		{"just fits", 255, "", 255},
		{"one too many", 256, "", 255},
		{"two bytes fit", 253, "\xc3\xa4", 255},
		{"two bytes, one over", 254, "\xc3\xa4", 254},
		{"three bytes, one over", 253, "\xe2\x82\xac", 253},
		{"three bytes, two over", 254, "\xe2\x82\xac", 254},
		{"four bytes, one over", 252, "\xf0\x9f\x98\x80", 252},
		{"four bytes, three over", 254, "\xf0\x9f\x98\x80", 254},
		{"four bytes fit, more follows", 251, "\xf0\x9f\x98\x80xyz", 255},
	};
	struct sample *s = *state;
	uint32_t row = sample_row(s, SCOPE_VM, 0, 1);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[600];

		memset(text, 'x', cases[i].fill);
		strcpy(text + cases[i].fill, cases[i].tail);
		sample_set_text(s, SCOPE_VM, row, M_NAME, text);
		if (strlen(sample_text(s, SCOPE_VM, row, M_NAME)) != cases[i].kept)
			fail_msg("%s: %zu bytes kept, not %u", cases[i].name,
				 strlen(sample_text(s, SCOPE_VM, row, M_NAME)), cases[i].kept);
	}
}

static void huge_texts_are_cut(void **state)
{
	struct sample *s = *state;
	uint32_t row = sample_row(s, SCOPE_VM, 0, 1);
	size_t n = 10u << 20;
	char *text = malloc(n + 1);

	assert_non_null(text);
	memset(text, 0xbf, n); /* nothing but continuation bytes */
	text[n] = '\0';
	sample_set_text(s, SCOPE_VM, row, M_NAME, text);
	assert_true(strlen(sample_text(s, SCOPE_VM, row, M_NAME)) <= SAMPLE_NAME_MAX);
	assert_true(s->text_room < 10000);
	free(text);
}

static void texts_together_are_bounded(void **state)
{
	struct sample *s = *state;
	uint32_t row = sample_row(s, SCOPE_VM, 0, 1), last = sample_row(s, SCOPE_VM, 0, 2);
	char text[SAMPLE_NAME_MAX + 1];
	unsigned n = SAMPLE_TEXT_MAX / (SAMPLE_NAME_MAX + 1);

	memset(text, 'x', SAMPLE_NAME_MAX);
	text[SAMPLE_NAME_MAX] = '\0';
	for (unsigned i = 0; i < n + 10; i++)
		sample_set_text(s, SCOPE_VM, row, M_NAME, text);
	/* the first byte of all is the empty text */
	assert_int_equal(s->refused, 11);
	assert_true(s->text_used <= SAMPLE_TEXT_MAX);
	sample_set_text(s, SCOPE_VM, last, M_NAME, text);
	assert_null(sample_text(s, SCOPE_VM, last, M_NAME));
	assert_string_equal(sample_text(s, SCOPE_VM, row, M_NAME), text);
}

/* Published test vectors of FNV-1a, 64 bits */
static void ids_are_fnv1a(void **state)
{
	(void)state;
	assert_true(id_hash(0, "") == 0xcbf29ce484222325u);
	assert_true(id_hash(0, "a") == 0xaf63dc4c8601ec8cu);
	assert_true(id_hash(0, "foobar") == 0x85944171f73967e8u);
	assert_true(id_hash(1, "a") != id_hash(2, "a"));
	assert_true(id_hash_u64(1, 5) != id_hash_u64(1, 6));
	assert_true(id_hash_u64(1, 1) != id_hash_u64(1, UINT64_C(1) << 56));
	assert_true(id_hash_u64(1, 5) != id_hash_u64(2, 5));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_absent),
		TEST(rows_keep_what_they_are),
		TEST(cleared_rows_start_absent),
		TEST(rows_that_are_not_there_are_ignored),
		TEST(rows_are_bounded),
		TEST(texts_are_cut_between_characters),
		TEST(huge_texts_are_cut),
		TEST(texts_together_are_bounded),
		TEST(ids_are_fnv1a),
	};

	sample_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
