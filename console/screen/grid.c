/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include "char_width.h"
#include "utf8.h"
#include "xalloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct cell blank = {.ch = ' ', .style = STYLE_NORMAL};

static unsigned clamp(unsigned v, unsigned min, unsigned max)
{
	return v < min ? min : v > max ? max : v;
}

void grid_init(struct grid *g, unsigned cols, unsigned rows)
{
	*g = (struct grid){.cols = clamp(cols, 1, GRID_COLS_MAX),
			   .rows = clamp(rows, 1, GRID_ROWS_MAX)};
	g->cell = xcalloc((size_t)g->cols * g->rows, sizeof(*g->cell));
	grid_clear(g);
}

void grid_fini(struct grid *g)
{
	free(g->cell);
	*g = (struct grid){0};
}

void grid_clear(struct grid *g)
{
	for (size_t i = 0; i < (size_t)g->cols * g->rows; i++)
		g->cell[i] = blank;
	g->cursor_col = g->cursor_row = -1;
}

static unsigned cut_end(const struct grid *g, unsigned row, unsigned end)
{
	return row < g->rows ? clamp(end, 0, g->cols) : 0;
}

/* What stands for it where only ASCII can be drawn. */
static uint32_t plain(uint32_t ch)
{
	static const struct {
		uint16_t ch;
		char plain;
	} known[] = {
		{0xb0, 'o'},   {0xb1, '~'},   {0xb5, 'u'},   {0xb7, '.'},   {0xd7, 'x'},
		{0x2013, '-'}, {0x2014, '-'}, {0x2022, '*'}, {0x2026, '~'}, {0x2190, '<'},
		{0x2191, '^'}, {0x2192, '>'}, {0x2193, 'v'}, {0x2500, '-'}, {0x2502, '|'},
		{0x250c, '+'}, {0x2510, '+'}, {0x2514, '`'}, {0x2518, '+'}, {0x251c, '|'},
		{0x2524, '|'}, {0x2588, '#'}, {0x25b2, '^'}, {0x25b6, '>'}, {0x25bc, 'v'},
		{0x25c0, '<'}, {0x25cf, '*'}, {0x2713, 'x'},
	};

	if (ch < 0x80)
		return ch;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].ch == ch)
			return (unsigned char)known[i].plain;
	return '?';
}

/* The other half of a wide character that is written over. */
static void free_halves(struct cell *c, unsigned col, unsigned cols)
{
	if (c->ch == GRID_WIDE && col)
		c[-1].ch = ' ';
	if (col + 1 < cols && c[1].ch == GRID_WIDE)
		c[1].ch = ' ';
}

/* One character that fits: the caller has looked. */
static void put(struct grid *g, unsigned col, unsigned row, enum style style, uint32_t ch,
		unsigned width)
{
	struct cell *c = &g->cell[(size_t)row * g->cols + col];

	if (g->ascii)
		ch = plain(ch);
	for (unsigned i = 0; i < width; i++) {
		free_halves(&c[i], col + i, g->cols);
		c[i] = (struct cell){.ch = i && !g->ascii ? GRID_WIDE : ch,
				     .style = (uint8_t)style};
	}
}

unsigned grid_text(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
		   const char *text)
{
	unsigned width;
	uint32_t ch;

	end = cut_end(g, row, end);
	while (col < end && (ch = char_next(&text, &width))) {
		if (width > end - col) {
			ch = ' ';
			width = 1;
		}
		if (width)
			put(g, col, row, style, ch, width);
		col += width;
	}
	return col;
}

unsigned grid_width(const char *text)
{
	unsigned width, sum = 0;

	while (char_next(&text, &width))
		sum += width;
	return sum;
}

void grid_text_right(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
		     const char *text)
{
	unsigned width = grid_width(text);

	if (end > col && width < end - col)
		col = end - width;
	grid_text(g, col, row, end, style, text);
}

/* n bytes are a text that was cut: takes away a character that was cut with it. */
static void drop_cut_character(char *text, size_t n)
{
	size_t back = 0;

	while (back < 3 && back < n && utf8_follows((unsigned char)text[n - 1 - back]))
		back++;
	if (back < n && !utf8_length(text + n - 1 - back))
		text[n - 1 - back] = '\0';
}

unsigned grid_format(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
		     const char *format, ...)
{
	char text[512] = "";
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n >= (int)sizeof(text))
		drop_cut_character(text, sizeof(text) - 1);
	return grid_text(g, col, row, end, style, text);
}

void grid_fill(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
	       uint32_t ch)
{
	if (char_width(ch) != 1)
		ch = '?';
	end = cut_end(g, row, end);
	for (; col < end; col++)
		put(g, col, row, style, ch, 1);
}

void grid_mark(struct grid *g, unsigned col, unsigned row, unsigned end, uint8_t bits)
{
	end = cut_end(g, row, end);
	for (; col < end; col++)
		g->cell[(size_t)row * g->cols + col].bits |= bits;
}

static void edge(struct grid *g, unsigned col, unsigned row, unsigned end, uint32_t left,
		 uint32_t right)
{
	grid_fill(g, col, row, end, STYLE_NORMAL, 0x2500);
	grid_fill(g, col, row, col + 1, STYLE_NORMAL, left);
	grid_fill(g, end - 1, row, end, STYLE_NORMAL, right);
}

void grid_box(struct grid *g, unsigned col, unsigned row, unsigned end, unsigned bottom,
	      const char *title)
{
	if (end < col + 2 || bottom < row + 2)
		return;
	edge(g, col, row, end, 0x250c, 0x2510);
	for (unsigned r = row + 1; r + 1 < bottom; r++) {
		grid_fill(g, col, r, end, STYLE_NORMAL, ' ');
		grid_fill(g, col, r, col + 1, STYLE_NORMAL, 0x2502);
		grid_fill(g, end - 1, r, end, STYLE_NORMAL, 0x2502);
	}
	edge(g, col, bottom - 1, end, 0x2514, 0x2518);
	if (title && *title && end > col + 6) {
		unsigned at = grid_text(g, col + 1, row, end - 2, STYLE_TITLE, " ");

		at = grid_text(g, at, row, end - 2, STYLE_TITLE, title);
		grid_text(g, at, row, end - 1, STYLE_TITLE, " ");
	}
}
