/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_GRID_H
#define PROXTOP_GRID_H

/*
 * The screen as data: rows of cells, each a character with what it means.  Everything that
 * is shown is drawn here first; a terminal only carries it out, a test compares it.
 * Where only ASCII can be drawn it is put as ASCII into the cells, in as many columns.
 *
 * What a cell means is a style, not a colour: the terminal decides how it looks (colours,
 * 8 or 256, monochrome).  A style never speaks by colour alone: WARN and BAD come with a sign
 * or bold.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define GRID_COLS_MAX 1000u
#define GRID_ROWS_MAX 500u
#define GRID_WIDE     0u /* the right half of a wide character */

enum style {
	STYLE_NORMAL,
	STYLE_DIM,      /* stale, absent, secondary */
	STYLE_BAR,      /* the status bar */
	STYLE_BAR_WARN, /* in it: frozen, past, broken connection */
	STYLE_HEADER,   /* column titles */
	STYLE_HEADER_SORT,
	STYLE_TITLE,
	STYLE_KEY, /* a key in help and hints */
	STYLE_NAME,
	STYLE_WARN,
	STYLE_BAD,
	STYLE_GRAPH,
	STYLES
};
enum cell_bit {
	CELL_CURSOR = 1, /* the row the cursor is on */
	CELL_MARKED = 2,
	CELL_MATCH = 4, /* what was looked for */
};

struct cell {
	uint32_t ch; /* Unicode; GRID_WIDE behind a wide one */
	uint8_t style, bits;
};

struct grid {
	unsigned cols, rows;
	struct cell *cell;          /* rows * cols */
	int cursor_col, cursor_row; /* of a prompt; -1: none */
	bool ascii; /* characters beyond ASCII are not to be drawn: not a UTF-8 terminal */
};

void grid_init(struct grid *g, unsigned cols, unsigned rows); /* blank; bounded, at least 1x1 */
void grid_fini(struct grid *g);
void grid_clear(struct grid *g);

/* Writes text (UTF-8; what is no character or controls the terminal becomes ?), cut at the
 * column before `end`, and at the grid.  A character too wide for what is left becomes a
 * blank.  Returns the column behind it. */
unsigned grid_text(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
		   const char *text);
/* At the right of [col, end). */
void grid_text_right(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
		     const char *text);
/* snprintf and grid_text; at most 511 bytes. */
unsigned grid_format(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
		     const char *format, ...) __attribute__((format(printf, 6, 7)));
void grid_fill(struct grid *g, unsigned col, unsigned row, unsigned end, enum style style,
	       uint32_t ch);
/* Adds bits to what is there; whatever is written later has none. */
void grid_mark(struct grid *g, unsigned col, unsigned row, unsigned end, uint8_t bits);
/* A frame around [col, end) x [row, bottom), the inside cleared, with a title. */
void grid_box(struct grid *g, unsigned col, unsigned row, unsigned end, unsigned bottom,
	      const char *title);

/* Columns that text takes, the same replacements made. */
unsigned grid_width(const char *text);

/* As text, one line per row, trailing blanks cut.  with_styles: below each row with anything
 * but normal a line beginning with '~' that has a letter per cell, and below one with bits a
 * line beginning with '^' that has their sum per cell (grid_print.c says which letters). */
void grid_print(const struct grid *g, bool with_styles, FILE *to);

#endif
