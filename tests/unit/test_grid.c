/* SPDX-License-Identifier: Apache-2.0 */
/* Cells: columns never break, whatever a name holds; and the same as text. */
#include "char_width.h"
#include "grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "grid_kit.h"

static void printed(const struct grid *g, bool with_styles, const char *what, const char *want)
{
	char *have = grid_kit_text(g, with_styles);

	if (strcmp(have, want))
		fail_msg("%s: \"%s\", not \"%s\"", what, have, want);
	free(have);
}

/* Every wide character has its right half, and no half stands alone. */
static void whole(const struct grid *g, const char *what)
{
	for (unsigned row = 0; row < g->rows; row++)
		for (unsigned col = 0; col < g->cols; col++) {
			const struct cell *c = &g->cell[row * g->cols + col];
			bool right = col + 1 < g->cols && c[1].ch == GRID_WIDE;

			if (c->ch == GRID_WIDE) {
				if (!col || char_width(c[-1].ch) != 2)
					fail_msg("%s: half a character at %u,%u", what, col, row);
			} else if (char_width(c->ch) != (right ? 2 : 1)) {
				fail_msg("%s: U+%04X at %u,%u", what, c->ch, col, row);
			}
		}
}

static void test_bounds(void **state)
{
	struct grid g;

	(void)state;
	grid_init(&g, 0, 0);
	assert_int_equal(g.cols, 1);
	assert_int_equal(g.rows, 1);
	assert_int_equal(g.cursor_row, -1);
	grid_fini(&g);
	grid_init(&g, UINT32_MAX, UINT32_MAX);
	assert_int_equal(g.cols, GRID_COLS_MAX);
	assert_int_equal(g.rows, GRID_ROWS_MAX);
	grid_fini(&g);
	grid_init(&g, 4, 2);
	assert_int_equal(grid_text(&g, 0, 2, 4, STYLE_NORMAL, "below"), 0);
	assert_int_equal(grid_text(&g, 9, 0, 99, STYLE_NORMAL, "right"), 9);
	grid_fill(&g, 3, UINT32_MAX, 9, STYLE_NORMAL, '#');
	grid_mark(&g, 0, 7, 9, CELL_CURSOR);
	grid_text_right(&g, 3, 0, 1, STYLE_NORMAL, "x");
	grid_box(&g, 3, 1, 4, 2, "x");
	printed(&g, true, "nothing is outside", "\n\n");
	grid_fini(&g);
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *want;
		unsigned width;
	} cases[] = {
		{"web-01", "web-01", 6},
		{"caf\xc3\xa9", "caf\xc3\xa9", 4},
		{"cafe\xcc\x81", "cafe", 4}, /* a combining accent */
		{"\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac", 4}, /* Tokyo */
		{"\xf0\x9f\x90\xa7x", "\xf0\x9f\x90\xa7x", 3},               /* a penguin */
		{"\xef\xbc\xa1", "\xef\xbc\xa1", 2},                         /* fullwidth A */
		{"\x1b[2J", "?[2J", 4},
		{"a\tb\nc\x7f", "a?b?c?", 6},
		{"\xc2\x9b"
		 "2J",
		 "?2J", 3}, /* C1 */
		{"a\xe2\x80\xae"
		 "b",
		 "a?b", 3},               /* right to left override */
		{"\xe2\x80\x8b", "?", 1}, /* zero width space */
		{"\xe2\x81\xa6", "?", 1}, /* bidi isolate */
		{"\xef\xbb\xbf", "?", 1}, /* byte order mark */
		{"\xe2\x80\xa8", "?", 1}, /* line separator */
		{"\xff\xfe", "??", 2},
		{"\xc3", "?", 1},
		{"\xed\xa0\x80", "???", 3},                      /* a surrogate */
		{"\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4", 1}, /* a heart, its variant left out */
		{"", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct grid g;
		char want[64];

		grid_init(&g, 20, 1);
		if (grid_width(cases[i].text) != cases[i].width)
			fail_msg("%zu: %u columns, not %u", i, grid_width(cases[i].text),
				 cases[i].width);
		if (grid_text(&g, 2, 0, 20, STYLE_NORMAL, cases[i].text) != 2 + cases[i].width)
			fail_msg("%zu: does not end behind its columns", i);
		snprintf(want, sizeof(want), "%s%s\n", *cases[i].want ? "  " : "", cases[i].want);
		printed(&g, false, cases[i].text, want);
		whole(&g, cases[i].text);
		grid_fini(&g);
	}
}

