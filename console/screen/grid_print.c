/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include "utf8.h"

/*
 * With styles, below each row that needs it: "~" and a letter per cell for its style, and
 * "^" and a digit per cell, the sum of its bits (1 cursor, 2 marked, 4 match).
 */
static const char letters[STYLES] = {
	[STYLE_NORMAL] = ' ',   [STYLE_DIM] = 'd',    [STYLE_BAR] = 'b',
	[STYLE_BAR_WARN] = 'B', [STYLE_HEADER] = 'h', [STYLE_HEADER_SORT] = 'H',
	[STYLE_TITLE] = 't',    [STYLE_KEY] = 'k',    [STYLE_NAME] = 'n',
	[STYLE_WARN] = 'w',     [STYLE_BAD] = 'x',    [STYLE_GRAPH] = 's',
};

static void put_char(uint32_t ch, FILE *to)
{
	char bytes[4];

	fwrite(bytes, 1, utf8_encode(ch, bytes), to);
}

static void print_row(const struct cell *c, unsigned cols, FILE *to)
{
	unsigned end = cols;

	while (end && c[end - 1].ch == ' ')
		end--;
	for (unsigned i = 0; i < end; i++)
		if (c[i].ch != GRID_WIDE)
			put_char(c[i].ch, to);
	putc('\n', to);
}

static char style_letter(const struct cell *c)
{
	return letters[c->style < STYLES ? c->style : STYLE_NORMAL];
}

static char bits_letter(const struct cell *c)
{
	return c->bits ? (char)('0' + (c->bits & 7)) : ' ';
}

/* A line of what each cell gives, unless all are blank. */
static void print_letters(const struct cell *c, unsigned cols, char sign,
			  char (*letter)(const struct cell *c), FILE *to)
{
	unsigned end = cols;

	while (end && letter(&c[end - 1]) == ' ')
		end--;
	if (!end)
		return;
	putc(sign, to);
	for (unsigned i = 0; i < end; i++)
		putc(letter(&c[i]), to);
	putc('\n', to);
}

void grid_print(const struct grid *g, bool with_styles, FILE *to)
{
	for (unsigned row = 0; row < g->rows; row++) {
		const struct cell *c = &g->cell[(size_t)row * g->cols];

		print_row(c, g->cols, to);
		if (!with_styles)
			continue;
		print_letters(c, g->cols, '~', style_letter, to);
		print_letters(c, g->cols, '^', bits_letter, to);
	}
}
