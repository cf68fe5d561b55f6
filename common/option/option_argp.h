/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPTION_ARGP_H
#define PROXTOP_OPTION_ARGP_H

/* The option table as argp wants it: shared by parsing and --help. */
#include "option.h"

#include <argp.h>

#define OPTION_NAME_MAX 32u
#define OPTION_ARGP_MAX (2 * OPTION_ROWS_MAX + 1)

/* What argp calls row i: its letter, or a number beyond all letters. */
static inline int option_key(const struct option_table *t, size_t i)
{
	return t->rows[i].letter ? t->rows[i].letter : 0x400 + (int)i;
}

/* Fills to[OPTION_ARGP_MAX], ends it with a zero entry.  docs: allocated help texts
 * with the defaults appended, docs[OPTION_ROWS_MAX] to be freed; NULL: no help. */
void option_argp(const struct option_table *t, struct argp_option *to, char **docs);

#endif
