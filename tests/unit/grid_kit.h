/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_GRID_KIT_H
#define PROXTOP_TEST_GRID_KIT_H

/* A grid as text. */
#include "grid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Freed by the caller. */
static inline char *grid_kit_text(const struct grid *g, bool with_styles)
{
	char *text = NULL, *copy;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	grid_print(g, with_styles, to);
	fclose(to);
	copy = strdup(text); /* what the stream made looks like a local one's to gcc 12 */
	free(text);
	return copy;
}

#endif
