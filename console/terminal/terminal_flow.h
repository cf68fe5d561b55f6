/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TERMINAL_FLOW_H
#define PROXTOP_TERMINAL_FLOW_H

/*
 * The private side of terminal.h: a terminal that takes no more (stopped with Ctrl-S, a line
 * that hangs) keeps a write waiting for good.  That must not keep the program from ending.
 */

/* Once, before the first flow_guard(): what SIGALRM does. */
void flow_begin(void);
/* Around writing: when the program is meant to end meanwhile, what is not sent yet is thrown
 * away, so that the write comes back. */
void flow_guard(void);
void flow_unguard(void);
/* Before the last words: waits a moment for the terminal, then throws away what it does not
 * take. */
void flow_free(void);

#endif
