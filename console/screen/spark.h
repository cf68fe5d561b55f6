/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SPARK_H
#define PROXTOP_SPARK_H

/* Values as a line of blocks, or of ASCII where the grid says so: one column a value, the
 * newest at the right; absent is a blank.  top: the value of a full block, 0: the greatest. */
#include "grid.h"

void spark_draw(struct grid *g, unsigned col, unsigned row, unsigned end, const double *values,
		unsigned n, double top, enum style style);

#endif
