/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CSV_H
#define PROXTOP_CSV_H

/*
 * Numbers from a CSV file as people have it: one column per metric, with a line of names or
 * without, lines that end with LF or CRLF, a byte order mark, cells in double quotes
 * (RFC 4180, without line breaks in them).
 *
 * An empty cell, and NaN, is an absent value (NAN).  All else is a decimal number that a double
 * can hold; anything different is an error with its line and column.  The first line is names
 * when one of its cells is neither empty nor a number.  Empty lines are passed over, in a
 * file of one column they are an absent value.
 */
#include <stdint.h>
#include <stdio.h>

#define CSV_COLUMNS_MAX 64u
#define CSV_LINE_MAX    65536u /* bytes */
#define CSV_NAME_MAX    63u    /* bytes of a column's name; longer ones are refused */

struct csv;

/* from: the caller's, open for reading for as long as the reader; name: for errors.  0, or
 * negative errno (-ENODATA: there is no line) with one line for the user in why. */
int csv_open(struct csv **ret, FILE *from, const char *name, char *why, size_t why_size);
void csv_close(struct csv *c); /* NULL is fine */

unsigned csv_columns(const struct csv *c);
/* A name of the first line, or metric_0, metric_1, ... */
const char *csv_name(const struct csv *c, unsigned column);

/* The next row: 1, csv_columns() values, valid until the next call; 0 at the end; negative errno
 * with one line for the user in why. */
int csv_next(struct csv *c, const double **ret, char *why, size_t why_size);

#endif
