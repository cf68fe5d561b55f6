/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TERMINAL_H
#define PROXTOP_TERMINAL_H

/*
 * The real terminal: a grid onto it, keys from it.  Only terminal*.c knows curses.
 *
 * There is one terminal in a process, as curses has it.  terminal_close() restores it; the
 * caller sees to it that this happens at every end (signals are taken by a descriptor, so no
 * handler needs to).
 */
#include "grid.h"
#include "key.h"

struct terminal;

struct terminal_options {
	bool mouse;
	bool no_color; /* NO_COLOR is set and not empty (no-color.org) */
};

/* Would terminal_open() work?  Nothing is drawn yet.
 * -ENOTTY: stdin or stdout is no terminal; -ENXIO: TERM is unknown or cannot move the cursor
 * (dumb); each with one line in why that names --printer=text. */
int terminal_check(char *why, size_t why_size);
/* As terminal_check(), and takes the terminal. */
int terminal_open(struct terminal **ret, const struct terminal_options *o, char *why,
		  size_t why_size);
void terminal_close(struct terminal *t); /* NULL is fine */

void terminal_size(const struct terminal *t, unsigned *ret_cols, unsigned *ret_rows);
/* After SIGWINCH: asks the size anew. */
void terminal_resized(struct terminal *t);
void terminal_mouse(struct terminal *t, bool on);

/* Carries out what changed. */
void terminal_show(struct terminal *t, const struct grid *g);
/* The next key that is there; false: none. */
bool terminal_key(struct terminal *t, struct key *ret);

/* Ctrl-Z: restores the terminal, stops the process, and when it goes on takes the terminal
 * again and redraws all. */
void terminal_suspend(struct terminal *t);
/* After SIGCONT, when it was stopped by somebody else: as above from there on. */
void terminal_again(struct terminal *t);

#endif
