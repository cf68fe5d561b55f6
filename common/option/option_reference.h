/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPTION_REFERENCE_H
#define PROXTOP_OPTION_REFERENCE_H

/*
 * The option table as a reference, in the formats of --list-options: what people read elsewhere
 * (Markdown, man pages) and what a shell completes says the same as --help.
 */
#include "option.h"

/* The formats, NULL-terminated: those of every program, and those of one that is also a service
 * with a file of variables (option_table.file). */
extern const char *const option_formats[];
extern const char *const option_formats_service[];

/* index: in one of them. */
void option_reference(const struct option_table *t, int index, FILE *to);

void option_markdown(const struct option_table *t, FILE *to);
/* roff, man(7): the program's page, and the page of its file in section 5. */
void option_man(const struct option_table *t, FILE *to);
void option_man_file(const struct option_table *t, FILE *to);
/* A completion that bash sources. */
void option_bash(const struct option_table *t, FILE *to);

#endif
