/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TERMINAL_KEYS_H
#define PROXTOP_TERMINAL_KEYS_H

/* The private side of terminal.h: what curses reads, as keys. */
#include "key.h"

/* 1: a key, -1: nothing there, 0: something that is none of ours. */
int curses_key(struct key *ret, bool *redraw);

#endif
