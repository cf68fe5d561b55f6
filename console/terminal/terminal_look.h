/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TERMINAL_LOOK_H
#define PROXTOP_TERMINAL_LOOK_H

/*
 * The private side of terminal.h: curses, and how each style looks with it.
 *
 * One row per style; the terminal's colours decide which part of it counts.  Colours are the
 * numbers of the palette, -1 the terminal's own.  The cursor's row has a background of its own
 * where there are 256 colours, else it is reversed.
 */
#define NCURSES_WIDECHAR 1
#define NCURSES_NOMACROS 1

#include "grid.h"

#include <curses.h>

enum palette { PALETTE_MONO, PALETTE_8, PALETTE_256 };

/* After start_color(): makes the pairs; returns what there is. */
enum palette look_begin(bool no_color);

struct look_now {
	attr_t attributes;
	short pair;
};
struct look_now look_of(enum palette p, const struct cell *c);

#endif
