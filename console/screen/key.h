/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_KEY_H
#define PROXTOP_KEY_H

/*
 * A key, or a click, as the screen sees it; and the script that --keys takes.
 *
 *   c>r{Enter}{Down}{click 10,3}{wait 1}{resize 120x40}   {{ is a brace
 * Names: Enter Esc Backspace Tab Space Up Down Left Right PageUp PageDown Home End
 * Delete F1..F12 Ctrl-C, upper and lower case are the same.  {click COL,ROW}, {wheel-up COL,ROW}
 * and {wheel-down COL,ROW} count from 0,0 at the upper left.  {wait SECONDS} lets time pass (at
 * most an hour), {wait} until the next moment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_code {
	KEY_CODE_BASE = 0x110000, /* beyond Unicode; below: a character */
	K_ENTER,
	K_ESC,
	K_BACKSPACE,
	K_TAB,
	K_UP,
	K_DOWN,
	K_LEFT,
	K_RIGHT,
	K_PAGE_UP,
	K_PAGE_DOWN,
	K_HOME,
	K_END,
	K_DELETE,
	K_F1,
	K_F12 = K_F1 + 11,
	K_CTRL_C,
	K_CLICK,      /* col, row */
	K_WHEEL_UP,   /* col, row */
	K_WHEEL_DOWN, /* col, row */
	K_WAIT,       /* scripts only: seconds, < 0: until the next moment */
	K_RESIZE,     /* scripts only: col x row */
};

#define KEY_WAIT_MAX 3600.0 /* seconds */

struct key {
	uint32_t code;
	unsigned col, row;
	double seconds;
};

/* The keys of a script, *ret freed by the caller; -EINVAL with one line in why (what, at
 * which character). */
int key_script(struct key **ret, size_t *ret_n, const char *text, char *why, size_t why_size);
uint32_t key_code(const char *name, size_t n); /* of "Enter", "c", "Ctrl-C"; 0: none */
void key_names(char *to, size_t size);         /* all that have one: "Enter, Esc, ..." */

#endif
