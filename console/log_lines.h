/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LOG_LINES_H
#define PROXTOP_LOG_LINES_H

/*
 * The log while a screen is on the terminal: lines are kept here instead of being written over
 * the picture, the newest one is shown in it, and the last ones are said on stderr when the
 * terminal is restored.
 */
#include <stdbool.h>
#include <stddef.h>

#define LOG_LINE_SIZE 512u

struct log_lines;

/* Takes the log; NULL: no descriptor (said). */
struct log_lines *log_lines_begin(void);
/* Gives it back and says the last lines; NULL is fine. */
void log_lines_end(struct log_lines *l);

int log_lines_fd(const struct log_lines *l); /* readable when there is a new line */
/* The newest line that came since the last call; false: none. */
bool log_lines_take(struct log_lines *l, char to[LOG_LINE_SIZE]);

#endif
