/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CHAR_WIDTH_H
#define PROXTOP_CHAR_WIDTH_H

/*
 * How many columns a character takes, whatever the locale: char_ranges.def, made from
 * Unicode's East Asian Width and categories.
 *
 * What is shown is safe: controls, bidi and other format characters and bytes that are no
 * character come out as ?.  Combining marks take no column of their own and are left out, as
 * a grid has one character per cell and terminals do not agree about them.
 */
#include <stdint.h>

/* 0: to be left out, 1, 2 */
unsigned char_width(uint32_t ch);

/* The next character of UTF-8 text as it is to be shown, its columns in *ret_width; moves
 * *text behind it.  0 at the end. */
uint32_t char_next(const char **text, unsigned *ret_width);

#endif
