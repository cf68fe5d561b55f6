/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal_look.h"

struct colours {
	short fg, bg;
	attr_t attributes;
};

struct look {
	struct colours c256, c8;
	attr_t mono;
	short cursor_fg; /* of 256, on the cursor's background */
};

#define OWN       (-1)
#define CURSOR_BG 238 /* dark grey */
#define MARKED_FG 178 /* gold */

/* In the order of enum style.  Readable on dark and on light backgrounds. */
static const struct look looks[STYLES] = {
	[STYLE_NORMAL] = {{OWN, OWN, 0}, {OWN, OWN, 0}, 0, 255},
	[STYLE_DIM] = {{244, OWN, 0}, {OWN, OWN, A_DIM}, A_DIM, 249},
	[STYLE_BAR] = {{255, 24, 0}, {OWN, OWN, A_REVERSE}, A_REVERSE, 255},
	[STYLE_BAR_WARN] = {{16, 214, A_BOLD},
			    {COLOR_BLACK, COLOR_YELLOW, 0},
			    A_REVERSE | A_BOLD,
			    214},
	[STYLE_HEADER] = {{OWN, OWN, A_BOLD | A_UNDERLINE},
			  {OWN, OWN, A_BOLD | A_UNDERLINE},
			  A_UNDERLINE,
			  255},
	[STYLE_HEADER_SORT] = {{OWN, OWN, A_BOLD | A_REVERSE},
			       {OWN, OWN, A_BOLD | A_REVERSE},
			       A_BOLD | A_REVERSE,
			       255},
	[STYLE_TITLE] = {{OWN, OWN, A_BOLD}, {OWN, OWN, A_BOLD}, A_BOLD, 255},
	[STYLE_KEY] = {{32, OWN, A_BOLD}, {COLOR_CYAN, OWN, A_BOLD}, A_BOLD, 117},
	[STYLE_NAME] = {{32, OWN, 0}, {COLOR_CYAN, OWN, 0}, 0, 117},
	[STYLE_WARN] = {{172, OWN, A_BOLD}, {COLOR_YELLOW, OWN, A_BOLD}, A_BOLD, 215},
	[STYLE_BAD] = {{196, OWN, A_BOLD}, {COLOR_RED, OWN, A_BOLD}, A_BOLD | A_REVERSE, 210},
	[STYLE_GRAPH] = {{37, OWN, 0}, {COLOR_CYAN, OWN, 0}, 0, 80},
};

/* Which pair: three per style. */
enum variant { PLAIN, MARKED, CURSOR, VARIANTS };

static short pair_of(enum style s, enum variant v)
{
	return (short)(1 + (short)s * VARIANTS + (short)v);
}

/* A terminal that cannot go back to its own colours has black and white. */
static short or_else(short colour, bool own, short instead)
{
	return colour == OWN && !own ? instead : colour;
}

static void make_pair(enum style s, enum variant v, short fg, short bg, bool own)
{
	init_pair(pair_of(s, v), or_else(fg, own, COLOR_WHITE), or_else(bg, own, COLOR_BLACK));
}

static void make_pairs(enum palette p, bool own)
{
	for (unsigned s = 0; s < STYLES; s++) {
		const struct look *l = &looks[s];
		const struct colours *c = p == PALETTE_256 ? &l->c256 : &l->c8;
		short marked = p == PALETTE_256 ? MARKED_FG : COLOR_YELLOW;
		bool plain = c->fg == OWN && c->bg == OWN;

		make_pair((enum style)s, PLAIN, c->fg, c->bg, own);
		make_pair((enum style)s, MARKED, plain ? marked : c->fg, c->bg, own);
		if (p == PALETTE_256)
			make_pair((enum style)s, CURSOR, l->cursor_fg, CURSOR_BG, own);
		else /* reversed: of one colour along the row */
			make_pair((enum style)s, CURSOR, OWN, OWN, own);
	}
}

enum palette look_begin(bool no_color)
{
	enum palette p = COLORS >= 256 ? PALETTE_256 : PALETTE_8;
	bool own;

	if (no_color || !has_colors() || start_color() == ERR || COLORS < 8 ||
	    COLOR_PAIRS <= STYLES * VARIANTS)
		return PALETTE_MONO;
	p = COLORS >= 256 ? PALETTE_256 : PALETTE_8;
	own = use_default_colors() != ERR;
	make_pairs(p, own);
	return p;
}

struct look_now look_of(enum palette p, const struct cell *c)
{
	enum style s = c->style < STYLES ? (enum style)c->style : STYLE_NORMAL;
	const struct look *l = &looks[s];
	struct look_now now = {.attributes = l->mono};
	enum variant v = c->bits & CELL_CURSOR ? CURSOR : c->bits & CELL_MARKED ? MARKED : PLAIN;

	if (p != PALETTE_MONO) {
		now.attributes = p == PALETTE_256 ? l->c256.attributes : l->c8.attributes;
		now.pair = pair_of(s, v);
	}
	if (c->bits & CELL_MARKED)
		now.attributes |= A_BOLD;
	if (c->bits & CELL_MATCH)
		now.attributes |= A_UNDERLINE;
	if (v == CURSOR && p != PALETTE_256)
		now.attributes ^= A_REVERSE; /* what was reversed already stays visible */
	return now;
}