static void test_cut(void **state)
{
	struct grid g;

	(void)state;
	grid_init(&g, 6, 4);
	grid_text(&g, 0, 0, 3, STYLE_NAME, "abcdef");
	/* The second one has only half its room. */
	assert_int_equal(grid_text(&g, 0, 1, 3, STYLE_NORMAL, "\xe6\x9d\xb1\xe4\xba\xac"), 3);
	grid_text(&g, 3, 1, 6, STYLE_NORMAL, "|");
	grid_text(&g, 4, 2, 99, STYLE_NORMAL, "\xe6\x9d\xb1\xe4\xba\xac");
	grid_text_right(&g, 0, 3, 4, STYLE_NORMAL, "12");
	printed(&g, false, "cut", "abc\n\xe6\x9d\xb1 |\n    \xe6\x9d\xb1\n  12\n");
	grid_text_right(&g, 0, 3, 4, STYLE_NORMAL, "123456");
	printed(&g, false, "cut at the right", "abc\n\xe6\x9d\xb1 |\n    \xe6\x9d\xb1\n1234\n");
	grid_fini(&g);
}

static void test_overwrite_halves(void **state)
{
	struct grid g;

	(void)state;
	for (unsigned col = 0; col < 6; col++) {
		grid_init(&g, 6, 1);
		grid_text(&g, 0, 0, 6, STYLE_NORMAL, "\xe6\x9d\xb1\xe4\xba\xac\xe6\x9d\xb1");
		grid_text(&g, col, 0, 6, STYLE_NORMAL, "x");
		whole(&g, "x over wide ones");
		grid_text(&g, col, 0, 6, STYLE_NORMAL, "\xe4\xba\xac");
		whole(&g, "a wide one over wide ones");
		grid_fill(&g, col, 0, col + 1, STYLE_NORMAL, 0x2500);
		whole(&g, "a line over wide ones");
		grid_fini(&g);
	}
}

static void test_format(void **state)
{
	char long_text[2000], want[600];
	struct grid g;

	(void)state;
	grid_init(&g, 700, 1);
	assert_int_equal(grid_format(&g, 0, 0, 700, STYLE_NORMAL, "%d VMs", 5), 5);
	printed(&g, false, "format", "5 VMs\n");
	for (size_t i = 0; i + 2 < sizeof(long_text); i += 2)
		memcpy(long_text + i, "\xc3\xa9", 3);
	/* 511 bytes end within a character. */
	assert_int_equal(grid_format(&g, 0, 0, 700, STYLE_NORMAL, "%s", long_text), 255);
	snprintf(want, sizeof(want), "%.510s\n", long_text);
	printed(&g, false, "format, long", want);
	grid_fini(&g);
}

static void test_ascii(void **state)
{
	struct grid g;

	(void)state;
	grid_init(&g, 12, 4);
	g.ascii = true;
	grid_box(&g, 0, 0, 12, 3, "help");
	grid_text(&g, 1, 1, 11, STYLE_NORMAL, "\xc2\xb5s\xe6\x9d\xb1\xe2\x86\x92\xc3\xa9");
	printed(&g, false, "ascii", "+ help ----+\n|us?\?>?    |\n`----------+\n\n");
	whole(&g, "ascii");
	grid_fini(&g);
}

static void test_print(void **state)
{
	struct grid g;

	(void)state;
	grid_init(&g, 8, 3);
	grid_text(&g, 0, 0, 8, STYLE_BAR, "bar");
	grid_text(&g, 0, 1, 8, STYLE_NORMAL, "a");
	grid_text(&g, 2, 1, 8, STYLE_BAD, "b\xe6\x9d\xb1");
	grid_mark(&g, 0, 1, 8, CELL_CURSOR);
	grid_mark(&g, 2, 1, 3, CELL_MATCH);
	printed(&g, true, "styles", "bar\n~bbb\na b\xe6\x9d\xb1\n~  xxx\n^11511111\n\n");
	/* What is written over has its marks no more. */
	grid_text(&g, 0, 1, 8, STYLE_NORMAL, "12345678");
	printed(&g, true, "written over", "bar\n~bbb\n12345678\n\n");
	grid_clear(&g);
	printed(&g, true, "cleared", "\n\n\n");
	grid_fini(&g);
}

