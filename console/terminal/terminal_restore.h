/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TERMINAL_RESTORE_H
#define PROXTOP_TERMINAL_RESTORE_H

/*
 * The terminal as it was, without curses: for the end that comes where nothing may be
 * allocated (xalloc.h).  What it takes is prepared when the terminal is taken.
 */
#include "xalloc.h"

#include <termios.h>

struct restore {
	struct termios shell; /* before curses */
	char bytes[256];
	size_t n;
	struct xalloc_end end;
};

/* Before newterm(): how the terminal is now. */
void restore_remember(struct restore *r);
/* After it: from now on until restore_over() memory that is gone restores the terminal. */
void restore_begin(struct restore *r);
void restore_over(void);

#endif