static void test_box(void **state)
{
	struct grid g;

	(void)state;
	grid_init(&g, 10, 4);
	for (unsigned row = 0; row < 4; row++) {
		grid_text(&g, 0, row, 10, STYLE_NAME,
			  "\xe6\x9d\xb1\xe6\x9d\xb1\xe6\x9d\xb1"
			  "\xe6\x9d\xb1\xe6\x9d\xb1");
		grid_mark(&g, 0, row, 10, CELL_CURSOR);
	}
	grid_box(&g, 1, 0, 9, 3, "a long title");
	whole(&g, "box");
	printed(&g, false, "box",
		" \xe2\x94\x8c a lo \xe2\x94\x90\n"
		" \xe2\x94\x82      \xe2\x94\x82\n"
		" \xe2\x94\x94\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94"
		"\x80\xe2\x94\x98\n"
		"\xe6\x9d\xb1\xe6\x9d\xb1\xe6\x9d\xb1\xe6\x9d\xb1\xe6\x9d\xb1\n");
	grid_fini(&g);
}

/* Any bytes, anywhere: no cell outside, no broken column. */
static void test_random(void **state)
{
	struct grid g;
	unsigned seed = 7;

	(void)state;
	grid_init(&g, 17, 3);
	for (unsigned i = 0; i < 200000; i++) {
		char text[24];
		unsigned n = (unsigned)rand_r(&seed) % sizeof(text), col, end;

		for (unsigned k = 0; k < n; k++)
			text[k] = (char)rand_r(&seed);
		/* half of them mostly characters of three bytes */
		if (i % 2)
			for (unsigned k = 0; k + 3 <= n; k += 3) {
				text[k] = (char)0xe6;
				text[k + 1] = (char)(0x80 | (text[k + 1] & 0x3f));
				text[k + 2] = (char)(0x80 | (text[k + 2] & 0x3f));
			}
		text[n] = '\0';
		col = (unsigned)rand_r(&seed) % 20;
		end = (unsigned)rand_r(&seed) % 20;
		grid_text(&g, col, i % 4, end, STYLE_NORMAL, text);
		if (i % 64 == 0)
			whole(&g, "random");
	}
	whole(&g, "random");
	grid_fini(&g);
}

/* What every terminal agrees about. */
static void test_widths(void **state)
{
	static const struct {
		uint32_t ch;
		unsigned width;
	} cases[] = {
		{'a', 1},      {0xe9, 1},     {0x3b1, 1},      {0x416, 1},   {0x5d0, 1},
		{0x627, 1},    {0x2500, 1},   {0x2588, 1},     {0x28ff, 1},  {0xe0b0, 1},
		{0x1100, 2},   {0x115f, 2},   {0x3042, 2},     {0x30a2, 2},  {0x4e00, 2},
		{0x9fff, 2},   {0xac00, 2},   {0xd7a3, 2},     {0xff01, 2},  {0xff60, 2},
		{0xff61, 1},   {0x1f600, 2},  {0x1f680, 2},    {0x20000, 2}, {0x303e, 2},
		{0x303f, 1},   {0x300, 0},    {0x36f, 0},      {0x370, 1},   {0x5bf, 0},
		{0x20dd, 0},   {0xfe0f, 0},   {0xe0100, 0},    {0x1160, 0},  {0x11ff, 0},
		{0x10ffff, 1}, {0x110000, 1}, {UINT32_MAX, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (char_width(cases[i].ch) != cases[i].width)
			fail_msg("U+%04X: %u columns, not %u", cases[i].ch, char_width(cases[i].ch),
				 cases[i].width);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_text),
		cmocka_unit_test(test_cut),    cmocka_unit_test(test_overwrite_halves),
		cmocka_unit_test(test_format), cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_print),  cmocka_unit_test(test_box),
		cmocka_unit_test(test_random), cmocka_unit_test(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
